//! What a conclusion rests on, as cheap to name as a node; it becomes [`Evidence`] when somebody asks.

use std::sync::Arc;

use super::evidence::{Cause, Evidence, is_secret, shown};
use super::node::{Node, NodeId, Object};
use super::path::Path;
use super::reference::Gvk;
use super::tree::{Location, Tree};

/// A place in an object that a conclusion rests on, and what it means there. Facts name many such places about every
/// object, healthy ones too, and hardly any is ever shown: so this keeps the document and a node, and no text.
#[derive(Clone, Debug)]
pub struct Ground {
    document: Arc<Tree>,
    root: NodeId,
    gvk: Arc<Gvk>,
    at: At,
    told: Option<Box<Told>>,
}

#[derive(Clone, Debug)]
enum At {
    Node(NodeId),
    /// What is not there: the nearest value above it, and the keys that lead on from there.
    Absent(NodeId, Path),
}

/// What is said about a place.
#[derive(Clone, Debug, Default)]
struct Told {
    note: Option<String>,
    reason: Option<String>,
    cause: Option<Cause>,
    stable_path: Option<String>,
}

impl Ground {
    /// A node of an object.
    pub fn of(object: Object<'_>, node: Node<'_>) -> Self {
        Ground::at_place(object, At::Node(node.id()))
    }

    /// What stands at the end of keys, or that nothing does.
    pub fn at(object: Object<'_>, keys: &[&str]) -> Self {
        let (node, taken) = object.root.far(keys);
        let absent = keys.get(taken..).filter(|rest| !rest.is_empty());
        Ground::at_place(object, absent.map_or(At::Node(node.id()), |rest| At::Absent(node.id(), Path::keys(rest))))
    }

    /// That a value has no such key.
    pub fn absent(object: Object<'_>, parent: Node<'_>, key: &str) -> Self {
        Ground::at_place(object, At::Absent(parent.id(), Path::keys(&[key])))
    }

    fn at_place(object: Object<'_>, at: At) -> Self {
        Ground {
            document: Arc::clone(object.document()),
            root: object.root.id(),
            gvk: Arc::clone(object.gvk),
            at,
            told: None,
        }
    }

    /// Says what it means.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.told().note = Some(note.into());
        self
    }

    /// Says which obstacle it makes, and what that obstacle shares with those of other objects.
    pub fn obstacle(mut self, reason: &str, cause: Cause) -> Self {
        let told = self.told();
        (told.reason, told.cause) = (Some(reason.to_owned()), Some(cause));
        self
    }

    /// Says what it shares with other objects where it makes no obstacle of its own.
    pub fn cause(mut self, cause: Cause) -> Self {
        self.told().cause = Some(cause);
        self
    }

    /// The same place, for a conclusion in which it makes no obstacle.
    pub fn without_obstacle(mut self) -> Self {
        if let Some(told) = &mut self.told {
            (told.reason, told.cause) = (None, None);
        }
        self
    }

    /// Names its place for comparison across versions of the object, where elements have no `name` (conditions).
    pub fn known_as(mut self, stable_path: String) -> Self {
        self.told().stable_path = Some(stable_path);
        self
    }

    fn told(&mut self) -> &mut Told {
        self.told.get_or_insert_default()
    }

    /// The object that it stands in.
    pub fn object(&self) -> Object<'_> {
        Object::new(&self.document, self.root, &self.gvk)
    }

    /// What stands there.
    pub fn node(&self) -> Option<Node<'_>> {
        match &self.at {
            At::Node(id) => Some(self.document.node(*id)),
            At::Absent(..) => None,
        }
    }

    /// Where it stands in a file; of something absent, its nearest parent.
    pub fn location(&self) -> Option<Location> {
        let (At::Node(id) | At::Absent(id, _)) = &self.at;
        self.document.node(*id).location()
    }

    /// The way there.
    pub fn path(&self) -> Path {
        let root = self.document.node(self.root);
        let to = |id| root.path_to(self.document.node(id)).unwrap_or_default();
        match &self.at {
            At::Node(id) => to(*id),
            At::Absent(id, rest) => to(*id).join(rest),
        }
    }

    /// What stands there and where, in words.
    pub fn evidence(&self) -> Evidence {
        let object = self.object();
        let path = self.path();
        let Told { note, reason, cause, stable_path } = self.told.as_deref().cloned().unwrap_or_default();
        Evidence {
            object: object.reference(),
            stable_path: stable_path.unwrap_or_else(|| path.stable(object.root)),
            value: self.node().filter(|_| !is_secret(object, &path)).and_then(shown),
            absent: self.node().is_none(),
            note,
            location: self.location(),
            reason,
            cause,
            path,
        }
    }
}
