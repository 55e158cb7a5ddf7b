//! What watched players see.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
};

use tokio::sync::watch;

use crate::model::id::InventoryId;

use super::feed::{Ask, PlayerReport, PlayerView, ReportedView};

/// The watched players.
pub(super) struct Players {
    watched: Mutex<Watched>,
    asks: mpsc::Sender<Ask>,
}

#[derive(Default)]
struct Watched {
    players: HashMap<InventoryId, Player>,
    /// Number of the last watch.
    last: u64,
}

struct Player {
    /// Distinguishes this watch from earlier ones of the same player, whose reports may still be queued.
    watch: u64,
    watchers: usize,
    view: watch::Sender<ReportedView>,
}

impl Players {
    pub(super) fn new(asks: mpsc::Sender<Ask>) -> Self {
        Self { watched: Mutex::default(), asks }
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a request to the game. Returns `false` if the game has ended.
    pub(super) fn ask(&self, ask: Ask) -> bool {
        self.asks.send(ask).is_ok()
    }

    /// Updates views. Returns `true` if one has changed that was known before.
    pub(super) fn publish(&self, reports: Vec<PlayerReport>) -> bool {
        let watched = self.watched();
        let mut changed = false;
        for PlayerReport { player, watch, view } in reports {
            if let Some(player) = watched.players.get(&player).filter(|it| it.watch == watch) {
                changed |= player.view.send_replace(ReportedView::Known(view)).is_known();
            }
        }
        changed
    }

    /// Forgets all views until the game reports them again.
    pub(super) fn forget(&self) {
        for player in self.watched().players.values() {
            player.view.send_replace(ReportedView::Pending);
        }
    }

    /// Tracks what a player sees until the result is dropped.
    pub(super) fn watch(self: &Arc<Self>, id: InventoryId) -> PlayerWatch {
        let mut watched = self.watched();
        let Watched { players, last } = &mut *watched;
        let player = players.entry(id).or_insert_with(|| {
            *last += 1;
            self.ask(Ask::Watch(id, *last));
            Player { watch: *last, watchers: 0, view: watch::Sender::new(ReportedView::Pending) }
        });
        player.watchers += 1;
        let view = player.view.subscribe();
        drop(watched);
        PlayerWatch { players: self.clone(), id, view }
    }
}

/// Tracks what a player sees.
pub(super) struct PlayerWatch {
    players: Arc<Players>,
    id: InventoryId,
    view: watch::Receiver<ReportedView>,
}

impl PlayerWatch {
    /// Waits until the game has reported what the player sees. Returns `None` if the game has ended.
    pub(super) async fn answered(&mut self) -> Option<()> {
        self.view.wait_for(ReportedView::is_known).await.ok().map(|_| ())
    }

    /// Returns what the player sees. Returns `None` if the player is not in the world, or if the game has not reported
    /// it yet.
    pub(super) fn view(&self) -> Option<Arc<PlayerView>> {
        match &*self.view.borrow() {
            ReportedView::Known(view) => view.clone(),
            ReportedView::Pending => None,
        }
    }
}

impl Drop for PlayerWatch {
    fn drop(&mut self) {
        let mut watched = self.players.watched();
        if let Some(player) = watched.players.get_mut(&self.id) {
            player.watchers -= 1;
            if player.watchers == 0 {
                self.players.ask(Ask::Unwatch(player.watch));
                watched.players.remove(&self.id);
            }
        }
    }
}
