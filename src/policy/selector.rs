//! Label selectors (k8s.io/apimachinery pkg/apis/meta/v1, LabelSelectorAsSelector).

use crate::object::{Node, Type};

use super::problem::{Fields, Problems};

/// A label selector; empty selects everything.
#[derive(Clone, Debug, Default)]
pub struct Selector(Vec<Requirement>);

#[derive(Clone, Debug)]
struct Requirement {
    key: String,
    operator: Operator,
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

/// A label, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label<'l> {
    /// It has this value.
    Value(&'l str),
    /// It is not there.
    Absent,
    /// Nobody knows.
    Unknown,
}

impl Selector {
    /// Reads a `LabelSelector`.
    pub fn read(node: Node<'_>, problems: &mut Problems) -> Self {
        let mut requirements = Vec::new();
        let Some(mut fields) = Fields::new(node, problems) else { return Selector::default() };
        let labels = fields.map("matchLabels");
        let expressions = fields.list("matchExpressions");
        fields.finish();
        for (key, value) in labels.into_iter().flat_map(Node::entries) {
            match value.as_str() {
                Some(v) => requirements.push(Requirement {
                    key: key.to_owned(),
                    operator: Operator::In,
                    values: vec![v.to_owned()],
                }),
                None => problems.at(value, format!("matchLabels: the value of {key} has to be text")),
            }
        }
        for expression in expressions {
            let Some(mut fields) = Fields::new(expression, problems) else { continue };
            let key = fields.required_text("key").and_then(Node::as_str).unwrap_or_default().to_owned();
            let words = [
                ("In", Operator::In),
                ("NotIn", Operator::NotIn),
                ("Exists", Operator::Exists),
                ("DoesNotExist", Operator::DoesNotExist),
            ];
            let operator = fields.word("operator", &words, Operator::Exists);
            let values: Vec<String> = fields.texts("values").into_iter().map(str::to_owned).collect();
            if fields.node().get("operator").is_none() {
                fields.missing("operator");
            }
            let lists = matches!(operator, Operator::In | Operator::NotIn);
            if lists == values.is_empty() {
                let word = if lists { "needs" } else { "takes no" };
                fields.problems().at(expression, format!("this operator {word} values"));
            }
            fields.finish();
            requirements.push(Requirement { key, operator, values });
        }
        Selector(requirements)
    }

    /// True when it selects everything.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether labels fit; `None` when that hangs on a label that nobody knows.
    pub fn matches<'l>(&self, label: impl Fn(&str) -> Label<'l>) -> Option<bool> {
        let mut known = true;
        for r in &self.0 {
            let fits = match (label(&r.key), r.operator) {
                (Label::Unknown, _) => {
                    known = false;
                    continue;
                }
                (Label::Value(v), Operator::In) => r.values.iter().any(|x| x == v),
                (Label::Value(v), Operator::NotIn) => !r.values.iter().any(|x| x == v),
                (Label::Value(_), Operator::Exists) | (Label::Absent, Operator::DoesNotExist | Operator::NotIn) => true,
                (Label::Value(_), Operator::DoesNotExist) | (Label::Absent, Operator::In | Operator::Exists) => false,
            };
            if !fits {
                return Some(false);
            }
        }
        known.then_some(true)
    }
}

/// A label of a `metadata.labels` map that is known whole; `None` stands for no labels.
pub fn label_of<'l>(labels: Option<Node<'l>>, key: &str) -> Label<'l> {
    match labels.and_then(|l| l.get(key)) {
        Some(v) if v.kind() == Type::Str => Label::Value(v.as_str().unwrap_or_default()),
        _ => Label::Absent,
    }
}
