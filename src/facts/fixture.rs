//! Objects for tests, from YAML.

use std::sync::Arc;

use serde_json::Value;

use crate::facts::{ClusterDefaults, FactSchema, FactSet, KINDS, Versions, World};
use crate::inventory::{Entry, Inventory, View};
use crate::object::{Gvk, Object, Span, Tree, TreeBuilder};

/// A tree of a YAML document.
pub fn tree(yaml: &str) -> Arc<Tree> {
    fn add(b: &mut TreeBuilder, value: &Value) {
        let at = Span::default();
        match value {
            Value::Null => b.null(at).unwrap(),
            Value::Bool(v) => b.bool(*v, at).unwrap(),
            Value::Number(n) if n.is_i64() => b.int(n.as_i64().unwrap(), at).unwrap(),
            Value::Number(n) => b.double(n.as_f64().unwrap(), at).unwrap(),
            Value::String(s) => b.string(s, at).unwrap(),
            Value::Array(list) => {
                let open = b.open_list(at).unwrap();
                list.iter().for_each(|v| add(b, v));
                b.close(open).unwrap();
            }
            Value::Object(map) => {
                let open = b.open_map(at).unwrap();
                for (k, v) in map {
                    b.key(k, at).unwrap();
                    add(b, v);
                }
                b.close(open).unwrap();
            }
        }
    }
    let mut builder = TreeBuilder::new(0);
    add(&mut builder, &serde_saphyr::from_str(yaml).unwrap());
    Arc::new(builder.finish())
}

/// An object with what it needs to live.
pub struct Owned {
    pub tree: Arc<Tree>,
    pub gvk: Arc<Gvk>,
}

impl Owned {
    pub fn new(yaml: &str) -> Self {
        let tree = tree(yaml);
        let text = |key| tree.root().str_at(&[key]).unwrap().to_owned();
        let gvk = Arc::new(Gvk::new(&text("apiVersion"), &text("kind")));
        Owned { tree, gvk }
    }

    pub fn object(&self) -> Object<'_> {
        Object::new(&self.tree, self.tree.root().id(), &self.gvk)
    }
}

/// An inventory of YAML documents; the resources named (`subscriptions`, by plural) are complete.
pub fn inventory(documents: &str, complete: &[&str]) -> Inventory {
    let mut inventory = Inventory::default();
    for yaml in documents.split("\n---\n").filter(|d| !d.trim().is_empty()) {
        let Owned { tree, gvk } = Owned::new(yaml);
        let root = tree.root().id();
        inventory.add(Entry::new(tree, root, gvk));
    }
    for plural in complete {
        let kind = KINDS.iter().find(|k| k.plural == *plural).unwrap();
        inventory.set_complete(kind.group, kind.kind, None, Ok(()));
    }
    inventory
}

/// What a fact says about an object in an inventory, one `field: value` a line; `?` and what is missing where it raises.
pub fn told(schema: &FactSchema, yaml: &str, inventory: &Inventory, now: Option<&str>, target: Option<&str>) -> String {
    let owned = Owned::new(yaml);
    let over = [owned.object()];
    let view = View::over(inventory, &over);
    // As a scan does it: before any object is judged.
    let versions = Versions::detect(&View::new(inventory), target.map(|t| crate::facts::Version::parse(t).unwrap()));
    let now = now.map(|n| n.parse().unwrap());
    let world = World { view, versions: &versions, now, defaults: &ClusterDefaults::default() };
    match (schema.compute)(&FactSet::new(owned.object(), world)) {
        Some(fact) => tell(&fact, 0).trim().to_owned(),
        None => "no subject".to_owned(),
    }
}

fn tell(fact: &crate::cel::Fact, depth: usize) -> String {
    use crate::cel::FactValue::*;
    let pad = "  ".repeat(depth);
    match &fact.value {
        Unknown(set) => format!("? {}", set.iter().map(|m| m.to_string()).collect::<Vec<_>>().join("; ")),
        Null => "null".to_owned(),
        Bool(b) => b.to_string(),
        Int(i) => i.to_string(),
        String(s) => s.to_string(),
        List(l) => format!("[{}]", l.iter().map(|f| tell(f, depth + 1)).collect::<Vec<_>>().join(", ")),
        Map(m) => {
            let lines = m.iter().map(|(k, v)| match &v.value {
                Map(_) => format!("\n{pad}{k}:{}", tell(v, depth + 1)),
                _ => format!("\n{pad}{k}: {}", tell(v, depth + 1)),
            });
            lines.collect()
        }
    }
}

/// True when a fact has the fields that its schema declares and no others, all the way down.
pub fn fits(fact: &crate::cel::Fact, ty: &crate::cel::Type) -> Result<(), String> {
    use crate::cel::{FactValue as V, Type as T};
    match (&fact.value, ty) {
        (V::Unknown(_), _) | (_, T::Dyn) | (V::Bool(_), T::Bool) | (V::Int(_), T::Int) | (V::String(_), T::String) => {
            Ok(())
        }
        (V::List(l), T::List(e)) => l.iter().try_for_each(|f| fits(f, e)),
        (V::Map(m), T::Struct(s)) => m.iter().try_for_each(|(k, f)| match s.fields.get(&**k) {
            Some(t) => fits(f, t).map_err(|e| format!("{k}.{e}")),
            None => Err(format!("{k} is not declared")),
        }),
        (value, ty) => Err(format!("is {value:?}, declared {ty}")),
    }
}
