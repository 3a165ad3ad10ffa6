//! `explain`: everything about one policy on one page, from its own file.

use clap::Args;

use super::page::Page;
use super::policies::resources;
use super::policy_files::PolicyOptions;
use super::terminal::{self, Colour, ScreenOptions};
use crate::cel::{ExprId, Unit};
use crate::engine;
use crate::finding::Grade;
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
    let what = format!("{}, stage {}", policy.severity(), policy.stage().title());
    page.head(&policy.id, &what);
    page.text(&policy.notes.title);
    looks_for(&mut page, policy);
    why(&mut page, policy);
    judged(&mut page, policy);
    what_to_do(&mut page, policy);
    effect(&mut page, policy);
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

fn why(page: &mut Page, policy: &Policy) {
    let Some(why) = &policy.notes.why else { return };
    page.section("WHY");
    told(page, policy, why);
}

fn judged(page: &mut Page, policy: &Policy) {
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

fn what_to_do(page: &mut Page, policy: &Policy) {
    let Some(fix) = &policy.notes.fix else { return };
    page.section("WHAT TO DO");
    told(page, policy, &fix.text);
    match fix.grade {
        Some(Grade::Safe) => page.text("Safe: doing it interrupts and starts nothing."),
        Some(Grade::Unsafe) => page.text("Unsafe: doing it may interrupt or start something."),
        None => {}
    }
    let example = engine::example(policy);
    let commands = example.and_then(|finding| Some((finding.subject.object.to_string(), finding.fix?.commands)));
    if let Some((object, commands)) = commands.filter(|(_, commands)| !commands.is_empty()) {
        page.text(&format!("for example, of {object}"));
        page.code(&commands.join("\n"));
    }
    if policy.mutation.as_ref().is_some_and(|m| !m.bound) {
        page.text("The policy brings a fix that makes this change.");
    }
}

fn effect(page: &mut Page, policy: &Policy) {
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
    let facts: Vec<String> = policy.facts.iter().map(|name| format!("facts.{name}")).collect();
    match facts.is_empty() {
        true => page.text(&format!("Portable: the API server itself can run it, from Kubernetes {major}.{minor} on.")),
        false => page.text(&format!("It reads {}, so only virt-guard can run it.", facts.join(", "))),
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
    lines.iter().for_each(|line| page.text(line));
}

/// A text as it stands, or the expression that makes it.
fn told(page: &mut Page, policy: &Policy, text: &Text<ExprId>) {
    match text {
        Text::Plain(words) => page.text(words),
        Text::Expression(id) => page.code(unit(policy).map_or("", |unit| unit.source(*id))),
    }
}
