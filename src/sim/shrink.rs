//! Shortens scripts that fail.

use super::{
    run::{Failure, run},
    script::Script,
};

/// Removes operations from a failing script for as long as it still fails, with at most `runs` attempts. The failure
/// message may change.
#[must_use]
pub fn shrink(script: &Script, failure: &Failure, runs: usize) -> (Script, Failure) {
    let run = |script: &Script| run(script).failure;
    let mut shrinking =
        Shrinking { shortest: script.clone(), failure: failure.clone(), left: runs, run };
    shrinking.truncate();
    shrinking.remove();
    (shrinking.shortest, shrinking.failure)
}

struct Shrinking<F> {
    /// The shortest script that is known to fail.
    shortest: Script,
    /// How it fails.
    failure: Failure,
    /// Number of attempts left.
    left: usize,
    /// Runs a script.
    run: F,
}

impl<F: FnMut(&Script) -> Option<Failure>> Shrinking<F> {
    /// Keeps a script if it fails. Returns `true` if it does.
    fn attempt(&mut self, shorter: Script) -> bool {
        if self.left == 0 {
            return false;
        }
        self.left -= 1;
        let Some(failure) = (self.run)(&shorter) else { return false };
        (self.shortest, self.failure) = (shorter, failure);
        true
    }

    /// Removes what comes after the failure. The run then rests, so that it may pass.
    fn truncate(&mut self) {
        if self.failure.after < self.shortest.events.len() {
            let mut shorter = self.shortest.clone();
            shorter.events.truncate(self.failure.after);
            self.attempt(shorter);
        }
    }

    /// Removes parts that get smaller.
    fn remove(&mut self) {
        let mut chunk = self.shortest.events.len().div_ceil(2);
        while chunk > 0 && self.left > 0 {
            let mut from = 0;
            let mut removed = false;
            while from < self.shortest.events.len() && self.left > 0 {
                let mut shorter = self.shortest.clone();
                let until = (from + chunk).min(shorter.events.len());
                shorter.events.drain(from..until);
                if self.attempt(shorter) {
                    self.truncate();
                    removed = true;
                } else {
                    from = until;
                }
            }
            if chunk == 1 && !removed {
                break;
            }
            chunk = if removed { chunk.min(self.shortest.events.len()).max(1) } else { chunk / 2 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{
        op::{GameOp, Op},
        script::Event,
    };

    /// Shortens a script of operations that are numbered by their tick.
    fn shortened(len: u32, runs: usize, run: impl Fn(&[u32]) -> Option<usize>) -> Vec<u32> {
        let numbers = |script: &Script| script.events.iter().map(|it| it.tick).collect::<Vec<_>>();
        let run = |script: &Script| {
            let after = run(&numbers(script))?;
            Some(Failure { after, message: String::new(), conserved: true })
        };
        let event = |tick| Event { tick, op: Op::Game(GameOp::Reload) };
        let mut shortest = Script::random(1, 1, 0);
        shortest.events = (0..len).map(event).collect();
        let failure = run(&shortest).unwrap();
        let mut shrinking = Shrinking { shortest, failure, left: runs, run };
        shrinking.truncate();
        shrinking.remove();
        let shortest = shrinking.shortest;
        assert!((shrinking.run)(&shortest).is_some(), "it passes");
        numbers(&shortest)
    }

    #[test]
    fn only_what_is_needed_is_left() {
        let run = |ops: &[u32]| {
            let second = ops.iter().position(|op| *op == 61)?;
            ops[..second].contains(&7).then_some(second + 1)
        };
        assert_eq!(shortened(100, 1000, run), [7, 61]);
    }

    #[test]
    fn operations_after_the_failure_stay_if_it_needs_them() {
        // Fails at the third operation, but only if more than ten follow.
        let run = |ops: &[u32]| (ops.len() > 13).then_some(3);
        assert_eq!(shortened(40, 1000, run).len(), 14);
    }

    #[test]
    fn number_of_runs_is_limited() {
        let runs = core::cell::Cell::new(0);
        let run = |ops: &[u32]| {
            runs.set(runs.get() + 1);
            (ops.len() == 1000).then_some(1000)
        };
        shortened(1000, 5, run);
        // One before and one after.
        assert_eq!(runs.get(), 7);
    }
}
