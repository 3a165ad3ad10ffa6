//! Policies: Kubernetes' own documents, and what is added to them.
//!
//! Knows ValidatingAdmissionPolicy, its bindings, MutatingAdmissionPolicy and PolicyNotes: reads them with positions,
//! matches requests, evaluates, ratchets, makes patches. Knows no KubeVirt: `facts` is a value that it is handed, and a
//! schema to check expressions against. Must not know files, inventories or how findings are shown.
//!
//! | file | idea |
//! |---|---|
//! | `problem` | what is wrong with a policy file, all of it at once |
//! | `documents` | the documents of a file as they are written |
//! | `load` | documents, grouped by name and compiled: a `PolicySet` |
//! | `constraint`, `selector` | what a policy matches |
//! | `notes`, `cases` | PolicyNotes |
//! | `context`, `conditions` | what expressions may read, and whether a policy applies |
//! | `judge` | one policy on one request: findings, what is unknown, errors |
//! | `blame` | why a validation failed: evidence and causes, and ratcheting by them |
//! | `ignore` | an object's own wish to be left alone |
//! | `patch`, `weight` | what a mutation does to an object, and what that costs |
//! | `set`, `table` | the policies in force, and as a table for people |

mod blame;
mod cases;
mod conditions;
mod constraint;
mod context;
mod documents;
mod ignore;
mod judge;
mod load;
mod notes;
mod patch;
mod problem;
mod selector;
mod set;
mod table;
#[cfg(test)]
mod tests;
mod weight;

pub use blame::evidence;
pub use cases::{Case, Expected};
pub use conditions::{ExpressionError, Open};
pub use constraint::{Constraints, Matched, Operation, Rule, Target};
pub use context::{Context, inputs, plenty, request, roots, unseen_namespace};
pub use ignore::{IGNORE, ignored};
pub use judge::{Found, Judgement, POLICY_BUDGET, Said, judge, overdue, subject};
pub use load::{FactDeclaration, PolicyFile, facts_type, load};
pub use notes::{Bound, Component, Notes, Text};
pub use patch::{Patch, apply, patch};
pub use problem::{Fields, Place, Problem, Problems, caret, nearest};
pub use set::{Binding, Check, Condition, Effect, Mutation, Policy, PolicySet, Validation};
pub use table::{admission, markdown_table, severities};
pub use weight::{MAX_PATCHED, encoded_len, patch_memory};
