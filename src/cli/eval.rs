//! `eval`: what the API server would make of an expression, for people who write policies.

use std::path::{Path, PathBuf};

use anstyle::{AnsiColor, Effects, Style};
use clap::Args;
use serde::Serialize;
use serde_json::Value as Json;

use super::choose::{chosen, listed, place};
use super::input::{Dump, Manifests};
use super::options::{ClusterOptions, Format, place_in_input};
use super::page::Page;
use super::terminal::{self, Colour, ScreenOptions, printable};
use crate::cel::{EXPRESSION_LIMIT, Type};
use crate::engine::{self, Answer, Ask, Outcome, Refused, Request, Surroundings};
use crate::finding::Unreadable;
use crate::inventory::Entry;
use crate::object::{Evidence, Object};
use crate::policy::{Operation, caret};
use crate::report::summary::ExitCode;

const EXAMPLES: &str = "\
Examples:
  virt-guard eval 'object.spec.runStrategy' vm.yaml
  virt-guard eval --explain 'object.spec.template.spec.?evictionStrategy.hasValue()' vm.yaml
  virt-guard eval 'object.spec == oldObject.spec' new.yaml --old old.yaml
  virt-guard eval \"facts.migration.verdict == 'Migratable'\" vm.yaml db-0 --from upgrade-check
  virt-guard eval 'variables.disks.size()' vm.yaml --variable 'disks=object.spec.template.spec.volumes'
  kubectl get vm db-0 -o yaml | virt-guard eval 'has(object.status.conditions)' -

Exit codes: 0 a value, false too; 2 an expression that the API server refuses; 3 an error, or something unknown.";

/// Evaluate a CEL expression as the API server would, and show what it costs
///
/// Shows the value, its type, and the cost in Kubernetes' units; --explain shows what decided it, and where that stands.
/// What the API server refuses when a policy is created is refused here, with its place in the expression. Beside the
/// API server's variables there is facts, what virt-guard concludes about the object.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The expression
    #[arg(value_name = "EXPR", allow_hyphen_values = true)]
    expression: String,
    /// A file with object; - is standard input. Other objects in it are there for facts and namespaceObject
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Which object of the file: its name, namespace/name, or Kind/name
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// A file with oldObject; request.operation is UPDATE then
    #[arg(long, value_name = "FILE", help_heading = "What it may read")]
    old: Option<PathBuf>,
    /// A file with params
    #[arg(long, value_name = "FILE", help_heading = "What it may read")]
    params: Option<PathBuf>,
    /// A YAML or JSON file with fields of request, such as userInfo
    #[arg(long, value_name = "FILE", help_heading = "What it may read")]
    request: Option<PathBuf>,
    /// Declare variables.NAME; may be repeated, each may read those before it
    #[arg(long = "variable", value_name = "NAME=EXPR", value_parser = variable, help_heading = "What it may read")]
    variables: Vec<(String, String)>,
    /// A cluster's dump or a file, for facts and namespaceObject
    #[arg(long, value_name = "DUMP", help_heading = "About the cluster")]
    from: Option<PathBuf>,
    #[command(flatten)]
    cluster: ClusterOptions,
    /// Show what decided the value, and where it stands
    #[arg(long)]
    explain: bool,
    /// text or json
    #[arg(short, long, value_name = "FORMAT", value_parser = Format::parse, default_value = "text")]
    output: Format,
    /// When to colour
    #[arg(long, value_enum, default_value_t, value_name = "WHEN", hide_possible_values = true)]
    color: Colour,
}

fn variable(text: &str) -> Result<(String, String), String> {
    let (name, expression) = text.split_once('=').ok_or("expected NAME=EXPR, such as disks=object.spec.disks")?;
    let letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(letter) || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(format!("'{name}' is no name of a variable; those are letters, digits and _"));
    }
    Ok((name.to_owned(), expression.to_owned()))
}

impl Arguments {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let stdin = [&self.file, &self.old, &self.params, &self.request];
        if stdin.iter().filter(|path| path.as_deref() == Some(Path::new("-"))).count() > 1 {
            anyhow::bail!("standard input can be read once: only one of the files may be -");
        }
        let mut seen = Seen::default();
        let objects = seen.objects(self.file.as_deref())?;
        let old = seen.objects(self.old.as_deref())?;
        let params = seen.objects(self.params.as_deref())?;
        let request = self.request.as_deref().map(super::input::mapping).transpose()?;
        let dump = self.from.as_deref().map(Dump::read).transpose()?;
        let Dump { mut inventory, now, unreadable, .. } = dump.unwrap_or_default();
        seen.unreadable.extend(unreadable);
        objects.iter().for_each(|entry| inventory.add(entry.clone()));

        let object = self.file.as_deref().map(|file| one(&objects, self.name.as_deref(), file)).transpose()?;
        let same = object.map(|object| object.reference().qualified_name());
        let old = self.old.as_deref().map(|file| one_of(&old, same.as_deref(), file)).transpose()?;
        let params = self.params.as_deref().map(|file| one_of(&params, None, file)).transpose()?;
        let resource = object.or(old).map(|object| engine::resource_of(object.gvk)).unwrap_or_default();
        let operation = match (object, old) {
            (None, Some(_)) => Operation::Delete,
            (_, Some(_)) => Operation::Update,
            (_, None) => Operation::Create,
        };
        let cluster = self.cluster.cluster(&inventory, now);
        let ask = Ask {
            expression: &self.expression,
            variables: &self.variables,
            request: Request {
                operation,
                object,
                old_object: old,
                resource: &resource,
                subresource: "",
                request: None,
                address: None,
            },
            request_fields: request.as_ref().map(|tree| tree.root()),
            params,
        };
        let answer = engine::evaluate(&ask, Surroundings { inventory: &inventory, cluster: &cluster });
        seen.unreadable.iter().for_each(|one| terminal::say(&place_in_input(one)));
        self.show(&answer)?;
        Ok(match &answer {
            Err(_) => ExitCode::Wrong,
            Ok(Answer { outcome: Outcome::Value { .. }, .. }) if seen.unreadable.is_empty() => ExitCode::Clean,
            Ok(_) => ExitCode::Incomplete,
        })
    }

    fn show(&self, answer: &Result<Answer, Vec<Refused>>) -> anyhow::Result<()> {
        if self.output == Format::Json {
            let text = serde_json::to_string_pretty(&EvaluationV1::of(&self.expression, answer, self.explain))?;
            return terminal::print(&(text + "\n"));
        }
        match answer {
            Ok(answer) => {
                let screen = ScreenOptions { ascii: false, color: self.color };
                let mut page = Page::new(terminal::width(), screen.colour());
                Screen { page: &mut page }.answer(answer, self.explain);
                terminal::print(&page.finish())
            }
            Err(refused) => {
                let said: Vec<String> = refused.iter().map(|refused| self.refused(refused)).collect();
                terminal::say(&said.join("\n"));
                Ok(())
            }
        }
    }

    fn refused(&self, refused: &Refused) -> String {
        let help = match &refused.refusal.help {
            Some(help) => format!(" ({help})"),
            None if refused.refusal.message.ends_with("'params'") => {
                " (say what it holds with --params FILE)".to_owned()
            }
            None => String::new(),
        };
        let within = refused.variable.as_ref().map(|name| format!("variables.{name}: ")).unwrap_or_default();
        let (line, marks) = framed(&refused.source, refused.refusal.span.clone());
        format!("{within}{}{help}\n{line}\n{marks}", refused.refusal.message)
    }
}

/// The line of an expression that is meant, and the marks below it.
fn framed(source: &str, span: std::ops::Range<usize>) -> (String, String) {
    let (line, meant) = caret(source, span);
    let marks = format!("{:blank$}{}", "", "^".repeat(meant.len().max(1)), blank = meant.start);
    (printable(&line), marks)
}

/// What was read, and what could not be.
#[derive(Default)]
struct Seen {
    unreadable: Vec<Unreadable>,
}

impl Seen {
    fn objects(&mut self, file: Option<&Path>) -> anyhow::Result<Vec<Entry>> {
        let Some(file) = file else { return Ok(Vec::new()) };
        let Manifests { objects, mut unreadable, .. } = Manifests::read(&[file.to_path_buf()])?;
        if objects.is_empty() && !unreadable.is_empty() {
            anyhow::bail!("{}", unreadable.iter().map(place_in_input).collect::<Vec<_>>().join("\n"));
        }
        self.unreadable.append(&mut unreadable);
        Ok(objects)
    }
}

/// The object that is asked about: the only one, or the one of a name.
fn one<'e>(entries: &'e [Entry], name: Option<&str>, file: &Path) -> anyhow::Result<Object<'e>> {
    let mut objects: Vec<Object<'_>> = entries.iter().map(Entry::object).collect();
    if let (Some(name), false) = (name, objects.is_empty()) {
        objects = chosen(&objects, name, file, "")?;
    }
    match objects.as_slice() {
        [only] => Ok(*only),
        [] => anyhow::bail!("{}: no Kubernetes object (something with apiVersion and kind) in it", file.display()),
        several => {
            let names: Vec<String> = several.iter().map(|object| kind_and_name(*object)).collect();
            let names = listed(&names);
            anyhow::bail!("{}: {} objects; say which one after the file: {names}", file.display(), several.len())
        }
    }
}

/// `oldObject` or `params`: the only one, or the one of the same name as `object`.
fn one_of<'e>(entries: &'e [Entry], same: Option<&str>, file: &Path) -> anyhow::Result<Object<'e>> {
    match same {
        Some(name) if entries.len() > 1 => one(entries, Some(name), file),
        _ => one(entries, None, file),
    }
}

fn kind_and_name(object: Object<'_>) -> String {
    format!("{}/{}", object.reference().kind, object.name())
}

/// Column in which answers begin.
const ANSWERS: usize = 8;

struct Screen<'p> {
    page: &'p mut Page,
}

impl Screen<'_> {
    fn answer(&mut self, answer: &Answer, explain: bool) {
        match &answer.outcome {
            Outcome::Value { ty, text, json } => {
                self.value(text, json);
                let late = answer.declared == Type::Dyn;
                self.line("type", &format!("{ty}{}", if late { "   (dyn before it runs)" } else { "" }));
                if late && ty == "bool" {
                    self.line("note", "a validation has to be bool before it runs; compare it: == true");
                }
            }
            Outcome::Error { message, variable, source, span } => {
                let within = variable.as_ref().map(|name| format!("   in variables.{name}")).unwrap_or_default();
                let message = self.page.paint(AnsiColor::Red.on_default(), &printable(message));
                self.line("error", &format!("{message}{within}"));
                let (line, marks) = framed(source, span.clone());
                self.page.line(&format!("{:ANSWERS$}{line}", ""));
                self.page.line(&format!("{:ANSWERS$}{marks}", ""));
            }
            Outcome::Unknown(missing) => {
                let missing: Vec<String> = missing.iter().map(ToString::to_string).collect();
                let unknown = self.page.paint(AnsiColor::Yellow.on_default(), "not known");
                self.line("value", &format!("{unknown}: {}", printable(&missing.join(", "))));
            }
            Outcome::OverBudget if answer.cost <= EXPRESSION_LIMIT => {
                self.line("error", "it builds more than an evaluation may hold here, 64 MiB");
            }
            Outcome::OverBudget => {
                self.line(
                    "error",
                    &format!("it costs more than Kubernetes allows, {EXPRESSION_LIMIT} for one expression"),
                );
            }
        }
        self.line("cost", &answer.cost.to_string());
        let (major, minor) = answer.since;
        match answer.facts.as_slice() {
            _ if matches!(answer.outcome, Outcome::OverBudget) => {}
            [] => self.line("runs", &format!("in the API server, from Kubernetes {major}.{minor} on")),
            facts => self.line("runs", &format!("in virt-guard only: facts.{}", facts.join(", facts."))),
        }
        if answer.lacks_object {
            self.line("note", "object is null: no file with one was named");
        }
        if explain && !matches!(answer.outcome, Outcome::Unknown(_) | Outcome::OverBudget) {
            self.evidence(&answer.evidence);
        }
    }

    /// A scalar as an expression would write it; what is larger over as many lines as it needs.
    fn value(&mut self, text: &str, json: &Json) {
        let fits = text.chars().count() + ANSWERS <= self.page.width();
        match json {
            Json::Array(_) | Json::Object(_) if !fits => {
                let pretty = serde_json::to_string_pretty(json).unwrap_or_default();
                let mut lines = pretty.lines();
                self.line("value", &printable(lines.next().unwrap_or_default()));
                lines.for_each(|line| self.page.line(&format!("{:ANSWERS$}{}", "", printable(line))));
            }
            Json::Array(_) | Json::Object(_) => self.line("value", &printable(&json.to_string())),
            _ => {
                let strong = self.page.strong(&printable(text));
                self.line("value", &strong);
            }
        }
    }

    fn evidence(&mut self, evidence: &[Evidence]) {
        if evidence.is_empty() {
            return self.line("because", "no object decides it");
        }
        let width = evidence.iter().map(|e| e.path.to_string().chars().count()).max().unwrap_or(0).min(60);
        for (i, one) in evidence.iter().enumerate() {
            let value = match (&one.value, one.absent) {
                _ if one.is_secret() => "(not shown)".to_owned(),
                (Some(value), _) => value.clone(),
                (None, true) => "absent".to_owned(),
                (None, false) => String::new(),
            };
            let note = one.note.as_ref().map(|note| format!("  {note}")).unwrap_or_default();
            let at =
                one.location.as_ref().map(place).map(|at| self.page.paint(Style::new().effects(Effects::DIMMED), &at));
            let at = at.map(|at| format!("  {at}")).unwrap_or_default();
            let path = printable(&one.path.to_string());
            let text = format!("{path:width$}  {}{}{at}", printable(&value), printable(&note));
            self.line(if i == 0 { "because" } else { "" }, text.trim_end());
        }
    }

    fn line(&mut self, label: &str, text: &str) {
        self.page.line(format!("{label:ANSWERS$}{text}").trim_end());
    }
}

/// `apiVersion: virt-guard.io/v1, kind: Evaluation`. Fields are added and never changed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EvaluationV1<'a> {
    api_version: &'static str,
    kind: &'static str,
    expression: &'a str,
    /// `value`, `error`, `unknown`, `overBudget` or `refused`.
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a Json>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    ty: Option<&'a str>,
    /// The type that is known before it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    declared_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<u64>,
    /// Least Kubernetes version that accepts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    kubernetes: Option<String>,
    /// What is wrong, if something is.
    problems: Vec<ProblemV1<'a>>,
    /// What is not known.
    missing: Vec<String>,
    /// Facts that it reads, which the API server does not have.
    facts: &'a [String],
    /// With --explain.
    #[serde(skip_serializing_if = "Option::is_none")]
    because: Option<Vec<EvidenceV1>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProblemV1<'a> {
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
    /// The variable in which it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    variable: Option<&'a str>,
    /// From 1, in the expression; columns in characters.
    line: usize,
    column: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EvidenceV1 {
    object: String,
    path: String,
    absent: bool,
    value: Option<String>,
    note: Option<String>,
    file: Option<String>,
    line: Option<u32>,
    column: Option<u32>,
}

impl<'a> EvaluationV1<'a> {
    fn of(expression: &'a str, answer: &'a Result<Answer, Vec<Refused>>, explain: bool) -> Self {
        let mut out = EvaluationV1 {
            api_version: "virt-guard.io/v1",
            kind: "Evaluation",
            expression,
            outcome: "refused",
            value: None,
            ty: None,
            declared_type: None,
            cost: None,
            kubernetes: None,
            problems: Vec::new(),
            missing: Vec::new(),
            facts: &[],
            because: None,
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(refused) => {
                out.problems = refused.iter().map(ProblemV1::refused).collect();
                return out;
            }
        };
        out.outcome = match &answer.outcome {
            Outcome::Value { ty, json, .. } => {
                (out.value, out.ty) = (Some(json), Some(ty.as_str()));
                "value"
            }
            Outcome::Error { message, variable, source, span } => {
                let (line, column) = position(source, span.start);
                out.problems.push(ProblemV1 { message, help: None, variable: variable.as_deref(), line, column });
                "error"
            }
            Outcome::Unknown(missing) => {
                out.missing = missing.iter().map(ToString::to_string).collect();
                "unknown"
            }
            Outcome::OverBudget => "overBudget",
        };
        out.declared_type = Some(answer.declared.to_string());
        out.cost = Some(answer.cost);
        out.kubernetes = Some(format!("{}.{}", answer.since.0, answer.since.1));
        out.facts = &answer.facts;
        out.because = explain.then(|| answer.evidence.iter().map(EvidenceV1::of).collect());
        out
    }
}

impl<'a> ProblemV1<'a> {
    fn refused(refused: &'a Refused) -> Self {
        let (line, column) = position(&refused.source, refused.refusal.span.start);
        ProblemV1 {
            message: &refused.refusal.message,
            help: refused.refusal.help.as_deref(),
            variable: refused.variable.as_deref(),
            line,
            column,
        }
    }
}

impl EvidenceV1 {
    fn of(evidence: &Evidence) -> Self {
        let location = evidence.location.as_ref();
        EvidenceV1 {
            object: evidence.object.to_string(),
            path: evidence.path.to_string(),
            absent: evidence.absent,
            value: if evidence.is_secret() { None } else { evidence.value.clone() },
            note: evidence.note.clone(),
            file: location.map(|at| at.origin.name.clone()),
            line: location.map(|at| at.line),
            column: location.map(|at| at.column),
        }
    }
}

/// Line and column of a byte in an expression, from 1.
fn position(source: &str, at: usize) -> (usize, usize) {
    let before = source.get(..source.floor_char_boundary(at)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}
