//! `serve --inventory cluster` beside an API server that answers little, or nothing.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::thread;

use super::client::{post, until};
use super::program::{Program, allowed, serve};
use super::server::{REVIEW, metric};

/// A kubeconfig for an address.
fn kubeconfig(folder: &Path, address: SocketAddr) -> String {
    let path = folder.join("kubeconfig");
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n\
         clusters: [{{name: c, cluster: {{server: 'http://{address}'}}}}]\nusers: [{{name: u, user: {{}}}}]\n"
    );
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// An API server that has core kinds and no object of them.
fn empty_cluster() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || answer_all(stream.unwrap()));
        }
    });
    address
}

fn answer_all(mut stream: TcpStream) {
    let mut requests = BufReader::new(stream.try_clone().unwrap());
    loop {
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            if requests.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if line == "\r\n" {
                break;
            }
            head.push(line);
        }
        let path = head[0].split(' ').nth(1).unwrap();
        let list = "{\"kind\":\"List\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"7\"},\"items\":[]}";
        let head =
            |status: &str, more: &str| format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{more}\r\n\r\n");
        let answer = match path.starts_with("/api/v1/") {
            true if path.contains("watch=true") => head("200 OK", "transfer-encoding: chunked"),
            true => head("200 OK", &format!("content-length: {}", list.len())) + list,
            false => head("404 Not Found", "content-length: 0"),
        };
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn start(folder: &Path, address: SocketAddr, arguments: &[&str]) -> Program {
    let mut command = serve(folder, &[&["--inventory", "cluster"], arguments].concat());
    command.env("KUBECONFIG", kubeconfig(folder, address));
    Program::of(command, folder)
}

/// A VM that must live-migrate, on a disk with these access modes.
fn review_of_vm(access_modes: &str) -> Vec<u8> {
    let gvk = "{\"group\":\"kubevirt.io\",\"version\":\"v1\",\"kind\":\"VirtualMachine\"}";
    let gvr = "{\"group\":\"kubevirt.io\",\"version\":\"v1\",\"resource\":\"virtualmachines\"}";
    let claim = format!(
        "{{\"metadata\":{{\"name\":\"data\"}},\"spec\":{{\"storage\":{{{access_modes}\"storageClassName\":\"local-path\",\
         \"resources\":{{\"requests\":{{\"storage\":\"1Gi\"}}}}}}}}}}"
    );
    let template = "{\"spec\":{\"evictionStrategy\":\"LiveMigrate\",\"domain\":{\"devices\":{\"disks\":[{\"name\":\"data\"}]}},\
                    \"volumes\":[{\"name\":\"data\",\"dataVolume\":{\"name\":\"data\"}}]}}";
    let object = format!(
        "{{\"apiVersion\":\"kubevirt.io/v1\",\"kind\":\"VirtualMachine\",\"metadata\":{{\"name\":\"db-0\",\"namespace\":\"shop\"}},\
         \"spec\":{{\"runStrategy\":\"Always\",\"dataVolumeTemplates\":[{claim}],\"template\":{template}}}}}"
    );
    let review = format!(
        "{{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\",\"request\":{{\"uid\":\"u\",\"kind\":{gvk},\
         \"resource\":{gvr},\"name\":\"db-0\",\"namespace\":\"shop\",\"operation\":\"CREATE\",\"object\":{object}}}}}"
    );
    post("/validate", review.as_bytes())
}

#[test]
fn facts_are_judged_by_what_the_cluster_holds() {
    let folder = tempfile::tempdir().unwrap();
    let program = start(folder.path(), empty_cluster(), &[]);
    until("the cluster has answered", || program.admin("/readyz") == "ok\n");
    let answer = program.ask(&review_of_vm("\"accessModes\":[\"ReadWriteOnce\"],"));
    assert!(!allowed(&answer) && answer.text().contains("[vm-live-migrate-not-migratable]"), "{}", answer.text());
    until("all kinds are known", || {
        let ready = program.admin("/readyz?verbose");
        ready.contains("[+]inventory ok") && ready.contains("kinds known\n")
    });
    let page = program.admin("/metrics");
    assert!(page.contains("virt_guard_snapshot_age_seconds{resource=\"persistentvolumeclaims\"}"), "{page}");
    assert_eq!(metric(&page, "virt_guard_watch_restarts{resource=\"persistentvolumeclaims\"}"), 0.0);
}

/// An object that can be stored and has tens of thousands of obstacles: what is made of them stays small.
#[test]
fn what_facts_make_of_an_endless_list_is_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let program = start(folder.path(), empty_cluster(), &[]);
    until("the cluster has answered", || program.admin("/readyz") == "ok\n");
    let vm = String::from_utf8(review_of_vm("")).unwrap();
    let (_, body) = vm.split_once("\r\n\r\n").unwrap();
    let devices = "{\"name\":\"a\",\"deviceName\":\"b\"},".repeat((3 << 19) / 30);
    let devices = format!("\"devices\":{{\"hostDevices\":[{}],", devices.trim_end_matches(','));
    let body = body.replacen("\"devices\":{", &devices, 1);
    let before = program.peak_memory();
    let answer = program.ask(&post("/validate?timeout=10s", body.as_bytes()));
    assert!(!allowed(&answer) && answer.text().contains("[vm-live-migrate-not-migratable]"), "{}", answer.text());
    let grown = program.peak_memory() - before;
    assert!(grown < 64, "{grown} MiB for {} KiB", body.len() >> 10);
}

/// Case 106.
#[test]
fn without_the_api_server_what_needs_no_cluster_is_served() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let program = start(folder.path(), nobody, &["--startup-timeout", "300ms"]);
    until("it gives up waiting", || program.admin("/readyz") == "ok\n");
    assert!(!allowed(&program.ask(&post("/validate", REVIEW))), "portable policies deny");
    // Which access modes the volume gets stands in the cluster.
    let unknown = program.ask(&review_of_vm(""));
    assert!(allowed(&unknown), "unknown is no denial: {}", unknown.text());
    assert!(unknown.json()["response"]["warnings"][0].is_string(), "{}", unknown.text());
    until("readiness says what is not known", || program.admin("/readyz?verbose").contains("no answer yet: "));
}

#[test]
fn while_the_cluster_has_not_answered_requests_come_too_early() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let program = start(folder.path(), silent.local_addr().unwrap(), &["--startup-timeout", "1h"]);
    assert_eq!(program.ask(&post("/validate", REVIEW)).status, 503);
    assert!(program.admin("/readyz").contains("[-]startup failed: the server has just begun"));
}

#[test]
fn without_a_kubeconfig_it_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = serve(folder.path(), &["--inventory", "cluster"]);
    let output = command.env_clear().output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && stderr.contains("no cluster to ask"), "{stderr}");
}
