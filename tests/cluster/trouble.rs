//! Nobody answers, or nobody answers well: cases 70, 71 and 89 to 92.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::faulty::{Behaviour, Faulty, admitted};
use crate::scene::{Scene, deployed, subscription, vm, world};
use crate::webhook::{Registration, Server};

/// A scene in which something else than our server is called.
fn scene(name: &str, port: u16, authority: &str) -> Scene {
    let scene = Scene::empty(name);
    let registration = Registration::new(name, &deployed()).service(port, authority);
    // The longest wait here is a second.
    registration.each(|webhook| webhook["timeoutSeconds"] = 1.into()).apply(scene.plane, name);
    scene
}

/// What a call that fails does: it refuses what may block, and lets everything else pass.
fn fails(scene: &Scene) {
    let refusal = "failed calling webhook \"fail.validate.virt-guard.io\"";
    scene.apply(&subscription("hco", "Automatic")).refused(&["Internal error occurred", refusal]);
    let before = passed_unasked(scene);
    scene.apply(&vm("web", "none", "External")).silent();
    assert!(passed_unasked(scene) > before, "the API server counts what passed unasked");
}

/// The API server's count of requests that passed because a webhook failed.
fn passed_unasked(scene: &Scene) -> u64 {
    let metrics = scene.plane.kubectl(&["get", "--raw", "/metrics"]).fine().out;
    let counts = metrics.lines().filter(|line| {
        line.starts_with("apiserver_admission_webhook_fail_open_count{")
            && line.contains("ignore.validate.virt-guard.io")
    });
    counts.filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok()).sum()
}

fn faulty(name: &str, behaviour: Behaviour) -> (Scene, Faulty) {
    let faulty = Faulty::start(&world().plane.dir, behaviour);
    (scene(name, faulty.port, &faulty.authority), faulty)
}

#[test]
#[ignore = "needs an API server: make test-cluster"]
fn case_89_nobody_is_there() {
    fails(&scene("nobody", 1, &world().server.authority()));
}

#[test]
#[ignore = "needs an API server: make test-cluster"]
fn case_90_the_answer_is_for_somebody_else() {
    let (scene, faulty) = faulty("wrong-uid", |_, _| ("200 OK", "", admitted("another")));
    fails(&scene);
    assert!(faulty.calls() >= 2);
}

#[test]
#[ignore = "needs an API server: make test-cluster"]
fn case_91_the_answer_comes_too_late() {
    let (scene, _faulty) = faulty("too-late", |_, uid| {
        std::thread::sleep(Duration::from_secs(2));
        ("200 OK", "", admitted(uid))
    });
    let begin = Instant::now();
    let refused = scene.apply(&subscription("hco", "Automatic"));
    refused.refused(&["failed calling webhook", "deadline exceeded"]);
    // The webhook's second, and kubectl's own time.
    assert!(begin.elapsed() < Duration::from_secs(4), "{:?}", begin.elapsed());
    fails(&scene);
}

#[test]
#[ignore = "needs an API server: make test-cluster"]
fn cases_70_92_who_is_told_to_come_back_comes_back() {
    for (name, status) in [("busy-429", "429 Too Many Requests"), ("busy-503", "503 Service Unavailable")] {
        let behaviour: Behaviour = match status {
            "429 Too Many Requests" => |count, uid| match count {
                1 | 2 => ("429 Too Many Requests", "Retry-After: 1\r\n", String::new()),
                _ => ("200 OK", "", admitted(uid)),
            },
            _ => |count, uid| match count {
                1 | 2 => ("503 Service Unavailable", "Retry-After: 1\r\n", String::new()),
                _ => ("200 OK", "", admitted(uid)),
            },
        };
        let faulty = Faulty::start(&world().plane.dir, behaviour);
        let scene = Scene::empty(name);
        Registration::new(name, &deployed()).service(faulty.port, &faulty.authority).apply(scene.plane, name);
        let begin = Instant::now();
        scene.kubectl_with(&["create", "-f", "-"], &subscription("hco", "Automatic")).silent();
        assert_eq!(faulty.calls(), 3, "{status}");
        assert!(begin.elapsed() >= Duration::from_secs(2), "it waits as long as it is told: {:?}", begin.elapsed());
    }
}

#[test]
#[ignore = "needs an API server: make test-cluster"]
fn case_71_a_server_that_is_not_ready_is_asked_again() {
    let dir = &world().plane.dir;
    // A cluster that takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let kubeconfig = dir.join("kubeconfig-silent");
    let server = format!("https://{}", silent.local_addr().unwrap());
    let text = std::fs::read_to_string(world().plane.kubeconfig()).unwrap();
    let old = text.lines().find_map(|line| line.trim().strip_prefix("server: ")).unwrap();
    std::fs::write(&kubeconfig, text.replace(old, &server)).unwrap();
    let server = Server::begin(dir, Some(&kubeconfig), &["--startup-timeout", "3s"]);
    let begun = Instant::now();
    let scene = Scene::empty("starting");
    let registration = Registration::new("starting", &deployed()).service(server.port, &server.authority());
    registration.apply(scene.plane, "starting");
    let early = begun.elapsed() < Duration::from_secs(2) && !server.is_ready();
    scene.apply(&subscription("hco", "Manual")).refused(&["[olm-manual-approval]"]);
    if early {
        assert!(begun.elapsed() >= Duration::from_secs(3), "nothing is judged before: {:?}", begun.elapsed());
    }
    // Policies that need the cluster say that they could not see it.
    scene.apply(&vm("web", "disk", "LiveMigrate")).warned(&["[vm-live-migrate-not-migratable]"]);
}
