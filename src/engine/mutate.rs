//! What the mutations in force make of a request, one after the other, as the API server applies them.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::cel::Grant;
use crate::object::{MissingSet, Object, Tree};
use crate::policy::{self, Context, ExpressionError, Matched, Patch, Policy};

use super::Surroundings;
use super::force::{InForce, in_force};
use super::purse::Purse;
use super::request::{Judge, Request};

/// What came out of one mutation that matched.
#[derive(Clone, Debug)]
pub enum Step {
    /// It left the object alone.
    Nothing,
    /// It changed it.
    Changed,
    /// It hangs on something that nobody knows; it left the object alone.
    Unknown(MissingSet),
    /// It went wrong; its failurePolicy says what that means.
    Error(ExpressionError),
}

/// What all of them came to.
#[derive(Debug, Default)]
pub struct Mutated<'p> {
    /// RFC 6902 operations on the object, in order; they were applied once to see that they can be.
    pub operations: Vec<Json>,
    /// What each did, in order.
    pub steps: Vec<(&'p Policy, Step)>,
}

/// There is no memory for the object as a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy;

/// Applies the mutations that have a binding. Each sees the object, and facts about it, as the ones before left it. An
/// object that is larger than [`policy::MAX_PATCHED`] is left alone.
///
/// `grant` is asked before the object becomes a value, for the bytes that this may take; `memory` for what expressions take
/// (refused, they go wrong); `stop` between two policies.
///
/// # Errors
/// [`Busy`] when `grant` refuses.
pub fn mutate<'p>(
    policies: impl IntoIterator<Item = &'p Policy>,
    request: Request<'_>,
    around: Surroundings<'_>,
    stop: &dyn Fn() -> bool,
    grant: Grant<'_>,
    memory: Grant<'_>,
) -> Result<Mutated<'p>, Busy> {
    let mut out = Mutated::default();
    let Some(object) = request.object else { return Ok(out) };
    let matching = matching(policies, request, around);
    if matching.is_empty() || policy::encoded_len(object.root) > policy::MAX_PATCHED {
        return Ok(out);
    }
    if !grant(policy::patch_memory(object.root)) {
        return Err(Busy);
    }
    let purse = Purse::new(memory);
    let mut changed: Option<Arc<Tree>> = None;
    for policy in matching {
        let step = if stop() {
            Err(ExpressionError::out_of_time())
        } else {
            let now = changed.as_ref().map_or(object, |tree| Object::new(tree, tree.root().id(), object.gvk));
            purse.empty();
            one(policy, Request { object: Some(now), ..request }, around, &|bytes| purse.take(bytes))
        };
        let step = match step {
            Ok((step, None)) => step,
            Ok((step, Some((operations, tree)))) => {
                out.operations.extend(operations);
                changed = Some(Arc::new(tree));
                step
            }
            Err(error) => Step::Error(error),
        };
        out.steps.push((policy, step));
    }
    Ok(out)
}

/// The policies that mutate here.
fn matching<'p>(
    policies: impl IntoIterator<Item = &'p Policy>,
    request: Request<'_>,
    around: Surroundings<'_>,
) -> Vec<&'p Policy> {
    let judge = Judge::new(request, &[], around);
    let target = judge.context().target;
    let matches = |policy: &&Policy| {
        let bound = policy.mutation.as_ref().filter(|m| m.bound);
        bound.is_some_and(|m| m.constraints.matches(&target, true) != Matched::No)
            && !matches!(in_force(policy, &around.cluster.versions), InForce::No)
    };
    policies.into_iter().filter(matches).collect()
}

type Change = (Vec<Json>, Tree);

fn one(
    policy: &Policy,
    request: Request<'_>,
    around: Surroundings<'_>,
    memory: Grant<'_>,
) -> Result<(Step, Option<Change>), ExpressionError> {
    let over: Vec<Object<'_>> = request.object.into_iter().collect();
    let judge = Judge::new(request, &over, around);
    let context = Context { memory, ..judge.context() };
    Ok(match (policy::patch(policy, &context)?, request.object) {
        (Patch::Operations(operations), Some(object)) => {
            let refused = |message| {
                let expression = Json::from(operations.clone()).to_string();
                ExpressionError { expression, message, field: None }
            };
            let after = policy::apply(object.root, &operations).map_err(refused)?;
            (Step::Changed, Some((operations, after)))
        }
        (Patch::Unknown(missing), _) => (Step::Unknown(missing), None),
        _ => (Step::Nothing, None),
    })
}
