//! What changes while the server runs: certificates, policies, and that it leaves.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use virt_guard::server::certificates::{BadPair, Certificates, Look, Pem};
use virt_guard::server::{Limits, issue, watch};

use super::client::{PATIENCE, post, until};
use super::server::{REVIEW, after, judge, limits, pair, start, start_with};

/// Often enough that a test need not wait.
const OFTEN: Duration = Duration::from_millis(10);

fn write(folder: &Path, pem: &Pem) {
    fs::write(folder.join("tls.crt"), &pem.certificate).unwrap();
    fs::write(folder.join("tls.key"), &pem.key).unwrap();
}

fn from(folder: &Path) -> Result<Arc<Certificates>, BadPair> {
    Certificates::from_files(&folder.join("tls.crt"), &folder.join("tls.key"))
}

/// Another leaf of the same authority.
fn another(authority: &issue::Authority) -> Pem {
    issue::leaf(authority, &issue::LOCAL.map(str::to_owned), Duration::from_secs(3_600)).unwrap()
}

/// Cases 85 and 86.
#[test]
fn a_new_certificate_is_served_and_nobody_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let (authority, pem) = pair();
    write(folder.path(), &pem);
    let running = start_with(limits(), judge(), from(folder.path()).unwrap(), &authority.certificate);
    running.spawn(watch::certificates(Arc::clone(&running.shared), OFTEN));
    let mut old = running.connect();
    let first = old.certificate();
    let expiry = running.metric("virt_guard_tls_not_after_timestamp_seconds");

    // Half of a rotation, then rubbish, then nothing: the old pair stays.
    fs::write(folder.path().join("tls.crt"), another(&authority).certificate).unwrap();
    let error = "virt_guard_tls_reload_total{result=\"error\"}";
    until("the half pair is noticed", || running.metric(error) == 1.0);
    fs::write(folder.path().join("tls.key"), "rubbish").unwrap();
    until("the rubbish is noticed", || running.metric(error) == 2.0);
    fs::remove_file(folder.path().join("tls.key")).unwrap();
    until("the missing key is noticed", || running.metric(error) == 3.0);
    assert_eq!(running.connect().certificate(), first);
    assert_eq!(running.admin("/readyz").status, 200);

    write(folder.path(), &another(&authority));
    until("the new certificate is served", || running.connect().certificate() != first);
    assert_eq!(running.metric("virt_guard_tls_reload_total{result=\"ok\"}"), 1.0);
    assert!(running.metric("virt_guard_tls_not_after_timestamp_seconds") < expiry);
    assert_eq!(old.ask(&post("/validate", REVIEW)).status, 200, "the old connection stands");
}

#[test]
fn pairs_that_cannot_be_served() {
    let (authority, good) = pair();
    let other = another(&authority);
    let expired = issue::leaf(&authority, &["localhost".to_owned()], Duration::ZERO).unwrap();
    let pem = |certificate: &[u8], key: &[u8]| Pem { certificate: certificate.to_vec(), key: key.to_vec() };
    for (what, pair, part) in [
        ("half of a rotation", pem(&good.certificate, &other.key), "the key is not that of the certificate"),
        ("an empty certificate", pem(b"", &good.key), "tls.crt holds no certificate"),
        ("an empty key", pem(&good.certificate, b""), "tls.key holds no private key"),
        (
            "rubbish",
            pem(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", &good.key),
            "no certificate",
        ),
        ("the key first", pem(&good.key, &good.certificate), "tls.crt holds no certificate"),
        ("yesterday's", expired, "has expired"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &good);
        let certificates = from(folder.path()).unwrap();
        assert_eq!(certificates.look(), Look::Same);
        write(folder.path(), &pair);
        let at_start = from(folder.path()).expect_err(what);
        assert!(at_start.to_string().contains(part), "{what}: {at_start}");
        assert_eq!(certificates.look(), Look::Kept(at_start), "{what}");
        write(folder.path(), &other);
        assert_eq!(certificates.look(), Look::Swapped, "{what}");
    }
    let nowhere = tempfile::tempdir().unwrap();
    assert!(from(nowhere.path()).expect_err("no files").to_string().contains("tls.crt cannot be read"));
}

/// A certificate that ran out while it was served.
#[test]
fn an_expired_certificate_is_not_ready() {
    let (authority, _) = pair();
    let soon = issue::leaf(&authority, &issue::LOCAL.map(str::to_owned), Duration::from_secs(2)).unwrap();
    let running = start_with(limits(), judge(), Certificates::made(soon).unwrap(), &authority.certificate);
    until("the certificate runs out", || running.admin("/readyz").status == 503);
    assert!(running.admin("/readyz").text().contains("[-]certificate failed: the served certificate has expired"));
}

/// Cases 101 and 70: leaving in good order.
#[test]
fn who_leaves_answers_everybody_first() {
    let (begin, begun) = channel();
    let (go, wait) = channel::<()>();
    let (begin, wait) = (std::sync::Mutex::new(begin), std::sync::Mutex::new(wait));
    let running = start(
        limits(),
        after(move |body, _| {
            if body.windows(5).any(|w| w == b"first") {
                begin.lock().unwrap().send(()).unwrap();
                wait.lock().unwrap().recv().unwrap();
            }
        }),
    );
    let first = String::from_utf8(REVIEW.to_vec()).unwrap().replace("jane@example.com", "first");
    let mut idle = running.connect();
    let mut busy = running.connect();
    busy.send(&post("/validate", first.as_bytes()));
    begun.recv().unwrap();
    assert_eq!(running.admin("/readyz").status, 200);

    running.draining.send_replace(true);
    let unready = running.admin("/readyz");
    assert!(unready.status == 503 && unready.text().contains("[-]shutdown failed: the server is shutting down"));
    assert_eq!(running.admin("/livez").status, 200);
    // Who comes late, and who has a connection, is answered, and sent away.
    for client in [&mut running.connect(), &mut idle] {
        let answer = client.ask(&post("/validate", REVIEW));
        assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
        assert!(client.closed());
    }
    assert!(running.ended.try_recv().is_err(), "somebody is still answered");
    go.send(()).unwrap();
    assert_eq!(busy.answer().expect("an answer").header("connection"), Some("close"));
    drop(busy);
    running.ended.recv_timeout(PATIENCE).expect("it leaves when nobody is connected");
}

#[test]
fn who_leaves_does_not_wait_for_ever() {
    let running = start(Limits { drain_at_most: Duration::from_millis(100), ..limits() }, judge());
    let mut idle = running.connect();
    assert_eq!(idle.ask(&post("/validate", REVIEW)).status, 200);
    running.draining.send_replace(true);
    running.ended.recv_timeout(PATIENCE).expect("it leaves although somebody is connected");
}
