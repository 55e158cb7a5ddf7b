//! Trades between two players. Each offer is an inventory that returns to its player unless it is exchanged.

use bevy::prelude::*;
use bevy_inventory_sync::prelude::*;
use bevy_replicon::prelude::*;

use crate::{
    protocol::{Avatar, Offer, Position, TRADE_REACH},
    trade::AcceptTrade,
};

use super::{gate::Passing, news::News, players::Player};

const OFFER_SLOTS: usize = 6;

/// Distance at which a trade ends, in tiles.
const REACH_OPEN: f32 = 4.0;

/// Time for the other player to agree, in seconds.
const ASKED_FOR: f32 = 20.0;

/// Time until a player can ask the same player again, in seconds.
const PAUSE: f32 = 3.0;

/// The server's part of an [`Offer`].
#[derive(Component, Debug)]
pub struct Side {
    player: Entity,
    /// The other player's offer.
    other: Entity,
    /// What the player has accepted: the contents of this offer and of the other one.
    agreed: Option<[Inventory; 2]>,
}

/// The player that this player would like to trade with, and when it said so.
#[derive(Component, Debug)]
pub struct Asked {
    other: Entity,
    at: f32,
}

type Trader = (Entity, &'static Player, &'static Avatar, &'static Position, Option<&'static Asked>);
type Present = (With<Inventory>, With<Owner>, Without<Passing>);

/// A player asks the nearest player, or agrees to trade with a player who has asked.
pub fn ask(
    In(player): In<Entity>,
    traders: Query<Trader, Present>,
    sides: Query<&Side>,
    time: Res<Time>,
    mut news: News,
    mut commands: Commands,
) {
    let is_trading = |player: Entity| sides.iter().any(|side| side.player == player);
    let Ok((_, &Player(client), me, here, asked)) = traders.get(player) else { return };
    if is_trading(player) {
        return;
    }
    let now = time.elapsed_secs();
    let far = |(_, _, _, there, _): &(_, _, _, &Position, _)| there.0.distance(here.0);
    let near = || {
        let others = traders.iter().filter(|(other, ..)| *other != player && !is_trading(*other));
        others.filter(|other| far(other) < TRADE_REACH)
    };
    let wants_me = |asked: Option<&Asked>| {
        asked.is_some_and(|asked| asked.other == player && now - asked.at < ASKED_FOR)
    };
    let nearest = |a: &_, b: &_| far(a).total_cmp(&far(b));
    let waiting = near().filter(|(.., asked)| wants_me(*asked)).min_by(nearest);
    if let Some((other, &Player(other_client), them, ..)) = waiting {
        begin([(player, client, me), (other, other_client, them)], &mut commands);
    } else if let Some((other, &Player(other_client), them, ..)) = near().min_by(nearest) {
        if asked.is_some_and(|asked| asked.other == other && now - asked.at < PAUSE) {
            return;
        }
        commands.entity(player).insert(Asked { other, at: now });
        news.tell(other_client, format!("{} wants to trade. Press T.", me.name));
        news.tell(client, format!("Waiting for {} to trade.", them.name));
    } else {
        news.tell(client, "No player is close enough to trade.");
    }
}

fn begin(players: [(Entity, ClientId, &Avatar); 2], commands: &mut Commands) {
    let offers = [commands.spawn_empty().id(), commands.spawn_empty().id()];
    for number in [0, 1] {
        let ((player, client, avatar), (_, other, _)) = (players[number], players[1 - number]);
        let mut viewers = Viewers::new();
        viewers.add(client, Rights::USE);
        viewers.add(other, Rights::SEE);
        commands.entity(player).remove::<Asked>();
        commands.entity(offers[number]).insert((
            Offer { by: avatar.name.clone(), accepted: false },
            Side { player, other: offers[1 - number], agreed: None },
            Inventory::new(OFFER_SLOTS),
            (viewers, ReturnsTo { to: player }, Replicated),
        ));
    }
}

/// A player accepts both offers as they are. The exchange follows once both players have accepted the same.
pub fn accept(
    accepted: On<ActionApplied<AcceptTrade>>,
    mut sides: Query<(Entity, &mut Side)>,
    contents: Query<&Inventory>,
    ids: Res<InventoryIds>,
    mut commands: Commands,
) {
    let mine = sides.iter().find(|(_, side)| Some(side.player) == accepted.actor);
    let Some((offer, other)) = mine.map(|(offer, side)| (offer, side.other)) else { return };
    let named = accepted.action.0.map(|id| ids.get(id));
    if ![[offer, other], [other, offer]].iter().any(|pair| pair.map(Some) == named) {
        return;
    }
    let Ok(there) = contents.get_many([offer, other]) else { return };
    let [own, theirs] = there.map(Clone::clone);
    let is_agreed = sides.get(other).is_ok_and(|(_, side)| {
        side.agreed.as_ref().is_some_and(|[there, here]| *there == theirs && *here == own)
    });
    if let Ok((_, mut side)) = sides.get_mut(offer) {
        side.agreed = Some([own, theirs]);
    }
    if is_agreed {
        commands.run_system_cached_with(exchange, [offer, other]);
    }
}

/// Both players have accepted. If there is no room, the offers stay open.
fn exchange(
    In(offers): In<[Entity; 2]>,
    mut sides: Query<&mut Side>,
    players: Query<&Player>,
    mut inventories: Inventories,
    mut news: News,
    mut commands: Commands,
) {
    let Ok([mut a, mut b]) = sides.get_many_mut(offers) else { return };
    let (Some(agreed), Some(_)) = (&a.agreed, &b.agreed) else { return };
    let is_as_agreed = |(offer, agreed): (Entity, &Inventory)| {
        (0..OFFER_SLOTS)
            .all(|slot| inventories.get(offer, Inventory::slot(slot)) == agreed.get(slot))
    };
    if !offers.into_iter().zip(agreed).all(is_as_agreed) {
        return;
    }
    let moved = inventories.transact(|tx| {
        tx.move_all(offers[0], b.player)?;
        tx.move_all(offers[1], a.player)
    });
    let text = if moved.is_ok() {
        offers.into_iter().for_each(|offer| commands.entity(offer).despawn());
        "The trade is complete."
    } else {
        (a.agreed, b.agreed) = (None, None);
        "There is not enough room for the trade."
    };
    for &Player(client) in players.iter_many([a.player, b.player]) {
        news.tell(client, text);
    }
}

/// A player no longer accepts the trade.
pub fn withdraw(In(player): In<Entity>, mut sides: Query<&mut Side>) {
    for mut side in sides.iter_mut().filter(|side| side.player == player) {
        side.agreed = None;
    }
}

/// Ends the trade of a player, if there is one. Both offers return to their players.
pub fn end(
    In(player): In<Entity>,
    sides: Query<(Entity, &Side)>,
    players: Query<&Player>,
    mut news: News,
    mut commands: Commands,
) {
    let Some((offer, side)) = sides.iter().find(|(_, side)| side.player == player) else { return };
    for (offer, side) in sides.iter_many([offer, side.other]) {
        if let Ok(&Player(client)) = players.get(side.player) {
            news.tell(client, "The trade has ended.");
        }
        commands.entity(offer).try_despawn();
    }
}

/// Shows whether the players accept the offers as they are now. Any change of an offer takes both acceptances back.
pub fn show_acceptance(
    mut sides: Query<(Entity, &mut Side, &mut Offer)>,
    contents: Query<&Inventory>,
    players: Query<&Player>,
    mut news: News,
) {
    for (entity, mut side, mut offer) in &mut sides {
        let now = contents.get_many([entity, side.other]);
        let holds = match (&side.agreed, now) {
            (Some([own, theirs]), Ok(now)) => [own, theirs] == now,
            _ => false,
        };
        if side.agreed.is_some() && !holds {
            side.agreed = None;
            if let Ok(&Player(client)) = players.get(side.player) {
                news.tell(client, "The offers have changed. Accept again if you agree.");
            }
        }
        let by = offer.by.clone();
        offer.set_if_neq(Offer { by, accepted: holds });
    }
}

/// Ends trades of players who are too far apart or no longer there.
pub fn end_broken_trades(
    sides: Query<(Entity, &Side)>,
    players: Query<&Position, Present>,
    mut commands: Commands,
) {
    for (offer, side) in &sides {
        let other = sides.get(side.other).map(|(_, other)| other.player);
        let places = other.and_then(|other| players.get_many([side.player, other]));
        match places {
            Ok([a, b]) if a.0.distance(b.0) <= REACH_OPEN => {}
            _ if players.contains(side.player) => {
                commands.run_system_cached_with(end, side.player);
            }
            _ => commands.entity(offer).try_despawn(),
        }
    }
}
