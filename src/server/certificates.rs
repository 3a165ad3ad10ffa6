//! The certificate that is served: read from two files, looked at again and again, swapped without dropping anybody.
//!
//! Files are polled and their bytes compared: a Secret's volume is swapped by renaming a folder, which a watch on the
//! file does not see (kubernetes#112677). A pair that cannot be served leaves the old one in place.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, version};
use thiserror::Error;

/// The only cryptography in this program. Named wherever it is needed; nothing guesses which one is meant.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// Why a pair cannot be served.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum BadPair {
    /// A file that cannot be read.
    #[error("{file} cannot be read: {why}")]
    Unreadable {
        /// Its path.
        file: String,
        /// What the operating system says.
        why: String,
    },
    /// The file of the certificate holds none.
    #[error("{file} holds no certificate in PEM")]
    NoCertificate {
        /// Its path.
        file: String,
    },
    /// The file of the key holds none.
    #[error("{file} holds no private key in PEM")]
    NoKey {
        /// Its path.
        file: String,
    },
    /// The two do not belong together, or one is of a kind that is not supported.
    #[error("{0}")]
    Unusable(String),
    /// The certificate's time is over.
    #[error("the certificate has expired")]
    Expired,
}

/// A certificate chain and its key, as PEM.
#[derive(Clone, PartialEq, Eq)]
pub struct Pem {
    /// The chain, the leaf first.
    pub certificate: Vec<u8>,
    /// The leaf's key.
    pub key: Vec<u8>,
}

/// Where a pair comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// Two files, looked at again and again.
    Files {
        /// The chain.
        certificate: PathBuf,
        /// Its key.
        key: PathBuf,
    },
    /// Made for this run.
    Made,
}

struct Served {
    key: Arc<CertifiedKey>,
    not_after: SystemTime,
}

/// The pair that is served.
pub struct Certificates {
    source: Source,
    served: ArcSwap<Served>,
    /// What was last read, good or bad: the same bytes are judged once.
    seen: Mutex<Pem>,
}

/// What a look at the files gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// As before.
    Same,
    /// A new pair is served.
    Swapped,
    /// The old pair is served.
    Kept(BadPair),
}

impl Certificates {
    /// Reads a pair from files.
    pub fn from_files(certificate: &Path, key: &Path) -> Result<Arc<Self>, BadPair> {
        let pem = read(certificate, key)?;
        let files = Source::Files { certificate: certificate.to_owned(), key: key.to_owned() };
        Self::new(files, pem)
    }

    /// Serves a pair that no file holds.
    pub fn made(pem: Pem) -> Result<Arc<Self>, BadPair> {
        Self::new(Source::Made, pem)
    }

    fn new(source: Source, pem: Pem) -> Result<Arc<Self>, BadPair> {
        let served = usable(&pem, &source)?;
        if served.not_after <= SystemTime::now() {
            return Err(BadPair::Expired);
        }
        Ok(Arc::new(Certificates { source, served: ArcSwap::from_pointee(served), seen: Mutex::new(pem) }))
    }

    /// Looks at the files. The new pair counts from the next handshake on; connections that stand keep theirs.
    pub fn look(&self) -> Look {
        let Source::Files { certificate, key } = &self.source else { return Look::Same };
        let pem = match read(certificate, key) {
            Ok(pem) => pem,
            Err(bad) => return Look::Kept(bad),
        };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen == pem {
            return Look::Same;
        }
        let served = match usable(&pem, &self.source) {
            Ok(served) if served.not_after <= SystemTime::now() => return Look::Kept(BadPair::Expired),
            Ok(served) => served,
            Err(bad) => return Look::Kept(bad),
        };
        *seen = pem;
        self.served.store(Arc::new(served));
        Look::Swapped
    }

    /// When the time of the served certificate is over.
    pub fn not_after(&self) -> SystemTime {
        self.served.load().not_after
    }

    /// True when nobody accepts it any more.
    pub fn expired(&self) -> bool {
        self.not_after() <= SystemTime::now()
    }

    /// How to talk TLS: 1.2 and 1.3, and HTTP/1.1 alone behind it, which is what an API server speaks to a Service
    /// (apiserver pkg/util/webhook/client.go).
    pub fn tls(self: &Arc<Self>) -> Result<Arc<ServerConfig>, rustls::Error> {
        let builder = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&version::TLS13, &version::TLS12])?;
        let mut config = builder.with_no_client_auth().with_cert_resolver(Arc::clone(self) as Arc<_>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

/// Whatever name a client asks for, there is one certificate.
impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.served.load().key))
    }
}

/// Without the key.
impl std::fmt::Debug for Certificates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificates").field("source", &self.source).finish_non_exhaustive()
    }
}

fn read(certificate: &Path, key: &Path) -> Result<Pem, BadPair> {
    let file = |path: &Path| {
        fs::read(path).map_err(|e| BadPair::Unreadable { file: path.display().to_string(), why: e.to_string() })
    };
    Ok(Pem { certificate: file(certificate)?, key: file(key)? })
}

fn usable(pem: &Pem, source: &Source) -> Result<Served, BadPair> {
    let (certificate, key) = match source {
        Source::Files { certificate, key } => (certificate.display().to_string(), key.display().to_string()),
        Source::Made => ("the certificate".to_owned(), "the key".to_owned()),
    };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&pem.certificate)
        .collect::<Result<_, _>>()
        .map_err(|_| BadPair::NoCertificate { file: certificate.clone() })?;
    let leaf = chain.first().ok_or_else(|| BadPair::NoCertificate { file: certificate.clone() })?;
    let not_after = not_after(leaf).ok_or(BadPair::NoCertificate { file: certificate })?;
    let private = PrivateKeyDer::from_pem_slice(&pem.key).map_err(|_| BadPair::NoKey { file: key })?;
    // Refuses a key of another certificate: what is seen in the middle of a rotation.
    let key = CertifiedKey::from_der(chain, private, &provider()).map_err(|e| match e {
        rustls::Error::InconsistentKeys(_) => BadPair::Unusable("the key is not that of the certificate".to_owned()),
        other => BadPair::Unusable(format!("the certificate and its key cannot be used: {other}")),
    })?;
    Ok(Served { key: Arc::new(key), not_after })
}

fn not_after(leaf: &CertificateDer<'_>) -> Option<SystemTime> {
    let (_, parsed) = x509_parser::parse_x509_certificate(leaf).ok()?;
    let seconds = u64::try_from(parsed.validity().not_after.timestamp()).unwrap_or(0);
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}
