//! Certificates of our own making, for development: a CA, and leaves that it signs.

use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use time::OffsetDateTime;

use super::certificates::Pem;

/// Clocks differ; a certificate is valid a little before it is made.
const SKEW: Duration = Duration::from_secs(5 * 60);

/// Names that a server on this machine is called by.
pub const LOCAL: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// A CA, as PEM.
pub struct Authority {
    /// Its certificate: what an API server is told to trust (`caBundle`).
    pub certificate: String,
    /// Its key.
    pub key: String,
}

/// Makes a CA that is valid so long.
pub fn authority(valid: Duration) -> Result<Authority, rcgen::Error> {
    let key = KeyPair::generate()?;
    let mut params = authority_params();
    (params.not_before, params.not_after) = from_now(valid);
    let certificate = params.self_signed(&key)?;
    Ok(Authority { certificate: certificate.pem(), key: key.serialize_pem() })
}

/// Makes a leaf for a server of these names (DNS names and addresses), signed by a CA.
pub fn leaf(authority: &Authority, names: &[String], valid: Duration) -> Result<Pem, rcgen::Error> {
    let signing = KeyPair::from_pem(&authority.key)?;
    let issuer = Issuer::new(authority_params(), signing);
    let key = KeyPair::generate()?;
    let certificate = server_params(names, valid)?.signed_by(&key, &issuer)?;
    Ok(Pem { certificate: certificate.pem().into_bytes(), key: key.serialize_pem().into_bytes() })
}

/// Makes a certificate that nobody signed but itself.
pub fn self_signed(names: &[String], valid: Duration) -> Result<Pem, rcgen::Error> {
    let key = KeyPair::generate()?;
    let certificate = server_params(names, valid)?.self_signed(&key)?;
    Ok(Pem { certificate: certificate.pem().into_bytes(), key: key.serialize_pem().into_bytes() })
}

/// What the CA is called, and what its key may do.
fn authority_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = name("virt-guard development CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn server_params(names: &[String], valid: Duration) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = name("virt-guard");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    (params.not_before, params.not_after) = from_now(valid);
    Ok(params)
}

fn name(common: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common);
    name
}

fn from_now(valid: Duration) -> (OffsetDateTime, OffsetDateTime) {
    let now = SystemTime::now();
    (OffsetDateTime::from(now - SKEW), OffsetDateTime::from(now + valid))
}
