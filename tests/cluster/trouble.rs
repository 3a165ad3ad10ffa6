//! Nobody answers, or nobody answers well: cases 70, 71 and 89 to 92.

use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::{Arc, Condvar, Mutex};
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
fn case_92_who_is_told_to_come_back_comes_back() {
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

/// A way to an address on which nothing moves until it is opened.
fn gate(to: SocketAddr) -> (SocketAddr, impl FnOnce()) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let open = Arc::new((Mutex::new(false), Condvar::new()));
    let gate = Arc::clone(&open);
    std::thread::spawn(move || {
        for here in listener.incoming().map_while(Result::ok) {
            let gate = Arc::clone(&gate);
            std::thread::spawn(move || {
                drop(gate.1.wait_while(gate.0.lock().unwrap(), |open| !*open).unwrap());
                let there = TcpStream::connect(to).unwrap();
                for (mut from, mut to) in [(&here, &there), (&there, &here)].map(|(a, b)| both(a, b)) {
                    std::thread::spawn(move || {
                        let _ = std::io::copy(&mut from, &mut to);
                        let _ = to.shutdown(Shutdown::Write);
                    });
                }
            });
        }
    });
    let open_it = move || {
        *open.0.lock().unwrap() = true;
        open.1.notify_all();
    };
    (address, open_it)
}

fn both(from: &TcpStream, to: &TcpStream) -> (TcpStream, TcpStream) {
    (from.try_clone().unwrap(), to.try_clone().unwrap())
}

#[test]
#[ignore = "needs an API server: make test-cluster"]
fn case_71_a_server_that_is_not_ready_is_asked_again() {
    let dir = &world().plane.dir;
    let kubeconfig = dir.join("kubeconfig-gate");
    let mut config = world().plane.json(&["config", "view", "--raw"]);
    let server = &mut config["clusters"][0]["cluster"]["server"];
    let api_server = server.as_str().unwrap().strip_prefix("https://").unwrap().to_socket_addrs().unwrap().next();
    let (address, open) = gate(api_server.unwrap());
    *server = format!("https://{address}").into();
    std::fs::write(&kubeconfig, config.to_string()).unwrap();
    // It takes connections to a cluster that says nothing yet.
    let server = Server::begin(dir, Some(&kubeconfig), &["--startup-timeout", "1h"]);
    let scene = Scene::empty("starting");
    let registration = Registration::new("starting", &deployed()).service(server.port, &server.authority());
    registration.each(|webhook| webhook["timeoutSeconds"] = 30.into()).apply(scene.plane, "starting");
    let asked = std::thread::scope(|scope| {
        let asking = scope.spawn(|| scene.apply(&subscription("hco", "Manual")));
        let shed = "virt_guard_admission_shed_total{reason=\"not_ready\"}";
        eventually("the API server is told to come back", || server.metric(shed) >= 1.0);
        assert!(!server.is_ready() && !asking.is_finished());
        open();
        asking.join().unwrap()
    });
    asked.refused(&["[olm-manual-approval]"]);
    assert!(server.is_ready());
}

/// A cluster that says nothing at all is not waited for: what needs it is then not known.
#[test]
#[ignore = "needs an API server: make test-cluster"]
fn a_server_without_its_cluster_judges_what_it_can() {
    let dir = &world().plane.dir;
    let kubeconfig = dir.join("kubeconfig-silent");
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = world().plane.json(&["config", "view", "--raw"]);
    config["clusters"][0]["cluster"]["server"] = format!("https://{}", silent.local_addr().unwrap()).into();
    std::fs::write(&kubeconfig, config.to_string()).unwrap();
    let server = Server::start(dir, Some(&kubeconfig), &["--startup-timeout", "1s"]);
    let scene = Scene::empty("alone");
    scene.register(&server, &deployed());
    scene.apply(&subscription("hco", "Manual")).refused(&["[olm-manual-approval]"]);
    scene.apply(&vm("web", "disk", "LiveMigrate")).warned(&["[vm-live-migrate-not-migratable]"]);
}
