//! What is wrong with a policy file, and reading one so that everything that is wrong is said at once.

use std::fmt;
use std::ops::Range;

use crate::cel::Refusal;
use crate::object::{Location, Node, Scalar, Type};
use crate::source::position_in_scalar;

/// One thing that is wrong with a policy file.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The file, as a person named it.
    pub file: String,
    /// Where in it; `None` for the file as a whole.
    pub place: Option<Place>,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub help: Option<String>,
}

/// A place in a file, with the text that stands there where it helps to see it.
#[derive(Clone, Debug)]
pub struct Place {
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    /// One line of an expression, and the characters of it that are meant.
    pub frame: Option<(String, Range<usize>)>,
}

impl Problem {
    /// A refused expression: the place of what is meant in the file, and the expression's line with a mark below it.
    pub(super) fn in_expression(file: &str, node: Node<'_>, refusal: Refusal) -> Self {
        let source = node.as_str().unwrap_or_default();
        let start = source.floor_char_boundary(refusal.span.start);
        let end = source.floor_char_boundary(refusal.span.end).max(start);
        let location = position_in_scalar(node, start).or_else(|| node.location());
        let frame = caret(source, start..end);
        let place = location.map(|l| Place { line: l.line, column: l.column, frame: Some(frame) });
        Problem { file: file.to_owned(), place, message: refusal.message, help: refusal.help }
    }
}

/// The line of an expression in which something stands, and the characters of that line that are meant.
pub fn caret(source: &str, meant: Range<usize>) -> (String, Range<usize>) {
    let start = source.floor_char_boundary(meant.start);
    let (head, tail) = source.split_at(start);
    let line_start = head.rfind('\n').map_or(0, |at| at + 1);
    let line_end = tail.find('\n').map_or(source.len(), |at| start + at);
    let line = source.get(line_start..line_end).unwrap_or_default();
    let column = |at: usize| {
        let at = source.floor_char_boundary(at.min(line_end));
        source.get(line_start..at).unwrap_or_default().chars().count()
    };
    (line.to_owned(), column(start)..column(meant.end))
}

impl From<crate::source::Problem> for Problem {
    fn from(p: crate::source::Problem) -> Self {
        let place = (p.line > 0).then_some(Place { line: p.line, column: p.column, frame: None });
        Problem { file: p.origin.name.clone(), place, message: p.message, help: p.help }
    }
}

/// `file:line:column: message (help)`, then the expression with a caret below what is meant.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(place) = &self.place {
            write!(f, ":{}:{}", place.line, place.column)?;
        }
        write!(f, ": {}", self.message)?;
        if let Some(help) = &self.help {
            write!(f, " ({help})")?;
        }
        if let Some((line, meant)) = self.place.as_ref().and_then(|p| p.frame.as_ref()) {
            let carets = "^".repeat(meant.len().max(1));
            write!(f, "\n    {line}\n    {:blank$}{carets}", "", blank = meant.start)?;
        }
        Ok(())
    }
}

/// The problems of one file, while it is read.
#[derive(Debug, Default)]
pub struct Problems {
    file: String,
    list: Vec<Problem>,
}

impl Problems {
    /// None yet.
    pub fn new(file: &str) -> Self {
        Problems { file: file.to_owned(), list: Vec::new() }
    }

    /// Something is wrong at a node.
    pub fn at(&mut self, node: Node<'_>, message: impl Into<String>) {
        self.push(node.location(), message.into(), None);
    }

    /// Something is wrong at a node, and this would be right.
    pub fn at_with_help(&mut self, node: Node<'_>, message: impl Into<String>, help: impl Into<String>) {
        self.push(node.location(), message.into(), Some(help.into()));
    }

    /// Something is wrong with the file as a whole.
    pub fn file(&mut self, message: impl Into<String>) {
        self.push(None, message.into(), None);
    }

    /// A problem that was made elsewhere.
    pub fn add(&mut self, problem: Problem) {
        self.list.push(problem);
    }

    /// Nothing is wrong so far.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The file that is read.
    pub fn file_name(&self) -> &str {
        &self.file
    }

    fn push(&mut self, location: Option<Location>, message: String, help: Option<String>) {
        let place = location.map(|l| Place { line: l.line, column: l.column, frame: None });
        self.list.push(Problem { file: self.file.clone(), place, message, help });
    }

    /// All of them, in the order of the file.
    pub fn finish(mut self) -> Vec<Problem> {
        self.list.sort_by_key(|p| p.place.as_ref().map(|place| (place.line, place.column)));
        self.list
    }
}

/// The word for what a node is, as a person would say it.
fn word(node: Node<'_>) -> &'static str {
    match node.kind() {
        Type::Null => "nothing",
        Type::Bool => "true or false",
        Type::Int | Type::Double => "a number",
        Type::Str => "text",
        Type::List => "a list",
        Type::Map => "a mapping",
    }
}

/// A mapping whose fields are read one by one; what was not read when it is finished is an unknown field.
pub struct Fields<'t, 'p> {
    node: Node<'t>,
    known: Vec<&'static str>,
    problems: &'p mut Problems,
}

impl<'t, 'p> Fields<'t, 'p> {
    /// Reads a mapping; `None`, and a problem, when it is something else.
    pub fn new(node: Node<'t>, problems: &'p mut Problems) -> Option<Self> {
        if node.kind() != Type::Map {
            problems.at(node, format!("expected a mapping, found {}", word(node)));
            return None;
        }
        Some(Fields { node, known: Vec::new(), problems })
    }

    /// The mapping.
    pub fn node(&self) -> Node<'t> {
        self.node
    }

    /// The problems, to add one.
    pub fn problems(&mut self) -> &mut Problems {
        self.problems
    }

    /// A field as it is; `null` counts as absent, as in Kubernetes.
    pub fn any(&mut self, name: &'static str) -> Option<Node<'t>> {
        self.known.push(name);
        self.node.get(name).filter(|n| !n.is_null())
    }

    /// A field's text.
    pub fn text(&mut self, name: &'static str) -> Option<Node<'t>> {
        self.typed(name, Type::Str)
    }

    /// A field's text, which has to be there.
    pub fn required_text(&mut self, name: &'static str) -> Option<Node<'t>> {
        let before = self.problems.list.len();
        let text = self.text(name).filter(|t| !t.is_empty());
        if text.is_none() && self.problems.list.len() == before {
            self.missing(name);
        }
        text
    }

    /// A field's mapping.
    pub fn map(&mut self, name: &'static str) -> Option<Node<'t>> {
        self.typed(name, Type::Map)
    }

    /// A field's elements; none when it is absent.
    pub fn list(&mut self, name: &'static str) -> Vec<Node<'t>> {
        self.typed(name, Type::List).map(|n| n.elements().collect()).unwrap_or_default()
    }

    /// A field's elements, each of them text.
    pub fn texts(&mut self, name: &'static str) -> Vec<&'t str> {
        let elements = self.list(name);
        elements
            .into_iter()
            .filter_map(|e| match e.scalar() {
                Some(Scalar::Str(s)) => Some(s),
                _ => {
                    self.problems.at(e, format!("{name}: expected text, found {}", word(e)));
                    None
                }
            })
            .collect()
    }

    /// A field's word out of those that are allowed, or the default.
    pub fn word<T: Copy>(&mut self, name: &'static str, allowed: &[(&str, T)], default: T) -> T {
        let Some(node) = self.text(name) else { return default };
        let text = node.as_str().unwrap_or_default();
        match allowed.iter().find(|(word, _)| *word == text) {
            Some((_, value)) => *value,
            None => {
                let words: Vec<&str> = allowed.iter().map(|(w, _)| *w).collect();
                self.problems.at(node, format!("{name}: '{text}' is none of {}", words.join(", ")));
                default
            }
        }
    }

    /// A field that the API server knows and this version does not judge yet: named, never ignored. Empty counts as absent.
    pub fn not_supported(&mut self, name: &'static str) {
        if let Some(node) = self.any(name).filter(|n| n.scalar().is_some() || !n.is_empty()) {
            self.problems.at(node, format!("{name} is not supported yet"));
        }
    }

    /// Says that a field is missing.
    pub fn missing(&mut self, name: &str) {
        self.problems.at(self.node, format!("{name} is missing"));
    }

    fn typed(&mut self, name: &'static str, wanted: Type) -> Option<Node<'t>> {
        let node = self.any(name)?;
        if node.kind() == wanted {
            return Some(node);
        }
        let wanted = match wanted {
            Type::Str => "text",
            Type::List => "a list",
            Type::Map => "a mapping",
            _ => "a value",
        };
        self.problems.at(node, format!("{name}: expected {wanted}, found {}", word(node)));
        None
    }

    /// Everything else in the mapping is an unknown field.
    pub fn finish(self) {
        for (key, _) in self.node.entries() {
            if self.known.contains(&key) {
                continue;
            }
            let Some((at, _)) = self.node.entry(key) else { continue };
            match nearest(key, self.known.iter().copied()) {
                Some(near) => {
                    self.problems.at_with_help(at, format!("unknown field '{key}'"), format!("did you mean '{near}'?"));
                }
                None => self.problems.at(at, format!("unknown field '{key}'")),
            }
        }
    }
}

/// The word that was probably meant: at most two letters away, or a third of the word.
pub fn nearest<'w>(word: &str, among: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    among
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(d, candidate)| *d <= 2 && *d * 3 <= candidate.len().max(3))
        .min_by_key(|(d, _)| *d)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's distance, without regard to case.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.to_lowercase().chars().enumerate() {
        let mut left = i + 1;
        let mut corner = i;
        let mut next = vec![left];
        for (y, above) in b.iter().zip(row.iter().skip(1)) {
            left = (corner + usize::from(x != *y)).min(left + 1).min(above + 1);
            corner = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}
