//! Where a kind is served, and whether it is at all.

use http::Request;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{APIGroup, APIResourceList};
use kube::Client;

use crate::inventory::Kind;
use crate::object::Gvk;

/// A kind as the API server serves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Served {
    /// The version that is preferred among those that have it.
    pub gvk: Gvk,
    /// Path of the objects of all namespaces.
    pub path: String,
}

/// Asks where a kind is served; `None` when it is not. Which versions there are changes with upgrades, so the answer is
/// good for as long as the path answers.
pub(super) async fn discover(client: &Client, kind: Kind) -> kube::Result<Option<Served>> {
    let Kind { group, kind, plural, .. } = kind;
    if group.is_empty() {
        // Core kinds are always there, in one version.
        return Ok(Some(Served { gvk: Gvk::new("v1", kind), path: format!("/api/v1/{plural}") }));
    }
    let Some(found) = get::<APIGroup>(client, &format!("/apis/{group}")).await? else { return Ok(None) };
    let preferred = found.preferred_version.as_ref().map(|v| v.version.as_str());
    let mut versions: Vec<&str> = found.versions.iter().map(|v| v.version.as_str()).collect();
    versions.sort_by_key(|v| Some(*v) != preferred);
    for version in versions {
        let path = format!("/apis/{group}/{version}");
        let list = get::<APIResourceList>(client, &path).await?;
        let resources = list.into_iter().flat_map(|list| list.resources);
        if resources.into_iter().any(|r| r.name == plural && r.kind == kind) {
            let gvk = Gvk { group: group.to_owned(), version: version.to_owned(), kind: kind.to_owned() };
            return Ok(Some(Served { gvk, path: format!("{path}/{plural}") }));
        }
    }
    Ok(None)
}

/// `None` when there is nothing at that path.
async fn get<T: serde::de::DeserializeOwned>(client: &Client, path: &str) -> kube::Result<Option<T>> {
    let request = Request::get(path).body(Vec::new()).map_err(kube::Error::HttpError)?;
    match client.request::<T>(request).await {
        Ok(found) => Ok(Some(found)),
        // By code: a path that is not there at all answers in plain text, without a reason.
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
        Err(error) => Err(error),
    }
}
