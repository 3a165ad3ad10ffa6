//! `virt-guard certs`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use virt_guard::server::certificates::Certificates;

use super::client::post;
use super::server::{REVIEW, judge, limits, start_with};

fn certs(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_virt-guard"));
    command.arg("certs").arg("--dir").arg(folder).args(arguments).output().unwrap()
}

#[test]
fn certificates_are_made_renewed_and_kept_from_others() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("certs-dev");
    let read = |file: &str| fs::read_to_string(folder.join(file)).unwrap();
    assert!(certs(&folder, &[]).status.success());
    for file in ["ca.crt", "ca.key", "tls.crt", "tls.key"] {
        let mode = fs::metadata(folder.join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    let (authority, key, leaf) = (read("ca.crt"), read("ca.key"), read("tls.crt"));

    let again = certs(&folder, &["--name", "webhook.example"]);
    assert!(String::from_utf8(again.stdout).unwrap().contains("ca.crt: kept"));
    assert_eq!((read("ca.crt"), read("ca.key")), (authority.clone(), key), "the authority is kept");
    assert_ne!(read("tls.crt"), leaf, "the certificate is renewed");

    // Whoever trusts the authority is served.
    let served = Certificates::from_files(&folder.join("tls.crt"), &folder.join("tls.key")).unwrap();
    let running = start_with(limits(), judge(), served, &authority);
    assert_eq!(running.ask(&post("/validate", REVIEW)).status, 200);

    assert!(certs(&folder, &["--new-ca"]).status.success());
    assert_ne!(read("ca.crt"), authority);

    fs::remove_file(folder.join("ca.key")).unwrap();
    let kept = read("ca.crt");
    let half = certs(&folder, &[]);
    assert_eq!(half.status.code(), Some(2));
    assert!(String::from_utf8(half.stderr).unwrap().contains("holds ca.crt and no ca.key"));
    assert_eq!(read("ca.crt"), kept);
}
