//! `serve`: the admission webhook.

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use clap::{Args, ValueEnum};
use tokio::sync::watch;
use tracing_subscriber::filter::LevelFilter;

use super::follow::Follower;
use super::input;
use super::policy_files::{self, PolicyOptions};
use super::terminal;
use crate::admission::{Enforcement, Options};
use crate::cluster;
use crate::report::summary::ExitCode;
use crate::server::certificates::Certificates;
use crate::server::watch::{self as files, Needs, Policies};
use crate::server::{Bundle, Judge, Limits, Server, Signals, Snapshot, config, issue, log};

const EXAMPLES: &str = "\
Examples:
  virt-guard serve --dev                                      try it: no cluster, no files
  virt-guard serve --tls-cert tls.crt --tls-key tls.key       as a webhook
  virt-guard serve … --enforcement warn                       first roll-out: nothing is denied";

/// How long the certificate of `--dev` is valid.
const DEV_CERTIFICATE: Duration = Duration::from_secs(24 * 60 * 60);

/// How long requests are told to come back while the cluster has not answered.
const STARTUP: Duration = Duration::from_secs(10);

/// Exit code of a second signal: as a shell shows a program that Ctrl-C ended.
const ASKED_TWICE: i32 = 130;

/// Answer the API server: admit, warn, deny, patch
///
/// Serves POST /validate and /mutate over TLS for ValidatingWebhookConfigurations and MutatingWebhookConfigurations, and
/// /livez, /readyz and /metrics over plain HTTP on a port of its own. Certificates and policies are looked at while it
/// runs, and swapped when they change; what cannot be used leaves the old ones in force.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Serve on this machine with a certificate made for the moment, without a cluster
    #[arg(long, conflicts_with_all = ["tls_cert", "tls_key"])]
    dev: bool,
    /// Where the API server calls; all addresses, port 8443 (with --dev this machine only)
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// Where the kubelet and Prometheus ask; all addresses, port 8080 (with --dev this machine only)
    #[arg(long, value_name = "ADDRESS:PORT")]
    admin_listen: Option<SocketAddr>,
    /// The certificate, and those that lead to its authority; PEM
    #[arg(long, value_name = "FILE", required_unless_present = "dev", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Its key; PEM
    #[arg(long, value_name = "FILE", required_unless_present = "dev", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// What is written to standard error: error, warn, info or debug
    #[arg(long, value_name = "LEVEL", value_enum, default_value_t, hide_possible_values = true)]
    log_level: Level,
    #[command(flatten)]
    policies: PolicyOptions,
    /// enforce: denials deny; warn: they become warnings
    #[arg(long, value_enum, default_value_t, value_name = "HOW", hide_possible_values = true)]
    enforcement: How,
    /// Whose requests always pass, and whose denials become warnings
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    inventory: InventoryOptions,
    #[command(flatten)]
    limits: LimitOptions,
}

/// What is known besides the request.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "About the cluster")]
struct InventoryOptions {
    /// cluster: follow the objects that policies read (those of $KUBECONFIG, or of the cluster this runs in); none: serve
    /// the policies that read nothing but the request [default: cluster; with --dev none]
    #[arg(long, value_enum, value_name = "FROM", hide_possible_values = true)]
    inventory: Option<InventoryFrom>,
    /// What was not heard of for so long counts as unknown [default: 5m]
    #[arg(long, value_name = "TIME", value_parser = time)]
    max_staleness: Option<Duration>,
    /// After so long, serve even if the cluster has not answered [default: 10s]
    #[arg(long, value_name = "TIME", value_parser = time)]
    startup_timeout: Option<Duration>,
}

/// `--inventory`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum InventoryFrom {
    /// Nothing
    None,
    /// A cluster, followed
    Cluster,
}

/// Bounds that an operator may want to move.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Limits")]
struct LimitOptions {
    /// Open connections; more wait
    #[arg(long, value_name = "NUMBER", default_value_t = Limits::default().connections, value_parser = connections)]
    max_connections: usize,
    /// MiB that all requests in flight, and what expressions build for them, may hold together; more are told to come back.
    /// 128 at least
    #[arg(long, value_name = "MIB", default_value_t = Limits::default().memory >> 20, value_parser = mebibytes)]
    max_memory: usize,
    /// How often certificates and policies are looked at
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = time)]
    poll: Duration,
    /// Until a connection without a request is closed; the API server closes its own after 90 s, so stay above that
    #[arg(long, value_name = "TIME", default_value = "120s", value_parser = time)]
    idle_timeout: Duration,
    /// After SIGTERM, accept connections at least so long: 5s (with --dev 0s)
    #[arg(long, value_name = "TIME", value_parser = time)]
    shutdown_delay: Option<Duration>,
    /// After SIGTERM, leave after so long even if somebody is connected
    #[arg(long, value_name = "TIME", default_value = "95s", value_parser = time)]
    shutdown_timeout: Duration,
}

/// `--enforcement`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum How {
    /// As the bindings say
    #[default]
    Enforce,
    /// Nothing is denied
    Warn,
}

/// `--log-level`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Level {
    Error,
    Warn,
    #[default]
    Info,
    Debug,
}

fn connections(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|n| *n > 0).ok_or_else(|| "expected a number from 1 on".to_owned())
}

fn mebibytes(text: &str) -> Result<usize, String> {
    let least = Limits::LEAST_MEMORY >> 20;
    text.parse()
        .ok()
        .filter(|n| (least..=1 << 20).contains(n))
        .ok_or_else(|| format!("expected MiB from {least} on: the worst review that an API server sends needs so much"))
}

/// A length of time, such as `500ms`, `10s` or `2m`.
fn time(text: &str) -> Result<Duration, String> {
    let parsed = text.parse::<jiff::SignedDuration>().ok().and_then(|d| Duration::try_from(d).ok());
    parsed.ok_or_else(|| "expected a time such as 500ms, 10s or 2m".to_owned())
}

impl Arguments {
    /// Runs the command until it is told to stop.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let needs = self.needs();
        let InventoryOptions { max_staleness, startup_timeout, .. } = self.inventory;
        if needs == Needs::NoCluster && (max_staleness.is_some() || startup_timeout.is_some()) {
            anyhow::bail!("--max-staleness and --startup-timeout are about a cluster: add --inventory cluster");
        }
        let options = self.options()?;
        let read = {
            let paths = self.policies.policies.clone();
            Arc::new(move || policy_files::read(&paths).map_err(|e| e.to_string()))
        };
        let loaded = read().map_err(anyhow::Error::msg)?;
        let bundle = files::bundle(&loaded, needs).map_err(|problems| anyhow::anyhow!(policy_files::all(&problems)))?;
        let certificates = self.certificates()?;
        self.begin_log();
        let screen = Screen { arguments: &self, policies: policies_line(&bundle, needs) };
        let policies = Policies::new(read, needs, loaded, bundle);
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(screen.serve(options, certificates, policies))?;
        // Who is still connected had its time.
        runtime.shutdown_background();
        Ok(ExitCode::Clean)
    }

    fn needs(&self) -> Needs {
        match self.inventory.inventory {
            Some(InventoryFrom::Cluster) => Needs::Cluster,
            None if !self.dev => Needs::Cluster,
            _ => Needs::NoCluster,
        }
    }

    fn options(&self) -> anyhow::Result<Options> {
        let enforcement = match self.enforcement {
            How::Enforce => Enforcement::Enforce,
            How::Warn => Enforcement::Warn,
        };
        let Some(path) = &self.config else { return Ok(config::without_file(enforcement)) };
        let name = path.display().to_string();
        let bytes = input::bytes(path).map_err(|why| anyhow::anyhow!("{name}: {why}"))?;
        let options = config::parse(&name, bytes).map_err(|problems| anyhow::anyhow!(policy_files::all(&problems)))?;
        Ok(Options { enforcement, ..options })
    }

    fn certificates(&self) -> anyhow::Result<Arc<Certificates>> {
        if let (Some(certificate), Some(key)) = (&self.tls_cert, &self.tls_key) {
            return Ok(Certificates::from_files(certificate, key)?);
        }
        let names = issue::LOCAL.map(str::to_owned);
        let pem = issue::self_signed(&names, DEV_CERTIFICATE)
            .map_err(|e| anyhow::anyhow!("no certificate could be made: {e}"))?;
        Ok(Certificates::made(pem)?)
    }

    fn begin_log(&self) {
        let level = match self.log_level {
            Level::Error => LevelFilter::ERROR,
            Level::Warn => LevelFilter::WARN,
            Level::Info => LevelFilter::INFO,
            Level::Debug => LevelFilter::DEBUG,
        };
        let colour = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
        log::begin(level, std::io::stderr().is_terminal(), colour);
    }

    fn limits(&self) -> Limits {
        let asked = &self.limits;
        let otherwise = if self.dev { Duration::ZERO } else { Limits::default().drain_at_least };
        Limits {
            connections: asked.max_connections,
            memory: asked.max_memory << 20,
            idle: asked.idle_timeout,
            drain_at_least: asked.shutdown_delay.unwrap_or(otherwise),
            drain_at_most: asked.shutdown_timeout,
            ..Limits::default()
        }
    }

    /// Without an address: everybody may call, but for `--dev`.
    fn address(&self, given: Option<SocketAddr>, port: u16) -> SocketAddr {
        let address = if self.dev { Ipv4Addr::LOCALHOST } else { Ipv4Addr::UNSPECIFIED };
        given.unwrap_or(SocketAddr::new(IpAddr::V4(address), port))
    }
}

/// A run, and what a person is told about it.
struct Screen<'a> {
    arguments: &'a Arguments,
    policies: String,
}

impl Screen<'_> {
    async fn serve(
        &self,
        options: Options,
        certificates: Arc<Certificates>,
        policies: Arc<Policies>,
    ) -> anyhow::Result<()> {
        let arguments = self.arguments;
        let signals = Signals::listen()?;
        let (draining, drain) = watch::channel(false);
        let snapshot = Arc::new(ArcSwap::from_pointee(Snapshot::default()));
        let client = match arguments.needs() {
            Needs::Cluster => Some(cluster::connect(None, None).await?),
            Needs::NoCluster => None,
        };
        let judge = Arc::new(Judge { bundle: policies.in_force(), snapshot: Arc::clone(&snapshot), options });
        let (listen, admin) =
            (arguments.address(arguments.listen, 8443), arguments.address(arguments.admin_listen, 8080));
        let server = Server::bind(listen, admin, arguments.limits(), certificates, judge, drain).await?;
        let shared = Arc::clone(&server.shared);
        let state = Arc::clone(&policies);
        shared.health.check("policies", move || Ok(state.state()));
        self.tell(&server)?;
        if let Some(client) = client {
            shared.health.set_starting(true);
            let (policies, shared) = (Arc::clone(&policies), Arc::clone(&shared));
            let max_staleness = arguments.inventory.max_staleness.unwrap_or(cluster::MAX_STALENESS);
            let start = arguments.inventory.startup_timeout.unwrap_or(STARTUP);
            tokio::spawn(Follower { client, max_staleness, start, policies, snapshot, shared }.follow());
        }
        let poll = arguments.limits.poll;
        tokio::spawn(files::certificates(Arc::clone(&shared), poll));
        tokio::spawn(policies.watch(shared, poll));
        tokio::select! {
            ended = server.run() => Ok(ended?),
            () = signals.second(&draining) => std::process::exit(ASKED_TWICE),
        }
    }

    fn tell(&self, server: &Server) -> anyhow::Result<()> {
        let (webhook, admin) = server.addresses()?;
        let certificate = match &self.arguments.tls_cert {
            Some(file) => format!("from {}", file.display()),
            None => "self-made for localhost, valid 24 h".to_owned(),
        };
        if !std::io::stderr().is_terminal() {
            let (webhook, admin) = (webhook.to_string(), admin.to_string());
            let (policies, certificate) = (self.policies.as_str(), certificate.as_str());
            tracing::info!(policies, certificate, webhook = webhook.as_str(), admin = admin.as_str(), "listening");
            return Ok(());
        }
        let mut text = format!("{}\ncertificate: {certificate}\n", self.policies);
        let _ = writeln!(text, "listening on https://{webhook} (/validate, /mutate), admin on http://{admin}");
        if self.arguments.dev {
            let headers = "-H 'content-type: application/json'";
            let _ = writeln!(text, "try: curl -k https://{webhook}/validate {headers} -d @examples/review.json");
        }
        eprint!("{}", terminal::printable(&text));
        Ok(())
    }
}

fn policies_line(bundle: &Bundle, needs: Needs) -> String {
    let (policies, kinds) = (bundle.policies.iter().len(), bundle.resources().len());
    let which = match needs {
        Needs::NoCluster => "those that need no cluster",
        Needs::Cluster => "those that speak at admission",
    };
    format!("{policies} of {} policies (digest {}), {which}; {kinds} kinds", bundle.of, bundle.digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_bounds_as_they_are_asked_for() {
        assert_eq!(time("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(time("2m"), Ok(Duration::from_secs(120)));
        assert!(time("-1s").is_err() && time("soon").is_err() && time("10").is_err());
        assert_eq!(mebibytes("256"), Ok(256));
        assert!(mebibytes("127").is_err() && mebibytes("x").is_err());
        assert!(connections("0").is_err());
    }
}
