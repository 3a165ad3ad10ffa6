//! Whatever is written and whatever the object: no panic, no stack that overflows, nothing beyond the limit of cost, and
//! listening changes nothing.
//!
//! `cargo test` takes a few thousand expressions; `make fuzz` goes on for `FUZZ_SECONDS`, with other seeds.

use std::time::{Duration, Instant};

use virt_guard::cel::{Blame, EXPRESSION_LIMIT, Evaluation, Expect, ExprId, Halt, Off, Unit, UnitBuilder, Value};

use super::answer::{declarations, inputs};
use super::generate::Generator;
use super::question::Question;

/// A worker thread's stack; what needs more has to make its own.
const STACK: usize = 2 << 20;

/// No evaluation may take longer, in a debug build on a busy machine. The limit of cost is a million steps.
const SLOW: Duration = Duration::from_secs(20);

#[test]
fn hostile_expressions_end_as_they_should() {
    let seconds = super::setting("FUZZ_SECONDS").map(|s| s.parse().expect("a number of seconds"));
    let until = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let work = move || {
        let mut expressions = 0;
        for round in 0.. {
            let generator: Generator = super::generator(round + 7);
            for chunk in 0..12 {
                let questions = generator.hostile_chunk(chunk);
                std::thread::scope(|scope| {
                    let endure = || questions.iter().for_each(endure);
                    let small = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, endure).unwrap();
                    small.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                });
                expressions += questions.len();
            }
            if until.is_none_or(|until| Instant::now() > until) {
                break;
            }
        }
        println!("{expressions} expressions endured");
    };
    // To write deep JSON down takes more than to evaluate it.
    std::thread::Builder::new().stack_size(128 << 20).spawn(work).unwrap().join().unwrap();
}

fn endure(question: &Question) {
    let source = &question.expression;
    let begun = Instant::now();
    let mut builder = UnitBuilder::new(declarations(question.inputs.is_mutation()));
    match builder.expression(source, Expect::Any) {
        Ok(id) => evaluate(question, &builder.finish(), id),
        Err(refusals) => {
            assert!(!refusals.is_empty(), "refused for nothing: {source}");
            for refusal in refusals {
                assert!(source.get(refusal.span.clone()).is_some(), "{:?} is no place in {source}", refusal.span);
            }
        }
    }
    assert!(begun.elapsed() < SLOW, "{:?} for {}: {source}", begun.elapsed(), question.place);
}

fn evaluate(question: &Question, unit: &Unit, id: ExprId) {
    let source = &question.expression;
    let inputs = inputs(question);
    let mut plain = Evaluation::new(unit, &inputs, Off);
    let mut traced = Evaluation::new(unit, &inputs, Blame::new());
    let (a, b) = (plain.evaluate(id), traced.evaluate(id));
    assert_eq!(plain.spent(), traced.spent(), "listening costs: {source}");
    assert_eq!(ending(&a), ending(&b), "listening decides: {source}");
    let over = matches!(a, Err(Halt::OverBudget));
    assert!(over || plain.spent() <= EXPRESSION_LIMIT, "{} spent: {source}", plain.spent());
    if let Err(Halt::Error(error)) = &a {
        assert!(source.get(error.span.clone()).is_some(), "{:?} is no place in {source}", error.span);
    }
    if let Ok(value) = &a {
        // Whatever it is, it can be written down or is refused in words.
        let _ = value.to_json();
    }
}

fn ending(outcome: &Result<Value<'_>, Halt>) -> String {
    match outcome {
        Ok(value) => value.to_string(),
        Err(halt) => format!("halt: {halt}"),
    }
}
