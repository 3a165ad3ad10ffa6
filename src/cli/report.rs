//! `report`: what blocks a cluster's next upgrade.

use std::path::PathBuf;

use clap::Args;

use super::collect;
use super::input::Dump;
use super::options::{ClusterOptions, OutputOptions};
use super::policy_files::PolicyOptions;
use super::terminal;
use crate::engine::{self, Surroundings};
use crate::finding::{Assessment, Inputs};
use crate::object::Object;
use crate::report::Door;
use crate::report::summary::ExitCode;

const EXAMPLES: &str = "\
Examples:
  virt-guard report --collect                     prints the commands that collect a dump
  virt-guard report --from upgrade-check          the folder that they fill
  virt-guard report --from must-gather.local.123  VMs are in it when OpenShift Virtualization's
                                                  image gathered too
  oc get vm,vmi -A -o yaml | virt-guard report --from -
  virt-guard report --from upgrade-check --target 4.20 -o text -o json=report.json";

/// Everything that says how a report is made, and means nothing to --collect.
const OF_A_REPORT: [&str; 9] =
    ["target", "cluster_defaults", "now", "output", "fail_on", "strict", "all", "ascii", "color"];

/// Report what blocks a cluster's next upgrade
///
/// Looks at a dump of a cluster: the folder of `oc adm inspect` or `oc adm must-gather`, or what `kubectl get -o yaml`
/// printed. Says stage by stage what would stop the upgrade, which objects share a cause, and which command fixes it.
/// What was not collected is named, and never taken for granted.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{}", super::EXIT_CODES))]
pub struct Arguments {
    /// The dump: a folder or a file; - is standard input
    #[arg(long, value_name = "PATH")]
    from: Option<PathBuf>,
    /// Print the commands that collect what the policies read, and do nothing else
    #[arg(long, conflicts_with = "from", conflicts_with_all = OF_A_REPORT)]
    collect: bool,
    #[command(flatten)]
    cluster: ClusterOptions,
    #[command(flatten)]
    policies: PolicyOptions,
    #[command(flatten)]
    output: OutputOptions,
}

impl Arguments {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        self.output.validate()?;
        if self.collect {
            terminal::print(&collect::commands(&self.policies.load()?))?;
            return Ok(ExitCode::Clean);
        }
        let Some(path) = &self.from else {
            anyhow::bail!(
                "nothing to report on; a running cluster cannot be asked yet.\n\
                 Collect a dump with the commands that `virt-guard report --collect` prints,\n\
                 or give one that you have: virt-guard report --from must-gather.local.123"
            );
        };
        let policies = self.policies.load()?;
        let dump = Dump::read(path)?;
        let cluster = self.cluster.cluster(&dump.inventory, dump.now);
        let around = Surroundings { inventory: &dump.inventory, cluster: &cluster };
        let subjects: Vec<Object<'_>> = dump.inventory.objects().collect();
        let scan = engine::scan(&policies, &subjects, around);
        if subjects.is_empty() {
            let path = path.display();
            terminal::say(&format!(
                "no objects found in {path}: is it the folder of a must-gather, or a file of objects?"
            ));
        }
        let names = vec![path.display().to_string()];
        let inputs = Inputs { names, files: dump.files, unreadable: dump.unreadable, notes: dump.notes };
        let assessment = Assessment { scan, cluster: Some(engine::cluster_summary(around)), inputs };
        self.output.write(&assessment, Door::Report)
    }
}
