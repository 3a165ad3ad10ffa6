//! `certs`: a certificate authority and a certificate for development.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::terminal;
use crate::report::summary::ExitCode;
use crate::server::certificates::Pem;
use crate::server::issue::{self, Authority, LOCAL};

/// How long an authority is valid.
const AUTHORITY: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// How long a certificate is valid.
const LEAF: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Make certificates for development
///
/// Writes a certificate authority (ca.crt, ca.key; valid a year) and a certificate for the webhook that it signs (tls.crt,
/// tls.key; valid 30 days). Run again, it renews the certificate and keeps the authority: whoever trusts it goes on
/// trusting. In a cluster let service-ca or cert-manager do this.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Where to; made if it is not there
    #[arg(long, value_name = "FOLDER", default_value = "certs-dev")]
    dir: PathBuf,
    /// A name or address that the webhook is called by, besides localhost; may be repeated
    #[arg(long = "name", value_name = "NAME", default_value = "virt-guard.virt-guard.svc")]
    names: Vec<String>,
    /// Replace the authority too; what trusts the old one no longer trusts the webhook
    #[arg(long)]
    new_ca: bool,
}

impl Arguments {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let dir = &self.dir;
        fs::create_dir_all(dir).map_err(|e| anyhow::anyhow!("{}: {}", dir.display(), terminal::words(&e)))?;
        let kept = if self.new_ca { None } else { existing(dir)? };
        let made = kept.is_none();
        let authority = match kept {
            Some(authority) => authority,
            None => issue::authority(AUTHORITY).map_err(|e| anyhow::anyhow!("no authority could be made: {e}"))?,
        };
        let names: Vec<String> = LOCAL.iter().map(ToString::to_string).chain(self.names).collect();
        let Pem { certificate, key } = issue::leaf(&authority, &names, LEAF)
            .map_err(|e| anyhow::anyhow!("no certificate could be made for {}: {e}", names.join(", ")))?;
        if made {
            write(&dir.join("ca.key"), authority.key.as_bytes())?;
            write(&dir.join("ca.crt"), authority.certificate.as_bytes())?;
        }
        write(&dir.join("tls.key"), &key)?;
        write(&dir.join("tls.crt"), &certificate)?;
        let path = |file: &str| dir.join(file).display().to_string();
        let authority = match made {
            true => format!("{}: a new authority, valid a year", path("ca.crt")),
            false => format!("{}: kept (--new-ca replaces it)", path("ca.crt")),
        };
        terminal::print(&format!("{authority}\n{}: for {}, valid 30 days\n", path("tls.crt"), names.join(", ")))?;
        Ok(ExitCode::Clean)
    }
}

/// The authority that is there. Half of one is not overwritten.
fn existing(dir: &Path) -> anyhow::Result<Option<Authority>> {
    let read = |file: &str| match fs::read_to_string(dir.join(file)) {
        Ok(text) => Ok(Some(text)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(anyhow::anyhow!("{}: {}", dir.join(file).display(), terminal::words(&e))),
    };
    match (read("ca.crt")?, read("ca.key")?) {
        (Some(certificate), Some(key)) => Ok(Some(Authority { certificate, key })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(half(dir, "ca.crt", "ca.key")),
        (None, Some(_)) => Err(half(dir, "ca.key", "ca.crt")),
    }
}

fn half(dir: &Path, there: &str, missing: &str) -> anyhow::Error {
    let dir = dir.display();
    anyhow::anyhow!("{dir} holds {there} and no {missing}; bring it back, or replace both with --new-ca")
}

/// Writes a file that only its owner may read, under another name first: who reads it never sees half of it.
fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let new = path.with_extension("new");
    let written = (|| {
        // What an interrupted run left behind may have another mode.
        match fs::remove_file(&new) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&new)?.write_all(bytes)?;
        fs::rename(&new, path)
    })();
    written.map_err(|e| anyhow::anyhow!("{} cannot be written: {}", path.display(), terminal::words(&e)))
}
