//! A client, from a kubeconfig or from inside the cluster.

use std::path::Path;
use std::time::Duration;

use http::header::{HeaderValue, USER_AGENT};
use kube::config::{InferConfigError, KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};

/// Longest wait for a connection. Behind it stands a retry, so it may be short.
const CONNECT: Duration = Duration::from_secs(5);

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The kubeconfig cannot be read, or has no such context.
    #[error("the kubeconfig cannot be used: {0}")]
    Kubeconfig(#[from] KubeconfigError),
    /// There is no kubeconfig, and this is not inside a cluster.
    #[error("no cluster to ask: {0}")]
    NoCluster(#[from] InferConfigError),
    /// Its certificates or its address cannot be used.
    #[error("the cluster's address or certificates cannot be used: {0}")]
    Client(#[from] kube::Error),
}

/// A client for the cluster of a kubeconfig file; without one of `$KUBECONFIG`, `~/.kube/config`, or the cluster that this
/// runs in. `context` picks one of a kubeconfig's. No request is made.
pub async fn connect(kubeconfig: Option<&Path>, context: Option<&str>) -> Result<Client, ConnectError> {
    // Rustls wants to be told which cryptography to use; a second call changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let options = KubeConfigOptions { context: context.map(str::to_owned), ..KubeConfigOptions::default() };
    let mut config = match kubeconfig {
        Some(path) => Config::from_custom_kubeconfig(Kubeconfig::read_from(path)?, &options).await?,
        None if context.is_some() => Config::from_kubeconfig(&options).await?,
        None => Config::infer().await?,
    };
    config.connect_timeout = Some(CONNECT);
    // `read_timeout` stays unset: it would cut watches.
    let agent = HeaderValue::from_static(concat!("virt-guard/", env!("CARGO_PKG_VERSION")));
    config.headers.push((USER_AGENT, agent));
    Ok(Client::try_from(config)?)
}
