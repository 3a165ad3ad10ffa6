//! Connections: their number, their deadlines, their handshakes.

use std::io::{ErrorKind, Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use virt_guard::server::Limits;
use virt_guard::server::certificates::Certificates;

use super::client::{Client, post, tcp, until};
use super::server::{REVIEW, judge, limits, start, start_with};

/// Soon for a test.
const SOON: Duration = Duration::from_millis(150);

/// Cases 76 to 80: only who is in the middle of something has to hurry.
#[test]
fn a_client_may_be_idle_but_not_slow() {
    let running = start(Limits { handshake: SOON, head: SOON, ..limits() }, judge());
    let mut idle = running.connect();
    let mut kept = running.connect();
    assert_eq!(kept.ask(&post("/validate", REVIEW)).status, 200);

    let mut silent = tcp(running.webhook);
    assert_eq!(silent.read(&mut [0]).unwrap_or(0), 0, "76: no ClientHello");
    let mut hello = tcp(running.webhook);
    let began = Instant::now();
    // 77: the beginning of a ClientHello, then a byte whenever the last one went through.
    let mut still_there = hello.write_all(&[0x16, 0x03, 0x01, 0x02, 0x00]).is_ok();
    hello.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    while still_there {
        assert!(began.elapsed() < super::client::PATIENCE);
        still_there = hello.write_all(&[1]).is_ok() && !matches!(hello.read(&mut [0]), Ok(0));
    }
    let mut head = running.connect();
    head.send(b"P");
    assert!(head.closed(), "78: headers that do not end");

    // Both were longer without a request than a handshake or headers may take.
    for client in [&mut idle, &mut kept] {
        assert_eq!(client.ask(&post("/validate", REVIEW)).status, 200, "80: idle connections stay");
    }
    until("both are counted", || running.metric("virt_guard_tls_handshakes_total{result=\"too_slow\"}") >= 2.0);
}

#[test]
fn a_connection_that_is_idle_too_long_is_closed() {
    let running = start(Limits { idle: SOON, ..limits() }, judge());
    let mut never_used = running.connect();
    let mut used = running.connect();
    assert_eq!(used.ask(&post("/validate", REVIEW)).status, 200);
    assert!(never_used.closed() && used.closed());
}

/// Who holds connections to the admin port would keep the kubelet out.
#[test]
fn nobody_waits_on_the_admin_port() {
    let running = start(Limits { head: SOON, ..limits() }, judge());
    let mut silent = Client::plain(running.admin);
    let mut kept = Client::plain(running.admin);
    assert_eq!(kept.ask(b"GET /livez HTTP/1.1\r\nhost: h\r\n\r\n").status, 200);
    assert!(silent.closed() && kept.closed());
    let mut slow = Client::plain(running.admin);
    slow.send(b"G");
    assert!(slow.closed());
    assert_eq!(running.admin("/livez").status, 200);
}

/// Case 79.
#[test]
fn a_body_that_does_not_come_is_not_waited_for() {
    let running = start(limits(), judge());
    let mut client = running.connect();
    client.send(b"POST /validate?timeout=1s HTTP/1.1\r\nhost: localhost\r\ncontent-length: 29000000\r\n\r\n{");
    let lent = || running.metric("virt_guard_inflight_bytes");
    until("the first byte is there; what was announced and not sent costs nothing", || lent() == 1.0);
    assert_eq!(client.answer().expect("an answer").status, 408);
    assert!(client.closed());
    assert_eq!(lent(), 0.0);
}

#[test]
fn who_does_not_read_answers_is_let_go() {
    let running = start(Limits { write: SOON, ..limits() }, judge());
    let mut client = running.connect();
    let request = post("/validate", REVIEW);
    let began = Instant::now();
    // Until what lies between us is full, and nobody writes any more.
    let end = std::iter::repeat_with(|| client.push(&request)).find_map(Result::err).expect("an end");
    assert!(!matches!(end.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{end}");
    assert!(began.elapsed() < Limits::LONGEST_REQUEST, "an answer has a deadline of its own");
    assert!(running.judges());
}

#[test]
fn beyond_the_limit_connections_wait_for_a_place() {
    let running = start(Limits { connections: 2, ..limits() }, judge());
    let first = running.connect();
    let _second = running.connect();
    let mut third = tcp(running.webhook);
    third.set_read_timeout(Some(SOON)).unwrap();
    third.write_all(&[0x15]).unwrap();
    assert!(third.read(&mut [0]).is_err(), "nobody answers the third");
    drop(third);
    drop(first);
    assert!(running.judges());
}

/// Case 75: OpenShift's kube-apiserver operator shakes hands with every webhook, and leaves.
#[test]
fn a_handshake_alone_is_no_failure() {
    let running = start(limits(), judge());
    drop(running.connect());
    until("it is gone", || running.metric("virt_guard_connections{state=\"open\"}") == 0.0);
    let page = running.admin("/metrics").text();
    assert_eq!(super::server::metric(&page, "virt_guard_tls_handshakes_total{result=\"ok\"}"), 1.0);
    assert!(!page.contains("result=\"failed\""), "{page}");
}

/// Clients that speak HTTP/2 alone are told so by ALPN, before a byte of HTTP.
#[test]
fn http_1_1_is_all_that_is_offered() {
    let running = start(limits(), judge());
    let mut config = (*running.trust).clone();
    config.alpn_protocols = vec![b"h2".to_vec()];
    assert!(Client::tls(running.webhook, &config.into()).is_err());
    let mut config = (*running.trust).clone();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    assert!(Client::tls(running.webhook, &config.into()).is_ok());
}

/// Cases 73 and 74: there is one certificate, whatever name is asked for, and none has to be.
#[test]
fn by_address_without_a_name_and_with_tls_1_2() {
    let running = start(limits(), judge());
    let mut older = (*running.trust).clone();
    older.enable_sni = false;
    assert!(Client::tls(running.webhook, &older.into()).is_ok());
    let builder = rustls::ClientConfig::builder_with_provider(virt_guard::server::certificates::provider());
    let builder = builder.with_protocol_versions(&[&rustls::version::TLS12]).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    let (authority, pem) = super::server::pair();
    let certificate = rustls::pki_types::pem::PemObject::from_pem_slice(authority.certificate.as_bytes()).unwrap();
    roots.add(certificate).unwrap();
    let trust = Arc::new(builder.with_root_certificates(roots).with_no_client_auth());
    let certificates = Certificates::made(pem).unwrap();
    let running = start_with(limits(), judge(), certificates, &authority.certificate);
    let mut client = Client::tls(running.webhook, &trust).expect("TLS 1.2");
    assert_eq!(client.ask(&post("/validate", REVIEW)).status, 200);
}
