//! The inventory that follows a cluster, against a real API server.

use std::future::Future;

use virt_guard::cluster::{self, MAX_STALENESS, Seen, Snapshot, Watching};
use virt_guard::facts::{KINDS, PERSISTENT_VOLUME_CLAIM};
use virt_guard::inventory::{Kind, Lookup, View, WhyNot};

use crate::scene::{Scene, world};
use crate::webhook::{PATIENCE, eventually};

fn wait<T>(what: &str, future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let ended = runtime.block_on(async { tokio::time::timeout(PATIENCE, future).await });
    ended.unwrap_or_else(|_| panic!("it never happens: {what}"))
}

async fn watch(account: Option<(&str, &str)>, kinds: impl IntoIterator<Item = Kind>) -> Watching {
    let plane = &world().plane;
    let kubeconfig = match account {
        Some((namespace, name)) => plane.service_account(namespace, name),
        None => plane.kubeconfig(),
    };
    let client = cluster::connect(Some(&kubeconfig), None).await.unwrap();
    cluster::watch(&client, kinds, MAX_STALENESS)
}

fn claim(snapshot: &Snapshot, namespace: &str, name: &str) -> Option<bool> {
    match View::new(&snapshot.inventory).get(PERSISTENT_VOLUME_CLAIM, Some(namespace), name) {
        Lookup::Found(_) => Some(true),
        Lookup::Absent => Some(false),
        Lookup::NotSeen(_) => None,
    }
}

#[test]
#[ignore = "needs an API server: make test-cluster"]
fn what_comes_and_goes_is_seen() {
    let scene = Scene::empty("followed");
    scene.apply(&crate::scene::claim("early", "shared")).fine();
    wait("objects come and go", async {
        let watching = watch(None, [PERSISTENT_VOLUME_CLAIM]).await;
        watching.wait_for(|s| claim(s, "followed", "early") == Some(true)).await;
        let absent = claim(&watching.snapshot(), "followed", "late");
        assert_eq!(absent, Some(false), "a complete list says that there is none");
        scene.apply(&crate::scene::claim("late", "shared")).fine();
        watching.wait_for(|s| claim(s, "followed", "late") == Some(true)).await;
        scene.kubectl(&["delete", "pvc", "early", "--wait=false"]).fine();
        scene.kubectl(&["patch", "pvc", "early", "--type=merge", "-p", r#"{"metadata":{"finalizers":null}}"#]);
        watching.wait_for(|s| claim(s, "followed", "early") == Some(false)).await;
    });
}

#[test]
#[ignore = "needs an API server: make test-cluster"]
fn what_may_not_be_read_is_said_to_be_forbidden() {
    let scene = Scene::empty("forbidden");
    scene.kubectl(&["create", "serviceaccount", "nobody"]).fine();
    wait("it is forbidden", async {
        let watching = watch(Some(("forbidden", "nobody")), [PERSISTENT_VOLUME_CLAIM]).await;
        let forbidden = |s: &Snapshot| {
            View::new(&s.inventory).list(PERSISTENT_VOLUME_CLAIM, None).complete == Err(WhyNot::Forbidden)
        };
        watching.wait_for(forbidden).await;
    });
}

/// Not one of ours, so that no other case minds.
const GADGET: Kind = Kind { group: "late.example.com", kind: "Gadget", plural: "gadgets", namespaced: true };

#[test]
#[ignore = "needs an API server: make test-cluster"]
fn a_kind_that_comes_later_is_followed_from_then_on() {
    let scene = Scene::empty("later");
    wait("a kind comes later", async {
        let watching = watch(None, [GADGET]).await;
        let list = |s: &Snapshot| View::new(&s.inventory).list(GADGET, None).objects.len();
        watching.wait_for(|s| View::new(&s.inventory).list(GADGET, None).complete.is_ok()).await;
        assert_eq!(watching.kinds()[0].seen, Seen::NotServed);
        let schema = "{openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}";
        let version = format!("{{name: v1, served: true, storage: true, schema: {schema}}}");
        let names = "{kind: Gadget, plural: gadgets, singular: gadget}";
        let spec = format!("{{group: late.example.com, scope: Namespaced, names: {names}, versions: [{version}]}}");
        let metadata = "{name: gadgets.late.example.com}";
        let crd = format!(
            "{{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {metadata}, spec: {spec}}}"
        );
        scene.plane.apply(&crd).fine();
        let gadget = "{apiVersion: late.example.com/v1, kind: Gadget, metadata: {name: x}}";
        eventually("it is served", || scene.apply(gadget).ok);
        watching.wait_for(|s| list(s) == 1).await;
        scene.plane.kubectl(&["delete", "crd", "gadgets.late.example.com"]).fine();
        watching.wait_for(|s| list(s) == 0).await;
    });
}

/// The server reads with the permissions that deploy/ gives it; what it may not read it would say.
#[test]
#[ignore = "needs an API server: make test-cluster"]
fn the_permissions_that_are_deployed_are_enough_and_not_more() {
    let (policies, _) = virt_guard::engine::load_policies([]);
    let kinds = virt_guard::engine::kinds_read(policies.iter().filter(|p| p.acts_at_admission()));
    wait("every kind is answered for", async {
        let watching = watch(Some(("virt-guard", "virt-guard")), kinds.clone()).await;
        watching.wait_for(|_| watching.answered()).await;
        for status in watching.kinds() {
            assert!(matches!(status.seen, Seen::Complete | Seen::NotServed), "{status:?}");
        }
        // Everything else that facts could read is forbidden.
        let others = KINDS.iter().copied().filter(|k| !kinds.contains(k));
        let watching = watch(Some(("virt-guard", "virt-guard")), others).await;
        watching.wait_for(|_| watching.answered()).await;
        for status in watching.kinds() {
            assert!(matches!(status.seen, Seen::Forbidden | Seen::NotServed), "{status:?}");
        }
    });
    let may = |verb: &str, resource: &str| {
        let who = "--as=system:serviceaccount:virt-guard:virt-guard";
        world().plane.kubectl(&["auth", "can-i", verb, resource, "--all-namespaces", who]).ok
    };
    assert!(may("list", "persistentvolumeclaims") && may("watch", "nodes"));
    for (verb, resource) in [
        ("list", "secrets"),
        ("list", "configmaps"),
        ("list", "pods"),
        ("create", "pods"),
        ("patch", "virtualmachines"),
    ] {
        assert!(!may(verb, resource), "{verb} {resource}");
    }
}
