//! Nobody answers, or nobody answers well: cases 70, 71 and 89 to 92.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::client::{Client, trusting};
use crate::faulty::{Behaviour, Faulty, admitted};
use crate::scene::{Scene, deployed, subscription, vm, world};
use crate::webhook::{Registration, Server, eventually};

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

/// The server's memory is taken by bodies that do not end, and given back while the API server waits.
#[test]
#[ignore = "needs an API server: make test-cluster"]
fn case_70_an_overloaded_server_is_asked_again() {
    const MIB: usize = 1 << 20;
    let server = Server::start(&world().plane.dir, None, &["--max-memory", "128"]);
    let scene = Scene::empty("overloaded");
    let registration = Registration::new("overloaded", &deployed()).service(server.port, &server.authority());
    registration.each(|webhook| webhook["timeoutSeconds"] = 30.into()).apply(scene.plane, "overloaded");

    let trust = trusting(&server.authority_pem());
    let address = ([127, 0, 0, 1], server.port).into();
    let head = format!("POST /validate?timeout=30s HTTP/1.1\r\nhost: h\r\ncontent-length: {}\r\n\r\n", 28 * MIB);
    let hold = |bytes: usize| {
        let mut client = Client::tls(address, &trust).unwrap();
        client.send(head.as_bytes());
        client.send(&vec![b' '; bytes]);
        client
    };
    // 128 MiB to the byte, and none of them whole.
    let sizes = [27, 27, 27, 27, 20].map(|mib| mib * MIB);
    let holders: Vec<_> = std::thread::scope(|scope| {
        let holding: Vec<_> = sizes.iter().map(|bytes| scope.spawn(|| hold(*bytes))).collect();
        holding.into_iter().map(|h| h.join().unwrap()).collect()
    });
    eventually("all memory is taken", || server.metric("virt_guard_inflight_bytes") == 128.0 * MIB as f64);

    let asked = std::thread::scope(|scope| {
        let asking = scope.spawn(|| scene.apply(&subscription("hco", "Manual")));
        let shed = "virt_guard_admission_shed_total{reason=\"memory\"}";
        eventually("the API server is told to come back", || server.metric(shed) >= 1.0);
        assert!(!asking.is_finished());
        drop(holders);
        asking.join().unwrap()
    });
    asked.refused(&["[olm-manual-approval]"]);
    assert_eq!(server.metric("virt_guard_inflight_bytes"), 0.0);
}

#[test]
#[ignore = "needs an API server: make test-cluster"]
fn case_71_a_server_that_is_not_ready_is_asked_again() {
    let dir = &world().plane.dir;
    // A cluster that takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let kubeconfig = dir.join("kubeconfig-silent");
    let mut config = world().plane.json(&["config", "view", "--raw"]);
    config["clusters"][0]["cluster"]["server"] = format!("https://{}", silent.local_addr().unwrap()).into();
    std::fs::write(&kubeconfig, config.to_string()).unwrap();
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
