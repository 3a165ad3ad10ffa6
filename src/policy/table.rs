//! The policies as a table for people: README's, generated from the policies themselves.

use crate::finding::Severity;

use super::set::{Effect, Policy, PolicySet};

/// A Markdown table, a row a policy, in the order of an upgrade.
pub fn markdown_table(set: &PolicySet) -> String {
    let mut policies: Vec<&Policy> = set.iter().collect();
    policies.sort_by_key(|p| (p.stage(), &p.id));
    let mut out =
        String::from("| policy | finds | stage | severity | at admission | fix |\n|---|---|---|---|---|---|\n");
    for policy in policies {
        let severity = severities(policy).iter().map(|s| s.as_str()).collect::<Vec<_>>().join(" or ");
        let fix = policy.notes.fix.as_ref().and_then(|f| f.grade).map_or("–", |g| g.as_str());
        let title = policy.notes.title.replace('|', "\\|");
        let cells = [&format!("`{}`", policy.id), &title, policy.stage().title(), &severity, admission(policy), fix];
        out.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    out
}

/// The severities that a policy's findings may have, mildest first: the constant one, or those that its expression names.
pub fn severities(policy: &Policy) -> Vec<Severity> {
    let source = policy.notes.severity_expression.zip(policy.check.as_ref()).map(|(e, check)| check.unit.source(e));
    let Some(source) = source else { return vec![policy.severity()] };
    let named = |s: &Severity| source.contains(&format!("'{s}'")) || source.contains(&format!("\"{s}\""));
    [Severity::Info, Severity::Warning, Severity::Blocker].into_iter().filter(named).collect()
}

/// What a policy does at admission, in one word.
pub fn admission(policy: &Policy) -> &'static str {
    if policy.mutation.as_ref().is_some_and(|m| m.bound) {
        return "patches";
    }
    match policy.strictest_effect() {
        Effect::Deny => "denies",
        Effect::Warn => "warns",
        // Heard in check and report only; our own policies that only audit are not registered at all.
        Effect::Audit | Effect::None => "–",
    }
}
