//! Counts what was compared, and prints what differs in groups of the same cause.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::answer::{Answer, ours};
use super::compare::{Aspect, Difference, differences};
use super::known::{KNOWN, excuse};
use super::question::Question;

/// How often each kind of answer was compared, and each difference seen.
#[derive(Default)]
pub struct Tally {
    pub refused: u64,
    pub values: u64,
    pub errors: u64,
    /// How often each entry of [`KNOWN`] excused a difference.
    pub excused: [u64; KNOWN.len()],
    groups: BTreeMap<Group, Members>,
}

/// Aspect, where it happened, and the cause.
type Group = (Aspect, String, String);

#[derive(Default)]
struct Members {
    count: u64,
    examples: Vec<String>,
}

/// Examples that are kept of a group.
const KEPT: usize = 20;

impl Tally {
    /// Compares our answer with the API server's.
    pub fn compare(&mut self, question: &Question, theirs: &Answer) {
        match theirs {
            Answer { refused, .. } if !refused.is_empty() => self.refused += 1,
            Answer { error: Some(_), .. } => self.errors += 1,
            _ => self.values += 1,
        }
        let ours = ours(question).up_to(theirs);
        for difference in differences(question, theirs, &ours) {
            if let Some(known) = excuse(question, &difference, theirs, &ours) {
                self.excused[known] += 1;
                continue;
            }
            let group = (difference.aspect, about(question, &difference), difference.cause);
            let members = self.groups.entry(group).or_default();
            members.count += 1;
            if members.examples.len() < KEPT {
                members.examples.push(example(question, difference.aspect, theirs, &ours));
            }
        }
    }

    /// Adds what another thread counted.
    pub fn merge(&mut self, other: Tally) {
        self.refused += other.refused;
        self.values += other.values;
        self.errors += other.errors;
        for (sum, more) in self.excused.iter_mut().zip(other.excused) {
            *sum += more;
        }
        for (group, more) in other.groups {
            let members = self.groups.entry(group).or_default();
            members.count += more.count;
            members.examples.extend(more.examples);
            members.examples.truncate(KEPT);
        }
    }

    /// How many differences are on no list.
    pub fn open(&self) -> u64 {
        self.groups.values().map(|m| m.count).sum()
    }

    /// One line of figures, one line for each entry of the list.
    pub fn summary(&self) -> String {
        let (all, open) = (self.values + self.errors + self.refused, self.open());
        let mut out = format!(
            "{all} compared: {} values, {} errors, {} refusals; {open} differences in {} groups\n",
            self.values,
            self.errors,
            self.refused,
            self.groups.len()
        );
        for (known, count) in KNOWN.iter().zip(self.excused) {
            let _ = writeln!(out, "  on purpose, {count} times: {} ({})", known.name, known.reason);
        }
        out
    }

    /// The groups, the largest first, each with so many examples.
    pub fn groups(&self, examples: usize) -> String {
        let mut groups: Vec<_> = self.groups.iter().collect();
        groups.sort_by_key(|(_, members)| std::cmp::Reverse(members.count));
        let mut out = String::new();
        for ((aspect, about, cause), members) in groups {
            let _ = writeln!(out, "{:6}  {aspect:?}  {about}  {cause}", members.count);
            for example in members.examples.iter().take(examples) {
                let _ = writeln!(out, "{example}");
            }
        }
        out
    }
}

/// The file of a question of the corpus or a policy; of a generated one, where nothing else names a cause, the functions
/// that it calls.
fn about(question: &Question, difference: &Difference) -> String {
    match question.place.split_once(':') {
        Some(("generated", _)) if difference.cause.is_empty() => {
            let mut names: Vec<&str> = calls(&question.expression).collect();
            names.sort_unstable();
            names.dedup();
            names.truncate(3);
            format!("generated: {}", names.join(" "))
        }
        Some((file, _)) => file.to_owned(),
        None => question.place.clone(),
    }
}

/// Names before an opening bracket.
fn calls(expression: &str) -> impl Iterator<Item = &str> {
    expression.match_indices('(').filter_map(|(at, _)| {
        let before = &expression[..at];
        let name = before.rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_').next()?;
        (!name.is_empty()).then_some(name)
    })
}

fn example(question: &Question, aspect: Aspect, theirs: &Answer, ours: &Answer) -> String {
    let mut out = format!("        {}  {}\n", question.place, question.expression.replace('\n', "⏎"));
    for (who, answer) in [("theirs", theirs), ("ours", ours)] {
        let text = match aspect {
            Aspect::Cost => format!("cost {:?}", answer.cost),
            Aspect::Type => answer.ty.clone(),
            Aspect::Since => format!("{:?}", answer.since),
            _ => brief(answer),
        };
        let _ = writeln!(out, "            {who:6}  {text}");
    }
    out.pop();
    out
}

fn brief(answer: &Answer) -> String {
    match (answer.refused.first(), &answer.error, &answer.value) {
        (Some(r), ..) => format!("refused at {}:{}: {}", r.line, r.column, r.message.replace('\n', " ")),
        (_, Some(error), _) => format!("error: {error}"),
        (_, _, Some(value)) => value.to_string(),
        _ => "nothing".to_owned(),
    }
}
