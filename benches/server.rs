//! The webhook's server with all policies, beside the same server without judgement: what the server's process needs of a
//! CPU for one request, and how long its answer takes, at 1, 8 and 64 connections that are kept. `cargo bench --bench
//! server`; about 40 seconds, on Linux, by loopback alone.
//!
//! Both sides are `Server` as `serve` runs it (TLS, HTTP/1.1, deadlines, memory, threads, metrics, log), each in a process
//! of its own. They differ in the `Reviewer` alone: one judges by every policy that acts at admission, with the objects of
//! `examples/cluster` around so that policies which read other objects find some; the other reads the body into a
//! `serde_json::Value` and admits it. They take turns, so that what else the machine does meets both.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a bench may stop on a broken expectation"
)]

#[path = "../tests/server/client.rs"]
#[allow(dead_code, reason = "the tests' client can do more than a bench asks for")]
mod client;
mod example;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use client::{Client, post, trusting};
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use serde_json::{Value, json};
use tokio::sync::watch;
use tracing_subscriber::filter::LevelFilter;
use virt_guard::admission::{Caller, Decision, Door, Enforcement, Reviewed, Unanswered, Verdict};
use virt_guard::policy::Operation;
use virt_guard::server::certificates::Certificates;
use virt_guard::server::watch::{Needs, bundle};
use virt_guard::server::{Judge, Judged, Limits, Reviewer, Server, Snapshot, config, issue, log};

/// By how many connections each body is asked about.
const CONNECTIONS: [usize; 3] = [1, 8, 64];

/// How long one side is asked before it is the other's turn, and how many turns each has.
const TURN: Duration = Duration::from_millis(400);
const TURNS: usize = 7;

/// The sides, as arguments of a process.
const SERVE: &str = "serve";
const JUDGED: &str = "judged";
const PARSED: &str = "parsed";

/// What both serve.
const CERTIFICATE: &str = "tls.crt";
const KEY: &str = "tls.key";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [SERVE, side, folder] => serve(side, Path::new(folder)),
        arguments if arguments.contains(&"--bench") => compare(TURN, TURNS),
        // cargo only wants to know whether it runs.
        _ => compare(Duration::from_millis(20), 1),
    }
}

/// Asks both sides and prints what they need.
fn compare(turn: Duration, turns: usize) {
    let folder = tempfile::tempdir().unwrap();
    let day = Duration::from_secs(24 * 60 * 60);
    let authority = issue::authority(day).unwrap();
    let pem = issue::leaf(&authority, &issue::LOCAL.map(str::to_owned), day).unwrap();
    fs::write(folder.path().join(CERTIFICATE), &pem.certificate).unwrap();
    fs::write(folder.path().join(KEY), &pem.key).unwrap();
    let trust = trusting(&authority.certificate);
    let sides = [JUDGED, PARSED].map(|name| Side::start(name, folder.path(), &trust));
    println!("judged: by all policies; parsed: into serde_json::Value, and admitted. judged/parsed = their ratio");
    println!("{:>36}  {:<32}{:<28}{:<28}", "connections", "CPU a request, µs", "median, ms", "99th percentile, ms");
    for (what, body, denied) in [("VM, admitted", vm(), false), ("Subscription, denied", subscription(), true)] {
        let request = post("/validate?timeout=10s", &body);
        assert_eq!(sides.each_ref().map(|side| side.admits(&request)), [!denied, true], "{what}");
        let what = format!("{what} ({} bytes)", body.len());
        for connections in CONNECTIONS {
            let mut asked = sides.each_ref().map(|side| Asked::new(side, connections));
            // What a connection allocates at first, and what caches have to learn.
            for side in &mut asked {
                side.turn(&request, turn / 4);
                side.forget();
            }
            for _ in 0..turns {
                for side in &mut asked {
                    side.turn(&request, turn);
                }
            }
            println!("{what:<32}{connections:>4}  {}", row(asked.each_ref()));
        }
    }
}

/// What both came to. The ratio of CPU is that of all turns, and the least and most of any two that followed each other.
fn row(asked: [&Asked<'_>; 2]) -> String {
    let [judged, parsed] = asked.map(|side| side.cpu.iter().sum::<f64>() / side.cpu.len() as f64);
    let ratios = asked[0].cpu.iter().zip(&asked[1].cpu).map(|(judged, parsed)| judged / parsed);
    let (least, most) = ratios.fold((f64::MAX, 0.0), |(least, most): (f64, f64), r| (least.min(r), most.max(r)));
    let cpu = format!("{judged:.0}/{parsed:.0} = {:.2} ({least:.2} to {most:.2})", judged / parsed);
    let times = asked.map(|side| {
        let mut times = side.times.clone();
        times.sort();
        times
    });
    let at = |share: f64| {
        let at = |times: &Vec<Duration>| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
        let [judged, parsed] = times.each_ref().map(at);
        format!("{judged:.3}/{parsed:.3} = {:.2}", judged / parsed)
    };
    format!("{cpu:<32}{:<28}{}", at(0.5), at(0.99))
}

/// What the API server sends when a VM of about 4 KB is created.
fn vm() -> Vec<u8> {
    let object: Value = serde_json::from_slice(include_bytes!("data/vm.json")).unwrap();
    let kind = json!({"group": "kubevirt.io", "version": "v1", "kind": "VirtualMachine"});
    let resource = json!({"group": "kubevirt.io", "version": "v1", "resource": "virtualmachines"});
    let review = json!({
        "kind": "AdmissionReview",
        "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "kind": kind, "resource": resource, "requestKind": kind, "requestResource": resource,
            "name": object["metadata"]["name"], "namespace": object["metadata"]["namespace"],
            "operation": "CREATE",
            "userInfo": {"username": "ada", "groups": ["system:authenticated"]},
            "object": object, "oldObject": null,
            "dryRun": false,
            "options": {"apiVersion": "meta.k8s.io/v1", "kind": "CreateOptions", "fieldManager": "kubectl"}
        }
    });
    review.to_string().into_bytes()
}

/// The example's Subscription, without line breaks.
fn subscription() -> Vec<u8> {
    let review: Value = serde_json::from_slice(include_bytes!("../examples/review.json")).unwrap();
    review.to_string().into_bytes()
}

type Connection = Client<StreamOwned<ClientConnection, TcpStream>>;

/// A server in a process of its own; it ends with this one.
struct Side<'t> {
    process: Child,
    address: SocketAddr,
    trust: &'t Arc<ClientConfig>,
}

impl<'t> Side<'t> {
    fn start(side: &str, folder: &Path, trust: &'t Arc<ClientConfig>) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args([SERVE, side]).arg(folder);
        // The log is written, and thrown away.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().parse().expect("the server says where it listens");
        Side { process, address, trust }
    }

    fn connect(&self) -> Connection {
        Client::tls(self.address, self.trust).expect("a handshake")
    }

    fn admits(&self, request: &[u8]) -> bool {
        let answer = self.connect().ask(request);
        assert_eq!(answer.status, 200);
        answer.json()["response"]["allowed"] == true
    }

    /// How long its threads ran so far, in user and in system mode. None of them ends while it serves.
    fn cpu(&self) -> Duration {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.process.id())).expect("Linux");
        let nanoseconds = tasks.map(|task| {
            let text = fs::read_to_string(task.unwrap().path().join("schedstat")).unwrap();
            text.split(' ').next().unwrap().parse::<u64>().unwrap()
        });
        Duration::from_nanos(nanoseconds.sum())
    }
}

impl Drop for Side<'_> {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// A server, the connections that ask it, and what came of that.
struct Asked<'s> {
    side: &'s Side<'s>,
    connections: Vec<Connection>,
    /// Microseconds of CPU for a request, by turn.
    cpu: Vec<f64>,
    /// Until the answer was there, by request.
    times: Vec<Duration>,
}

impl<'s> Asked<'s> {
    fn new(side: &'s Side<'s>, connections: usize) -> Self {
        let connections = (0..connections).map(|_| side.connect()).collect();
        Asked { side, connections, cpu: Vec::new(), times: Vec::new() }
    }

    /// All connections ask, each the next time when it has its answer.
    fn turn(&mut self, request: &[u8], turn: Duration) {
        let before = self.side.cpu();
        let end = Instant::now() + turn;
        let ask = |connection: &mut Connection| {
            let mut times = Vec::new();
            while Instant::now() < end {
                let began = Instant::now();
                assert_eq!(connection.ask(request).status, 200);
                times.push(began.elapsed());
            }
            times
        };
        let times: Vec<Duration> = std::thread::scope(|scope| {
            let asking: Vec<_> = self.connections.iter_mut().map(|c| scope.spawn(move || ask(c))).collect();
            asking.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        let cpu = self.side.cpu() - before;
        self.cpu.push(cpu.as_secs_f64() * 1e6 / times.len() as f64);
        self.times.extend(times);
    }

    fn forget(&mut self) {
        self.cpu.clear();
        self.times.clear();
    }
}

/// Serves until standard input ends.
fn serve(side: &str, folder: &Path) {
    // As in `serve`.
    log::begin(LevelFilter::INFO, false, false);
    let certificates = Certificates::from_files(&folder.join(CERTIFICATE), &folder.join(KEY)).unwrap();
    let reviewer: Arc<dyn Reviewer> = if side == JUDGED { Arc::new(judge()) } else { Arc::new(Parse) };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (_keep, draining) = watch::channel(false);
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let server = Server::bind(any, any, Limits::default(), certificates, reviewer, draining);
    let server = runtime.block_on(server).unwrap();
    println!("{}", server.addresses().unwrap().0);
    runtime.spawn(server.run());
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    runtime.shutdown_background();
}

/// All policies that act at admission, and the cluster of the example.
fn judge() -> Judge {
    let bundle = bundle(&Vec::new(), Needs::Cluster).unwrap();
    let (inventory, cluster) = example::cluster();
    Judge {
        bundle: Arc::new(Arc::new(bundle).into()),
        snapshot: Arc::new(Arc::new(Snapshot { inventory, cluster }).into()),
        options: config::without_file(Enforcement::Enforce),
    }
}

/// Judges nothing.
struct Parse;

impl Reviewer for Parse {
    fn review(&self, body: &[u8], _: Door, _: &dyn Caller) -> Result<Judged, Unanswered> {
        let review: Value = serde_json::from_slice(body).map_err(|e| Unanswered::BadReview(e.to_string()))?;
        let uid = review["request"]["uid"].as_str().unwrap_or_default();
        let body = format!(
            r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{{"uid":"{uid}","allowed":true}}}}"#
        );
        // What is counted of it.
        let verdict = Verdict {
            uid: uid.to_owned(),
            decision: Decision::Admitted,
            policies: Vec::new(),
            operation: Some(Operation::Create),
            group: String::new(),
            resource: String::new(),
            kind: String::new(),
            namespace: String::new(),
            name: String::new(),
            user: String::new(),
            dry_run: false,
        };
        let reviewed = Reviewed { body: body.into_bytes(), verdict };
        Ok(Judged { reviewed, resource: "other".to_owned(), digest: "".into() })
    }
}
