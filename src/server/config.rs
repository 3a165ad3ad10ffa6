//! The operator's file: which accounts are never in the way.
//!
//! ```yaml
//! apiVersion: virt-guard.io/v1
//! kind: ServerConfiguration
//! # Their requests always pass. KubeVirt's, HyperConverged's and OLM's own are among them without being named.
//! alwaysPass: ["system:serviceaccount:gitops:*"]
//! # Their denials become warnings: tools that restore what was there before.
//! warnedOnly: ["system:serviceaccount:velero:velero"]
//! ```

use crate::admission::install::EXEMPT_NAMESPACES;
use crate::admission::{Accounts, Enforcement, Options};
use crate::object::Node;
use crate::policy::{Fields, Problem, Problems};
use crate::source;

const API_VERSION: &str = "virt-guard.io/v1";
const KIND: &str = "ServerConfiguration";

/// What a file decides.
///
/// # Errors
/// Everything that is wrong with it.
pub fn parse(name: &str, bytes: Vec<u8>) -> Result<Options, Vec<Problem>> {
    let parsed = source::parse(name, bytes);
    let mut problems = Problems::new(name);
    parsed.problems.into_iter().for_each(|problem| problems.add(problem.into()));
    let mut options = without_file(Enforcement::default());
    let mut documents = parsed.documents.iter();
    match (documents.next(), documents.next()) {
        (Some(only), None) => read(only.tree.root(), &mut options, &mut problems),
        (Some(_), Some(second)) => problems.at(second.tree.root(), format!("a second document; expected one {KIND}")),
        (None, _) if problems.is_empty() => problems.file(format!("is empty; expected a {KIND}")),
        (None, _) => {}
    }
    let problems = problems.finish();
    if problems.is_empty() { Ok(options) } else { Err(problems) }
}

/// Without a file.
pub fn without_file(enforcement: Enforcement) -> Options {
    let exempt_namespaces = EXEMPT_NAMESPACES.map(str::to_owned).to_vec();
    Options { enforcement, always_pass: Accounts::of_the_platform(), exempt_namespaces, ..Options::default() }
}

fn read(root: Node<'_>, options: &mut Options, problems: &mut Problems) {
    let Some(mut fields) = Fields::new(root, problems) else { return };
    for (field, expected) in [("apiVersion", API_VERSION), ("kind", KIND)] {
        if let Some(node) = fields.required_text(field)
            && let Some(found) = node.as_str()
            && found != expected
        {
            fields.problems().at(node, format!("{field}: expected {expected}, found {found}"));
        }
    }
    let always_pass = accounts(&mut fields, "alwaysPass");
    let warned_only = accounts(&mut fields, "warnedOnly");
    fields.finish();
    let platform = Accounts::of_the_platform();
    options.always_pass = Accounts::new(platform.patterns().chain(always_pass));
    options.warned_only = Accounts::new(warned_only);
}

/// Accounts of a list. One that would stand for everybody, or that no user name can match, is a mistake.
fn accounts<'t>(fields: &mut Fields<'t, '_>, name: &'static str) -> Vec<&'t str> {
    let nodes = fields.list(name);
    let mut accounts = Vec::new();
    for node in nodes {
        let Some(account) = node.as_str() else {
            fields.problems().at(node, format!("{name}: expected a user name"));
            continue;
        };
        let inner = account.strip_suffix('*').unwrap_or(account);
        if inner.is_empty() {
            fields.problems().at(node, format!("{name}: '{account}' stands for everybody; name accounts"));
        } else if inner.contains('*') {
            let help = "a service account is system:serviceaccount:NAMESPACE:NAME";
            let message = format!("{name}: '{account}': * may only stand at the end");
            fields.problems().at_with_help(node, message, help);
        } else {
            accounts.push(account);
        }
    }
    accounts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        let wrong = parse("config.yaml", text.as_bytes().to_vec()).err().unwrap_or_default();
        wrong.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn accounts_are_read_beside_the_platforms_own() {
        let text = "apiVersion: virt-guard.io/v1\nkind: ServerConfiguration\nalwaysPass: ['system:serviceaccount:gitops:*']\n\
                    warnedOnly: [restore]\n";
        let options = parse("config.yaml", text.as_bytes().to_vec()).expect("a good file");
        assert!(options.always_pass.contains("system:serviceaccount:gitops:argo"));
        assert!(options.always_pass.patterns().count() > 1);
        assert!(options.warned_only.contains("restore") && !options.warned_only.contains("restore-2"));
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once_and_where() {
        let text =
            "apiVersion: virt-guard.io/v2\nkind: ServerConfiguration\nalwayspass: [a]\nwarnedOnly: ['*', 'a*b', 7]\n";
        assert_eq!(
            problems(text),
            [
                "config.yaml:1:13: apiVersion: expected virt-guard.io/v1, found virt-guard.io/v2",
                "config.yaml:3:1: unknown field 'alwayspass' (did you mean 'alwaysPass'?)",
                "config.yaml:4:14: warnedOnly: '*' stands for everybody; name accounts",
                "config.yaml:4:19: warnedOnly: 'a*b': * may only stand at the end (a service account is \
                 system:serviceaccount:NAMESPACE:NAME)",
                "config.yaml:4:26: warnedOnly: expected a user name",
            ]
        );
        for (text, part) in [
            ("", "is empty"),
            ("- a\n", "expected a mapping"),
            ("a: [\n", "config.yaml:"),
            ("apiVersion: virt-guard.io/v1\nkind: ServerConfiguration\n---\na: b\n", "a second document"),
        ] {
            let wrong = problems(text);
            assert!(wrong.len() == 1 && wrong.iter().any(|w| w.contains(part)), "{text:?}: {wrong:?}");
        }
    }
}
