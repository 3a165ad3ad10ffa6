//! Which requests the API server is told to send here: the rules of webhook configurations, made from the policies.
//!
//! A webhook that cannot be reached must never stop an upgrade. So it may block (`failurePolicy: Fail`) only for kinds
//! that no running workload needs, and only where a policy says so; everything else is registered with `Ignore`.

use std::collections::{BTreeMap, BTreeSet};

use crate::policy::{Constraints, Effect, Operation, Policy, PolicySet};

/// (group, plural) of what may be registered with `Fail`.
pub const MAY_BLOCK: [(&str, &str); 2] =
    [("hco.kubevirt.io", "hyperconvergeds"), ("operators.coreos.com", "subscriptions")];

/// A `RuleWithOperations`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rule {
    /// The API group.
    pub group: String,
    /// Its versions.
    pub versions: BTreeSet<String>,
    /// Plurals, with their subresource after a slash.
    pub resources: BTreeSet<String>,
    /// What is done to them.
    pub operations: BTreeSet<Operation>,
    /// `*`, `Cluster` or `Namespaced`.
    pub scope: &'static str,
}

/// The rules of one door.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registration {
    /// Registered with `failurePolicy: Fail`.
    pub fail: Vec<Rule>,
    /// Registered with `failurePolicy: Ignore`.
    pub ignore: Vec<Rule>,
}

impl Registration {
    /// Of the policies that deny, warn or (users' own) audit.
    pub fn validating(policies: &PolicySet) -> Self {
        let mut cells = Cells::default();
        for policy in policies.iter().filter(|p| p.acts_at_admission()) {
            let Some(check) = policy.check.as_ref().filter(|_| policy.strictest_effect() != Effect::None) else {
                continue;
            };
            cells.add(&check.constraints, check.fail && policy.strictest_effect() == Effect::Deny);
        }
        cells.rules()
    }

    /// Of the policies that patch.
    pub fn mutating(policies: &PolicySet) -> Self {
        let mut cells = Cells::default();
        let mutations = policies.iter().filter_map(|p: &Policy| p.mutation.as_ref());
        for mutation in mutations.filter(|m| m.bound) {
            cells.add(&mutation.constraints, mutation.fail);
        }
        cells.rules()
    }
}

/// (group, resource, scope)
type Resource = (String, String, &'static str);

/// Each resource's versions, and for each operation on it whether a policy says `Fail`. A request is sent once, however
/// many policies want it.
#[derive(Default)]
struct Cells(BTreeMap<Resource, (BTreeSet<String>, BTreeMap<Operation, bool>)>);

impl Cells {
    fn add(&mut self, constraints: &Constraints, fail: bool) {
        for rule in constraints.rules() {
            for (group, resource) in rule.groups().iter().flat_map(|g| rule.resources().iter().map(move |r| (g, r))) {
                let may_block = MAY_BLOCK.contains(&(group.as_str(), resource.as_str()));
                let key = (group.clone(), resource.clone(), rule.scope());
                let (versions, operations) = self.0.entry(key).or_default();
                versions.extend(rule.versions().iter().cloned());
                for operation in rule.operations() {
                    *operations.entry(*operation).or_default() |= fail && may_block;
                }
            }
        }
    }

    fn rules(self) -> Registration {
        let of = |wanted: bool| {
            // Resources that are wanted in the same way share a rule.
            let mut rules: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
            for ((group, resource, scope), (versions, operations)) in &self.0 {
                let operations = operations.iter().filter(|(_, fail)| **fail == wanted).map(|(o, _)| *o);
                let operations: BTreeSet<Operation> = operations.collect();
                if !operations.is_empty() {
                    let alike = (group.clone(), versions.clone(), operations, *scope);
                    rules.entry(alike).or_default().insert(resource.clone());
                }
            }
            let rule = |((group, versions, operations, scope), resources)| Rule {
                group,
                versions,
                resources,
                operations,
                scope,
            };
            rules.into_iter().map(rule).collect()
        };
        Registration { fail: of(true), ignore: of(false) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine;

    fn policy(name: &str, fail: &str, action: &str, group: &str, plural: &str, operations: &str) -> String {
        format!(
            r#"
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {{name: {name}}}
spec:
  failurePolicy: {fail}
  matchConstraints:
    resourceRules:
    - {{apiGroups: [{group}], apiVersions: [v1], resources: [{plural}], operations: [{operations}]}}
  validations: [{{expression: "true"}}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {{name: {name}}}
spec: {{policyName: {name}, validationActions: [{action}]}}
"#
        )
    }

    fn registered(policies: &[String]) -> Registration {
        let files: Vec<(String, &String)> =
            policies.iter().enumerate().map(|(i, text)| (format!("{i}.yaml"), text)).collect();
        let (set, problems) =
            engine::load_files(std::iter::empty(), files.iter().map(|(name, text)| (name.as_str(), text.as_str())));
        assert!(problems.is_empty(), "{problems:?}");
        Registration::validating(&set)
    }

    fn shown(rules: &[Rule]) -> Vec<String> {
        let words = |rule: &Rule| rule.operations.iter().map(|o| o.as_str()).collect::<Vec<_>>().join(",");
        rules.iter().map(|r| format!("{} {:?} {}", r.group, r.resources, words(r))).collect()
    }

    #[test]
    fn only_what_an_upgrade_does_not_need_may_block() {
        let registration = registered(&[
            policy("a", "Fail", "Deny", "kubevirt.io", "virtualmachines", "CREATE, UPDATE"),
            policy("b", "Fail", "Deny", "operators.coreos.com", "subscriptions", "UPDATE"),
            policy("c", "Fail", "Warn", "operators.coreos.com", "subscriptions", "CREATE"),
            policy("d", "Ignore", "Deny", "hco.kubevirt.io", "hyperconvergeds", "CREATE"),
            policy("e", "Ignore", "Warn", "kubevirt.io", "kubevirts", "CREATE, UPDATE"),
        ]);
        assert_eq!(shown(&registration.fail), [r#"operators.coreos.com {"subscriptions"} UPDATE"#]);
        assert_eq!(
            shown(&registration.ignore),
            [
                r#"hco.kubevirt.io {"hyperconvergeds"} CREATE"#,
                r#"kubevirt.io {"kubevirts", "virtualmachines"} CREATE,UPDATE"#,
                r#"operators.coreos.com {"subscriptions"} CREATE"#,
            ]
        );
    }

    #[test]
    fn a_users_policy_that_only_audits_is_asked_and_ours_is_not() {
        let audit = policy("a", "Ignore", "Audit", "kubevirt.io", "virtualmachines", "CREATE");
        assert_eq!(registered(std::slice::from_ref(&audit)).ignore.len(), 1);
        let (set, _) = engine::load_files([("a.yaml", audit.as_str())], std::iter::empty());
        assert_eq!(Registration::validating(&set), Registration::default());
    }
}
