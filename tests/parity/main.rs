//! Our CEL against the API server's: values, errors, refusals with their places, types, costs, and the Kubernetes minor
//! that takes an expression first.
//!
//! `cargo test` compares with the answers that are recorded in `answers/`. `make parity` asks the API server's own code
//! (`tests/controlplane/oracle`), which needs Go: for the corpus as well, for our policies (which are not recorded, so that
//! a new policy is one new file), and for more generated expressions.
//! `UPDATE=1 make parity` records anew. What differs on purpose is in `known.rs`, and nowhere else.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop on a broken expectation"
)]

mod answer;
mod compare;
mod fuzz;
mod generate;
mod known;
mod oracle;
mod places;
mod policies;
mod question;
mod recorded;
mod tally;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use answer::Answer;
use generate::{CHUNK, Generator};
use oracle::{NEWEST, Oracle};
use question::Question;
use tally::Tally;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity").join(name)
}

/// Every file of questions whose answers are recorded, with its name.
fn suites() -> Vec<(String, Vec<Question>)> {
    let inputs = question::all_inputs(&folder("inputs"));
    let name = |path: &Path| path.file_stem().unwrap().to_string_lossy().into_owned();
    let mut suites: Vec<_> =
        question::files(&folder("corpus"), "cel").iter().map(|p| (name(p), question::corpus(p, &inputs))).collect();
    suites.push((GENERATED.to_owned(), (0..RECORDED).flat_map(|i| generator(1).chunk(i)).collect()));
    suites
}

/// The suite of generated questions, of which the first minor is not asked: it would be that of the corpus' parts.
const GENERATED: &str = "generated";

/// The suite of our own policies.
const POLICIES: &str = "policies";

/// Chunks of generated questions of which the answers are recorded.
const RECORDED: u64 = 12;

fn generator(seed: u64) -> Generator {
    let inputs = question::all_inputs(&folder("inputs"));
    Generator::new(seed, inputs["vm"].clone())
}

#[test]
fn recorded_answers_are_ours() {
    let mut tally = Tally::default();
    for (name, questions) in suites() {
        for (question, answer) in questions.iter().zip(recorded::read(&name, &questions)) {
            tally.compare(question, &answer);
        }
    }
    agrees(&tally, 1);
    nothing_is_listed_in_vain(&tally);
}

/// Prints the figures and fails when anything differs that is not on the list.
fn agrees(tally: &Tally, examples: usize) {
    println!("{}", tally.summary());
    assert!(tally.open() == 0, "{} differences\n{}", tally.open(), tally.groups(examples));
}

/// Fails when an entry of the list excuses nothing.
fn nothing_is_listed_in_vain(tally: &Tally) {
    let useless = known::KNOWN.iter().zip(tally.excused).filter(|(_, count)| *count == 0).map(|(known, _)| known.name);
    let useless: Vec<&str> = useless.collect();
    assert!(useless.is_empty(), "on the list of differences, but nothing differs: {useless:?}");
}

/// What `make parity` sets.
fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[test]
#[ignore = "asks the API server's own code: make parity"]
fn the_api_server_agrees() {
    let program = setting("PARITY_ORACLE").expect("PARITY_ORACLE names the oracle: make parity");
    let filter = setting("PARITY_FILTER");
    let mut tally = Tally::default();
    let of_policies = policies::policy_files().iter().flat_map(|p| policies::questions(p)).collect();
    for (name, mut questions) in suites().into_iter().chain([(POLICIES.to_owned(), of_policies)]) {
        if let Some(filter) = &filter {
            questions.retain(|q| q.place.contains(filter) || q.expression.contains(filter));
        }
        let mut answers = ask(&program, &questions);
        if name != GENERATED {
            ask_since(&program, &questions, &mut answers);
        }
        for (question, answer) in &answers {
            tally.compare(question, answer);
        }
        if setting("UPDATE").is_some() && filter.is_none() && name != POLICIES {
            recorded::write(&name, &answers);
        }
    }
    let number = |name: &str, otherwise| setting(name).map_or(otherwise, |n| n.parse().expect("a number"));
    if filter.is_none() {
        tally.merge(generated(&program, number("PARITY_SEED", 1), number("PARITY_N", 0)));
    }
    let examples = number("PARITY_SHOW", 1) as usize;
    if let Some(file) = setting("PARITY_OPEN") {
        std::fs::write(file, format!("{}\n{}", tally.summary(), tally.groups(examples))).unwrap();
    }
    agrees(&tally, examples);
    if filter.is_none() {
        nothing_is_listed_in_vain(&tally);
    }
}

/// Compares so many generated questions, with an oracle for each processor.
fn generated(program: &str, seed: u64, count: u64) -> Tally {
    let (generator, next, chunks) = (generator(seed), AtomicU64::new(0), count.div_ceil(CHUNK));
    let work = || {
        let mut tally = Tally::default();
        let mut oracle = Oracle::start(program, NEWEST);
        loop {
            let chunk = next.fetch_add(1, Ordering::Relaxed);
            if chunk >= chunks {
                return tally;
            }
            oracle.ask(&generator.chunk(chunk), |question, answer| tally.compare(question, &answer));
        }
    };
    let mut all = Tally::default();
    std::thread::scope(|scope| {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let workers: Vec<_> = (0..processors).map(|_| scope.spawn(work)).collect();
        workers.into_iter().for_each(|worker| all.merge(worker.join().unwrap()));
    });
    all
}

/// The answers of the newest API server.
fn ask<'q>(program: &str, questions: &'q [Question]) -> Vec<(&'q Question, Answer)> {
    let mut answers = Vec::with_capacity(questions.len());
    Oracle::start(program, NEWEST).ask(questions, |question, answer| answers.push((question, answer)));
    answers
}

/// Adds the minor since which each expression is accepted.
fn ask_since(program: &str, questions: &[Question], answers: &mut [(&Question, Answer)]) {
    for (_, answer) in answers.iter_mut().filter(|(_, answer)| answer.refused.is_empty()) {
        answer.since = Some(OLDEST);
    }
    for minor in OLDEST..NEWEST {
        let mut answers = answers.iter_mut();
        Oracle::start(program, minor).ask(questions, |_, then| {
            let (_, now) = answers.next().expect("as many answers as questions");
            if now.refused.is_empty() && !then.refused.is_empty() {
                now.since = Some(minor + 1);
            }
        });
    }
}

/// The first Kubernetes minor that has ValidatingAdmissionPolicy.
const OLDEST: u32 = 26;
