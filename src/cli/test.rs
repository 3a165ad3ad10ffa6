//! `test`: the cases of policies, played.

use std::path::PathBuf;

use clap::Args;
use rayon::prelude::*;

use super::{policy_files, terminal};
use crate::engine::{self, CaseRun, EMBEDDED, EmbeddedPolicy};
use crate::policy::{Policy, PolicySet};
use crate::report::summary::ExitCode;

const EXAMPLES: &str = "\
Examples:
  virt-guard test                   the built-in policies
  virt-guard test policies/         your own, together with the built-in ones that they may refer to
  virt-guard test policies/mine.yaml

Exit codes: 0 all cases hold, 1 one does not or there are none, 2 a policy file is wrong.";

/// Run the cases of policies
///
/// Each case in a policy's PolicyNotes is an object and what has to come out. Without PATH the built-in policies are
/// tested, with PATH those in that file or folder. A file with the name of a built-in policy's file stands for it.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// A folder of policies, or one file
    #[arg(value_name = "PATH")]
    path: Option<PathBuf>,
}

impl Arguments {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let users = policy_files::read(self.path.as_slice())?;
        let stands_for =
            |path: &str| users.iter().any(|(user, _)| policy_files::file_name(user) == policy_files::file_name(path));
        // As they are written: a case that does not hold is shown with its line.
        let embedded = EMBEDDED.iter().filter(|file| !stands_for(file.name)).map(EmbeddedPolicy::as_written);
        let policies = policy_files::checked(engine::load_files(embedded, policy_files::named(&users)))?;
        let tested: Vec<&Policy> = tested(&policies, self.path.is_none());
        let runs: Vec<Vec<CaseRun>> = tested.par_iter().map(|policy| run(policy)).collect();
        let told = tell(&tested, &runs);
        terminal::print(&told.text)?;
        for id in &told.without_cases {
            terminal::say(&format!("{id} has no cases; nothing proves that it does what it says"));
        }
        Ok(if told.holds { ExitCode::Clean } else { ExitCode::Findings })
    }
}

fn tested(policies: &PolicySet, embedded: bool) -> Vec<&Policy> {
    policies.iter().filter(|policy| policy.embedded == embedded).collect()
}

fn run(policy: &Policy) -> Vec<CaseRun> {
    policy.cases.iter().map(|case| engine::run_case(policy, case)).collect()
}

struct Told {
    text: String,
    /// True when there were cases and each holds: nothing tested is nothing proved.
    holds: bool,
    without_cases: Vec<String>,
}

/// Each failure with its place, then one line of counts.
fn tell(policies: &[&Policy], runs: &[Vec<CaseRun>]) -> Told {
    let mut told = Told { text: String::new(), holds: false, without_cases: Vec::new() };
    let mut failed = 0;
    for (policy, runs) in policies.iter().zip(runs) {
        if runs.is_empty() {
            told.without_cases.push(policy.id.clone());
        }
        for run in runs {
            let Some(error) = &run.error else { continue };
            failed += 1;
            let error = error.to_string().replace('\n', "\n    ");
            told.text.push_str(&format!("{}:{}: {}: {}\n    {error}\n", policy.file, run.line, run.policy, run.case));
        }
    }
    let of = |n: usize, one: &str, many: &str| if n == 1 { format!("1 {one}") } else { format!("{n} {many}") };
    let played = runs.iter().map(Vec::len).sum();
    let end = match (played, failed) {
        (0, _) => "nothing was tested".to_owned(),
        (_, 0) => "all hold".to_owned(),
        (_, 1) => "1 does not hold".to_owned(),
        (_, n) => format!("{n} do not hold"),
    };
    let (cases, policies) = (of(played, "case", "cases"), of(policies.len(), "policy", "policies"));
    told.text.push_str(&format!("{cases} of {policies}: {end}\n"));
    told.holds = played > 0 && failed == 0;
    told
}
