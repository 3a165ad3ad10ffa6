//! `explain`: everything about one policy on one page, from its own file.

use clap::Args;

use super::page::Page;
use super::policies::resources;
use super::policy_files::PolicyOptions;
use super::terminal::{self, Colour, ScreenOptions};
use crate::cel::{ExprId, Unit};
use crate::engine;
use crate::facts::SCHEMA;
use crate::finding::{Finding, Grade};
use crate::policy::{Bound, Component, Effect, Policy, PolicySet, Text};
use crate::report::summary::ExitCode;

const EXAMPLES: &str = "\
Examples:
  virt-guard explain olm-manual-approval
  virt-guard explain mine --policies policies/

virt-guard policies lists all of them.";

/// Explain a policy: what it looks for, why, and what to do
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The policy, as findings name it in brackets
    #[arg(value_name = "POLICY")]
    id: String,
    #[command(flatten)]
    policies: PolicyOptions,
    /// When to colour
    #[arg(long, value_enum, default_value_t, value_name = "WHEN", hide_possible_values = true)]
    color: Colour,
}

impl Arguments {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let policies = self.policies.load()?;
        let policy = policies.get(&self.id).ok_or_else(|| unknown(&policies, &self.id))?;
        let screen = ScreenOptions { ascii: false, color: self.color };
        terminal::print(&page(policy, screen.colour()))?;
        Ok(ExitCode::Clean)
    }
}

fn unknown(policies: &PolicySet, id: &str) -> anyhow::Error {
    match policies.nearest(id) {
        Some(near) => anyhow::anyhow!("there is no policy '{id}' (did you mean '{near}'?)"),
        None => anyhow::anyhow!("there is no policy '{id}'; virt-guard policies lists those that there are"),
    }
}

fn page(policy: &Policy, colour: bool) -> String {
    let mut page = Page::new(terminal::width(), colour);
    let example = engine::example(policy);
    let depends = if policy.notes.severity_expression.is_some() { " or as the cluster stands" } else { "" };
    page.head(&policy.id, &format!("{}{depends}, stage {}", policy.severity(), policy.stage().title()));
    page.text(&policy.notes.title);
    looks_for(&mut page, policy);
    if let Some(why) = &policy.notes.why {
        page.section("WHY");
        told(&mut page, policy, why, example.as_ref().map(|finding| finding.why.as_str()));
    }
    judged(&mut page, policy, example.as_ref());
    what_to_do(&mut page, policy, example.as_ref());
    where_it_runs(&mut page, policy);
    list(&mut page, "VERSIONS", &versions(policy));
    list(&mut page, "WHAT IT DOES NOT CATCH", &policy.notes.limits);
    list(&mut page, "SOURCES", &policy.notes.sources);
    page.finish()
}

/// The unit that the notes' expressions are in: the check's, or the fix's for a policy that only mutates.
fn unit(policy: &Policy) -> Option<&Unit> {
    policy.check.as_ref().map(|c| &c.unit).or_else(|| policy.mutation.as_ref().map(|m| &m.unit))
}

fn looks_for(page: &mut Page, policy: &Policy) {
    page.section("WHAT IT LOOKS AT");
    page.text(&resources(policy).join(", "));
    let (unit, conditions) = match (&policy.check, &policy.mutation) {
        (Some(check), _) => (&check.unit, &check.conditions),
        (None, Some(mutation)) => (&mutation.unit, &mutation.conditions),
        (None, None) => return,
    };
    if !conditions.is_empty() {
        page.text("and of these only where");
    }
    for condition in conditions {
        page.named(&condition.name, unit.source(condition.expression));
    }
}

fn judged(page: &mut Page, policy: &Policy, example: Option<&Finding>) {
    let Some(check) = &policy.check else { return };
    page.section("HOW IT IS JUDGED");
    for (i, validation) in check.validations.iter().enumerate() {
        page.text(if i == 0 { "has to be true" } else { "and so has" });
        page.code(check.unit.source(validation.expression));
        match (validation.message_expression, &validation.message) {
            (Some(expression), _) => {
                page.text("else it says");
                page.code(check.unit.source(expression));
            }
            (None, Some(message)) => page.text(&format!("else it says: {message}")),
            (None, None) => {}
        }
    }
    if let Some(finding) = example {
        page.text(&format!("for example: {}", finding.what));
    }
    if !check.variables.is_empty() {
        page.text("where");
    }
    for variable in &check.variables {
        page.named(&format!("variables.{}", variable.name), check.unit.source(variable.expression));
    }
    if let Some(severity) = policy.notes.severity_expression {
        page.text("its severity is");
        page.code(check.unit.source(severity));
    }
}

fn what_to_do(page: &mut Page, policy: &Policy, example: Option<&Finding>) {
    let Some(fix) = &policy.notes.fix else { return };
    let example = example.and_then(|finding| Some((&finding.subject.object, finding.fix.as_ref()?)));
    page.section("WHAT TO DO");
    told(page, policy, &fix.text, example.map(|(_, fix)| fix.text.as_str()));
    match fix.grade {
        Some(Grade::Safe) => page.text("Safe: doing it interrupts and starts nothing."),
        Some(Grade::Unsafe) => page.text("Unsafe: doing it may interrupt or start something."),
        None => {}
    }
    if let Some((object, fix)) = example.filter(|(_, fix)| !fix.commands.is_empty()) {
        page.text(&format!("for example, of {object}"));
        page.code(&fix.commands.join("\n"));
    }
    if policy.check.is_some() && policy.mutation.is_some() {
        page.text("The policy brings a fix that makes this change.");
    }
}

fn where_it_runs(page: &mut Page, policy: &Policy) {
    page.section("WHERE IT RUNS");
    let admission = match policy.strictest_effect() {
        Effect::Deny => "At admission it refuses the object; in check and report it is a finding.",
        Effect::Warn => "At admission it warns; in check and report it is a finding.",
        Effect::Audit | Effect::None => "In check and report; at admission it is silent.",
    };
    match (&policy.check, &policy.mutation) {
        (None, Some(mutation)) if mutation.bound => page.text("At admission it changes the object."),
        _ => page.text(admission),
    }
    let (major, minor) = policy.kubernetes;
    if policy.is_portable() {
        page.text(&format!("Portable: the API server itself can run it, from Kubernetes {major}.{minor} on."));
    } else {
        page.text("It reads facts, so only virt-guard can run it:");
    }
    for fact in SCHEMA.iter().filter(|fact| policy.facts.contains(fact.name)) {
        page.hanging(4, &format!("facts.{}  ", fact.name), fact.answers);
    }
    page.text(&format!("Its file: {}", policy.file));
}

fn versions(policy: &Policy) -> Vec<String> {
    let name = |bound: &Bound| {
        let component = match bound.component {
            Component::KubeVirt => "KubeVirt",
            Component::OpenShift => "OpenShift",
        };
        format!("{component} {}.{}", bound.minor.0, bound.minor.1)
    };
    let since = policy.notes.since.as_ref().map(|bound| format!("since {}", name(bound)));
    let until = policy.notes.until.as_ref().map(|bound| format!("no longer in {}", name(bound)));
    since.into_iter().chain(until).collect()
}

fn list(page: &mut Page, heading: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    page.section(heading);
    lines.iter().for_each(|line| page.hanging(2, "- ", line));
}

/// A text as it stands; one that depends on the object as it is for an example, else the expression that makes it.
fn told(page: &mut Page, policy: &Policy, text: &Text<ExprId>, example: Option<&str>) {
    match (text, example.filter(|example| !example.is_empty())) {
        (Text::Plain(words), _) => page.text(words),
        (Text::Expression(_), Some(example)) => page.text(&format!("It depends; for example: {example}")),
        (Text::Expression(id), None) => page.code(unit(policy).map_or("", |unit| unit.source(*id))),
    }
}
