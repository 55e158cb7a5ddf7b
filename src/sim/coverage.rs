//! Finds what a set of runs has not covered.

use std::collections::{BTreeMap, BTreeSet};

use serde::{
    Deserializer,
    de::{DeserializeOwned, Error as _, Visitor, value::Error},
    forward_to_deserialize_any,
};

use crate::model::{action::GameAction, rejection::Rejection};

use super::{
    fault::{Fault, Tampering},
    game::{Engrave, RECIPE_KEYS, Tally, Trade, WearOut},
    op::{GameOp, Op, PlayerOp},
    report::{Report, variant},
};

/// Reasons that cannot occur: a prediction that only the server can make is not a rejection, and players see nothing
/// that is not loaded.
const NEVER: [Rejection; 2] = [Rejection::ServerOnly, Rejection::Loading];

/// Faults that occur only with a store.
const OF_STORE: [&str; 3] = ["Kill", "StoreFails", "EndClaim"];

/// Actions that the server must apply at least once: all but those that it never accepts.
const ACTIONS: [&str; 16] = [
    "Move",
    "Swap",
    "QuickMove",
    "Collect",
    "Spread",
    "MoveAll",
    "Drop",
    "DropAll",
    "Select",
    "Use",
    "Sort",
    "Craft",
    Tally::NAME,
    Engrave::NAME,
    WearOut::NAME,
    Trade::NAME,
];

/// Number of recipes that players craft. The others are of a furnace, or do not exist.
const CRAFTED: usize = 4;

impl Report {
    /// Returns the operations, faults, actions, recipes, rejection reasons and repairs that did not occur. Faults of a
    /// store are included if inventories were stored.
    #[must_use]
    pub fn missing(&self, stored: bool) -> Vec<String> {
        let mut ops = BTreeSet::from([Op::Rest.name()]);
        let variants = [variants::<PlayerOp>(), variants::<GameOp>(), variants::<Fault>()];
        ops.extend(variants.into_iter().flatten().map(|name| (*name).into()));
        ops.retain(|name| stored || !OF_STORE.contains(&name.as_str()));
        let mut missing: Vec<String> =
            ops.into_iter().filter(|name| !self.ops.contains_key(name)).collect();
        let actions = ACTIONS.into_iter().filter(|name| !self.applied.contains_key(*name));
        missing.extend(actions.map(|name| format!("applied {name}")));
        let recipes = RECIPE_KEYS[..CRAFTED].iter().copied();
        let recipes = recipes.filter(|key| !self.crafted.contains_key(key));
        missing.extend(recipes.map(|key| format!("crafted {key}")));
        let reasons = Rejection::CODES.into_iter().filter(|reason| !NEVER.contains(reason));
        let reasons = reasons.chain([Rejection::Game(0)]).map(|reason| variant(&reason));
        missing.extend(reasons.filter(|name| !self.client_rejections.contains_key(name)));
        let faults = ["late", "lost"].into_iter().chain(Tampering::ALL.map(Tampering::name));
        let unseen = |counts: &BTreeMap<&'static str, u64>, name: &str| {
            counts.get(name).is_none_or(|count| *count == 0)
        };
        missing.extend(faults.filter(|name| unseen(&self.faults, name)).map(String::from));
        let repairs = self.repairs.iter().filter(|(_, count)| **count == 0);
        missing.extend(repairs.map(|(name, _)| (*name).into()));
        missing
    }
}

/// Returns the names of the variants of an enum that can be deserialized.
fn variants<T: DeserializeOwned>() -> &'static [&'static str] {
    let mut names: &[&str] = &[];
    T::deserialize(Names(&mut names)).err();
    names
}

/// Takes the names of the variants from an enum, and deserializes nothing.
struct Names<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Names<'_> {
    type Error = Error;

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        *self.0 = variants;
        Err(Error::custom("only the names are needed"))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("it is no enum"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct
        seq tuple tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_of_operations_are_known() {
        assert_eq!(variants::<PlayerOp>().first(), Some(&"Move"));
        assert_eq!(variants::<Fault>().last(), Some(&"EndClaim"));
        assert!(OF_STORE.iter().all(|name| variants::<Fault>().contains(name)));
    }

    #[test]
    fn empty_report_lacks_everything() {
        let missing = Report::default().missing(true);
        for name in ["Move", "Sweep", "EndClaim", "applied trade", "crafted boots", "late"] {
            assert!(missing.iter().any(|there| there == name), "{name}");
        }
    }
}
