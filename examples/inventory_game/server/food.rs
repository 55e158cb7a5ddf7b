//! Food and potions: what they restore, and how long a potion lasts.

use core::time::Duration;

use bevy::prelude::*;
use bevy_inventory_sync::prelude::*;

use crate::{
    items::Props,
    protocol::{EffectKind, Energy, Pace, Position},
};

use super::{news::News, players::Player};

/// Time for which a player still walks faster.
#[derive(Component, Debug)]
pub struct Haste(Timer);

type Consumer = (&'static Player, &'static Position, &'static mut Energy, &'static mut Pace);

/// Implements [`InventoryAction::Use`] for what can be eaten or drunk.
pub fn consume(
    used: On<ActionApplied<InventoryAction>>,
    items: Res<Items<Props>>,
    mut players: Query<Consumer>,
    mut inventories: Inventories,
    mut news: News,
    mut commands: Commands,
) {
    let InventoryAction::Use { slot: (entity, slot) } = used.action else { return };
    if used.actor != Some(entity) {
        return;
    }
    let (Some(stack), Ok(player)) = (inventories.get(entity, slot), players.get_mut(entity)) else {
        return;
    };
    let Some(props) = items.props(stack.item) else { return };
    let (&Player(client), &Position(at), mut energy, mut pace) = player;
    if props.food == 0 && props.haste == 0 {
        return;
    }
    if props.haste == 0 && energy.0 >= Energy::MAX {
        news.tell(client, "All your hearts are full.");
        return;
    }
    if inventories.take_from(entity, slot, Some(1)).is_err() {
        return;
    }
    energy.set_if_neq(Energy(energy.0.saturating_add(props.food).min(Energy::MAX)));
    if props.haste > 0 {
        pace.set_if_neq(Pace::FAST);
        let time = Duration::from_secs(props.haste.into());
        commands.entity(entity).insert(Haste(Timer::new(time, TimerMode::Once)));
    }
    news.effect(EffectKind::Eat, at);
}

pub fn end_haste(
    time: Res<Time>,
    mut players: Query<(Entity, &mut Haste, &mut Pace)>,
    mut commands: Commands,
) {
    for (player, mut haste, mut pace) in &mut players {
        if haste.0.tick(time.delta()).just_finished() {
            pace.set_if_neq(Pace::default());
            commands.entity(player).remove::<Haste>();
        }
    }
}
