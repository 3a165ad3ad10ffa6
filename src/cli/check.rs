//! `check`: manifests against the policies, before they are applied.

use std::path::PathBuf;

use clap::Args;

use super::input::{Dump, Manifests};
use super::options::{ClusterOptions, OutputOptions};
use super::policy_files::PolicyOptions;
use super::terminal;
use crate::engine::{self, Surroundings};
use crate::finding::{Assessment, Inputs};
use crate::inventory::{Entry, Inventory};
use crate::object::Object;
use crate::report::Door;
use crate::report::summary::ExitCode;

const EXAMPLES: &str = "\
Examples:
  virt-guard check apps/                       all manifests below a folder
  kustomize build prod | virt-guard check -    what a tool prints
  virt-guard check apps/ --from upgrade-check  knowing a cluster's storage classes and defaults
  virt-guard check apps/ --cluster-default evictionStrategy=LiveMigrate
  virt-guard check apps/ -o text -o json=findings.json";

/// Check manifests before they are applied
///
/// Reads YAML and JSON files, and folders with all that is below them except what git ignores. Each object is judged as
/// it stands. Kustomizations and Helm charts are not built: render them first and pipe the result in. No cluster is
/// needed; what only a cluster knows can be given with --from or --cluster-default, and is otherwise named as not judged.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{}", super::EXIT_CODES))]
pub struct Arguments {
    /// Files and folders; - is standard input
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// A cluster's dump, for what manifests alone cannot tell; its objects are not judged
    #[arg(long, value_name = "DUMP", help_heading = "About the cluster")]
    from: Option<PathBuf>,
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
        if self.paths.is_empty() {
            anyhow::bail!("nothing to check; name files or folders, or - for standard input: virt-guard check apps/");
        }
        let policies = self.policies.load()?;
        let dump = self.from.as_deref().map(Dump::read).transpose()?;
        let manifests = Manifests::read(&self.paths)?;
        let Dump { inventory, now, mut unreadable, mut notes, .. } = dump.unwrap_or_default();
        let inventory = with_manifests(inventory, &manifests);
        let cluster = self.cluster.cluster(&inventory, now);
        let subjects: Vec<Object<'_>> = manifests.objects.iter().map(Entry::object).collect();
        let scan = engine::scan(&policies, &subjects, Surroundings { inventory: &inventory, cluster: &cluster });
        unreadable.extend(manifests.unreadable.iter().cloned());
        if subjects.is_empty() && unreadable.is_empty() {
            terminal::say(&nothing_found(&self.paths, &manifests));
        }
        if self.output.all {
            notes.extend(passed_over(&manifests));
        }
        let names = self.paths.iter().map(|path| path.display().to_string()).collect();
        let inputs = Inputs { names, files: manifests.files, unreadable, notes };
        self.output.write(&Assessment { scan, cluster: None, inputs }, Door::Check)
    }
}

/// What the cluster would hold once the manifests were applied: they count over what is there.
fn with_manifests(mut inventory: Inventory, manifests: &Manifests) -> Inventory {
    manifests.objects.iter().for_each(|entry| inventory.add(entry.clone()));
    inventory
}

fn nothing_found(paths: &[PathBuf], manifests: &Manifests) -> String {
    let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    let others: usize = manifests.others.iter().map(|(_, documents)| documents).sum();
    let read = match (manifests.files, others) {
        (0, _) => "there are no files that end in .yaml, .yml or .json".to_owned(),
        (_, 0) => "the files there are empty".to_owned(),
        (_, _) => "what is there has no apiVersion and kind, as every Kubernetes object does".to_owned(),
    };
    format!("no objects found in {}: {read}", names.join(", "))
}

fn passed_over(manifests: &Manifests) -> Vec<String> {
    let documents = |n: usize| if n == 1 { "1 document is".to_owned() } else { format!("{n} documents are") };
    let note = |(file, n): &(String, usize)| format!("{file}: {} no Kubernetes object", documents(*n));
    manifests.others.iter().map(note).collect()
}
