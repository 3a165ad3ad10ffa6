//! The command line: one file per command, and what they share.
//!
//! Knows arguments, files, folders, terminals and exit codes. Must not judge, count or word a finding: commands read what
//! they are given, call the modules below, and print what those return.
//!
//! Machine output goes to stdout alone, words for people to stderr. Whatever a command returns as an error means that
//! what was asked is wrong (exit code 2); everything else is an [`ExitCode`].

mod certs;
mod check;
mod choose;
mod collect;
mod eval;
mod explain;
mod facts;
mod follow;
mod input;
mod options;
mod page;
mod policies;
mod policy_files;
mod progress;
mod report;
mod serve;
mod terminal;
mod test;

use std::ffi::OsString;

use clap::{CommandFactory, Parser, Subcommand};

use crate::report::summary::ExitCode;

/// The exit codes, as `--help` tells them.
const EXIT_CODES: &str = "\
Exit codes:
  0  nothing at or above --fail-on (blocker, unless you say otherwise)
  1  findings
  2  what was asked is wrong: an option, a path, a policy
  3  not everything could be seen: a file that cannot be read, a policy's error, no objects at all;
     with --strict also what could not be judged
2 beats 3 beats 1.";

const ABOUT: &str = "\
Finds what will stop an upgrade of OpenShift Virtualization or KubeVirt, and says how to fix it.";

const MOST_PEOPLE_NEED: &str = "\
Most people need three commands:
  virt-guard check apps/                        manifests, before they are applied
  virt-guard report --from must-gather.local.1  a cluster's dump, before it is upgraded
  virt-guard serve                              the webhook; --dev tries it on this machine

virt-guard report --collect prints the commands that make such a dump.";

/// Everything that can be asked.
#[derive(Debug, Parser)]
#[command(name = "virt-guard", version, about = ABOUT, before_help = MOST_PEOPLE_NEED, max_term_width = 100)]
#[command(help_template = "{about-with-newline}\n{before-help}{usage-heading} {usage}\n\n{all-args}{after-help}")]
#[command(disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Arguments),
    Report(report::Arguments),
    Serve(serve::Arguments),
    Explain(explain::Arguments),
    Policies(policies::Arguments),
    Facts(facts::Arguments),
    Test(test::Arguments),
    Eval(eval::Arguments),
    Certs(certs::Arguments),
}

/// Runs what the arguments ask for; the first is the program's name.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> std::process::ExitCode {
    let code = match Arguments::try_parse_from(arguments) {
        Ok(Arguments { command: Some(command) }) => match command.run() {
            Ok(code) => code,
            Err(wrong) => {
                terminal::say(&wrong.to_string());
                ExitCode::Wrong
            }
        },
        Ok(Arguments { command: None }) => {
            let help = Arguments::command().render_help();
            // Nothing can be said to a reader who is gone.
            let _ = terminal::print(&help.to_string());
            ExitCode::Clean
        }
        Err(answer) => {
            // `--help` and `--version` are answers as well; clap knows where each goes.
            let _ = answer.print();
            if answer.use_stderr() { ExitCode::Wrong } else { ExitCode::Clean }
        }
    };
    std::process::ExitCode::from(code.number())
}

impl Command {
    fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Command::Check(arguments) => arguments.run(),
            Command::Report(arguments) => arguments.run(),
            Command::Serve(arguments) => arguments.run(),
            Command::Explain(arguments) => arguments.run(),
            Command::Policies(arguments) => arguments.run(),
            Command::Facts(arguments) => arguments.run(),
            Command::Test(arguments) => arguments.run(),
            Command::Eval(arguments) => arguments.run(),
            Command::Certs(arguments) => arguments.run(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_hang_together() {
        Arguments::command().debug_assert();
    }
}
