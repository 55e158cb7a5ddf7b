//! The state of the world in the gateway, shared by all requests.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::Instant,
};

use bevy::platform::collections::HashMap;
use bytes::Bytes;
use tokio::sync::watch;

use crate::model::{catalog::ItemCatalog, data::ToJsonByName, id::ContainerKey};

use super::{
    clock,
    copy::WorldCopy,
    entry::Entry,
    feed::{Ask, Feed, Report, Start, Tick},
    players::Players,
    problem::Problem,
};

/// The state of the world in the gateway, and what watched players see.
pub(super) struct Hub {
    known: Mutex<Known>,
    /// Changes with every tick that contains changes, and with every epoch.
    news: watch::Sender<u64>,
    /// Size of the messages from the game that are still queued, in bytes.
    backlog: Arc<AtomicUsize>,
    pub(super) players: Arc<Players>,
}

/// The world as of the last tick, and the changes of earlier ticks.
pub(super) struct Known {
    /// Identifies a period in which this app is the authority. `None` while it is not.
    pub(super) epoch: Option<String>,
    pub(super) copy: WorldCopy,
    /// When the last tick was received, in milliseconds since the Unix epoch.
    pub(super) time: u64,
    pub(super) received: Instant,
    window: VecDeque<Kept>,
    window_bytes: usize,
    window_max: usize,
    /// The earliest tick whose changes are kept.
    pub(super) earliest: u64,
    /// Increases whenever the visible state may have changed. Used as a cache validator.
    pub(super) revision: u64,
    pub(super) report: Report,
    pub(super) names: Names,
}

/// The names of containers, and the conversion of values to JSON.
#[derive(Clone, Default)]
pub(super) struct Names {
    pub(super) containers: HashMap<ContainerKey, &'static str>,
    pub(super) data: ToJsonByName,
    pub(super) views: ToJsonByName,
}

/// A tick in the window of kept changes.
struct Kept {
    entry: Arc<Entry>,
    size: usize,
    /// The encoded events for spectators and for operators.
    encoded: [Option<Bytes>; 2],
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
        let (known, news) = (Mutex::new(known), watch::Sender::new(0));
        Self { known, news, backlog, players: Arc::new(Players::new(asks)) }
    }

    pub(super) fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a receiver that changes with every tick that contains changes, and with every epoch.
    pub(super) fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    /// Handles a message from the game.
    pub(super) fn take(&self, message: Feed) {
        self.backlog.fetch_sub(message.size(), Ordering::Relaxed);
        let mut known = self.known();
        let has_news = match message {
            Feed::Start(start) => {
                // Rights may have changed in ticks that were dropped. The next tick reports them.
                self.players.forget();
                known.start(*start);
                true
            }
            Feed::Tick(mut tick) => {
                // Update rights first: revoked rights must not apply to the changes of this tick.
                let changed = self.players.publish(core::mem::take(&mut tick.players));
                known.tick(*tick, changed) || changed
            }
            Feed::Stop => {
                self.players.forget();
                known.stop();
                true
            }
        };
        drop(known);
        if has_news {
            self.news.send_modify(|number| *number += 1);
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
        self.copy.apply(record.tick, self.time, Some(&record), labels);
        self.earliest = record.tick + 1;
        let mut random = [0; 4];
        // Falls back to the time. Readers of an earlier epoch may then fail to detect the new one.
        if getrandom::fill(&mut random).is_err() {
            random = u32::try_from(self.time & 0xFFFF_FFFF).unwrap_or(0).to_le_bytes();
        }
        self.epoch = Some(format!("{:08x}", u32::from_le_bytes(random)));
    }

    fn clear(&mut self) {
        self.window.clear();
        self.window_bytes = 0;
        self.revision += 1;
        self.report = Report::default();
    }

    fn stop(&mut self) {
        self.copy = WorldCopy::new(self.copy.catalog.clone());
        self.clear();
        self.epoch = None;
    }

    /// Applies a tick. Returns `true` if it contains changes.
    fn tick(&mut self, tick: Tick, rights_changed: bool) -> bool {
        let Tick { tick, record, labels, catalog, report, .. } = tick;
        (self.time, self.received, self.report) = (clock::unix_millis(), clock::now(), report);
        if let Some(catalog) = catalog {
            self.copy.catalog = catalog;
            self.revision += 1;
        }
        let entry = self.copy.apply(tick, self.time, record.as_deref(), labels);
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

    /// Drops the oldest ticks until the window fits its maximum size. The last tick is always kept.
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
    /// [`Problem`] if this app is not the authority.
    pub(super) fn running(&self) -> Result<&str, Problem> {
        self.epoch.as_deref().ok_or_else(|| Problem::unavailable("the game is not running"))
    }

    /// Returns the ticks after `after`, in ascending order. Returns `None` if some of them are no longer kept.
    pub(super) fn since(&self, after: u64) -> Option<impl ExactSizeIterator<Item = &Arc<Entry>>> {
        (after <= self.copy.tick && after + 1 >= self.earliest).then(|| {
            let begin = self.window.partition_point(|kept| kept.entry.tick <= after);
            self.window.range(begin..).map(|kept| &kept.entry)
        })
    }

    /// Returns all kept ticks, in ascending order.
    pub(super) fn window(&self) -> impl DoubleEndedIterator<Item = &Arc<Entry>> {
        self.window.iter().map(|kept| &kept.entry)
    }

    /// Returns the encoded event of a tick. Calls `encode` if it is not cached yet. Returns `None` if the tick is not
    /// kept.
    pub(super) fn encoded(
        &mut self,
        tick: u64,
        form: EncodedFor,
        encode: impl FnOnce(&Self, &Entry) -> Bytes,
    ) -> Option<Bytes> {
        let at = self.window.binary_search_by_key(&tick, |kept| kept.entry.tick).ok()?;
        if let Some(encoded) = &self.window[at].encoded[form as usize] {
            return Some(encoded.clone());
        }
        let entry = self.window[at].entry.clone();
        let bytes = encode(self, &entry);
        self.window[at].encoded[form as usize] = Some(bytes.clone());
        self.window[at].size += bytes.len();
        self.window_bytes += bytes.len();
        self.drop_old();
        Some(bytes)
    }

    /// Returns the size of the kept changes, in bytes.
    pub(super) fn kept_bytes(&self) -> usize {
        self.window_bytes
    }

    /// Returns the event id of a tick.
    pub(super) fn event_id(&self, tick: u64) -> String {
        format!("{}-{tick}", self.epoch.as_deref().unwrap_or("none"))
    }
}

/// Groups of callers that share encoded events.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum EncodedFor {
    Spectators,
    Operators,
}
