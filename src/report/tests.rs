//! Numbers add up, on every screen and for every assessment.

use proptest::prelude::*;

use super::summary::Summary;
use super::{Door, Style, samples, text};
use crate::finding::{Assessment, Finding, Severity, Stage};

const SEVERITIES: [Severity; 3] = [Severity::Blocker, Severity::Warning, Severity::Info];

fn finding() -> impl Strategy<Value = Finding> {
    (0..3usize, 0..7usize, 0..3usize, 0..4usize, 0..20usize, any::<bool>(), any::<bool>()).prop_map(
        |(severity, stage, policy, cause, name, node, folded)| {
            let policy = format!("policy-{stage}-{policy}");
            let mut f = samples::stuck(&format!("shop/vm-{name}"), "worker-1", "Disks", &format!("cause {cause}"));
            f.policy = policy;
            f.stage = Stage::ALL[stage];
            f.severity = SEVERITIES[severity];
            f.subject.node = f.subject.node.filter(|_| node);
            f.counted_with = folded.then(|| f.fingerprint());
            f
        },
    )
}

fn assessment() -> impl Strategy<Value = Assessment> {
    prop::collection::vec(finding(), 0..60).prop_map(|findings| {
        let mut a = samples::everything();
        a.scan.findings = findings;
        a
    })
}

/// The number behind `word` in `✗ 4  ! 2`.
fn numbers_behind(line: &str, word: &str) -> usize {
    let mut words = line.split_whitespace().skip_while(|w| *w != word).skip(1);
    words.next().map_or(0, |n| n.parse().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn numbers_add_up(a in assessment()) {
        let summary = Summary::of(&a);
        for severity in SEVERITIES {
            let counted = a.scan.counted().filter(|f| f.severity == severity).count();
            prop_assert_eq!(summary.findings.of(severity), counted);
            prop_assert_eq!(summary.stages.iter().map(|s| s.findings.of(severity)).sum::<usize>(), counted);
            let groups = || summary.groups.iter().filter(|g| g.severity == severity);
            prop_assert_eq!(groups().map(|g| g.findings().count()).sum::<usize>(), counted);
            prop_assert_eq!(groups().map(|g| g.causes.len()).sum::<usize>(), summary.causes.of(severity));
            prop_assert!(summary.objects.of(severity) <= counted);
            prop_assert!(summary.causes.of(severity) <= counted);
        }
    }

    #[test]
    fn the_screen_shows_the_numbers_and_all_shows_all(a in assessment(), width in 44..160usize) {
        let style = Style { width, all: true, unicode: false, ..Style::plain(Door::Report) };
        let screen = text::cluster(&a, &style);
        let summary = Summary::of(&a);
        let table: Vec<&str> = screen.lines().skip_while(|l| !l.is_empty()).skip(1).take_while(|l| !l.is_empty()).collect();
        for (severity, mark) in [(Severity::Blocker, "x"), (Severity::Warning, "!"), (Severity::Info, "i")] {
            let shown: usize = table.iter().map(|l| numbers_behind(l, mark)).sum();
            prop_assert_eq!(shown, summary.findings.of(severity));
        }
        for finding in a.scan.counted() {
            prop_assert!(screen.contains(&finding.subject.object.qualified_name()));
        }
        let command = |l: &str| l.trim_start().starts_with("oc ") || l.trim_start().starts_with('#');
        let too_wide = |l: &&str| l.chars().count() > width.min(100) && !command(l);
        prop_assert_eq!(screen.lines().find(too_wide), None);
    }
}
