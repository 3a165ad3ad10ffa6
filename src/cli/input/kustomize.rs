//! Kustomizations are read and not built: their resources are judged as they stand, and what would change them is named.

use std::path::{Path, PathBuf};

use crate::object::{Node, Type};

/// The names that kustomize looks for (api/konfig/general.go, RecognizedKustomizationFileNames).
const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Lists of files that belong to the result as they stand.
const RESOURCES: [&str; 3] = ["resources", "bases", "crds"];

/// Fields that leave the resources as they are.
const HARMLESS: [&str; 9] =
    ["apiVersion", "kind", "metadata", "resources", "bases", "crds", "configurations", "openapi", "buildMetadata"];

/// True for the name of a kustomization.
pub fn is_kustomization(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| NAMES.contains(&name))
}

/// The kustomization of a folder.
pub fn in_folder(folder: &Path) -> Option<PathBuf> {
    NAMES.iter().map(|name| folder.join(name)).find(|path| path.is_file())
}

/// What a kustomization says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Kustomization {
    /// Local files and folders whose objects it takes.
    pub resources: Vec<PathBuf>,
    /// Files that are patches and no objects of their own.
    pub patches: Vec<PathBuf>,
    /// Fields that would change its resources or add to them, in the order of the file.
    pub not_applied: Vec<String>,
    /// Resources on other machines.
    pub remote: Vec<String>,
}

impl Kustomization {
    /// Reads one; `folder` is where it stands.
    pub fn read(root: Node<'_>, folder: &Path) -> Self {
        let mut out = Kustomization::default();
        for field in RESOURCES {
            for name in root.list_at(&[field]).filter_map(Node::as_str) {
                match is_remote(name) {
                    true => out.remote.push(name.to_owned()),
                    false => out.resources.push(folder.join(name)),
                }
            }
        }
        let paths = ["patches", "patchesJson6902"].iter().flat_map(|field| root.list_at(&[field]));
        out.patches.extend(paths.filter_map(|p| p.str_at(&["path"])).map(|name| folder.join(name)));
        // An entry here is a file, or a patch written out (then it names no file).
        let strategic = root.list_at(&["patchesStrategicMerge"]).filter_map(Node::as_str);
        out.patches.extend(strategic.filter(|text| !text.contains('\n')).map(|name| folder.join(name)));
        let changes = root.entries().filter(|(field, value)| !HARMLESS.contains(field) && !is_empty(*value));
        out.not_applied = changes.map(|(field, _)| field.to_owned()).collect();
        out
    }

    /// What building it would have done and reading it did not; `None` when nothing.
    pub fn left_out(&self, folder: &str) -> Option<String> {
        let fields = self.not_applied.iter().map(String::as_str);
        let remote: Vec<String> = self.remote.iter().map(|name| format!("the remote resource {name}")).collect();
        let parts: Vec<&str> = fields.chain(remote.iter().map(String::as_str)).collect();
        if parts.is_empty() {
            return None;
        }
        let folder = if folder.is_empty() { "." } else { folder };
        let verb = if parts.len() == 1 { "is" } else { "are" };
        Some(format!(
            "{} {verb} not applied; the local resources were judged as they stand. \
             Render first: kustomize build {folder} | virt-guard check -",
            parts.join(", ")
        ))
    }
}

fn is_empty(value: Node<'_>) -> bool {
    match value.kind() {
        Type::Null => true,
        Type::List | Type::Map => value.is_empty(),
        Type::Str => value.as_str() == Some(""),
        _ => false,
    }
}

/// As kustomize decides it (api/internal/git/repospec.go): a URL, or a host's short form.
fn is_remote(name: &str) -> bool {
    name.contains("://") || name.contains('?') || ["git@", "github.com/", "gh:"].iter().any(|p| name.starts_with(p))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source;

    fn read(yaml: &str) -> Kustomization {
        let parsed = source::parse("kustomization.yaml", yaml.as_bytes().to_vec());
        Kustomization::read(parsed.documents[0].tree.root(), Path::new("apps/prod"))
    }

    #[test]
    fn what_leaves_resources_alone_is_not_named() {
        let plain =
            read("resources: [vm.yaml, ../base]\nbuildMetadata: [originAnnotations]\nimages: []\nnamePrefix: ''\n");
        assert_eq!(plain.resources, [Path::new("apps/prod/vm.yaml"), Path::new("apps/prod/../base")]);
        assert_eq!(plain.left_out("apps/prod"), None);
    }

    #[test]
    fn what_would_change_them_is() {
        let patched = read(
            "resources: ['https://example.com/vm.yaml']\nnamePrefix: prod-\npatches:\n- path: a.yaml\n- patch: |\n    x: y\n\
             patchesStrategicMerge:\n- b.yaml\n- |\n  kind: VirtualMachine\n",
        );
        assert_eq!(patched.patches, [Path::new("apps/prod/a.yaml"), Path::new("apps/prod/b.yaml")]);
        insta::assert_snapshot!(patched.left_out("apps/prod").unwrap(), @"namePrefix, patches, patchesStrategicMerge, the remote resource https://example.com/vm.yaml are not applied; the local resources were judged as they stand. Render first: kustomize build apps/prod | virt-guard check -");
    }
}
