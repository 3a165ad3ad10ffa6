//! The policies as a table for people: README's, generated from the policies themselves.

use super::set::{Effect, Policy, PolicySet};

/// A Markdown table, a row a policy, in the order of an upgrade.
pub fn markdown_table(set: &PolicySet) -> String {
    let mut policies: Vec<&Policy> = set.iter().collect();
    policies.sort_by_key(|p| (p.stage(), &p.id));
    let mut out =
        String::from("| policy | finds | stage | severity | at admission | fix |\n|---|---|---|---|---|---|\n");
    for policy in policies {
        let severity = match policy.notes.severity_expression {
            Some(_) => format!("{} or as the cluster stands", policy.severity()),
            None => policy.severity().to_string(),
        };
        let fix = policy.notes.fix.as_ref().and_then(|f| f.grade).map_or("–", |g| g.as_str());
        let title = policy.notes.title.replace('|', "\\|");
        let cells = [&format!("`{}`", policy.id), &title, policy.stage().title(), &severity, admission(policy), fix];
        out.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    out
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
