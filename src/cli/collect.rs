//! `report --collect`: the commands that collect what the policies read.
//!
//! `oc adm inspect` writes nothing for a kind of which there are no objects, and stops at a kind that the cluster does not
//! serve. So each kind is asked for alone, and a marker beside the dump names those that could be read: only then does the
//! report know "there are none" from "nobody looked".

use std::collections::BTreeSet;

use crate::engine;
use crate::facts;
use crate::inventory::{COLLECTED_FILE, Kind};
use crate::policy::PolicySet;

/// Kinds that a report's head is made of, whatever the policies read.
const HEAD: [Kind; 8] = [
    facts::CLUSTER_VERSION,
    facts::INFRASTRUCTURE,
    facts::CLUSTER_SERVICE_VERSION,
    facts::HYPER_CONVERGED,
    facts::KUBE_VIRT,
    facts::NODE,
    facts::VIRTUAL_MACHINE,
    facts::VIRTUAL_MACHINE_INSTANCE,
];

/// A shell script to paste.
pub fn commands(policies: &PolicySet) -> String {
    let resources = resources(policies);
    let count = resources.len();
    let lines: Vec<String> = resources.into_iter().map(|resource| format!("  {resource}")).collect();
    format!(
        "\
# Collects the {count} kinds that virt-guard's policies read, into the folder upgrade-check.
# It only reads (get and list), and no Secrets. Paste it into a shell that is logged in with oc.
(
dir=upgrade-check
mkdir -p \"$dir\"
collected=
for kind in $(cat <<'KINDS'
{}
KINDS
); do
  if oc adm inspect --dest-dir=\"$dir\" --all-namespaces \"$kind\" >> \"$dir\"/inspect.log 2>&1; then
    collected=\"$collected
- $kind\"
  else
    echo \"not collected: $kind (see $dir/inspect.log)\" >&2
  fi
done
# oc writes nothing for a kind without objects; this file says which kinds were asked for.
cat > \"$dir\"/{COLLECTED_FILE} <<MARKER
apiVersion: virt-guard.io/v1
kind: Collected
resources:$collected
MARKER
)
virt-guard report --from upgrade-check
",
        lines.join("\n")
    )
}

/// `plural.group` of everything that is judged or read. Sorted, each once.
fn resources(policies: &PolicySet) -> BTreeSet<String> {
    let judged = policies.iter().flat_map(|p| p.resources()).filter(|(group, plural)| group != "*" && plural != "*");
    let judged = judged.map(|(group, plural)| if group.is_empty() { plural } else { format!("{plural}.{group}") });
    let read = engine::kinds_read(policies.iter());
    // A policy may match a subresource, such as `virtualmachines/status`; what is stored is the object.
    let objects = judged.map(|resource| resource.split('/').next().unwrap_or_default().to_owned());
    objects.chain(read.iter().chain(&HEAD).map(Kind::resource)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_read_is_collected() {
        let (policies, problems) = engine::load_policies([]);
        assert!(problems.is_empty());
        let resources = resources(&policies);
        for wanted in ["nodes", "clusterversions.config.openshift.io", "subscriptions.operators.coreos.com"] {
            assert!(resources.contains(wanted), "{wanted}: {resources:?}");
        }
        assert!(!resources.iter().any(|r| r.contains(['*', '/', ' ']) || r.starts_with("secrets")), "{resources:?}");
    }
}
