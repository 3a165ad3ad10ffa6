//! What a kind's resource is called.

use std::collections::HashMap;

use super::{Inventory, Kind};

/// Kinds and their resources: from the inventory's CustomResourceDefinitions, else from a table, else guessed.
#[derive(Debug, Default)]
pub struct Resources {
    /// By group and kind: the plural, and whether its objects live in namespaces.
    kinds: HashMap<(String, String), (String, bool)>,
    /// By group and plural: the kind.
    plurals: HashMap<(String, String), String>,
}

impl Resources {
    /// `table` is asked for what the inventory's definitions do not say.
    pub fn new(inventory: &Inventory, table: &[Kind]) -> Self {
        let mut resources = Resources::default();
        for kind in table {
            resources.insert(kind.group, kind.kind, kind.plural, kind.namespaced);
        }
        for object in inventory.of_kind("apiextensions.k8s.io", "CustomResourceDefinition") {
            let text = |keys: &[&str]| object.root.str_at(keys).unwrap_or_default();
            let (group, kind) = (text(&["spec", "group"]), text(&["spec", "names", "kind"]));
            resources.insert(group, kind, text(&["spec", "names", "plural"]), text(&["spec", "scope"]) == "Namespaced");
        }
        resources
    }

    fn insert(&mut self, group: &str, kind: &str, plural: &str, namespaced: bool) {
        if kind.is_empty() || plural.is_empty() {
            return;
        }
        self.kinds.insert((group.to_owned(), kind.to_owned()), (plural.to_owned(), namespaced));
        self.plurals.insert((group.to_owned(), plural.to_owned()), kind.to_owned());
    }

    /// The plural of a kind.
    pub fn plural(&self, group: &str, kind: &str) -> String {
        let known = self.kinds.get(&(group.to_owned(), kind.to_owned()));
        known.map_or_else(|| guess_plural(kind), |(plural, _)| plural.clone())
    }

    /// Whether a kind's objects live in namespaces; `None` when neither a definition nor the table says.
    pub fn namespaced(&self, group: &str, kind: &str) -> Option<bool> {
        self.kinds.get(&(group.to_owned(), kind.to_owned())).map(|(_, namespaced)| *namespaced)
    }

    /// The kind of a resource; `None` when neither a definition nor the table says.
    pub fn kind(&self, group: &str, plural: &str) -> Option<&str> {
        self.plurals.get(&(group.to_owned(), plural.to_owned())).map(String::as_str)
    }
}

/// The plural that kubectl takes for a kind that it does not know (k8s.io/apimachinery pkg/api/meta/restmapper.go,
/// UnsafeGuessKindToResource).
pub fn guess_plural(kind: &str) -> String {
    let singular = kind.to_lowercase();
    if singular.ends_with("endpoints") {
        return singular;
    }
    match (singular.strip_suffix('y'), singular.ends_with('s')) {
        (Some(stem), _) => format!("{stem}ies"),
        (None, true) => format!("{singular}es"),
        (None, false) => format!("{singular}s"),
    }
}
