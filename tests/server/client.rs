//! An HTTP/1.1 client that sends exactly what it is told to.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use virt_guard::server::certificates::provider;

/// A test that waits so long for something waits in vain.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    head: String,
    pub body: Vec<u8>,
}

impl Answer {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }
}

/// A connection.
pub struct Client<S: Read + Write> {
    stream: S,
    read: Vec<u8>,
}

/// Trusts one authority, given as PEM, and speaks HTTP/1.1 alone, as an API server to a Service.
pub fn trusting(authority: &str) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap()).unwrap();
    let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}

/// A plain connection that gives up in the end.
pub fn tcp(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

impl Client<StreamOwned<ClientConnection, TcpStream>> {
    /// Connects, and shakes hands.
    pub fn tls(address: SocketAddr, config: &Arc<ClientConfig>) -> io::Result<Self> {
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(Arc::clone(config), name).unwrap();
        let mut stream = StreamOwned::new(connection, tcp(address));
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(Client { stream, read: Vec::new() })
    }

    /// The certificate that the server showed.
    pub fn certificate(&self) -> Vec<u8> {
        self.stream.conn.peer_certificates().unwrap()[0].to_vec()
    }

    /// Says that nothing more will be sent.
    pub fn finish(&mut self) {
        self.stream.conn.send_close_notify();
        self.stream.flush().unwrap();
        self.stream.sock.shutdown(Shutdown::Write).unwrap();
    }
}

impl Client<TcpStream> {
    /// Connects without TLS.
    pub fn plain(address: SocketAddr) -> Self {
        Client { stream: tcp(address), read: Vec::new() }
    }
}

impl<S: Read + Write> Client<S> {
    pub fn send(&mut self, bytes: &[u8]) {
        self.push(bytes).expect("the server reads");
    }

    /// Sends, or says why that is not possible.
    pub fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).and_then(|()| self.stream.flush())
    }

    /// Sends what it can: the server may have answered and left before the end.
    pub fn try_send(&mut self, bytes: &[u8]) {
        let _ = self.push(bytes);
    }

    /// The next answer; `None` when the server closed the connection without one.
    pub fn answer(&mut self) -> Option<Answer> {
        let end = loop {
            if let Some(at) = self.read.windows(4).position(|w| w == b"\r\n\r\n") {
                break at + 4;
            }
            if !self.more() {
                return None;
            }
        };
        let head = String::from_utf8(self.read.drain(..end).collect()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut answer = Answer { status, head, body: Vec::new() };
        let length: usize = answer.header("content-length").map_or(0, |l| l.parse().unwrap());
        while self.read.len() < length {
            assert!(self.more(), "closed in the middle of {answer:?}");
        }
        answer.body = self.read.drain(..length).collect();
        Some(answer)
    }

    /// Sends a request, and gives its answer.
    pub fn ask(&mut self, request: &[u8]) -> Answer {
        self.send(request);
        self.answer().expect("an answer")
    }

    /// Waits until the server closes; what it sends before is an error.
    pub fn closed(&mut self) -> bool {
        !self.more() && self.read.is_empty()
    }

    /// Reads more; false at the end. That nothing comes for a long time is an error.
    fn more(&mut self) -> bool {
        let mut buffer = [0; 16 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(0) => false,
            Ok(n) => {
                self.read.extend_from_slice(&buffer[..n]);
                true
            }
            Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                panic!("nothing came for {PATIENCE:?}")
            }
            // Reset, or closed without TLS's goodbye.
            Err(_) => false,
        }
    }
}

/// `POST path` with a body.
pub fn post(path: &str, body: &[u8]) -> Vec<u8> {
    with_headers(path, "content-type: application/json\r\n", body)
}

/// `POST path` with a body and header lines besides its length.
pub fn with_headers(path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("POST {path} HTTP/1.1\r\nhost: localhost\r\n{headers}content-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// Waits until something is so.
pub fn until(what: &str, mut so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < PATIENCE, "waited in vain: {what}");
        // Between two looks; what is awaited is the condition.
        std::thread::sleep(Duration::from_millis(5));
    }
}
