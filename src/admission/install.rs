//! What has to be applied to a cluster for these policies: webhook configurations and permissions, as YAML.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Accounts;
use super::registration::{Registration, Rule};
use crate::engine;
use crate::policy::PolicySet;

/// Namespace, Service and prefix of everything that is installed.
pub const NAME: &str = "virt-guard";

/// Requests in these namespaces are never sent here: our own, which is needed to repair us, and the cluster's.
pub const EXEMPT_NAMESPACES: [&str; 4] = [NAME, "kube-system", "kube-public", "kube-node-lease"];

/// Seconds that the API server waits for an answer. Policies take less than a millisecond; a person who types
/// `kubectl apply` waits so long when every replica hangs.
const TIMEOUT: u32 = 5;

const HEAD: &str = "# Generated from policies/: UPDATE=1 cargo test rewrites it.\n";

/// The ValidatingWebhookConfiguration and the MutatingWebhookConfiguration.
pub fn webhook_configurations(policies: &PolicySet) -> String {
    let doors = [
        ("Validating", "validate", Registration::validating(policies)),
        ("Mutating", "mutate", Registration::mutating(policies)),
    ];
    let mut text = HEAD.to_owned();
    for (i, (kind, path, registration)) in doors.iter().enumerate() {
        let separator = if i == 0 { "" } else { "---\n" };
        let _ = write!(
            text,
            "{separator}apiVersion: admissionregistration.k8s.io/v1\nkind: {kind}WebhookConfiguration\n\
             metadata:\n  name: {NAME}\nwebhooks:\n"
        );
        for (policy, rules) in [("Fail", &registration.fail), ("Ignore", &registration.ignore)] {
            if !rules.is_empty() {
                text.push_str(&webhook(path, policy, rules));
            }
        }
    }
    text
}

fn webhook(path: &str, failure_policy: &str, rules: &[Rule]) -> String {
    let name = format!("{}.{path}.virt-guard.io", failure_policy.to_lowercase());
    let mut text = format!(
        "- name: {name}
  failurePolicy: {failure_policy}
  clientConfig:
    service:
      namespace: {NAME}
      name: {NAME}
      path: /{path}
      port: 443
  admissionReviewVersions: [v1]
  sideEffects: None
  timeoutSeconds: {TIMEOUT}
  matchPolicy: Equivalent
  # Whatever happens here, these can be repaired.
  namespaceSelector:
    matchExpressions:
    - key: kubernetes.io/metadata.name
      operator: NotIn
      values: [{}]
  matchConditions:
",
        EXEMPT_NAMESPACES.join(", ")
    );
    for (name, expression) in conditions() {
        let _ = write!(text, "  - name: {name}\n    expression: >-\n");
        for line in expression {
            let _ = writeln!(text, "      {line}");
        }
    }
    text.push_str("  rules:\n");
    for rule in rules {
        let list = |of: &mut dyn Iterator<Item = &str>| of.map(quoted).collect::<Vec<_>>().join(", ");
        let _ = write!(
            text,
            "  - apiGroups: [{}]\n    apiVersions: [{}]\n    resources: [{}]\n    operations: [{}]\n    scope: {}\n",
            quoted(&rule.group),
            list(&mut rule.versions.iter().map(String::as_str)),
            list(&mut rule.resources.iter().map(String::as_str)),
            list(&mut rule.operations.iter().map(|o| o.as_str())),
            quoted(rule.scope),
        );
    }
    text
}

/// What YAML would not read as this text.
fn quoted(word: &str) -> String {
    if word.is_empty() || word == "*" { format!("'{word}'") } else { word.to_owned() }
}

/// `matchConditions`, by name, a line a piece. They hold when every replica is dead, so they are what keeps an upgrade
/// going. Each is total: with `Ignore` an error would skip the webhook, with `Fail` it would refuse the request. All users
/// have a name, but the API server leaves out what is empty; `object` is null on DELETE.
fn conditions() -> Vec<(&'static str, Vec<String>)> {
    let platform = Accounts::of_the_platform();
    let (families, accounts): (Vec<&str>, Vec<&str>) = platform.patterns().partition(|p| p.ends_with('*'));
    let mut upgrade =
        vec!["!has(request.userInfo.username)".to_owned(), "|| !(request.userInfo.username in [".to_owned()];
    upgrade.extend(accounts.iter().enumerate().map(|(i, account)| {
        let comma = if i + 1 < accounts.len() { "," } else { "" };
        format!("'{account}'{comma}")
    }));
    upgrade.push("])".to_owned());
    let begins = families.iter().filter_map(|f| f.strip_suffix('*'));
    upgrade.extend(begins.map(|f| format!("&& !request.userInfo.username.startsWith('{f}')")));
    let cluster = [
        "!has(request.userInfo.groups)",
        "|| !request.userInfo.groups.exists(g, g in ['system:nodes', 'system:serviceaccounts:kube-system'])",
    ];
    let deleted = "object == null || !has(object.metadata) || !has(object.metadata.deletionTimestamp)";
    vec![
        ("not-the-upgrade-itself", upgrade),
        ("not-the-cluster-itself", cluster.map(str::to_owned).to_vec()),
        ("not-being-deleted", vec![deleted.to_owned()]),
    ]
}

/// The ClusterRole: list and watch of what the policies' facts read, and nothing else.
pub fn cluster_role(policies: &PolicySet) -> String {
    let kinds = engine::kinds_read(policies.iter().filter(|p| p.acts_at_admission()));
    let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for kind in kinds {
        groups.entry(kind.group).or_default().push(kind.plural);
    }
    let mut text = format!(
        "{HEAD}apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: {NAME}\nrules:\n"
    );
    for (group, mut plurals) in groups {
        plurals.sort_unstable();
        let _ = writeln!(text, "- apiGroups: [{}]\n  resources: [{}]", quoted(group), plurals.join(", "));
        text.push_str("  verbs: [list, watch]\n");
    }
    text
}
