//! What is asked: an expression, what it may read, and where the question stands. Questions of the corpus are lines of
//! `corpus/*.cel`:
//!
//! * `# …` is a comment;
//! * `@ name` chooses the inputs (`inputs/name.json`) of the lines below it; a file begins with `vm`;
//! * any other line is an expression as it stands, in which `⏎` is a line break.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};
use virt_guard::object::Tree;
use virt_guard::source::json_tree;

/// What expressions may read: as JSON for the API server, as trees for us.
pub struct Inputs {
    /// `object`, `oldObject`, `request`, `params`, `namespaceObject`; `mutation`: patch types may be written.
    pub json: Map<String, Json>,
    trees: BTreeMap<String, Tree>,
}

impl Inputs {
    pub fn new(json: Map<String, Json>) -> Self {
        let objects = json.iter().filter(|(_, v)| v.is_object());
        let trees = objects.map(|(k, v)| (k.clone(), json_tree(v.to_string().as_bytes()).unwrap())).collect();
        Inputs { json, trees }
    }

    pub fn tree(&self, root: &str) -> Option<&Tree> {
        self.trees.get(root)
    }

    pub fn is_mutation(&self) -> bool {
        self.json.get("mutation") == Some(&Json::Bool(true))
    }
}

pub struct Question {
    /// `corpus/strings.cel:12`, `generated:17`
    pub place: String,
    /// Name and expression of each variable.
    pub variables: Arc<Vec<(String, String)>>,
    pub expression: String,
    pub inputs: Arc<Inputs>,
}

impl Question {
    /// As the oracle wants it.
    pub fn to_json(&self) -> Json {
        let mut question = self.inputs.json.clone();
        question.insert("expr".to_owned(), Json::from(self.expression.as_str()));
        let variable = |(name, text): &(String, String)| json!({"name": name, "expression": text});
        question.insert("variables".to_owned(), self.variables.iter().map(variable).collect());
        Json::Object(question)
    }
}

/// The questions of one file of the corpus.
pub fn corpus(file: &Path, all_inputs: &BTreeMap<String, Arc<Inputs>>) -> Vec<Question> {
    let text = std::fs::read_to_string(file).unwrap();
    let name = file.file_name().unwrap().to_string_lossy();
    let named = |name: &str, place: &str| {
        Arc::clone(all_inputs.get(name).unwrap_or_else(|| panic!("{place}: no inputs/{name}.json")))
    };
    let mut inputs = named("vm", &name);
    let mut questions = Vec::new();
    let variables = Arc::default();
    for (i, line) in text.lines().enumerate() {
        let place = format!("corpus/{name}:{}", i + 1);
        if let Some(name) = line.strip_prefix("@ ") {
            inputs = named(name.trim(), &place);
        } else if !line.is_empty() && !line.starts_with('#') {
            let expression = line.replace('⏎', "\n");
            questions.push(Question {
                place,
                variables: Arc::clone(&variables),
                expression,
                inputs: Arc::clone(&inputs),
            });
        }
    }
    questions
}

/// The inputs of `inputs/*.json`, by their names.
pub fn all_inputs(folder: &Path) -> BTreeMap<String, Arc<Inputs>> {
    let read = |path: &Path| {
        let json = serde_json::from_slice(&std::fs::read(path).unwrap());
        Arc::new(Inputs::new(json.unwrap_or_else(|e| panic!("{}: {e}", path.display()))))
    };
    files(folder, "json").iter().map(|p| (p.file_stem().unwrap().to_string_lossy().into_owned(), read(p))).collect()
}

/// Files of a folder with this extension, sorted.
pub fn files(folder: &Path, extension: &str) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut files: Vec<_> = entries.map(|e| e.unwrap().path()).collect();
    files.retain(|p| p.extension().is_some_and(|e| e == extension));
    files.sort();
    files
}
