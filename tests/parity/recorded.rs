//! The API server's answers, recorded for those who have no Go: `answers/<name>.jsonl`, a line for each question of a file
//! of the corpus, in its order, with the expression for whoever reads a change of them.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::answer::Answer;
use super::question::Question;

#[derive(Serialize, Deserialize)]
struct Line {
    expr: String,
    #[serde(flatten)]
    answer: Answer,
}

fn file(name: &str) -> PathBuf {
    super::folder("answers").join(format!("{name}.jsonl"))
}

/// The recorded answer to each question.
pub fn read(name: &str, questions: &[Question]) -> Vec<Answer> {
    let path = file(name);
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let lines: Vec<Line> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let known = |(i, question): (usize, &Question)| lines.get(i).is_some_and(|line| line.expr == question.expression);
    assert!(
        lines.len() == questions.len() && questions.iter().enumerate().all(known),
        "{} does not answer the questions of today: UPDATE=1 make parity",
        path.display()
    );
    lines.into_iter().map(|line| line.answer).collect()
}

/// Records the answers.
pub fn write(name: &str, answers: &[(&Question, Answer)]) {
    let line = |(question, answer): &(&Question, Answer)| {
        let line = Line { expr: question.expression.clone(), answer: answer.clone() };
        serde_json::to_string(&line).unwrap() + "\n"
    };
    std::fs::write(file(name), answers.iter().map(line).collect::<String>()).unwrap();
}
