//! Finds what a set of runs has not covered.

use std::collections::BTreeSet;

use crate::model::rejection::Rejection;

use super::{
    fault::{FaultClass, Tampering},
    op::Op,
    report::{Report, variant},
    script::{fault, game_op, player_op, store_fault},
};

/// Reasons that cannot occur: a prediction that only the server can make is not a rejection, and players see nothing
/// that is not loaded.
const NEVER: [Rejection; 2] = [Rejection::ServerOnly, Rejection::Loading];

/// Number of operations that are drawn to find all kinds.
const DRAWN: u32 = 20_000;

impl Report {
    /// Returns the operations, faults, rejection reasons and repairs that did not occur. Faults of a store are included
    /// if inventories were stored.
    #[must_use]
    pub fn missing(&self, stored: bool) -> Vec<String> {
        let mut wanted = BTreeSet::from([Op::Rest.name()]);
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..DRAWN {
            wanted.insert(Op::Player(0, player_op(&mut random)).name());
            wanted.insert(Op::Game(game_op(&mut random)).name());
            wanted.insert(Op::Fault(fault(&mut random, FaultClass::Broken)).name());
            if stored {
                wanted.insert(Op::Fault(store_fault(&mut random)).name());
            }
        }
        let mut missing: Vec<String> =
            wanted.into_iter().filter(|name| !self.ops.contains_key(name)).collect();
        let reasons = Rejection::CODES.into_iter().filter(|reason| !NEVER.contains(reason));
        let reasons = reasons.chain([Rejection::Game(0)]).map(|reason| variant(&reason));
        missing.extend(reasons.filter(|name| !self.client_rejections.contains_key(name)));
        let faults = ["late", "lost"].into_iter().chain(Tampering::ALL.map(Tampering::name));
        let unseen = |counts: &std::collections::BTreeMap<&'static str, u64>, name: &str| {
            counts.get(name).is_none_or(|count| *count == 0)
        };
        missing.extend(faults.filter(|name| unseen(&self.faults, name)).map(String::from));
        let repairs = self.repairs.iter().filter(|(_, count)| **count == 0);
        missing.extend(repairs.map(|(name, _)| (*name).into()));
        missing
    }
}
