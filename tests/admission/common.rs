//! Reviews, policies, and answers as values.

use serde_json::{Value, json};
use virt_guard::admission::{Caller, Door, Options, Reviewed, Setup, Unanswered, Unhurried, review};
use virt_guard::engine::{self, Cluster, Surroundings};
use virt_guard::inventory::Inventory;
use virt_guard::policy::{self, PolicyFile, PolicySet};

/// A cluster of which nothing was seen, policies, and options.
pub struct World {
    pub policies: PolicySet,
    pub inventory: Inventory,
    pub cluster: Cluster,
    pub options: Options,
}

impl World {
    /// The built-in policies.
    pub fn built_in() -> Self {
        let (policies, problems) = engine::load_policies([]);
        assert!(problems.is_empty());
        World::with(policies)
    }

    /// One file of policies, and no built-in ones.
    pub fn of(text: &str) -> Self {
        let file = PolicyFile { name: "test.yaml", text, embedded: false };
        let (policies, problems) = policy::load(&[file], &engine::fact_declarations());
        assert!(problems.is_empty(), "{}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
        World::with(policies)
    }

    fn with(policies: PolicySet) -> Self {
        World { policies, inventory: Inventory::default(), cluster: Cluster::default(), options: Options::default() }
    }

    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    pub fn review(&self, body: &[u8], door: Door, caller: &dyn Caller) -> Result<Reviewed, Unanswered> {
        let around = Surroundings { inventory: &self.inventory, cluster: &self.cluster };
        review(body, door, &Setup { policies: &self.policies, around, options: &self.options }, caller)
    }

    /// The answer's `response`, of a body that is answered.
    pub fn ask(&self, body: &Value) -> Value {
        self.ask_bytes(body.to_string().as_bytes())
    }

    pub fn ask_bytes(&self, body: &[u8]) -> Value {
        let reviewed = self.review(body, Door::Validate, &Unhurried).unwrap();
        let mut answer: Value = serde_json::from_slice(&reviewed.body).unwrap();
        answer["response"].take()
    }

    /// Why a body is not answered.
    pub fn refused(&self, body: &[u8]) -> String {
        match self.review(body, Door::Validate, &Unhurried) {
            Err(Unanswered::BadReview(text)) => text,
            other => panic!("answered: {other:?}"),
        }
    }
}

/// A ValidatingAdmissionPolicy on VirtualMachines and Pods, and its binding.
pub fn policy(id: &str, effect: &str, validation: &str) -> String {
    policy_on(id, effect, "[CREATE, UPDATE]", validation)
}

pub fn policy_on(id: &str, effect: &str, operations: &str, validation: &str) -> String {
    format!(
        "apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {{name: {id}}}
spec:
  matchConstraints:
    resourceRules:
    - {{apiGroups: [kubevirt.io, ''], apiVersions: ['*'], resources: [virtualmachines, pods], operations: {operations}}}
  validations:
  - {validation}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {{name: {id}}}
spec: {{policyName: {id}, validationActions: [{effect}]}}
---
"
    )
}

pub const UID: &str = "705ab4f5-6393-11e8-b7cc-42010a800002";

/// What the API server sends about a VM.
pub fn vm_review(operation: &str, object: Value, old_object: Value) -> Value {
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": UID,
            "kind": {"group": "kubevirt.io", "version": "v1", "kind": "VirtualMachine"},
            "resource": {"group": "kubevirt.io", "version": "v1", "resource": "virtualmachines"},
            "requestKind": {"group": "kubevirt.io", "version": "v1", "kind": "VirtualMachine"},
            "requestResource": {"group": "kubevirt.io", "version": "v1", "resource": "virtualmachines"},
            "name": "web",
            "namespace": "shop",
            "operation": operation,
            "userInfo": {"username": "ada", "groups": ["system:authenticated"]},
            "object": object,
            "oldObject": old_object,
            "dryRun": false,
            "options": {"apiVersion": "meta.k8s.io/v1", "kind": "CreateOptions"}
        }
    })
}

pub fn vm(spec: Value) -> Value {
    json!({
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachine",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": spec
    })
}

/// A Subscription of the virtualization operator.
pub fn subscription_review(approval: &str) -> Value {
    let mut body = vm_review(
        "CREATE",
        json!({
            "apiVersion": "operators.coreos.com/v1alpha1",
            "kind": "Subscription",
            "metadata": {"name": "hco-operatorhub", "namespace": "openshift-cnv"},
            "spec": {"name": "kubevirt-hyperconverged", "channel": "stable", "installPlanApproval": approval,
                     "source": "redhat-operators", "sourceNamespace": "openshift-marketplace"}
        }),
        Value::Null,
    );
    let request = &mut body["request"];
    request["kind"] = json!({"group": "operators.coreos.com", "version": "v1alpha1", "kind": "Subscription"});
    request["resource"] = json!({"group": "operators.coreos.com", "version": "v1alpha1", "resource": "subscriptions"});
    request["requestKind"] = request["kind"].clone();
    request["requestResource"] = request["resource"].clone();
    request["name"] = json!("hco-operatorhub");
    request["namespace"] = json!("openshift-cnv");
    body
}

pub fn texts(list: &Value) -> Vec<&str> {
    list.as_array().map(|l| l.iter().filter_map(Value::as_str).collect()).unwrap_or_default()
}
