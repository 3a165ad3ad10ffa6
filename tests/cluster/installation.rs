//! What deploy/ installs, and what no installation must make impossible: cases 98 and 99, on a control plane of their own.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::control_plane::ControlPlane;
use crate::scene::{deployed, prepare, subscription};
use crate::webhook::{Registration, Server, eventually};

const KINDS: &str = "namespace,serviceaccount,clusterrole,clusterrolebinding,service,deployment,poddisruptionbudget,\
                     networkpolicy,validatingwebhookconfiguration,mutatingwebhookconfiguration";

#[test]
#[ignore = "needs an API server: make test-cluster"]
fn cases_98_99_and_the_overlays() {
    let plane = ControlPlane::start("alone", &[]);
    prepare(&plane);
    overlays(&plane);
    let server = Server::start(&plane.dir, None, &[]);
    let plane = restart(plane, &server);
    removal(&plane, &server);
}

/// Each overlay can be applied, and applied again.
fn overlays(plane: &ControlPlane) {
    for (overlay, annotation) in
        [("openshift", "service.beta.openshift.io/inject-cabundle"), ("cert-manager", "cert-manager.io/inject-ca-from")]
    {
        let folder = format!("deploy/overlays/{overlay}");
        plane.kubectl(&["apply", "-k", &folder]).fine();
        plane.kubectl(&["apply", "-k", &folder]).fine();
        let installed = plane.json(&["get", KINDS, "-n", "virt-guard", "-l", "app.kubernetes.io/part-of=virt-guard"]);
        let items = installed["items"].as_array().unwrap();
        assert_eq!(items.len(), KINDS.split(',').count(), "{overlay}");
        for webhooks in items.iter().filter(|i| i["kind"].as_str().unwrap().ends_with("WebhookConfiguration")) {
            assert!(webhooks["metadata"]["annotations"].get(annotation).is_some(), "{overlay}: {webhooks}");
        }
        plane.kubectl(&["delete", "validatingwebhookconfiguration,mutatingwebhookconfiguration", "virt-guard"]).fine();
    }
}

/// Case 99: the API server restarts while requests come. What fails then is its own.
fn restart(plane: ControlPlane, server: &Server) -> ControlPlane {
    let scene = r#"{apiVersion: v1, kind: Namespace, metadata: {name: restart, labels: {virt-guard-test: restart}}}"#;
    plane.apply(scene).fine();
    Registration::new("restart", &deployed()).service(server.port, &server.authority()).apply(&plane, "restart");
    let create = |plane: &ControlPlane| {
        let arguments = ["-n", "restart", "create", "-f", "-", "--request-timeout=10s"];
        plane.kubectl_with(&arguments, &subscription("hco", "Manual"))
    };
    let judge = |err: &str| {
        assert!(!err.contains("failed calling webhook"), "{err}");
        err.contains("[olm-manual-approval]")
    };
    assert!(judge(&create(&plane).err));
    let (stop, judged) = (AtomicBool::new(false), AtomicUsize::new(0));
    let dir = plane.dir.clone();
    let before = std::thread::scope(|scope| {
        let load = scope.spawn(|| {
            while !stop.load(Ordering::SeqCst) {
                if judge(&create(&plane).err) {
                    judged.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
        eventually("requests are judged", || judged.load(Ordering::SeqCst) > 2);
        plane.stop();
        stop.store(true, Ordering::SeqCst);
        load.join().unwrap();
        judged.load(Ordering::SeqCst)
    });
    assert!(before > 2);
    let plane = ControlPlane::resume(dir, &[]);
    // Until it has read its webhook configurations it refuses everything by itself.
    eventually("it is judged again", || judge(&create(&plane).err));
    for _ in 0..5 {
        assert!(judge(&create(&plane).err));
    }
    plane
}

/// Case 98: whoever is in trouble can take the webhook away while it refuses, and while it is dead.
fn removal(plane: &ControlPlane, server: &Server) {
    let create = || {
        let arguments = ["-n", "restart", "create", "--dry-run=server", "-f", "-"];
        plane.kubectl_with(&arguments, &subscription("hco", "Manual"))
    };
    for (port, refusal) in [(server.port, "[olm-manual-approval]"), (1, "failed calling webhook")] {
        let registration = Registration::new("restart", &deployed()).service(port, &server.authority());
        registration.apply(plane, "restart");
        eventually("it refuses", || create().err.contains(refusal));
        let kinds = "validatingwebhookconfiguration,mutatingwebhookconfiguration";
        plane.kubectl(&["delete", kinds, "test-restart"]).silent();
        eventually("nobody is asked", || create().ok);
    }
}
