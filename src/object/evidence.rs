//! What a conclusion rests on, and what kept one from being drawn.

use std::collections::BTreeSet;
use std::fmt;

use super::node::{Node, Object, Scalar};
use super::path::Path;
use super::reference::ObjectRef;
use super::tree::Location;

/// Longest scalar that evidence shows, in characters.
const SHOWN: usize = 80;

/// One thing that decided: a place in an object and what stood there. Made of a [`Ground`](super::Ground).
#[derive(Clone, Debug)]
pub struct Evidence {
    /// The object it stands in.
    pub object: ObjectRef,
    /// The place in that object.
    pub path: Path,
    /// The same place with list elements by name, for comparison across versions of the object.
    pub stable_path: String,
    /// The scalar that stood there, shortened; `None` for lists, maps, and what must not be shown; `absent` tells apart.
    pub value: Option<String>,
    /// True when nothing stood there.
    pub absent: bool,
    /// What it means for the conclusion, as half a sentence ("cannot be shared with the node it would move to").
    pub note: Option<String>,
    /// Where it stands in a file; of something absent, its nearest parent.
    pub location: Option<Location>,
    /// The obstacle that it makes, by the reason that its component gives it (`DisksNotLiveMigratable`).
    pub reason: Option<String>,
    /// What it shares with evidence of other objects.
    pub cause: Option<Cause>,
}

/// What several findings have in common: the storage class that three VMs share.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cause {
    /// Identity; part of a finding's fingerprint (`DisksNotLiveMigratable/StorageClass local-path`).
    pub key: String,
    /// Half a sentence that names no subject (`storage class local-path gives ReadWriteOnce volumes`).
    pub text: String,
}

impl Evidence {
    /// True when no output may show what stands there; see [`is_secret`].
    pub fn is_secret(&self) -> bool {
        is_secret_of(&self.object.group, &self.object.kind, &self.path)
    }
}

/// `spec.x: value`, `spec.x (absent)` or `spec.x`.
impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path)?;
        match &self.value {
            Some(value) => write!(f, ": {value}"),
            None if self.absent => f.write_str(" (absent)"),
            None => Ok(()),
        }
    }
}

pub(super) fn shown(node: Node<'_>) -> Option<String> {
    let text = match node.scalar() {
        Some(Scalar::Null) => "null".to_owned(),
        Some(Scalar::Bool(b)) => b.to_string(),
        Some(Scalar::Int(i)) => i.to_string(),
        Some(Scalar::Double(d)) => d.to_string(),
        Some(Scalar::Str("")) => "\"\"".to_owned(),
        Some(Scalar::Str(s)) => s.to_owned(),
        // A short list of scalars says more than its path: `accessModes: [ReadWriteOnce]`.
        None => {
            let parts: Option<Vec<&str>> = node.elements().map(|e| e.as_str()).collect();
            match (node.kind(), parts) {
                (super::Type::List, Some(parts)) if parts.len() <= 4 => format!("[{}]", parts.join(", ")),
                _ => return None,
            }
        }
    };
    if text.len() <= SHOWN && text.bytes().all(|b| matches!(b, b' '..=b'~')) {
        return Some(text);
    }
    let mut chars = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let short: String = chars.by_ref().take(SHOWN).collect();
    Some(if chars.next().is_some() { format!("{short}…") } else { short })
}

/// Keys whose values are never shown, in any object: cloud-init and sysprep carry passwords, and what `kubectl apply` last
/// applied repeats the whole object.
pub const SECRET_KEYS: [&str; 6] = [
    "userData",
    "userDataBase64",
    "networkData",
    "networkDataBase64",
    "sysprep",
    "kubectl.kubernetes.io/last-applied-configuration",
];

/// True for what no output may show: everything of a Secret but its metadata, and a guest's first-boot data.
pub fn is_secret(object: Object<'_>, path: &Path) -> bool {
    is_secret_of(&object.gvk.group, &object.gvk.kind, path)
}

fn is_secret_of(group: &str, kind: &str, path: &Path) -> bool {
    let key = |step: &super::Step, name: &str| matches!(step, super::Step::Key(k) if k == name);
    let secret =
        (group, kind) == ("", "Secret") && path.steps().first().is_some_and(|s| key(s, "data") || key(s, "stringData"));
    secret || path.steps().iter().any(|s| SECRET_KEYS.iter().any(|name| key(s, name)))
}

/// Why something could not be looked at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// Objects of this kind are not in the dump, or only some of them are.
    NotCollected,
    /// The kind was collected, but this account may not read it.
    Forbidden,
    /// It was read too long ago to rely on.
    Stale,
    /// It is known only at admission (who asks, with which options).
    AdmissionOnly,
    /// The object is there and does not say yet (a status that its controller has not written).
    NotReported,
    /// There is no such object yet; all of its kind were collected.
    DoesNotExist,
    /// Several objects answer, each for another cluster, and not the same.
    Ambiguous,
}

/// One thing that would have to be known to decide.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Missing {
    /// What, as a person names it: `StorageProfile fast`, `PersistentVolumeClaims of namespace shop`, `the current time`.
    pub what: String,
    /// Why it is not known.
    pub why: Why,
}

/// All that is missing for one conclusion, in a stable order.
pub type MissingSet = BTreeSet<Missing>;

impl Missing {
    /// Something that nobody collected.
    pub fn not_collected(what: impl Into<String>) -> Self {
        Missing { what: what.into(), why: Why::NotCollected }
    }

    /// Something that its controller has not reported.
    pub fn not_reported(what: impl Into<String>) -> Self {
        Missing { what: what.into(), why: Why::NotReported }
    }

    /// Something that has to be made first.
    pub fn does_not_exist(what: impl Into<String>) -> Self {
        Missing { what: what.into(), why: Why::DoesNotExist }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.why {
            Why::NotCollected => "not collected",
            Why::Forbidden => "this account may not read it",
            Why::Stale => "read too long ago",
            Why::AdmissionOnly => "known only at admission",
            Why::NotReported => "not reported yet",
            Why::DoesNotExist => "does not exist",
            Why::Ambiguous => "several clusters were seen, and they differ",
        };
        write!(f, "{} ({why})", self.what)
    }
}
