//! One review: what was asked, what the engine says, what is answered.

use std::cell::Cell;

use serde_json::Value as Json;

use crate::engine::{self, Step, Surroundings};
use crate::policy::{self, Effect, Operation, Policy, PolicySet};

use super::answer::{self, About, MAX_PATCH};
use super::options::Options;
use super::request::Request;
use super::speech::Speech;
use super::verdict::{Decision, Outcome, Verdict};
use super::wire;

/// Which path was called. Which webhook configuration (Fail or Ignore) named it does not matter here: each resource is
/// registered once, and judged by all of its policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// ValidatingWebhookConfiguration.
    Validate,
    /// MutatingWebhookConfiguration.
    Mutate,
}

/// What reviews are judged by.
#[derive(Clone, Copy, Debug)]
pub struct Setup<'s> {
    /// The policies in force.
    pub policies: &'s PolicySet,
    /// What else is known.
    pub around: Surroundings<'s>,
    /// What the operator decided.
    pub options: &'s Options,
}

/// What the review's caller is asked while it is judged.
pub trait Caller {
    /// Asked between policies: true when the answer would come too late. Those that are left are then decided by their
    /// failurePolicy.
    fn should_stop(&self) -> bool;

    /// Asked before an object becomes a `serde_json::Value`, and before expressions build more than a little: so many bytes
    /// more, beside [`super::memory`], may be needed until the review is answered.
    fn grant(&self, bytes: usize) -> Grant;
}

/// What a caller says who is asked for memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// It is there.
    Given,
    /// Others hold it: the answer is [`Unanswered::Busy`].
    NotNow,
    /// There is never so much. An object that needs it is not reviewed ([`Unanswered::TooLarge`]); an expression that needs
    /// it goes wrong, and its policy's failurePolicy decides.
    Never,
}

/// A caller that neither waits nor counts: tests, and one review at a time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unhurried;

impl Caller for Unhurried {
    fn should_stop(&self) -> bool {
        false
    }

    fn grant(&self, _: usize) -> Grant {
        Grant::Given
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Reviewed {
    /// `application/json`, for HTTP 200; at most [`super::MAX_ANSWER`] bytes.
    pub body: Vec<u8>,
    /// What is logged and counted.
    pub verdict: Verdict,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// Nothing that could be answered by its uid: HTTP 400 with this text.
    #[error("{0}")]
    BadReview(String),
    /// The caller refused the memory: HTTP 429 with `Retry-After`.
    #[error("no memory for this review now")]
    Busy,
    /// The caller never has the memory: [`super::deny_unread`].
    #[error("no memory for this review")]
    TooLarge,
}

/// Answers an AdmissionReview: bytes in, bytes out.
///
/// The same body, setup and grants give the same bytes.
///
/// # Errors
/// [`Unanswered::BadReview`] for a body that is no AdmissionReview of v1 or v1beta1 with one uid; everything else is
/// answered.
pub fn review(body: &[u8], door: Door, setup: &Setup<'_>, caller: &dyn Caller) -> Result<Reviewed, Unanswered> {
    let mut spare = None;
    let review = wire::read(body, &mut spare).map_err(Unanswered::BadReview)?;
    let request = Request::new(&review.asked);
    let user = request.user();
    let mut reviewing =
        Reviewing { setup, caller, request: &request, speech: Speech::default(), busy: Cell::new(false) };
    reviewing.speech.softened = setup.options.softened(user);
    let mut patch = None;
    if !setup.options.passes(user, &review.asked.namespace) {
        match door {
            Door::Validate => reviewing.validate()?,
            Door::Mutate => patch = reviewing.mutate()?,
        }
    }
    let mut speech = reviewing.speech;
    speech.sort();
    let name = request.shown_name();
    let about = About {
        version: review.version,
        uid: &review.asked.uid,
        group: &request.gvk.group,
        kind: &request.gvk.kind,
        name: &name,
    };
    let decision = match () {
        () if !speech.denials.is_empty() => Decision::Denied,
        () if patch.is_some() => Decision::Patched,
        () if !speech.warnings.is_empty() => Decision::Warned,
        () => Decision::Admitted,
    };
    let body = answer::write(&about, &speech, patch.as_deref());
    Ok(Reviewed { body, verdict: request.verdict(decision, speech.outcomes) })
}

/// A review that is being judged.
struct Reviewing<'r> {
    setup: &'r Setup<'r>,
    caller: &'r dyn Caller,
    request: &'r Request<'r>,
    speech: Speech,
    /// What the caller said when expressions were refused memory for now.
    busy: Cell<bool>,
}

impl Reviewing<'_> {
    fn validate(&mut self) -> Result<(), Unanswered> {
        let Some(operation) = self.request.operation else {
            let word = super::words::line(&self.request.asked.operation, super::MAX_NAME);
            self.not_judged(&format!("unknown operation '{word}'"));
            return Ok(());
        };
        let (object, old_object) = (self.request.object(), self.request.old_object());
        match operation {
            Operation::Create | Operation::Update if object.is_none() => {
                self.not_judged("the request holds no object");
                return Ok(());
            }
            // API servers before 1.15 did not send the old object.
            Operation::Delete if object.or(old_object).is_none() => {
                self.speech.remark("not checked: the API server sent neither object nor oldObject");
                return Ok(());
            }
            _ => {}
        }
        let judged =
            || self.setup.policies.iter().filter(|p| p.check.is_some() && p.strictest_effect() != Effect::None);
        // A fix in several steps is played through when its check fails.
        let steps = |p: &Policy| p.mutation.as_ref().is_some_and(|m| m.mutations.len() > 1);
        if let Some(object) = object.filter(|_| judged().any(steps)) {
            self.grant(policy::patch_memory(object.root))?;
        }
        let stop = || self.stop();
        let memory = |bytes| self.memory(bytes);
        let asked = self.request.of_engine(operation);
        let judged = engine::judge_until(judged(), asked, self.setup.around, &stop, &memory);
        self.not_busy()?;
        for (policy, judgement) in judged {
            let own = object.or(old_object).filter(|_| self.setup.options.honour_ignore);
            let ignored = own.and_then(|o| policy::ignored(o, &policy.id));
            self.speech.judged(policy, &judgement, ignored.is_some());
        }
        Ok(())
    }

    /// The patch as JSON, if there is one.
    fn mutate(&mut self) -> Result<Option<Vec<u8>>, Unanswered> {
        let Some(operation) = self.request.operation else { return Ok(None) };
        let asked = self.request.of_engine(operation);
        let stop = || self.stop();
        let memory = |bytes| self.memory(bytes);
        let refused = Cell::new(None);
        let grant = |bytes| {
            let why = self.grant(bytes).err();
            let given = why.is_none();
            refused.set(why);
            given
        };
        let mutated = engine::mutate(self.setup.policies.iter(), asked, self.setup.around, &stop, &grant, &memory)
            .map_err(|engine::Busy| refused.take().unwrap_or(Unanswered::Busy))?;
        self.not_busy()?;
        for (policy, step) in &mutated.steps {
            match step {
                Step::Nothing => self.speech.came_to(policy, Outcome::Pass),
                Step::Changed => self.speech.came_to(policy, Outcome::Patch),
                Step::Unknown(_) => self.speech.came_to(policy, Outcome::Unknown),
                Step::Error(error) => {
                    self.speech.error(policy, on_error(policy), error);
                }
            }
        }
        if mutated.operations.is_empty() {
            return Ok(None);
        }
        let patch = Json::from(mutated.operations).to_string().into_bytes();
        if patch.len() > MAX_PATCH {
            let error = policy::ExpressionError::of_none(format!(
                "the patch has {} bytes, and {MAX_PATCH} are sent at most",
                patch.len()
            ));
            for (policy, _) in mutated.steps.iter().filter(|(_, step)| matches!(step, Step::Changed)) {
                self.speech.error(policy, on_error(policy), &error);
            }
            return Ok(None);
        }
        Ok(Some(patch).filter(|_| self.speech.denials.is_empty()))
    }

    /// Memory for an object as a value.
    fn grant(&self, bytes: usize) -> Result<(), Unanswered> {
        match self.caller.grant(bytes) {
            Grant::Given => Ok(()),
            Grant::NotNow => Err(Unanswered::Busy),
            Grant::Never => Err(Unanswered::TooLarge),
        }
    }

    /// Memory for expressions.
    fn memory(&self, bytes: usize) -> bool {
        let said = self.caller.grant(bytes);
        self.busy.set(self.busy.get() || said == Grant::NotNow);
        said == Grant::Given
    }

    /// What is judged after memory was refused is thrown away.
    fn stop(&self) -> bool {
        self.busy.get() || self.caller.should_stop()
    }

    fn not_busy(&self) -> Result<(), Unanswered> {
        if self.busy.get() { Err(Unanswered::Busy) } else { Ok(()) }
    }

    /// No policy can judge this: those that deny anything of this resource deny it.
    fn not_judged(&mut self, why: &str) {
        let error = policy::ExpressionError::of_none(why);
        for policy in self.setup.policies.iter() {
            let effect = policy.strictest_effect();
            let check = policy.check.as_ref().filter(|_| effect != Effect::None);
            if check.is_some_and(|c| c.constraints.name(self.request.resource_group(), &self.request.resource)) {
                self.speech.error(policy, effect, &error);
            }
        }
    }
}

/// What a mutation's error does: its failurePolicy says so.
fn on_error(policy: &Policy) -> Effect {
    let fail = policy.mutation.as_ref().is_some_and(|m| m.fail);
    if fail { Effect::Deny } else { Effect::Warn }
}
