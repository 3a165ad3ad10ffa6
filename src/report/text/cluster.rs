//! The report on a cluster, by the stages of its upgrade.

#[cfg(test)]
mod tests;

use crate::finding::{Assessment, ClusterSummary, Machines, Severity, Stage};
use crate::report::Style;
use crate::report::style::{Paint, Symbol, count};
use crate::report::summary::{ExitCode, Readiness, StageState, StageSummary, Summary, exit};

use super::group;
use super::open;
use super::page::{Page, Piece};

/// The report on a cluster: first whether it is ready, then each stage, then each cause with its objects and its fix.
pub fn cluster(assessment: &Assessment, style: &Style) -> String {
    let summary = Summary::of(assessment);
    let mut page = Page::new(style);
    head(&mut page, assessment, &summary);
    let mut stage = None;
    for group in &summary.groups {
        if stage != Some(group.stage) {
            page.gap();
            page.line(0, &[(Paint::Strong, &group.stage.title().to_uppercase())]);
            stage = Some(group.stage);
        }
        group::group(&mut page, group);
    }
    open::unknowns(&mut page, &summary);
    open::failures(&mut page, &summary);
    open::unreadable(&mut page, &assessment.inputs);
    foot(&mut page, assessment, &summary);
    page.finish()
}

fn head(page: &mut Page<'_>, assessment: &Assessment, summary: &Summary<'_>) {
    if let Some(cluster) = &assessment.cluster {
        let parts = versions(cluster, page.style);
        if !parts.is_empty() {
            page.row(0, "", &parts);
        }
    }
    let (paint, answer) = match summary.readiness {
        Readiness::Ready => (Paint::Good, "READY"),
        Readiness::NotReady => (Paint::Bad, "NOT READY"),
        Readiness::NotEverythingChecked if assessment.scan.judged == 0 => (Paint::Caution, "NOTHING CHECKED"),
        Readiness::NotEverythingChecked => (Paint::Caution, "NO BLOCKERS FOUND, NOT EVERYTHING CHECKED"),
    };
    page.paragraph(0, &[(paint, answer), (Paint::Plain, "   ")], (Paint::Plain, &numbers(summary)));
    page.gap();
    for stage in &summary.stages {
        self::stage(page, stage);
    }
    let cluster = assessment.cluster.as_ref();
    if let Some(machines) = cluster.and_then(|c| c.machines) {
        let single = cluster.is_some_and(|c| c.single_node);
        page.paragraph(2, &[], (Paint::Plain, &self::machines(machines, single)));
    }
}

/// The parts of the first line, each of which stays whole.
fn versions(cluster: &ClusterSummary, style: &Style) -> Vec<String> {
    let mut parts = Vec::new();
    let to = style.symbol(Symbol::To);
    let openshift = cluster.openshift.as_deref().map(|v| format!("OpenShift {v}"));
    match (openshift, &cluster.target) {
        (Some(from), Some(target)) => parts.push(format!("{from} {to} {target}")),
        (None, Some(target)) => parts.push(format!("OpenShift, version not known, {to} {target}")),
        (Some(from), None) => parts.push(from),
        (None, None) => {}
    }
    if cluster.target_assumed && cluster.target.is_some() {
        parts.push("(the next minor; --target for another)".to_owned());
    }
    match (&cluster.virtualization, &cluster.kubevirt) {
        (Some(v), Some(k)) => parts.push(format!("OpenShift Virtualization {v} (KubeVirt {k})")),
        (Some(v), None) => parts.push(format!("OpenShift Virtualization {v}")),
        (None, Some(k)) => parts.push(format!("KubeVirt {k}")),
        (None, None) => {}
    }
    parts.extend(cluster.as_of.as_deref().map(|t| format!("as of {}", minute(t))));
    parts
}

/// `2026-03-04 09:12 UTC`; what is no RFC 3339 time stays as it is.
fn minute(time: &str) -> String {
    time.parse::<jiff::Timestamp>().map_or_else(|_| time.to_owned(), |t| t.strftime("%Y-%m-%d %H:%M UTC").to_string())
}

/// `3 causes block this upgrade (5 objects), 2 more are worth a look (3 objects), 1 object not judged`.
fn numbers(summary: &Summary<'_>) -> String {
    let told = |severity: Severity, one: &str, many: &str| {
        let causes = summary.causes.of(severity);
        let objects = count(summary.objects.of(severity), "object");
        // An object that is found twice makes two of a stage's findings: then both numbers are said.
        let of = match summary.findings.of(severity) {
            findings if findings == summary.objects.of(severity) => objects,
            findings => format!("{} in {objects}", count(findings, "finding")),
        };
        let verb = if causes == 1 { one } else { many };
        (causes > 0).then(|| (causes, format!("{verb} ({of})")))
    };
    let mut parts: Vec<String> = Vec::new();
    let wording = [
        (Severity::Blocker, "blocks this upgrade", "block this upgrade"),
        (Severity::Warning, "is worth a look", "are worth a look"),
        (Severity::Info, "is for information", "are for information"),
    ];
    for (severity, one, many) in wording {
        if let Some((causes, text)) = told(severity, one, many) {
            let what = if parts.is_empty() { count(causes, "cause") } else { format!("{causes} more") };
            parts.push(format!("{what} {text}"));
        }
    }
    if parts.is_empty() && summary.readiness == Readiness::Ready {
        parts.push("every stage was checked, and nothing was found".to_owned());
    }
    if summary.unjudged > 0 {
        parts.push(format!("{} not judged", count(summary.unjudged, "object")));
    }
    if !summary.failures.is_empty() {
        parts.push(count(summary.failures.len(), "policy error"));
    }
    parts.join(", ")
}

fn stage(page: &mut Page<'_>, stage: &StageSummary<'_>) {
    let style = page.style;
    let title = format!("{:<17}", stage.stage.title());
    let mut lead: Vec<(Paint, String)> = vec![(Paint::Plain, title)];
    for severity in [Severity::Blocker, Severity::Warning, Severity::Info] {
        let n = stage.findings.of(severity);
        if n > 0 {
            lead.push((Paint::of(severity), format!("{} {n}", style.symbol(Symbol::Severity(severity)))));
            lead.push((Paint::Plain, "  ".to_owned()));
        }
    }
    let mut notes = Vec::new();
    if !stage.nodes.is_empty() && stage.stage == Stage::NodeDrain {
        notes.push(nodes(stage, style));
    }
    let state = match stage.state() {
        StageState::Clear => Some((Paint::Good, Symbol::Clear)),
        StageState::NotChecked => Some((Paint::Caution, Symbol::NotChecked)),
        StageState::Findings => None,
    };
    if let Some((paint, symbol)) = state {
        lead.extend([(paint, style.symbol(symbol).to_owned()), (Paint::Plain, " ".to_owned())]);
    }
    notes.extend(unchecked(stage, style));
    let lead: Vec<Piece<'_>> = lead.iter().map(|(p, t)| (*p, t.as_str())).collect();
    page.paragraph(2, &lead, (Paint::Plain, &notes.join("; ")));
}

/// The nodes whose drain stops. Which pools stop with them, pools would have to say.
fn nodes(stage: &StageSummary<'_>, style: &Style) -> String {
    const SHOWN: usize = 4;
    let shown = if style.all { usize::MAX } else { SHOWN };
    let names: Vec<&str> = stage.nodes.iter().copied().take(shown).collect();
    let more = match stage.nodes.len().saturating_sub(shown) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    let noun = if stage.nodes.len() == 1 { "node" } else { "nodes" };
    format!("on {noun} {}{more}", names.join(", "))
}

/// Why a stage has no tick, or why its findings may not be all.
fn unchecked(stage: &StageSummary<'_>, style: &Style) -> Option<String> {
    const SHOWN: usize = 3;
    let mut reasons = Vec::new();
    if stage.policies == 0 && stage.findings.total() == 0 {
        return Some("no policy looks at this yet".to_owned());
    }
    let kinds: Vec<&str> = stage.not_collected.iter().copied().collect();
    match kinds.len() {
        0 => {}
        n if n > SHOWN && !style.all => {
            let shown = kinds.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
            reasons.push(format!("{shown} and {} were not collected", count(n - SHOWN, "more kind")));
        }
        _ => reasons.push(format!("{} were not collected", kinds.join(", "))),
    }
    if stage.unjudged > 0 {
        reasons.push(format!("{} could not be judged", count(stage.unjudged, "object")));
    }
    if stage.failed > 0 {
        reasons.push(format!("a policy failed on {}", count(stage.failed, "object")));
    }
    let not = if stage.findings.total() > 0 { "not all checked" } else { "not checked" };
    (!reasons.is_empty()).then(|| format!("{not}: {}", reasons.join("; ")))
}

/// `41 VMs: 38 run. A drain moves 31, restarts 1, leaves 2 off, is refused by 4.`
fn machines(machines: Machines, single_node: bool) -> String {
    let Machines { total, running, migrated, restarted, left_off, refused, unknown } = machines;
    let run = if running == 1 { "runs" } else { "run" };
    let head = format!("{}: {running} {run}.", count(total, "VM"));
    if single_node {
        return format!("{head} One node: its drain is skipped, and its reboot stops them.");
    }
    let parts = [
        (migrated, format!("moves {migrated}")),
        (restarted, format!("restarts {restarted}")),
        (left_off, format!("leaves {left_off} off")),
        (refused, format!("is refused by {refused}")),
    ];
    let parts: Vec<String> = parts.into_iter().filter(|(n, _)| *n > 0).map(|(_, text)| text).collect();
    let drain = if parts.is_empty() { String::new() } else { format!(" A drain {}.", parts.join(", ")) };
    let open = if unknown == 0 { String::new() } else { format!(" What it does to {unknown} could not be judged.") };
    format!("{head}{drain}{open}")
}

fn foot(page: &mut Page<'_>, assessment: &Assessment, summary: &Summary<'_>) {
    let scan = &assessment.scan;
    let names = &assessment.inputs.names;
    let from = if names.is_empty() { String::new() } else { format!(" from {}", names.join(", ")) };
    let policies = count(scan.policies.len(), "policy");
    let objects = count(scan.objects, "object");
    page.gap();
    page.paragraph(0, &[], (Paint::Plain, &format!("{policies} judged {} of {objects}{from}.", scan.judged)));
    let end = exit(assessment, page.style.fail_on, page.style.strict, page.style.door);
    if end.code == ExitCode::Clean && summary.findings.total() == 0 && summary.readiness == Readiness::Ready {
        return;
    }
    let more = if summary.groups.is_empty() { "" } else { "virt-guard explain POLICY for more.  " };
    page.paragraph(0, &[], (Paint::Plain, &format!("{more}Exit code {}: {}.", end.code.number(), end.why)));
}
