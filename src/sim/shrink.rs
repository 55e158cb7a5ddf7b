//! Shortens scripts that fail.

use super::{
    run::{Failure, run},
    script::Script,
};

/// Removes operations from a failing script for as long as it still fails, with at most `runs` attempts. The failure
/// message may change.
#[must_use]
pub fn shrink(script: &Script, failure: &Failure, runs: usize) -> (Script, Failure) {
    let mut shortest = script.clone();
    // What comes after the failure is not needed, except for the rest at the end.
    shortest.events.truncate(failure.after);
    let mut failure = failure.clone();
    let mut left = runs;
    if let Some(found) = run(&shortest).failure {
        failure = found;
    } else {
        shortest = script.clone();
    }
    let mut chunk = shortest.events.len().div_ceil(2);
    while chunk > 0 && left > 0 {
        let mut from = 0;
        let mut removed = false;
        while from < shortest.events.len() && left > 0 {
            let mut shorter = shortest.clone();
            let until = (from + chunk).min(shorter.events.len());
            shorter.events.drain(from..until);
            left -= 1;
            match run(&shorter).failure {
                Some(found) => {
                    shorter.events.truncate(found.after);
                    (shortest, failure, removed) = (shorter, found, true);
                }
                None => from = until,
            }
        }
        if chunk == 1 && !removed {
            break;
        }
        chunk = if removed { chunk.min(shortest.events.len()).max(1) } else { chunk / 2 };
    }
    (shortest, failure)
}
