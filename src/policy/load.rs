//! From documents to a [`PolicySet`]: grouped by name, checked and compiled; every problem at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::cel::{Declarations, Expect, ExprId, Refusal, StructType, Type, Unit, UnitBuilder};
use crate::finding::{Severity, Stage};
use crate::object::{Node, Tree};
use crate::source;

use super::cases::Case;
use super::constraint::Constraints;
use super::context::roots;
use super::documents::{self, BindingDocument, Common, Document, Mutating, Named, Validating};
use super::notes::{self, FixNotes, Notes, Text};
use super::problem::{Problem, Problems};
use super::set::{Binding, Check, Condition, Effect, Mutation, PatchType, Policy, PolicySet, Validation};

/// A policy file.
#[derive(Clone, Copy, Debug)]
pub struct PolicyFile<'f> {
    /// What a person calls it.
    pub name: &'f str,
    /// Its text.
    pub text: &'f str,
    /// Built in, or brought by the user.
    pub embedded: bool,
}

/// A fact as policies see it.
#[derive(Clone, Debug)]
pub struct FactDeclaration {
    /// Its name below `facts`.
    pub name: &'static str,
    /// The type of its value.
    pub fields: Type,
    /// (group, plural) of the kinds that it is for.
    pub subjects: Vec<(&'static str, &'static str)>,
}

/// The type of `facts`, with a field for each.
pub fn facts_type(facts: &[FactDeclaration]) -> Type {
    let fields = facts.iter().map(|f| (f.name.to_owned(), f.fields.clone())).collect();
    Type::Struct(Arc::new(StructType { name: "facts".to_owned(), fields }))
}

/// Longest `messageExpression` result and similar texts are bounded by the evaluator's cost; files are bounded here.
const MAX_FILE: usize = 1 << 20;

/// Reads and compiles policy files. What has a problem is left out of the set; a caller that wants all or nothing looks
/// at the problems.
///
/// A binding of a user's file for a built-in policy replaces that policy's own bindings.
pub fn load(files: &[PolicyFile<'_>], facts: &[FactDeclaration]) -> (PolicySet, Vec<Problem>) {
    let mut loader = Loader { facts, parts: BTreeMap::new(), problems: Vec::new() };
    let read: Vec<Read> = files.iter().map(|f| Read::new(*f)).collect();
    for file in &read {
        loader.file(file);
    }
    loader.finish()
}

/// A file, parsed.
struct Read {
    name: String,
    embedded: bool,
    trees: Vec<Arc<Tree>>,
    problems: Vec<Problem>,
}

impl Read {
    fn new(file: PolicyFile<'_>) -> Self {
        let mut problems = Problems::new(file.name);
        let mut trees = Vec::new();
        if file.text.len() > MAX_FILE {
            problems.file(format!("larger than {} KiB", MAX_FILE >> 10));
        } else {
            let parsed = source::parse(file.name, file.text.as_bytes().to_vec());
            for p in parsed.problems {
                problems.add(Problem::from(p));
            }
            trees = parsed.documents.into_iter().map(|d| d.tree).collect();
        }
        Read { name: file.name.to_owned(), embedded: file.embedded, trees, problems: problems.finish() }
    }
}

/// What was read under one policy's name.
#[derive(Default)]
struct Parts<'t> {
    validating: Option<(Validating<'t>, &'t Read)>,
    mutating: Option<(Mutating<'t>, &'t Read)>,
    notes: Option<(Node<'t>, Arc<Tree>, &'t Read)>,
    bindings: Vec<(BindingDocument<'t>, &'t Read)>,
    mutating_bindings: Vec<(BindingDocument<'t>, &'t Read)>,
}

struct Loader<'t, 'f> {
    facts: &'f [FactDeclaration],
    parts: BTreeMap<String, Parts<'t>>,
    problems: Vec<Problem>,
}

impl<'t> Loader<'t, '_> {
    fn file(&mut self, file: &'t Read) {
        self.problems.extend(file.problems.iter().cloned());
        let mut problems = Problems::new(&file.name);
        for tree in &file.trees {
            let Some(document) = documents::read(tree.root(), tree, &mut problems) else { continue };
            self.document(document, file, &mut problems);
        }
        self.problems.extend(problems.finish());
    }

    fn document(&mut self, document: Document<'t>, file: &'t Read, problems: &mut Problems) {
        let name = match &document {
            Document::Validating(v) => v.common.name,
            Document::Mutating(m) => m.common.name,
            Document::ValidatingBinding(b) | Document::MutatingBinding(b) => b.policy,
            Document::Notes { name, .. } => *name,
        };
        let parts = self.parts.entry(name.as_str().unwrap_or_default().to_owned()).or_default();
        let taken = match document {
            Document::Validating(v) => parts.validating.replace((v, file)).map(|old| old.1),
            Document::Mutating(m) => parts.mutating.replace((m, file)).map(|old| old.1),
            Document::Notes { spec, tree, .. } => parts.notes.replace((spec, tree, file)).map(|old| old.2),
            Document::ValidatingBinding(b) => {
                parts.bindings.push((b, file));
                None
            }
            Document::MutatingBinding(b) => {
                parts.mutating_bindings.push((b, file));
                None
            }
        };
        if let Some(first) = taken {
            problems.at(
                name,
                format!("there is a policy '{}' already, in {}", name.as_str().unwrap_or_default(), first.name),
            );
        }
    }

    fn finish(mut self) -> (PolicySet, Vec<Problem>) {
        let mut policies = Vec::new();
        for (id, parts) in std::mem::take(&mut self.parts) {
            policies.extend(self.policy(id, parts));
        }
        let mut problems = self.problems;
        problems.sort_by_key(|p| (p.file.clone(), p.place.as_ref().map(|place| (place.line, place.column))));
        (PolicySet::new(policies), problems)
    }

    /// Compiles what was read under one name; `None` when it has a problem.
    fn policy(&mut self, id: String, parts: Parts<'t>) -> Option<Policy> {
        let before = self.problems.len();
        let file = match (&parts.validating, &parts.mutating) {
            (Some((_, file)), _) | (None, Some((_, file))) => *file,
            (None, None) => {
                self.orphan(&id, &parts);
                return None;
            }
        };
        let (notes, cases, cases_tree) = self.notes(&parts);
        let bindings = self.bindings(&parts, file);
        let mut facts = BTreeSet::new();
        let mut kubernetes = (1, 25);
        let mut compiled_notes = None;
        let check = parts.validating.as_ref().map(|(validating, file)| {
            let mut compiler = Compiler::new(self.facts, false, &file.name, &validating.common);
            let check = compiler.check(validating);
            let notes_file = parts.notes.as_ref().map_or(file.name.as_str(), |n| n.2.name.as_str());
            compiler.problems_in(notes_file);
            compiled_notes = notes.as_ref().map(|n| compiler.notes(n));
            let unit = compiler.finish(&mut self.problems);
            facts.extend(facts_of(&unit, &check));
            kubernetes = kubernetes.max(unit.since());
            Check { unit, ..check }
        });
        let ratchet = parts.validating.as_ref().is_none_or(|(v, _)| v.ratchet);
        let mutation = parts.mutating.as_ref().map(|(mutating, file)| {
            let mut compiler = Compiler::new(self.facts, true, &file.name, &mutating.common);
            let mutation = compiler.mutation(mutating, !parts.mutating_bindings.is_empty());
            if check.is_none() {
                compiled_notes = notes.as_ref().map(|n| compiler.notes(n));
            }
            let unit = compiler.finish(&mut self.problems);
            facts.extend(
                mutation
                    .mutations
                    .iter()
                    .map(|m| m.1)
                    .chain(ids(&mutation.conditions))
                    .flat_map(|e| facts_read(&unit, e)),
            );
            kubernetes = kubernetes.max(unit.since());
            Mutation { unit, ..mutation }
        });
        self.fact_subjects(&file.name, &id, &facts, check.as_ref().map(|c| &c.constraints));
        let notes = compiled_notes.unwrap_or_else(|| without_notes(&id, &bindings));
        (self.problems.len() == before).then_some(Policy {
            id,
            file: file.name.clone(),
            embedded: file.embedded,
            check,
            mutation,
            bindings,
            notes,
            ratchet,
            facts,
            kubernetes,
            cases_tree,
            cases,
        })
    }

    fn orphan(&mut self, id: &str, parts: &Parts<'_>) {
        let mut say = |file: &Read, node: Node<'_>, what: &str| {
            let mut problems = Problems::new(&file.name);
            problems.at(node, format!("{what} names the policy '{id}', which is not there"));
            self.problems.extend(problems.finish());
        };
        for (binding, file) in parts.bindings.iter().chain(&parts.mutating_bindings) {
            say(file, binding.policy, "this binding");
        }
        if let Some((spec, _, file)) = &parts.notes {
            say(file, *spec, "PolicyNotes");
        }
    }

    fn notes(&mut self, parts: &Parts<'t>) -> (Option<Notes<Node<'t>>>, Vec<Case>, Option<Arc<Tree>>) {
        let Some((spec, tree, file)) = &parts.notes else { return (None, Vec::new(), None) };
        let mut problems = Problems::new(&file.name);
        let read = notes::read(*spec, &mut problems);
        self.problems.extend(problems.finish());
        match read {
            Some((notes, cases)) => (Some(notes), cases, Some(tree.clone())),
            None => (None, Vec::new(), None),
        }
    }

    fn bindings(&mut self, parts: &Parts<'t>, policy: &Read) -> Vec<Binding> {
        let users = policy.embedded && parts.bindings.iter().any(|(_, file)| !file.embedded);
        let mut bindings = Vec::new();
        for (document, file) in parts.bindings.iter().filter(|(_, file)| !users || !file.embedded) {
            let mut problems = Problems::new(&file.name);
            let restricted_to = document.resources.map(|n| Constraints::read(n, false, &mut problems));
            let action = |word: &str| match word {
                "Deny" => Effect::Deny,
                "Warn" => Effect::Warn,
                _ => Effect::Audit,
            };
            let effect = document.actions.iter().map(|(_, word)| action(word)).max().unwrap_or(Effect::None);
            bindings.push(Binding { effect, restricted_to });
            self.problems.extend(problems.finish());
        }
        for (document, file) in &parts.mutating_bindings {
            let mut problems = Problems::new(&file.name);
            if let Some(resources) = document.resources {
                problems.at(resources, "matchResources of a MutatingAdmissionPolicyBinding is not supported yet");
            }
            self.problems.extend(problems.finish());
        }
        bindings
    }

    /// A fact is there for some kinds only; a policy that reads it on others would fail on every object.
    fn fact_subjects(&mut self, file: &str, id: &str, facts: &BTreeSet<String>, constraints: Option<&Constraints>) {
        for fact in facts {
            let Some(declared) = self.facts.iter().find(|f| f.name == fact) else { continue };
            if declared.subjects.is_empty() {
                continue;
            }
            let rules = constraints.into_iter().flat_map(|c| c.rules());
            let matched = rules.flat_map(|r| r.groups().iter().flat_map(|g| r.resources().iter().map(move |p| (g, p))));
            let wrong: Vec<String> = matched
                .filter(|(g, p)| !declared.subjects.iter().any(|(group, plural)| group == g && plural == p))
                .map(|(g, p)| if g.is_empty() { p.clone() } else { format!("{p}.{g}") })
                .collect();
            if !wrong.is_empty() {
                let mut problems = Problems::new(file);
                problems.file(format!("policy {id} matches {}, for which there is no facts.{fact}", wrong.join(", ")));
                self.problems.extend(problems.finish());
            }
        }
    }
}

fn ids(conditions: &[Condition]) -> impl Iterator<Item = ExprId> + '_ {
    conditions.iter().map(|c| c.expression)
}

fn facts_read(unit: &Unit, id: ExprId) -> Vec<String> {
    unit.uses(id).fields.iter().filter(|(root, _)| *root == "facts").map(|(_, field)| field.clone()).collect()
}

/// The facts that decide or are spoken of at admission; the notes' own expressions are not part of what is exported.
fn facts_of(unit: &Unit, check: &Check) -> Vec<String> {
    let validations = check.validations.iter().flat_map(|v| [Some(v.expression), v.message_expression]).flatten();
    ids(&check.conditions).chain(validations).flat_map(|e| facts_read(unit, e)).collect()
}

/// Severity from the strictest binding, stage "other policies" (semantics of a policy that somebody already has).
fn without_notes(id: &str, bindings: &[Binding]) -> Notes<ExprId> {
    let severity = match bindings.iter().map(|b| b.effect).max() {
        Some(Effect::Deny) => Severity::Blocker,
        Some(Effect::Warn) => Severity::Warning,
        _ => Severity::Info,
    };
    Notes {
        title: id.to_owned(),
        severity,
        severity_expression: None,
        stage: Stage::Other,
        why: None,
        fix: None,
        since: None,
        until: None,
        limits: Vec::new(),
        sources: Vec::new(),
    }
}

/// Compiles the expressions of one policy document into one unit.
struct Compiler {
    builder: UnitBuilder,
    problems: Problems,
    done: Vec<Problem>,
}

impl Compiler {
    fn new<'t>(facts: &[FactDeclaration], patch_types: bool, file: &str, common: &Common<'t>) -> Self {
        let builder = UnitBuilder::new(Declarations { roots: roots(facts_type(facts)), patch_types });
        let mut problems = Problems::new(file);
        // The API server keeps names within a policy apart; so does the person who reads a message.
        for list in [&common.conditions, &common.variables] {
            for (i, named) in list.iter().enumerate() {
                if list.iter().take(i).any(|n| n.name.as_str() == named.name.as_str()) {
                    problems.at(named.name, "there is another of this name");
                }
            }
        }
        Compiler { builder, problems, done: Vec::new() }
    }

    /// Problems from here on are in another file.
    fn problems_in(&mut self, file: &str) {
        let before = std::mem::replace(&mut self.problems, Problems::new(file));
        self.done.extend(before.finish());
    }

    fn finish(mut self, problems: &mut Vec<Problem>) -> Unit {
        problems.append(&mut self.done);
        problems.extend(self.problems.finish());
        self.builder.finish()
    }

    fn refuse(&mut self, node: Node<'_>, refusals: Vec<Refusal>) {
        for refusal in refusals {
            let problem = Problem::in_expression(self.problems.file_name(), node, refusal);
            self.problems.add(problem);
        }
    }

    fn expression(&mut self, node: Node<'_>, expect: Expect) -> Option<ExprId> {
        match self.builder.expression(node.as_str().unwrap_or_default(), expect) {
            Ok(id) => Some(id),
            Err(refusals) => {
                self.refuse(node, refusals);
                None
            }
        }
    }

    /// Conditions come before variables, as in Kubernetes, where a condition sees none.
    fn common(&mut self, common: &Common<'_>) -> (Constraints, Vec<Condition>, Vec<Condition>) {
        let constraints =
            common.constraints.map(|n| Constraints::read(n, true, &mut self.problems)).unwrap_or_default();
        let mut conditions = Vec::new();
        for Named { name, expression } in &common.conditions {
            if let Some(expression) = self.expression(*expression, Expect::Bool) {
                conditions.push(Condition { name: name.as_str().unwrap_or_default().to_owned(), expression });
            }
        }
        let mut variables = Vec::new();
        for Named { name, expression } in &common.variables {
            let name = name.as_str().unwrap_or_default();
            match self.builder.variable(name, expression.as_str().unwrap_or_default()) {
                Ok(expression) => variables.push(Condition { name: name.to_owned(), expression }),
                Err(refusals) => self.refuse(*expression, refusals),
            }
        }
        (constraints, conditions, variables)
    }

    fn check(&mut self, document: &Validating<'_>) -> Check {
        let (constraints, conditions, variables) = self.common(&document.common);
        let mut validations = Vec::new();
        for v in &document.validations {
            let Some(expression) = self.expression(v.expression, Expect::Bool) else { continue };
            let message_expression = v.message_expression.and_then(|m| self.expression(m, Expect::String));
            let message = v.message.map(str::to_owned);
            validations.push(Validation {
                expression,
                message,
                message_expression,
                reason: v.reason.map(str::to_owned),
            });
        }
        Check { constraints, fail: document.common.fail, unit: Unit::default(), conditions, variables, validations }
    }

    fn mutation(&mut self, document: &Mutating<'_>, bound: bool) -> Mutation {
        let (constraints, conditions, _) = self.common(&document.common);
        let mut mutations = Vec::new();
        for (json_patch, expression) in &document.mutations {
            let (kind, expect) = if *json_patch {
                (PatchType::JsonPatch, Expect::JsonPatch)
            } else {
                (PatchType::ApplyConfiguration, Expect::Object)
            };
            mutations.extend(self.expression(*expression, expect).map(|id| (kind, id)));
        }
        let fail = document.common.fail;
        Mutation { constraints, unit: Unit::default(), conditions, mutations, bound, fail }
    }

    fn text(&mut self, text: &Text<Node<'_>>) -> Option<Text<ExprId>> {
        Some(match text {
            Text::Plain(words) => Text::Plain(words.clone()),
            Text::Expression(node) => Text::Expression(self.expression(*node, Expect::String)?),
        })
    }

    fn notes(&mut self, notes: &Notes<Node<'_>>) -> Notes<ExprId> {
        let severity_expression = notes.severity_expression.and_then(|e| self.expression(e, Expect::String));
        let why = notes.why.as_ref().and_then(|t| self.text(t));
        let fix = notes.fix.as_ref().and_then(|f| {
            let text = self.text(&f.text)?;
            let commands = f.commands.and_then(|c| self.expression(c, Expect::Any));
            Some(FixNotes { text, grade: f.grade, commands })
        });
        Notes {
            title: notes.title.clone(),
            severity: notes.severity,
            severity_expression,
            stage: notes.stage,
            why,
            fix,
            since: notes.since,
            until: notes.until,
            limits: notes.limits.clone(),
            sources: notes.sources.clone(),
        }
    }
}
