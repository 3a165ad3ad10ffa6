//! Bodies that were cut off or changed: an answer or a refusal, never a panic.

use proptest::prelude::*;
use serde_json::json;
use virt_guard::admission::{Door, Unanswered, Unhurried};

use super::common::{World, subscription_review, vm, vm_review};

#[test]
fn what_is_cut_off_anywhere_is_no_review() {
    // 13
    let world = World::built_in();
    for body in [subscription_review("Manual"), vm_review("UPDATE", vm(json!({"a": "ä\u{1f600}\n"})), vm(json!({})))] {
        let body = body.to_string();
        for end in 0..body.len() {
            let answer = world.review(&body.as_bytes()[..end], Door::Validate, &Unhurried);
            assert!(matches!(answer, Err(Unanswered::BadReview(_))), "cut at {end}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_comes_is_answered_or_refused(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut body = subscription_review("Manual").to_string().into_bytes();
        for (at, byte) in changes {
            let at = at.index(body.len());
            // Half of the changes are likely to leave JSON.
            body[at] = if byte < 128 { b"{}[],:\"0e-\\ntu "[usize::from(byte) % 15] } else { byte };
        }
        WORLD.with(|world| {
            for door in [Door::Validate, Door::Mutate] {
                if let Ok(reviewed) = world.review(&body, door, &Unhurried) {
                    prop_assert!(serde_json::from_slice::<serde_json::Value>(&reviewed.body).is_ok());
                }
            }
            Ok(())
        })?;
    }
}

thread_local! {
    static WORLD: World = World::built_in();
}
