//! Copied from the guide.

use bevy::prelude::*;
use bevy_inventory_sync::prelude::*;
use bevy_replicon::prelude::*;
use serde::{Deserialize, Serialize};

pub const OFFER_SLOTS: usize = 8;

/// Marks an offer, for the players' user interface.
#[derive(Component, Serialize, Deserialize)]
pub struct Offer;

/// One side of a trade.
pub struct Side { player: Entity, client: ClientId, offer: Entity, agreed: Option<[Inventory; 2]> }

#[derive(Component)]
pub struct Trade(pub [Side; 2]);

/// The server: both players want to trade. The game chooses a unique number.
pub fn begin(number: u64, players: [(Entity, ClientId); 2], commands: &mut Commands) {
    let sides = [0, 1].map(|n| {
        let ((player, client), (_, other)) = (players[n], players[1 - n]);
        let mut viewers = Viewers::new();
        viewers.add(client, Rights::USE);
        viewers.add(other, Rights::SEE);
        let id = InventoryId::named("offer", 2 * number + n as u64);
        let access = (viewers, ReturnsTo { to: player });
        let offer = (Offer, Replicated, id, Inventory::new(OFFER_SLOTS), access);
        let offer = commands.spawn(offer).id();
        Side { player, client, offer, agreed: None }
    });
    commands.spawn(Trade(sides));
}

/// A player agrees to the contents of both offers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Agree(pub [InventoryId; 2]);

impl GameAction for Agree {
    const NAME: &str = "agree";
    type Output = ();

    fn apply(&self, tx: &mut Transaction) -> Result<(), Rejection> {
        for id in self.0 {
            let offer = tx.find(id)?;
            tx.expect_version(offer)?;
        }
        Ok(())
    }
}

/// The server. If an offer changes, earlier agreements to it no longer count.
pub fn agree(
    agreed: On<ActionApplied<Agree>>,
    mut trades: Query<(Entity, &mut Trade)>,
    offers: Query<&Inventory>,
    ids: Res<InventoryIds>,
    mut commands: Commands,
) -> Result {
    let [a, b] = agreed.action.0.map(|id| ids.get(id));
    for (entity, mut trade) in &mut trades {
        let Trade(sides) = &mut *trade;
        if [Some(sides[0].offer), Some(sides[1].offer)] != [a, b] {
            continue;
        }
        let now = [offers.get(sides[0].offer)?.clone(), offers.get(sides[1].offer)?.clone()];
        for side in sides.iter_mut().filter(|side| side.client == agreed.client) {
            side.agreed = Some(now.clone());
        }
        if sides.iter().all(|side| side.agreed.as_ref() == Some(&now)) {
            commands.run_system_cached_with(exchange, entity);
        }
    }
    Ok(())
}

/// The server: both players have agreed. If there is no room, the offers stay open.
pub fn exchange(
    In(entity): In<Entity>,
    trades: Query<&Trade>,
    mut inventories: Inventories,
    mut commands: Commands,
) -> Result {
    let Trade([a, b]) = trades.get(entity)?;
    let moved = inventories.transact(|tx| {
        tx.move_all(a.offer, b.player)?;
        tx.move_all(b.offer, a.player)
    });
    match moved {
        Ok(()) => commands.entity(entity).despawn(),
        Err(error) => info!("no room: {error}"),
    }
    Ok(())
}

/// The server: the trade is complete, or it was canceled by despawning it. What is in the offers returns to the players.
pub fn end(ended: On<Remove, Trade>, trades: Query<&Trade>, mut commands: Commands) -> Result {
    for side in &trades.get(ended.entity)?.0 {
        commands.entity(side.offer).try_despawn();
    }
    Ok(())
}

/// The server: a player has left.
pub fn cancel(left: On<Remove, Owner>, trades: Query<(Entity, &Trade)>, mut commands: Commands) {
    for (entity, Trade(sides)) in &trades {
        if sides.iter().any(|side| side.player == left.entity) {
            commands.entity(entity).try_despawn();
        }
    }
}

/// Both sides of the network.
pub fn plugin(app: &mut App) {
    app.replicate::<Offer>()
        .add_action::<Agree>()
        .add_observer(agree)
        .add_observer(end)
        .add_observer(cancel);
}

/// The player's side: shift-click puts a stack into the player's own offer.
pub fn put_in(
    mut actions: InventoryActions,
    me: Single<Entity, With<LocalInventory>>,
    offers: Query<(Entity, &InView), With<Offer>>,
) {
    let mine = offers.iter().find(|(_, view)| view.rights.contains(Rights::PUT));
    if let Some((mine, _)) = mine {
        actions.request(InventoryAction::QuickMove { from: (*me, Inventory::slot(0)), to: mine.into() });
    }
}
