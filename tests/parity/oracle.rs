//! The API server's own CEL, as a process: questions go in on one thread, answers come back on another.

use std::io::{BufRead, BufReader, BufWriter, Write};
use std::process::{Child, Command, Stdio};

use super::answer::Answer;
use super::question::Question;

/// The newest Kubernetes minor that the oracle knows (`tests/controlplane/oracle`, Newest).
pub const NEWEST: u32 = 36;

/// One oracle of one Kubernetes version.
pub struct Oracle {
    process: Child,
    questions: BufWriter<std::process::ChildStdin>,
    answers: BufReader<std::process::ChildStdout>,
}

impl Oracle {
    /// Starts the program of `make oracle`.
    pub fn start(program: &str, minor: u32) -> Self {
        let mut command = Command::new(program);
        command.arg(format!("1.{minor}")).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap_or_else(|e| panic!("{program}: {e}"));
        let questions = BufWriter::new(process.stdin.take().unwrap());
        let answers = BufReader::new(process.stdout.take().unwrap());
        Oracle { process, questions, answers }
    }

    /// Asks all, and hands each answer on as it comes.
    pub fn ask<'q>(&mut self, questions: &'q [Question], mut then: impl FnMut(&'q Question, Answer)) {
        let (to, from) = (&mut self.questions, &mut self.answers);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for question in questions {
                    writeln!(to, "{}", question.to_json()).expect("the oracle reads");
                }
                to.flush().expect("the oracle reads");
            });
            let mut line = String::new();
            for question in questions {
                line.clear();
                from.read_line(&mut line).expect("the oracle answers");
                let answer = serde_json::from_str(&line);
                then(question, answer.unwrap_or_else(|e| panic!("{}: {e} in {line:?}", question.expression)));
            }
        });
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
