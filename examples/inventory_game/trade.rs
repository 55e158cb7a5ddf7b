//! The players' side of a trade: what a player sees of it, and how the player accepts it.

use bevy::{ecs::system::SystemParam, prelude::*};
use bevy_inventory_sync::prelude::*;
use serde::{Deserialize, Serialize};

use crate::protocol::{Offer, Request};

/// Accepts a trade with these two offers as the player sees them now. It is rejected as [`Rejection::Stale`] if
/// one of them has changed in the meantime.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AcceptTrade(pub [InventoryId; 2]);

impl GameAction for AcceptTrade {
    const NAME: &'static str = "accept_trade";
    type Output = ();

    fn apply(&self, tx: &mut Transaction) -> Result<(), Rejection> {
        for id in self.0 {
            let offer = tx.find(id)?;
            tx.expect_version(offer)?;
        }
        Ok(())
    }
}

pub fn plugin(app: &mut App) {
    app.add_action::<AcceptTrade>();
}

type Seen = (Entity, &'static Offer, &'static InventoryId, &'static InView);

/// The trade of the local player.
#[derive(SystemParam)]
pub struct LocalTrade<'w, 's> {
    offers: Query<'w, 's, Seen>,
    requests: MessageWriter<'w, Request>,
}

impl LocalTrade<'_, '_> {
    fn offer(&self, mine: bool) -> Option<(Entity, &Offer, InventoryId)> {
        let is_mine = |view: &InView| view.rights.contains(Rights::PUT) == mine;
        let found = self.offers.iter().find(|(.., view)| is_mine(view));
        found.map(|(entity, offer, id, _)| (entity, offer, *id))
    }

    /// Returns the offer of the local player, if it trades.
    pub fn mine(&self) -> Option<(Entity, &Offer)> {
        self.offer(true).map(|(entity, offer, _)| (entity, offer))
    }

    /// Returns the offer of the other player.
    pub fn theirs(&self) -> Option<(Entity, &Offer)> {
        self.offer(false).map(|(entity, offer, _)| (entity, offer))
    }

    /// Asks the nearest player for a trade, or agrees to one.
    pub fn ask(&mut self) {
        self.requests.write(Request::Trade);
    }

    /// Accepts what both players offer now, or takes that back.
    pub fn accept(&mut self, accepts: bool, actions: &mut InventoryActions) {
        let (Some(mine), Some(theirs)) = (self.offer(true), self.offer(false)) else { return };
        let ids = [mine.2, theirs.2];
        if accepts {
            actions.request(AcceptTrade(ids));
        } else {
            self.requests.write(Request::WithdrawAcceptance);
        }
    }

    /// Ends the trade. Both players get their items back.
    pub fn end(&mut self) {
        self.requests.write(Request::EndTrade);
    }
}
