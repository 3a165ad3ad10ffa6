//! A webhook that does what ours must never do.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

use crate::webhook::{authority, certificates};

/// Answers a request, of which it gets the count (from 1) and the uid, with a status line, headers and a body.
pub type Behaviour = fn(count: usize, uid: &str) -> (&'static str, &'static str, String);

pub struct Faulty {
    pub port: u16,
    pub authority: String,
    calls: Arc<AtomicUsize>,
}

impl Faulty {
    pub fn start(dir: &Path, behaviour: Behaviour) -> Self {
        let certificates = certificates(dir);
        let chain = CertificateDer::pem_file_iter(certificates.join("tls.crt")).unwrap().map(Result::unwrap).collect();
        let key = PrivateKeyDer::from_pem_file(certificates.join("tls.key")).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (config, counted) = (Arc::clone(&config), Arc::clone(&counted));
                std::thread::spawn(move || answer(stream.unwrap(), config, &counted, behaviour));
            }
        });
        Faulty { port, authority: authority(&certificates), calls }
    }

    /// How often it was called.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

/// An answer that admits, with this uid.
pub fn admitted(uid: &str) -> String {
    let response = json!({"uid": uid, "allowed": true});
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}).to_string()
}

/// One request a connection. The API server may go in the middle of it.
fn answer(stream: TcpStream, config: Arc<ServerConfig>, calls: &AtomicUsize, behaviour: Behaviour) -> Option<()> {
    let mut stream = BufReader::new(StreamOwned::new(ServerConnection::new(config).ok()?, stream));
    let mut length = 0;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim().to_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    let review: Value = serde_json::from_slice(&body).ok()?;
    let count = calls.fetch_add(1, Ordering::SeqCst) + 1;
    let (status, headers, body) = behaviour(count, review["request"]["uid"].as_str()?);
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n");
    let stream = stream.get_mut();
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body.as_bytes()).ok()?;
    stream.conn.send_close_notify();
    stream.flush().ok()
}
