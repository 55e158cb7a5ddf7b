//! What the gateway knows, shared by all requests.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::Instant,
};

use bevy::platform::collections::HashMap as FastMap;
use bytes::Bytes;
use tokio::sync::watch;

use crate::model::{
    catalog::ItemCatalog,
    data::ToJsonByName,
    id::{ContainerKey, InventoryId},
};

use super::{
    clock,
    copy::WorldCopy,
    entry::Entry,
    feed::{Ask, Feed, PlayerView, Report, Start, Tick},
    problem::Problem,
};

/// What the gateway knows.
pub(super) struct Hub {
    known: Mutex<Known>,
    /// Changes with every tick that has changed anything, and with every epoch.
    news: watch::Sender<u64>,
    asks: mpsc::Sender<Ask>,
    /// Size of what waits to be taken from the game, in bytes.
    backlog: Arc<AtomicUsize>,
    players: Mutex<HashMap<InventoryId, WatchedPlayer>>,
}

/// The world as of the last tick, and the changes of the ticks before.
pub(super) struct Known {
    /// Identifies a run of the game as the authority. `None` while it is not.
    pub(super) epoch: Option<String>,
    pub(super) copy: WorldCopy,
    /// When the last tick was received, in milliseconds since 1970.
    pub(super) time: u64,
    pub(super) received: Instant,
    window: VecDeque<Kept>,
    window_bytes: usize,
    window_max: usize,
    /// The first tick of which all changes are kept.
    pub(super) earliest: u64,
    /// Number of changes that readers may have seen, for caches.
    pub(super) revision: u64,
    pub(super) report: Report,
    pub(super) names: Names,
}

/// How ids and values are written.
#[derive(Clone, Default)]
pub(super) struct Names {
    pub(super) containers: FastMap<ContainerKey, &'static str>,
    pub(super) data: ToJsonByName,
    pub(super) views: ToJsonByName,
}

/// A tick whose changes are kept.
struct Kept {
    entry: Arc<Entry>,
    size: usize,
    /// The encoded event for spectators, and for operators who see everything.
    encoded: [Option<Bytes>; 2],
}

struct WatchedPlayer {
    watchers: usize,
    /// The outer `None` until the game has answered.
    view: watch::Sender<Option<Option<Arc<PlayerView>>>>,
}

impl Hub {
    pub(super) fn new(asks: mpsc::Sender<Ask>, backlog: Arc<AtomicUsize>, window: usize) -> Self {
        let known = Known {
            epoch: None,
            copy: WorldCopy::new(ItemCatalog::none()),
            time: 0,
            received: clock::now(),
            window: VecDeque::new(),
            window_bytes: 0,
            window_max: window,
            earliest: 0,
            revision: 0,
            report: Report::default(),
            names: Names::default(),
        };
        let (known, news, players) = (Mutex::new(known), watch::Sender::new(0), Mutex::default());
        Self { known, news, asks, backlog, players }
    }

    pub(super) fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes with every tick that has changed anything.
    pub(super) fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    /// Sends a request to the game. Returns `false` if the game has ended.
    pub(super) fn ask(&self, ask: Ask) -> bool {
        self.asks.send(ask).is_ok()
    }

    /// Takes a message of the game.
    pub(super) fn take(&self, message: Feed) {
        self.backlog.fetch_sub(message.size(), Ordering::Relaxed);
        let mut known = self.known();
        let has_news = match message {
            Feed::Start(start) => {
                known.start(*start);
                true
            }
            Feed::Tick(tick) => {
                let Tick { players, .. } = &*tick;
                let players = players.clone();
                // Rights that have ended must not be used for the changes of this tick.
                let changed = self.publish(&players);
                known.tick(*tick, changed) || changed
            }
            Feed::Stop => {
                known.stop();
                self.publish_none();
                true
            }
        };
        drop(known);
        if has_news {
            self.news.send_modify(|number| *number += 1);
        }
    }

    fn players(&self) -> MutexGuard<'_, HashMap<InventoryId, WatchedPlayer>> {
        self.players.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(&self, views: &[(InventoryId, Option<Arc<PlayerView>>)]) -> bool {
        let players = self.players();
        for (id, view) in views {
            if let Some(player) = players.get(id) {
                player.view.send_replace(Some(view.clone()));
            }
        }
        !views.is_empty()
    }

    fn publish_none(&self) {
        for player in self.players().values() {
            player.view.send_replace(Some(None));
        }
    }

    /// Follows what a player sees, until the result is dropped.
    pub(super) fn watch(self: &Arc<Self>, id: InventoryId) -> PlayerWatch {
        let mut players = self.players();
        let player = players.entry(id).or_insert_with(|| {
            self.ask(Ask::Watch(id));
            WatchedPlayer { watchers: 0, view: watch::Sender::new(None) }
        });
        player.watchers += 1;
        let view = player.view.subscribe();
        drop(players);
        PlayerWatch { hub: self.clone(), id, view }
    }
}

/// Follows what a player sees.
pub(super) struct PlayerWatch {
    hub: Arc<Hub>,
    id: InventoryId,
    view: watch::Receiver<Option<Option<Arc<PlayerView>>>>,
}

impl PlayerWatch {
    /// Waits until the game has said what the player sees. `None` if the game has ended.
    pub(super) async fn answered(&mut self) -> Option<()> {
        self.view.wait_for(Option::is_some).await.ok().map(|_| ())
    }

    /// Returns what the player sees. `None` if the player is not in the world.
    pub(super) fn view(&self) -> Option<Arc<PlayerView>> {
        self.view.borrow().clone().flatten()
    }
}

impl Drop for PlayerWatch {
    fn drop(&mut self) {
        let mut players = self.hub.players();
        if let Some(player) = players.get_mut(&self.id) {
            player.watchers -= 1;
            if player.watchers == 0 {
                players.remove(&self.id);
                self.hub.ask(Ask::Unwatch(self.id));
            }
        }
    }
}

impl Known {
    fn start(&mut self, start: Start) {
        let Start { record, labels, containers, data, views } = start;
        self.copy = WorldCopy::new(record.catalog.clone());
        self.clear();
        (self.time, self.received) = (clock::unix_millis(), clock::now());
        self.names = Names { containers, data, views };
        self.copy.apply((record.tick, self.time), Some(&record), labels);
        self.earliest = record.tick + 1;
        let mut random = [0; 4];
        // Without random numbers, readers of an earlier epoch may not notice the new one.
        if getrandom::fill(&mut random).is_err() {
            random = u32::try_from(self.time & 0xFFFF_FFFF).unwrap_or(0).to_le_bytes();
        }
        self.epoch = Some(format!("{:08x}", u32::from_le_bytes(random)));
    }

    fn clear(&mut self) {
        self.window.clear();
        self.window_bytes = 0;
        self.revision += 1;
    }

    fn stop(&mut self) {
        self.copy = WorldCopy::new(self.copy.catalog.clone());
        self.clear();
        self.epoch = None;
    }

    /// Applies a tick. Returns `true` if it has changed anything.
    fn tick(&mut self, tick: Tick, rights_changed: bool) -> bool {
        let Tick { tick, record, labels, report, .. } = tick;
        (self.time, self.received, self.report) = (clock::unix_millis(), clock::now(), report);
        let entry = self.copy.apply((tick, self.time), record.as_deref(), labels);
        self.revision += u64::from(rights_changed || !entry.is_empty());
        if entry.is_empty() {
            return false;
        }
        let size = entry.bytes;
        self.window_bytes += size;
        self.window.push_back(Kept { entry: Arc::new(entry), size, encoded: [None, None] });
        self.drop_old();
        true
    }

    /// Drops ticks until the others fit. The last one is kept in any case.
    fn drop_old(&mut self) {
        while self.window_bytes > self.window_max
            && self.window.len() > 1
            && let Some(oldest) = self.window.pop_front()
        {
            self.window_bytes -= oldest.size;
            self.earliest = oldest.entry.tick + 1;
        }
    }

    /// Returns the epoch.
    ///
    /// # Errors
    ///
    /// A [`Problem`] while this app is not the authority.
    pub(super) fn running(&self) -> Result<&str, Problem> {
        self.epoch.as_deref().ok_or_else(|| Problem::unavailable("the game is not running"))
    }

    /// Returns the ticks after `after`, in ascending order. `None` if some of them are no longer kept.
    pub(super) fn since(&self, after: u64) -> Option<impl ExactSizeIterator<Item = &Arc<Entry>>> {
        (after + 1 >= self.earliest && after <= self.copy.tick).then(|| {
            let begin = self.window.partition_point(|kept| kept.entry.tick <= after);
            self.window.range(begin..).map(|kept| &kept.entry)
        })
    }

    /// Returns all ticks that are kept, in ascending order.
    pub(super) fn window(&self) -> impl DoubleEndedIterator<Item = &Arc<Entry>> {
        self.window.iter().map(|kept| &kept.entry)
    }

    /// Returns the encoded event of a tick, which `encode` creates if it is not there yet.
    pub(super) fn encoded(
        &mut self,
        tick: u64,
        form: EncodedFor,
        encode: impl FnOnce(&Self, &Entry) -> Bytes,
    ) -> Option<Bytes> {
        let at = self.window.binary_search_by_key(&tick, |kept| kept.entry.tick).ok()?;
        if let Some(there) = &self.window[at].encoded[form as usize] {
            return Some(there.clone());
        }
        let entry = self.window[at].entry.clone();
        let bytes = encode(self, &entry);
        self.window[at].encoded[form as usize] = Some(bytes.clone());
        self.window[at].size += bytes.len();
        self.window_bytes += bytes.len();
        self.drop_old();
        Some(bytes)
    }

    /// Returns the size of the changes that are kept, in bytes.
    pub(super) fn kept_bytes(&self) -> usize {
        self.window_bytes
    }

    /// Returns the id of the event of a tick.
    pub(super) fn event_id(&self, tick: u64) -> String {
        format!("{}-{tick}", self.epoch.as_deref().unwrap_or("none"))
    }
}

/// Callers that share encoded events.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum EncodedFor {
    Spectators,
    Operators,
}
