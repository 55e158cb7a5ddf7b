//! The shrine: it collects offerings, and rewards all players once they are complete.

use bevy::prelude::*;
use bevy_inventory_sync::{
    model::measure::Measure,
    prelude::*,
    store::{components::PersistComponent, persist::Persist},
};

use crate::{
    containers::Offerings,
    map::{self, Thing},
    protocol::{EffectKind, Position, Shrine, Users},
    storage::WorldSuffix,
};

use super::{news::News, players::Player};

const REWARD: ItemId = ItemId::of("golden_apple");

impl PersistComponent for Shrine {
    const NAME: &'static str = "shrine";
}

pub fn place_shrine(world: Res<WorldSuffix>, mut commands: Commands) {
    for (number, tile) in (1..).zip(map::tiles_with(Thing::Shrine)) {
        commands.spawn((
            (Shrine::default(), Users::default()),
            Position(map::chest_on(tile)),
            InventoryId::named(&format!("shrine{}", world.0), number),
            Offerings::default(),
            Openable(Rights::SEE | Rights::PUT),
            Persist,
        ));
    }
}

/// Returns the rule that the shrine takes no more of an offering than it needs.
pub fn no_more_than(
    (key, maximum): (&'static str, u32),
) -> impl FnMut(In<AccessRequest>) -> AccessDecision {
    let item = ItemId::of(key);
    let measure = Measure::new(move |_, stack| u64::from(stack.item == item));
    move |_| AccessDecision::AtMost { measure: measure.clone(), maximum: maximum.into() }
}

fn complete(offerings: &Offerings) -> u8 {
    let is_complete = |(slot, (_, count)): (usize, (&str, u32))| {
        offerings.0.get(slot).is_some_and(|stack| stack.count() >= count)
    };
    let complete = Offerings::NEEDS.into_iter().enumerate().filter(|need| is_complete(*need));
    u8::try_from(complete.count()).unwrap_or(Shrine::OFFERINGS)
}

/// Raises the stage of the shrine with each complete offering. It never decreases.
pub fn follow_offerings(
    mut shrines: Query<(&Offerings, &Position, &mut Shrine), Changed<Offerings>>,
    mut news: News,
    mut commands: Commands,
) {
    for (offerings, Position(at), mut shrine) in &mut shrines {
        let stage = complete(offerings);
        if stage <= shrine.stage {
            continue;
        }
        shrine.stage = stage;
        if stage < Shrine::OFFERINGS {
            news.effect(EffectKind::Offering, *at);
        } else {
            news.effect(EffectKind::Goal, *at);
            commands.run_system_cached(reward);
        }
    }
}

/// Gives every player who is in the world a golden apple.
fn reward(players: Query<(Entity, &Player)>, mut inventories: Inventories, mut news: News) {
    for (player, &Player(client)) in &players {
        let rest = inventories.insert_up_to(player, REWARD.stack(1)).into_stack();
        inventories.drop_at(player, rest);
        news.tell(client, "The shrine is lit. You receive a golden apple.");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offering_counts_once_it_is_complete() {
        let mut offerings = Offerings::default();
        assert_eq!(complete(&offerings), 0);
        offerings.0.set(0, ItemId::of("plank").stack(11)).unwrap();
        assert_eq!(complete(&offerings), 0);
        offerings.0.set(0, ItemId::of("plank").stack(12)).unwrap();
        offerings.0.set(2, ItemId::of("star_fragment").stack(1)).unwrap();
        assert_eq!(complete(&offerings), 2);
        offerings.0.set(1, ItemId::of("iron_ingot").stack(4)).unwrap();
        assert_eq!(complete(&offerings), Shrine::OFFERINGS);
    }
}
