//! Who judges: the policies in force, against what is known of the cluster, as the operator decided. Each of the three can
//! be replaced while requests are judged; a request sees one state of each from its beginning to its end.

use std::collections::BTreeSet;
use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::Timestamp;

use crate::admission::{self, Caller, Door, Options, Reviewed, Setup, Unanswered};
use crate::engine::{Cluster, Surroundings};
use crate::inventory::Inventory;
use crate::policy::PolicySet;

/// What reviews are put to.
pub trait Reviewer: Send + Sync {
    /// Answers a body; see [`admission::review`].
    ///
    /// # Errors
    /// Those of [`admission::review`].
    fn review(&self, body: &[u8], door: Door, caller: &dyn Caller) -> Result<Judged, Unanswered>;
}

/// An answer, and what it was judged by.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The answer.
    pub reviewed: Reviewed,
    /// `plural.group` when a policy names that resource, else `other`.
    pub resource: String,
    /// Digest of the policies.
    pub digest: Arc<str>,
}

/// Policies, and what they are called by.
#[derive(Debug)]
pub struct Bundle {
    /// The policies.
    pub policies: PolicySet,
    /// Eight hexadecimal digits of what they were read from.
    pub digest: Arc<str>,
    /// How many policies there are, those included that say nothing here.
    pub of: usize,
    /// (group, plural) of everything that they name.
    resources: BTreeSet<(String, String)>,
}

impl Bundle {
    /// From policies, how many they are taken of, and their digest.
    pub fn new(policies: PolicySet, of: usize, digest: &str) -> Self {
        let resources = policies.iter().flat_map(|policy| policy.resources()).collect();
        Bundle { policies, digest: digest.into(), of, resources }
    }

    /// The resources that its policies name.
    pub fn resources(&self) -> &BTreeSet<(String, String)> {
        &self.resources
    }

    fn label(&self, group: &str, resource: &str) -> String {
        let (plural, _) = resource.split_once('/').unwrap_or((resource, ""));
        match self.resources.contains(&(group.to_owned(), plural.to_owned())) {
            false => "other".to_owned(),
            true if group.is_empty() => plural.to_owned(),
            true => format!("{plural}.{group}"),
        }
    }
}

/// What is known of the cluster.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// Its objects; none of any kind without a cluster.
    pub inventory: Inventory,
    /// Its versions. The time is that of each request.
    pub cluster: Cluster,
}

/// The policies, what is known, and what the operator decided.
#[derive(Debug)]
pub struct Judge {
    /// The policies in force.
    pub bundle: Arc<ArcSwap<Bundle>>,
    /// The cluster as it was last seen.
    pub snapshot: Arc<ArcSwap<Snapshot>>,
    /// What the operator decided.
    pub options: Options,
}

impl Reviewer for Judge {
    fn review(&self, body: &[u8], door: Door, caller: &dyn Caller) -> Result<Judged, Unanswered> {
        let bundle = self.bundle.load_full();
        let snapshot = self.snapshot.load_full();
        let cluster = Cluster { now: Some(Timestamp::now()), ..snapshot.cluster.clone() };
        let around = Surroundings { inventory: &snapshot.inventory, cluster: &cluster };
        let setup = Setup { policies: &bundle.policies, around, options: &self.options };
        let reviewed = admission::review(body, door, &setup, caller)?;
        let resource = bundle.label(&reviewed.verdict.group, &reviewed.verdict.resource);
        Ok(Judged { reviewed, resource, digest: Arc::clone(&bundle.digest) })
    }
}
