//! Questions without end, from a grammar with types, about objects with damage. Seed and number say which question it is:
//! the same ones on every machine.

mod grammar;
mod mutate;
mod random;

use std::sync::Arc;

use serde_json::Value as Json;

use self::grammar::Grammar;
use self::random::Random;
use super::question::{Inputs, Question};

/// Questions of one chunk; they share a few objects.
pub const CHUNK: u64 = 256;
/// Questions about one object.
const SHARED: u64 = 16;

pub struct Generator {
    seed: u64,
    grammar: Grammar,
    inputs: Arc<Inputs>,
}

impl Generator {
    /// Generates about these inputs.
    pub fn new(seed: u64, inputs: Arc<Inputs>) -> Self {
        Generator { seed, grammar: Grammar::read(include_str!("grammar.txt")), inputs }
    }

    /// The questions of a chunk.
    pub fn chunk(&self, chunk: u64) -> Vec<Question> {
        let mut random = Random::new(self.seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ chunk);
        let mut inputs = Arc::clone(&self.inputs);
        let variables = Arc::default();
        (0..CHUNK)
            .map(|i| {
                if i % SHARED == 0 {
                    inputs = self.damaged(&mut random);
                }
                let mut expression = self.grammar.expression(&mut random);
                if random.percent(3) {
                    expression = mutate::text(&expression, &mut random);
                }
                Question {
                    place: format!("generated:{}:{}", self.seed, chunk * CHUNK + i),
                    variables: Arc::clone(&variables),
                    expression,
                    inputs: Arc::clone(&inputs),
                }
            })
            .collect()
    }

    /// Expressions that nobody would write, about objects that nobody should have.
    pub fn hostile_chunk(&self, chunk: u64) -> Vec<Question> {
        let mut random = Random::new(!self.seed ^ chunk.wrapping_mul(0x9e37_79b9));
        let mut questions = self.chunk(chunk);
        for i in 0..questions.len() {
            let other = questions[random.below(i + 1)].expression.clone();
            let question = &mut questions[i];
            if random.percent(50) && !question.expression.is_empty() {
                question.expression = mutate::hostile(&question.expression, &other, &mut random);
            }
            if (i as u64).is_multiple_of(SHARED) && random.percent(25) {
                let mut json = self.inputs.json.clone();
                mutate::hostile_object(&mut json["object"], &mut random);
                question.inputs = Arc::new(Inputs::new(json));
            }
        }
        questions
    }

    /// The inputs with damage. `request` and `namespaceObject` have their types in the API server, whatever is asked.
    fn damaged(&self, random: &mut Random) -> Arc<Inputs> {
        let mut json = self.inputs.json.clone();
        for root in ["object", "oldObject", "params"] {
            if let Some(object @ Json::Object(_)) = json.get_mut(root) {
                mutate::object(object, random);
            }
        }
        Arc::new(Inputs::new(json))
    }
}
