//! D 55–72: HTTP.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use virt_guard::server::Limits;

use super::client::{Client, post, until, with_headers};
use super::server::{REVIEW, after, judge, limits, start};

/// What becomes of a connection after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    Open,
    Closed,
}
use Then::{Closed, Open};

fn head_only(request: &str) -> Vec<u8> {
    format!("{request}host: localhost\r\n\r\n").into_bytes()
}

/// A chunked request with one byte in each chunk.
fn in_chunks(headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("POST /validate HTTP/1.1\r\nhost: localhost\r\n{headers}transfer-encoding: chunked\r\n\r\n");
    let mut request = head.into_bytes();
    for byte in body {
        request.extend_from_slice(&[b'1', b'\r', b'\n', *byte, b'\r', b'\n']);
    }
    request.extend_from_slice(b"0\r\n\r\n");
    request
}

#[test]
fn what_is_sent_and_what_comes_back() {
    let running = start(limits(), judge());
    let review = |headers: &str| with_headers("/validate", headers, REVIEW);
    let many_headers: String = (0..200).map(|i| format!("x-{i}: 1\r\n")).collect();
    let pipelined = [post("/validate", REVIEW), post("/validate", b"{")].concat();
    let mut two_lengths = review("content-length: 1\r\n");
    two_lengths.truncate(two_lengths.len() - REVIEW.len());
    let chunks_and_a_length = in_chunks("transfer-encoding: chunked\r\nCONTENT-LENGTH: 5\r\n", REVIEW);
    let the_same_twice = review(&format!("content-length: {}\r\n", REVIEW.len()));
    let behind = [post("/validate", REVIEW), in_chunks("content-length: 5\r\n", REVIEW)].concat();
    let http_1_0 = String::from_utf8(post("/validate", REVIEW)).unwrap().replace("HTTP/1.1", "HTTP/1.0");
    // (case, bytes, statuses, what becomes of the connection)
    let cases: Vec<(&str, Vec<u8>, &[u16], Then)> = vec![
        ("55: a query", post("/validate?timeout=10s", REVIEW), &[200], Open),
        ("55: the other door", post("/mutate?timeout=10s", REVIEW), &[200], Open),
        ("56: /validate/", post("/validate/", b"{}"), &[404], Open),
        ("56: //validate", post("//validate", b"{}"), &[404], Open),
        ("56: /VALIDATE", post("/VALIDATE", b"{}"), &[404], Open),
        ("57: GET", head_only("GET /validate HTTP/1.1\r\n"), &[405], Open),
        ("57: HEAD", head_only("HEAD /validate HTTP/1.1\r\n"), &[405], Open),
        ("57: OPTIONS", head_only("OPTIONS /validate HTTP/1.1\r\n"), &[405], Open),
        ("57: PUT", head_only("PUT /mutate HTTP/1.1\r\n"), &[405], Open),
        ("58: no content type", review(""), &[200], Open),
        ("58: with a charset", review("content-type: application/json; charset=utf-8\r\n"), &[200], Open),
        ("58: in capitals", review("Content-Type: Application/JSON\r\n"), &[200], Open),
        ("58: text", review("content-type: text/plain\r\n"), &[415], Closed),
        ("61: chunks of one byte", in_chunks("", REVIEW), &[200], Closed),
        ("63: two lengths", two_lengths, &[400], Closed),
        ("63: a length and chunks", in_chunks("content-length: 5\r\n", REVIEW), &[400], Closed),
        ("63: chunks and a length", chunks_and_a_length, &[400], Closed),
        ("63: the same length twice", the_same_twice, &[400], Closed),
        ("63: behind another request", behind, &[200, 400], Closed),
        (
            "63: chunks that are none",
            head_only("POST /validate HTTP/1.1\r\ntransfer-encoding: gzip\r\n"),
            &[400],
            Closed,
        ),
        ("64: 200 headers", head_only(&format!("POST /validate HTTP/1.1\r\n{many_headers}")), &[431], Closed),
        ("65: two at once", pipelined, &[200, 400], Open),
        ("66: HTTP/1.0", http_1_0.into_bytes(), &[200], Closed),
        ("66: HTTP/0.9", b"GET /validate\r\n\r\n".to_vec(), &[400], Closed),
        ("66: HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), &[], Closed),
        ("no AdmissionReview", post("/validate", b"{}"), &[400], Open),
        ("no body", post("/validate", b""), &[400], Open),
    ];
    for (case, bytes, statuses, then) in cases {
        let mut client = running.connect();
        client.try_send(&bytes);
        let answers: Vec<_> = statuses.iter().map_while(|_| client.answer()).collect();
        assert_eq!(answers.iter().map(|a| a.status).collect::<Vec<_>>(), statuses, "{case}");
        if statuses == [405] {
            assert_eq!(answers[0].header("allow"), Some("POST"), "{case}");
        }
        match then {
            Closed => assert!(client.closed(), "{case}"),
            Open => assert_eq!(client.ask(&post("/validate", REVIEW)).status, 200, "{case}"),
        }
    }
    assert!(running.judges());
}

/// Case 64. Most of it is still on its way when the answer is written; the client gets it nevertheless.
#[test]
fn a_header_of_a_mebibyte_is_not_read_to_its_end() {
    let running = start(limits(), judge());
    for _ in 0..20 {
        let mut client = running.connect();
        client.send(&head_only(&format!("POST /validate HTTP/1.1\r\nx: {}\r\n", "y".repeat(1 << 20))));
        assert_eq!(client.answer().expect("an answer").status, 431);
        assert!(client.closed());
    }
    assert!(running.judges());
}

#[test]
fn a_denial_says_what_to_do() {
    let running = start(limits(), judge());
    let answer = running.ask(&post("/validate?timeout=10s", REVIEW));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let response = &answer.json()["response"];
    assert_eq!(response["uid"], "705ab4f5-6393-11e8-b7cc-42010a800002");
    assert_eq!(response["status"]["code"], 422);
    let cause = &response["status"]["details"]["causes"][0];
    assert_eq!(cause["field"], "spec.installPlanApproval");
    assert!(cause["message"].as_str().unwrap().ends_with("[olm-manual-approval]"), "{cause}");
    let resource = "resource=\"subscriptions.operators.coreos.com\"";
    let denied = format!(
        "virt_guard_admission_requests_total{{operation=\"CREATE\",{resource},decision=\"denied\",dry_run=\"false\"}}"
    );
    assert_eq!(running.metric(&denied), 1.0);
    let outcome = "virt_guard_policy_outcomes_total{policy=\"olm-manual-approval\",outcome=\"deny\"}";
    assert_eq!(running.metric(outcome), 1.0);
    // 17: a dry run is denied alike, and enforces nothing.
    let dry = String::from_utf8(REVIEW.to_vec()).unwrap().replacen("\"dryRun\": false", "\"dryRun\": true", 1);
    assert_eq!(running.ask(&post("/validate", dry.as_bytes())).json()["response"], *response);
    assert_eq!(running.metric(&denied.replace("false", "true")), 1.0);
    assert_eq!((running.metric(&denied), running.metric(outcome)), (1.0, 1.0));
}

/// The review, grown to a size by a text in its object.
fn review_of(bytes: usize) -> Vec<u8> {
    let at = REVIEW.windows(7).position(|w| w == b"\"spec\":").expect("a spec");
    let filler = bytes - REVIEW.len() - b"\"filler\":\"\",".len();
    let filler = format!("\"filler\":\"{}\",", "x".repeat(filler));
    let grown = [&REVIEW[..at], filler.as_bytes(), &REVIEW[at..]].concat();
    assert_eq!(grown.len(), bytes);
    grown
}

/// Case 59.
#[test]
fn what_an_api_server_can_send_is_judged_and_more_is_denied() {
    let running = start(limits(), judge());
    let largest = running.ask(&post("/validate", &review_of(Limits::BODY)));
    assert_eq!((largest.status, &largest.json()["response"]["allowed"]), (200, &false.into()));
    assert!(largest.text().contains("[olm-manual-approval]"));

    let chunked = |body: &[u8]| {
        let mut request = b"POST /validate HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
        request.extend_from_slice(format!("{:x}\r\n", body.len()).as_bytes());
        request.extend_from_slice(body);
        request.extend_from_slice(b"\r\n0\r\n\r\n");
        request
    };
    let too_large = review_of(Limits::BODY + 1);
    for request in [post("/validate", &too_large), chunked(&too_large)] {
        let mut client = running.connect();
        client.try_send(&request);
        let denied = client.answer().expect("an answer").json();
        assert_eq!(denied["response"]["uid"], "705ab4f5-6393-11e8-b7cc-42010a800002");
        assert_eq!(denied["response"]["allowed"], false);
        assert!(denied["response"]["status"]["message"].as_str().unwrap().contains("28 MiB"), "{denied}");
    }
    let mut client = running.connect();
    client.try_send(&post("/validate", &vec![b' '; Limits::BODY + 1]));
    assert_eq!(client.answer().expect("an answer").status, 413);
    until("the memory is given back", || running.metric("virt_guard_inflight_bytes") == 0.0);
}

/// As deep as the API server sends (case 39): judged as any other.
#[test]
fn the_deepest_object_is_judged() {
    let running = start(limits(), judge());
    let review = String::from_utf8(REVIEW.to_vec()).unwrap();
    let deep = format!("\"deep\": {}1{}, \"spec\":", "[".repeat(9_990), "]".repeat(9_990));
    let answer = running.ask(&post("/validate", review.replacen("\"spec\":", &deep, 1).as_bytes()));
    assert!(answer.status == 200 && answer.text().contains("[olm-manual-approval]"), "{answer:?}");
    let deeper = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(running.ask(&post("/validate", deeper.as_bytes())).status, 400);
}

/// Memory is charged for what a body is parsed into: what never fits is denied, not told to come back for ever.
#[test]
fn more_values_than_there_is_memory_for_are_denied() {
    let running = start(limits(), judge());
    let values = "0,".repeat(8 << 20);
    let head =
        "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\",\"request\":{\"uid\":\"u\",\"object\":[";
    let answer = running.ask(&post("/validate", format!("{head}{values}0]}}}}").as_bytes()));
    assert_eq!((answer.status, &answer.json()["response"]["allowed"]), (200, &false.into()));
}

/// Case 60.
#[test]
fn a_body_that_ends_early_is_refused_and_costs_nothing() {
    let running = start(limits(), judge());
    let mut client = running.connect();
    client.send(b"POST /validate HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\n{\"kind\":1");
    client.finish();
    assert_eq!(client.answer().expect("an answer").status, 400);
    assert!(client.closed());
    until("the connection is gone", || running.metric("virt_guard_connections{state=\"open\"}") == 0.0);
    assert_eq!(running.metric("virt_guard_inflight_bytes"), 0.0);
    assert!(running.judges());
}

/// Case 62.
#[test]
fn a_client_that_asks_first_is_told_to_go_on() {
    let running = start(limits(), judge());
    let mut client = running.connect();
    let length = REVIEW.len();
    let head = format!(
        "POST /validate HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: {length}\r\n\r\n"
    );
    assert_eq!(client.ask(head.as_bytes()).status, 100);
    assert_eq!(client.ask(REVIEW).status, 200);
}

/// Case 67.
#[test]
fn plain_http_on_the_tls_port_is_closed() {
    let running = start(limits(), judge());
    let mut client = Client::plain(running.webhook);
    client.send(&post("/validate", REVIEW));
    // TLS's own answer, an alert; then the end.
    assert!(client.answer().is_none());
    until("it is counted", || running.metric("virt_guard_tls_handshakes_total{result=\"failed\"}") == 1.0);
    assert!(running.judges());
}

/// Case 68.
#[test]
fn when_the_client_leaves_the_judgement_stops() {
    let (begin, begun) = channel();
    let (stop, stopped) = channel();
    let (begin, stop) = (Mutex::new(begin), Mutex::new(stop));
    let first = AtomicBool::new(true);
    let running = start(
        limits(),
        after(move |_, caller| {
            if first.swap(false, Ordering::SeqCst) {
                begin.lock().unwrap().send(()).unwrap();
                until("the judgement is told to stop", || caller.should_stop());
                stop.lock().unwrap().send(()).unwrap();
            }
        }),
    );
    let mut client = running.connect();
    client.send(&post("/validate?timeout=30s", REVIEW));
    begun.recv().unwrap();
    drop(client);
    stopped.recv_timeout(super::client::PATIENCE).expect("the judgement stops");
    until("the memory is given back", || running.metric("virt_guard_inflight_bytes") == 0.0);
    let page = running.admin("/metrics").text();
    assert_eq!(super::server::metric(&page, "virt_guard_admission_abandoned_total"), 1.0);
    assert!(!page.contains("virt_guard_admission_refused_total{"), "{page}");
    assert!(running.judges());
}

/// `?timeout=` of the API server.
#[test]
fn a_judgement_is_told_to_stop_before_the_api_server_gives_up() {
    let (stop, stopped) = channel();
    let stop = Mutex::new(stop);
    let running = start(
        limits(),
        after(move |_, caller| {
            let began = std::time::Instant::now();
            until("the time is over", || caller.should_stop());
            stop.lock().unwrap().send(began.elapsed()).unwrap();
        }),
    );
    let answer = running.ask(&post("/validate?timeout=0.5s", REVIEW));
    // What was left is decided by each policy's failurePolicy; the API server gets its answer.
    assert_eq!((answer.status, &answer.json()["response"]["allowed"]), (200, &false.into()));
    assert!(stopped.recv().unwrap() <= Duration::from_millis(500));
}

/// Case 70.
#[test]
fn who_finds_no_memory_is_told_to_come_back() {
    let (begin, begun) = channel();
    let (go, wait) = channel::<()>();
    let (begin, wait) = (Mutex::new(begin), Mutex::new(wait));
    let running = start(
        Limits { memory: 64 * 1024, ..limits() },
        after(move |body, _| {
            if body.windows(5).any(|w| w == b"first") {
                begin.lock().unwrap().send(()).unwrap();
                wait.lock().unwrap().recv().unwrap();
            }
        }),
    );
    let first = String::from_utf8(REVIEW.to_vec()).unwrap().replace("jane@example.com", &"first".repeat(2_000));
    let mut holder = running.connect();
    holder.send(&post("/validate", first.as_bytes()));
    begun.recv().unwrap();
    for body in [review_of(40_000), review_of(70_000)] {
        let mut client = running.connect();
        client.send(&post("/validate", &body));
        let shed = client.answer().expect("an answer");
        assert_eq!(
            (shed.status, shed.header("retry-after"), shed.header("connection")),
            (429, Some("1"), Some("close"))
        );
        assert!(client.closed());
    }
    assert_eq!(running.metric("virt_guard_admission_shed_total{reason=\"memory\"}"), 2.0);
    go.send(()).unwrap();
    assert_eq!(holder.answer().unwrap().status, 200);
    assert!(running.judges());
}

/// Case 71.
#[test]
fn who_comes_too_early_is_told_to_come_back() {
    let running = start(limits(), judge());
    running.shared.health.set_starting(true);
    let mut client = running.connect();
    let early = client.ask(&post("/validate", REVIEW));
    assert_eq!(
        (early.status, early.header("retry-after"), early.header("connection")),
        (503, Some("1"), Some("close"))
    );
    assert!(client.closed());
    assert_eq!(running.metric("virt_guard_admission_shed_total{reason=\"not_ready\"}"), 1.0);
    assert_eq!(running.admin("/readyz").status, 503);
    running.shared.health.set_starting(false);
    assert_eq!(running.admin("/readyz").status, 200);
    assert!(running.judges());
}

/// Case 72.
#[test]
fn a_panic_costs_one_request() {
    let running = start(limits(), after(|body, _| assert!(!body.windows(8).any(|w| w == b"panic-me"), "on purpose")));
    let poisoned = String::from_utf8(REVIEW.to_vec()).unwrap().replace("jane@example.com", "panic-me");
    for _ in 0..8 {
        assert_eq!(running.ask(&post("/validate", poisoned.as_bytes())).status, 500);
    }
    assert_eq!(running.metric("virt_guard_admission_panics_total"), 8.0);
    assert!(running.judges());
    until("the memory is given back", || running.metric("virt_guard_inflight_bytes") == 0.0);
}
