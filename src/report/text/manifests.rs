//! What `check` says about manifests.

use annotate_snippets::renderer::Renderer;
use annotate_snippets::{Group, Level};

use crate::finding::{Assessment, Finding, Severity};
use crate::object::{Missing, Why};
use crate::report::Style;
use crate::report::style::{Paint, count};
use crate::report::summary::{ExitCode, Summary, exit};

use super::page::{Page, clean, wrap};
use super::{frame, open};

/// Each finding with the lines of source that decided, then one line of counts.
pub fn manifests(assessment: &Assessment, style: &Style) -> String {
    let summary = Summary::of(assessment);
    let mut text = String::new();
    for finding in assessment.scan.counted() {
        text.push_str(&render(finding, style));
        text.push_str("\n\n");
    }
    let mut page = Page::new(style);
    if style.all {
        open::unknowns(&mut page, &summary);
    }
    open::failures(&mut page, &summary);
    open::unreadable(&mut page, &assessment.inputs);
    page.gap();
    page.paragraph(0, &[], (Paint::Plain, &last_line(assessment, &summary, style)));
    text + &page.finish()
}

/// A finding as compilers show theirs.
fn render(finding: &Finding, style: &Style) -> String {
    let renderer = if style.colour { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.term_width(style.columns());
    let level = match finding.severity {
        Severity::Blocker => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
    };
    // `warning[…]: ` stands before it, and the renderer hangs further lines below its first word.
    let room = style.columns().saturating_sub(finding.policy.len() + 11).max(frame::NARROWEST);
    let title = wrap(&clean(&finding.what), room).join("\n");
    let mut group = Group::with_title(level.primary_title(title).id(clean(&finding.policy)))
        .elements(frame::elements(finding, style));
    let fix = finding.fix.as_ref().map(|f| f.text.as_str()).unwrap_or_default();
    let assumptions = finding.assumptions.iter().map(|a| ("note", a.as_str()));
    for (name, text) in [("why", finding.why.as_str()), ("fix", fix)].into_iter().chain(assumptions) {
        if !text.is_empty() {
            group = group.element(frame::remark(name.to_owned(), text, style));
        }
    }
    renderer.render(&[group])
}

/// `14 files, 22 objects: 1 blocker, 1 warning; 3 objects could not be judged without a cluster (--from)`.
fn last_line(assessment: &Assessment, summary: &Summary<'_>, style: &Style) -> String {
    let files = count(assessment.inputs.files, "file");
    let objects = count(assessment.scan.objects, "object");
    let mut line = format!("{files}, {objects}: {}", summary.findings.words());
    if summary.findings.total() == 0 {
        line.push_str(" found");
    }
    if summary.unjudged > 0 {
        let a_cluster_says = |m: &Missing| matches!(m.why, Why::NotCollected | Why::NotReported);
        let all = || assessment.scan.undecided.iter().flat_map(|u| &u.missing).all(a_cluster_says);
        let why = if assessment.cluster.is_none() && all() { " without a cluster (--from)" } else { "" };
        let list = if style.all { "" } else { "; --all lists them" };
        line.push_str(&format!("; {} could not be judged{why}{list}", count(summary.unjudged, "object")));
    }
    let end = exit(assessment, style.fail_on, style.strict, style.door);
    // The counts say what is found; what else sets the exit code has to be said.
    let evident = match end.code {
        ExitCode::Clean => true,
        ExitCode::Findings => [Severity::Blocker, Severity::Warning, Severity::Info]
            .into_iter()
            .any(|s| s >= style.fail_on && summary.findings.of(s) > 0),
        _ => false,
    };
    if !evident {
        line.push_str(&format!("; exit code {}: {}", end.code.number(), end.why));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Inputs, Scan, Stage};
    use crate::report::{Door, samples};
    use insta::assert_snapshot;

    const DB: &str = "\
kind: VirtualMachine
metadata:
  name: db
spec:
  dataVolumeTemplates:
  - spec:
      storage:
        accessModes: [ReadWriteOnce]
  template:
    spec:
      evictionStrategy: LiveMigrate
      volumes:
      - name: init
        cloudInitNoCloud: {userData: \"password: hunter2\"}
      - cloudInitNoCloud:
          userData: |
            password: hunter3
            again: hunter4
";

    fn style() -> Style {
        Style::plain(Door::Check)
    }

    fn assessment(findings: Vec<Finding>) -> Assessment {
        let inputs = Inputs { names: vec!["apps/".to_owned()], files: 14, ..Inputs::default() };
        Assessment { scan: Scan { findings, objects: 22, judged: 9, ..Scan::default() }, cluster: None, inputs }
    }

    /// A finding on `field`, which stands in the file where `found` does.
    fn finding(field: &str, value: &str, found: &str) -> Finding {
        let file = samples::file("apps/db.yaml", DB);
        let mut f = samples::finding("vm-cannot-migrate", Stage::NodeDrain, "VirtualMachine", "shop/db", field, value);
        f.what = "evictionStrategy is LiveMigrate, but the VM cannot live-migrate".to_owned();
        f.field.as_mut().unwrap().location = samples::locate(&file, found);
        f.evidence = vec![f.field.clone().unwrap()];
        f
    }

    fn eviction() -> Finding {
        let mut f = finding("spec.template.spec.evictionStrategy", "LiveMigrate", "LiveMigrate");
        f.field.as_mut().unwrap().note = Some("so the drain of its node is refused until it is gone".to_owned());
        f
    }

    #[test]
    fn nothing_found_is_one_line() {
        assert_snapshot!(manifests(&assessment(vec![]), &style()), @"14 files, 22 objects: nothing found");
    }

    #[test]
    fn a_frame_shows_what_decides_and_what_to_change() {
        let mut f = eviction();
        let file = f.field.as_ref().unwrap().location.as_ref().unwrap().origin.clone();
        let mut modes =
            samples::evidence(&f.subject.object, "spec.dataVolumeTemplates[0].spec.storage.accessModes", "");
        modes.absent = false;
        modes.location = samples::locate(&file, "[ReadWriteOnce]");
        modes.note = Some("volume \"data\" cannot be shared with the node it would move to".to_owned());
        f.evidence.push(modes);
        f.fix.as_mut().unwrap().text = "a storage class that offers ReadWriteMany; or LiveMigrateIfPossible with \
            runStrategy Always, and the drain restarts it"
            .to_owned();
        assert_snapshot!(manifests(&assessment(vec![f]), &style()), @r#"
        error[vm-cannot-migrate]: evictionStrategy is LiveMigrate, but the VM cannot live-migrate
          --> apps/db.yaml:11:25
           |
         8 |         accessModes: [ReadWriteOnce]
           |                      ---------------
        ...
        11 |       evictionStrategy: LiveMigrate
           |                         ^^^^^^^^^^^ so the drain of its node is refused until it is gone
           |
           = apps/db.yaml:8: volume "data" cannot be shared with the node it would move to
           = why: Why vm-cannot-migrate matters.
           = fix: a storage class that offers ReadWriteMany; or LiveMigrateIfPossible with runStrategy
                  Always, and the drain restarts it

        14 files, 22 objects: 1 blocker
        "#);
    }

    #[test]
    fn what_decides_may_stand_in_another_file_or_in_none() {
        let mut f = eviction();
        let claim = samples::object("PersistentVolumeClaim", "shop/data");
        let mut modes = samples::evidence(&claim, "spec.accessModes", "[ReadWriteOnce]");
        modes.location =
            samples::locate(&samples::file("apps/pvc.yaml", "spec:\n  accessModes:\n  - ReadWriteOnce\n"), "- R");
        modes.note = Some("cannot be shared".to_owned());
        let mut class = samples::evidence(&samples::object("StorageProfile", "fast"), "status.claimPropertySets", "");
        class.note = Some("offers nothing else".to_owned());
        f.evidence.extend([modes, class]);
        assert_snapshot!(manifests(&assessment(vec![f]), &style()), @"
        error[vm-cannot-migrate]: evictionStrategy is LiveMigrate, but the VM cannot live-migrate
          --> apps/db.yaml:11:25
           |
        11 |       evictionStrategy: LiveMigrate
           |                         ^^^^^^^^^^^ so the drain of its node is refused until it is gone
           |
          ::: apps/pvc.yaml:3:3
           |
         3 |   - ReadWriteOnce
           |   --- cannot be shared
           |
           = note: StorageProfile fast: status.claimPropertySets (absent): offers nothing else
           = why: Why vm-cannot-migrate matters.
           = fix: Do as vm-cannot-migrate says.

        14 files, 22 objects: 1 blocker
        ");
    }

    #[test]
    fn a_finding_without_position_names_object_and_path() {
        let mut f = eviction();
        f.field.as_mut().unwrap().location = None;
        let mut without_field = eviction();
        without_field.field = None;
        without_field.severity = Severity::Info;
        assert_snapshot!(manifests(&assessment(vec![f, without_field]), &style()), @"
        error[vm-cannot-migrate]: evictionStrategy is LiveMigrate, but the VM cannot live-migrate
        --> VM shop/db: spec.template.spec.evictionStrategy: LiveMigrate
         = why: Why vm-cannot-migrate matters.
         = fix: Do as vm-cannot-migrate says.

        info[vm-cannot-migrate]: evictionStrategy is LiveMigrate, but the VM cannot live-migrate
          --> VM shop/db
           |
          ::: apps/db.yaml:11:25
           |
        11 |       evictionStrategy: LiveMigrate
           |                         -----------
           |
           = why: Why vm-cannot-migrate matters.
           = fix: Do as vm-cannot-migrate says.

        14 files, 22 objects: 1 blocker, 1 info
        ");
    }

    #[test]
    fn no_line_with_a_secret_is_shown() {
        let at = "spec.template.spec.volumes[0]";
        let on_the_line = finding(&format!("{at}.cloudInitNoCloud"), "", "{userData");
        let itself = finding(&format!("{at}.cloudInitNoCloud.userData"), "", "\"password");
        let inside = finding("spec.template.spec.volumes[1].cloudInitNoCloud.userData", "", "password: hunter3");
        let key = finding("spec.template.spec.volumes[1].cloudInitNoCloud", "", "userData: |");
        let deeper = finding("spec.template.spec.volumes[1].cloudInitNoCloud.userData", "", "again: hunter4");
        let mut secret = finding("metadata.name", "", "again: hunter4");
        secret.field.as_mut().unwrap().object = samples::object("Secret", "shop/pull");
        secret.evidence.clear();
        for mut f in [on_the_line, itself, inside, deeper, key, secret] {
            // A harmless neighbour: the lines between the two are as secret.
            let file = f.field.as_ref().unwrap().location.as_ref().unwrap().origin.clone();
            let mut name = samples::evidence(&f.subject.object, "spec.template.spec.volumes[0].name", "init");
            name.location = samples::locate(&file, "init");
            let mut last = samples::evidence(&f.subject.object, "metadata.name", "db");
            last.location = samples::locate(&file, "db");
            f.evidence.extend([name, last]);
            let text = manifests(&assessment(vec![f]), &style());
            assert!(!text.contains("hunter"), "{text}");
            assert!(text.contains("--> apps/db.yaml:"), "{text}");
        }
        let mut itself = finding(&format!("{at}.cloudInitNoCloud.userData"), "", "\"password");
        itself.field.as_mut().unwrap().absent = false;
        assert_snapshot!(manifests(&assessment(vec![itself]), &style()), @"
        error[vm-cannot-migrate]: evictionStrategy is LiveMigrate, but the VM cannot live-migrate
        --> apps/db.yaml:14:38
         = at: spec.template.spec.volumes[0].cloudInitNoCloud.userData
         = why: Why vm-cannot-migrate matters.
         = fix: Do as vm-cannot-migrate says.

        14 files, 22 objects: 1 blocker
        ");
    }

    #[test]
    fn a_narrow_screen_wraps_the_texts() {
        let mut f = eviction();
        f.what = "evictionStrategy is LiveMigrate, but the VM cannot live-migrate because of four volumes".to_owned();
        f.why =
            "The drain of its node is refused until somebody moves, changes or stops it; so the pool stops.".to_owned();
        assert_snapshot!(manifests(&assessment(vec![f]), &Style { width: 50, ..style() }), @"
        error[vm-cannot-migrate]: evictionStrategy is
                                  LiveMigrate, but the VM
                                  cannot live-migrate
                                  because of four volumes
          --> apps/db.yaml:11:25
           |
        11 |       evictionStrategy: LiveMigrate
           |                         ^^^^^^^^^^^
           |
           = line 11: so the drain of its node is
                      refused until it is gone
           = why: The drain of its node is refused
                  until somebody moves, changes or
                  stops it; so the pool stops.
           = fix: Do as vm-cannot-migrate says.

        14 files, 22 objects: 1 blocker
        ");
    }

    #[test]
    fn what_could_not_be_judged_is_one_line_or_a_list() {
        let mut a = assessment(vec![]);
        a.scan.undecided = ["web/a", "web/b"]
            .map(|n| {
                samples::undecided("vm-cannot-migrate", Stage::NodeDrain, "VirtualMachine", n, "StorageProfile fast")
            })
            .into();
        assert_snapshot!(manifests(&a, &style()), @"
        14 files, 22 objects: nothing found; 2 objects could not be judged without a cluster (--from); --all
        lists them
        ");
        assert_snapshot!(manifests(&a, &Style { all: true, ..style() }), @"
        COULD NOT BE JUDGED
        – without StorageProfile fast (not collected):
            VM web/a  VM web/b
            for vm-cannot-migrate

        14 files, 22 objects: nothing found; 2 objects could not be judged without a cluster (--from)
        ");
        assert_snapshot!(manifests(&a, &Style { strict: true, ..style() }), @"
        14 files, 22 objects: nothing found; 2 objects could not be judged without a cluster (--from); --all
        lists them; exit code 3: 2 objects could not be judged
        ");
    }

    #[test]
    fn what_admission_would_deny_is_said_where_the_counts_do_not() {
        let mut f = eviction();
        f.severity = Severity::Warning;
        f.denied_at_admission = true;
        let text = manifests(&assessment(vec![f]), &style());
        assert_snapshot!(text.lines().last().unwrap(), @"14 files, 22 objects: 1 warning; exit code 1: admission would deny 1 object");
    }

    #[test]
    fn a_line_of_json_is_cut_to_the_place_or_only_named() {
        let text = |padding: usize| {
            let object =
                format!("{{\"spec\":{{\"x\":\"{}\",\"evictionStrategy\":\"LiveMigrate\"}}}}", "y".repeat(padding));
            let file = samples::file("vm.json", &object);
            let mut f = eviction();
            f.field.as_mut().unwrap().location = samples::locate(&file, "\"LiveMigrate\"");
            manifests(&assessment(vec![f]), &Style { width: 70, ..style() })
        };
        assert_snapshot!(text(100), @r#"
        error[vm-cannot-migrate]: evictionStrategy is LiveMigrate, but the
                                  VM cannot live-migrate
         --> vm.json:1:136
          |
        1 | ...yy","evictionStrategy":"LiveMigrate"}}
          |                           ^^^^^^^^^^^^^
          |
          = line 1: so the drain of its node is refused until it is gone
          = why: Why vm-cannot-migrate matters.
          = fix: Do as vm-cannot-migrate says.

        14 files, 22 objects: 1 blocker
        "#);
        assert_snapshot!(text(500), @"
        error[vm-cannot-migrate]: evictionStrategy is LiveMigrate, but the
                                  VM cannot live-migrate
        --> vm.json:1:536
         = at: spec.template.spec.evictionStrategy: LiveMigrate: so the
               drain of its node is refused until it is gone
         = why: Why vm-cannot-migrate matters.
         = fix: Do as vm-cannot-migrate says.

        14 files, 22 objects: 1 blocker
        ");
    }

    #[test]
    fn what_is_not_set_is_marked_at_what_should_hold_it() {
        let mut f = finding("spec.template.spec.runStrategy", "", "evictionStrategy: LiveMigrate\n      volumes:");
        f.severity = Severity::Warning;
        assert_snapshot!(manifests(&assessment(vec![f]), &style()), @"
        warning[vm-cannot-migrate]: evictionStrategy is LiveMigrate, but the VM cannot live-migrate
          --> apps/db.yaml:11:7
           |
        11 |       evictionStrategy: LiveMigrate
           |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ spec.template.spec.runStrategy is not set
           |
           = why: Why vm-cannot-migrate matters.
           = fix: Do as vm-cannot-migrate says.

        14 files, 22 objects: 1 warning
        ");
    }

    #[test]
    fn text_of_several_bytes_and_windows_line_ends_are_marked_in_place() {
        let file = samples::file("vm.yaml", "spec:\r\n  größe: \"ß\" # é\r\n  name: ü\r\n");
        let mut f = eviction();
        f.field.as_mut().unwrap().location = samples::locate(&file, "\"ß\"");
        let mut name = samples::evidence(&f.subject.object, "spec.name", "ü");
        name.location = samples::locate(&file, "ü\r");
        name.note = Some("here too".to_owned());
        f.evidence.push(name);
        assert_snapshot!(manifests(&assessment(vec![f]), &style()), @r#"
        error[vm-cannot-migrate]: evictionStrategy is LiveMigrate, but the VM cannot live-migrate
         --> vm.yaml:2:10
          |
        2 |   größe: "ß" # é
          |          ^^^ so the drain of its node is refused until it is gone
        3 |   name: ü
          |         - here too
          |
          = why: Why vm-cannot-migrate matters.
          = fix: Do as vm-cannot-migrate says.

        14 files, 22 objects: 1 blocker
        "#);
    }

    #[test]
    fn lines_between_are_not_shown() {
        let mut f = eviction();
        let file = f.field.as_ref().unwrap().location.as_ref().unwrap().origin.clone();
        let mut name = samples::evidence(&f.subject.object, "spec.template.spec.volumes[0].name", "init");
        name.location = samples::locate(&file, "init");
        f.evidence.push(name);
        let text = manifests(&assessment(vec![f]), &style());
        let frame: Vec<&str> = text.lines().skip(3).take(4).collect();
        assert_snapshot!(frame.join("\n"), @"
        11 |       evictionStrategy: LiveMigrate
           |                         ^^^^^^^^^^^ so the drain of its node is refused until it is gone
        12 | ...
        13 |       - name: init
        ");
    }
}
