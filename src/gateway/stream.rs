//! Event streams.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Instant,
};

use bevy::prelude::Entity;
use bytes::Bytes;
use serde::Serialize;
use tokio::{sync::watch, time::sleep_until};

use crate::model::id::InventoryId;

use super::{
    app::{Gateway, Opened, count},
    caller::{Caller, VisibilityTracker},
    clock,
    entry::{Delta, Entry},
    hub::{EncodedFor, Known},
    problem::Problem,
    visibility::{Private, Visibility},
};

/// If a reader is more than this number of ticks behind, the ticks are merged.
const UNMERGED_MAX: usize = 16;

/// Maximum size in memory of the changes that a reader may be behind, in bytes. If there are more, it is reset.
const BEHIND_BYTES_MAX: usize = 4 << 20;

/// A reader of an event stream.
pub(super) struct Reader {
    gateway: Arc<Gateway>,
    caller: Caller,
    tracker: VisibilityTracker,
    only: Option<BTreeSet<InventoryId>>,
    /// Epoch and tick of the last event that was sent.
    position: (String, u64),
    /// The inventories that were sent to a player.
    shown: BTreeMap<Entity, InventoryId>,
    news: watch::Receiver<u64>,
    revoked: watch::Receiver<u64>,
    closing: watch::Receiver<bool>,
    /// Frames to send before anything else, in reverse order.
    greeting: Vec<Bytes>,
    /// When the last frame was passed to the connection.
    passed: Instant,
    has_ended: bool,
    _opened: Opened,
}

/// What wakes a reader.
enum Wake {
    News,
    Silence,
    Rights,
    Closing,
}

impl Reader {
    pub(super) fn new(
        gateway: Arc<Gateway>,
        caller: Caller,
        (tracker, only): (VisibilityTracker, Option<BTreeSet<InventoryId>>),
        after: Option<(String, u64)>,
        opened: Opened,
    ) -> Result<Self, Problem> {
        let hub = gateway.hub.clone();
        let known = hub.known();
        let now = (known.running()?.to_owned(), known.copy.tick);
        let resumed = after
            .as_ref()
            .filter(|(epoch, tick)| *epoch == now.0 && behind(&known, *tick).is_some());
        let hello = Hello { epoch: &now.0, tick: now.1, scope: caller.scope().name() };
        // With the id, a reader can resume even if it is disconnected before the first tick.
        let id = known.event_id(resumed.map_or(now.1, |(_, tick)| *tick));
        let hello = frame("hello", Some(&id), &hello);
        let missed = after.as_ref().filter(|_| resumed.is_none());
        let missed = missed.map(|(epoch, _)| if *epoch == now.0 { "expired" } else { "restarted" });
        let (news, revoked, closing) =
            (hub.news(), gateway.tokens.revoked(), gateway.closing.clone());
        let position = resumed.filter(|_| !tracker.is_player()).cloned().unwrap_or(now);
        let mut reader = Self {
            gateway,
            caller,
            tracker,
            only,
            position,
            shown: BTreeMap::new(),
            news,
            revoked,
            closing,
            greeting: Vec::new(),
            passed: clock::now(),
            has_ended: false,
            _opened: opened,
        };
        // In reverse order. It is unknown what a player saw before, so a player starts with everything.
        reader.greet_player(&known);
        reader.greeting.extend(missed.map(|reason| reset(&known, reason)));
        reader.greeting.push(hello);
        drop(known);
        Ok(reader)
    }

    /// Returns the next frame. Returns `None` after the last one.
    pub(super) async fn next(&mut self) -> Option<Bytes> {
        if self.has_ended {
            return None;
        }
        let frame = if let Some(greeting) = self.greeting.pop() {
            greeting
        } else if self.passed.elapsed() > self.gateway.limits.slow_reader {
            // No frame was requested since then, because the connection accepted no data.
            count(&self.gateway.counters.slow_readers, 1);
            self.end("too_slow", "the reader accepted no data for too long")
        } else {
            self.follow().await
        };
        self.passed = clock::now();
        count(&self.gateway.counters.events, 1);
        count(&self.gateway.counters.event_bytes, frame.len() as u64);
        Some(frame)
    }

    /// Waits for something to send.
    async fn follow(&mut self) -> Bytes {
        loop {
            if let Some(end) = self.check_token() {
                return end;
            }
            self.news.borrow_and_update();
            if let Some(frame) = self.changes() {
                return frame;
            }
            match self.wake().await {
                Wake::News | Wake::Rights => {}
                Wake::Closing => return self.end("shutting_down", "the server is shutting down"),
                // With the id, a reader can resume from here even if nothing that it sees has changed.
                Wake::Silence => {
                    let (epoch, tick) = &self.position;
                    return format!(": no changes\nid: {epoch}-{tick}\n\n").into();
                }
            }
        }
    }

    async fn wake(&mut self) -> Wake {
        let expires = self.caller.grant.as_ref().and_then(|grant| grant.expires);
        let expired = async {
            match expires {
                Some(expires) => sleep_until(expires.into()).await,
                None => std::future::pending().await,
            }
        };
        let silent = self.passed + self.gateway.limits.keep_alive;
        tokio::select! {
            biased;
            _ = self.closing.wait_for(|closing| *closing) => Wake::Closing,
            _ = self.revoked.changed() => Wake::Rights,
            () = expired => Wake::Rights,
            // Checked before news, because news may be frequent and not concern this reader.
            () = sleep_until(silent.into()) => Wake::Silence,
            _ = self.news.changed() => Wake::News,
        }
    }

    /// Ends the stream if the token is no longer valid.
    fn check_token(&mut self) -> Option<Bytes> {
        let grant = self.caller.grant.as_ref()?;
        if grant.has_expired() {
            Some(self.end("token_expired", "the token has expired"))
        } else if self.gateway.tokens.is_valid(grant) {
            None
        } else {
            Some(self.end("token_revoked", "the token was revoked"))
        }
    }

    fn end(&mut self, reason: &str, detail: &str) -> Bytes {
        self.has_ended = true;
        frame("end", None, &End { reason, detail })
    }

    /// Returns the changes since the last frame. Returns `None` if there are none.
    fn changes(&mut self) -> Option<Bytes> {
        let gateway = self.gateway.clone();
        let mut known = gateway.hub.known();
        let Some(epoch) = known.epoch.clone() else {
            // This app is no longer the authority. If it becomes the authority again, the epoch is different.
            self.shown.clear();
            return None;
        };
        let tick = known.copy.tick;
        if epoch != self.position.0 {
            self.position = (epoch, tick);
            self.greet_player(&known);
            return Some(reset(&known, "restarted"));
        }
        let Some(pending) = behind(&known, self.position.1) else {
            self.position.1 = tick;
            self.greet_player(&known);
            return Some(reset(&known, "expired"));
        };
        if self.tracker.is_player() {
            self.player_changes(&known, &pending)
        } else {
            self.shared_changes(&mut known, pending)
        }
    }

    fn visibility(&self) -> Visibility {
        Visibility { only: self.only.clone(), ..self.tracker.visibility() }
    }

    /// Queues everything that a player sees.
    fn greet_player(&mut self, known: &Known) {
        if self.tracker.is_player() {
            let (visibility, id) = (self.visibility(), known.event_id(known.copy.tick));
            self.shown =
                known.seen(&visibility).iter().map(|copy| (copy.entity, copy.id)).collect();
            let all = known.everything(&visibility);
            self.greeting.extend(all.map(|event| frame("tick", Some(&id), &event)));
        }
    }

    /// Returns the changes that a player sees. They are merged, because only the player's current view is known.
    fn player_changes(&mut self, known: &Known, pending: &[Arc<Entry>]) -> Option<Bytes> {
        let visibility = self.visibility();
        let seen: BTreeMap<_, _> =
            known.seen(&visibility).into_iter().map(|copy| (copy.entity, copy)).collect();
        let mut delta = Delta::default();
        pending.iter().for_each(|entry| delta.add(entry, &visibility));
        let (tick, time) = (known.copy.tick, known.time);
        let first = delta.ticks.map_or(tick, |(first, ..)| first);
        delta.ticks = Some((first, tick, time));
        for (entity, id) in &self.shown {
            if seen.get(entity).is_none_or(|copy| copy.id != *id) {
                delta.removed.insert(*id);
            }
        }
        for (entity, copy) in &seen {
            if self.shown.get(entity) != Some(&copy.id) {
                // Earlier changes of it are not for this player.
                delta.forget(copy.id);
                delta.full.insert(copy.id, copy.clone());
            }
        }
        self.shown = seen.into_iter().map(|(entity, copy)| (entity, copy.id)).collect();
        self.position.1 = tick;
        let event = known.event(&delta, &visibility)?;
        Some(frame("tick", Some(&known.event_id(tick)), &event))
    }

    /// Returns changes that other readers may also see. They are encoded once for all of them.
    fn shared_changes(&mut self, known: &mut Known, pending: Vec<Arc<Entry>>) -> Option<Bytes> {
        let visibility = self.visibility();
        if pending.len() > UNMERGED_MAX {
            let mut delta = Delta::default();
            pending.iter().for_each(|entry| delta.add(entry, &visibility));
            self.position.1 = known.copy.tick;
            count(&self.gateway.counters.merged_events, 1);
            let event = known.event(&delta, &visibility)?;
            return Some(frame("tick", Some(&known.event_id(event.tick)), &event));
        }
        for entry in pending {
            self.position.1 = entry.tick;
            let encode = |known: &Known, entry: &Entry| {
                let event = known.event_of(entry, &visibility);
                let id = known.event_id(entry.tick);
                event.map_or_else(Bytes::new, |event| frame("tick", Some(&id), &event))
            };
            let form = match visibility.private {
                Private::Nothing => EncodedFor::Spectators,
                Private::Everything | Private::Player(_) => EncodedFor::Operators,
            };
            let bytes = if visibility.only.is_some() {
                Some(encode(known, &entry))
            } else {
                known.encoded(entry.tick, form, encode)
            };
            if let Some(bytes) = bytes.filter(|bytes| !bytes.is_empty()) {
                return Some(bytes);
            }
        }
        self.position.1 = known.copy.tick;
        None
    }
}

/// Returns the ticks after `after`. Returns `None` if some are no longer kept, or if they are too large to be merged.
fn behind(known: &Known, after: u64) -> Option<Vec<Arc<Entry>>> {
    let pending: Vec<_> = known.since(after)?.cloned().collect();
    let bytes: usize = pending.iter().map(|entry| entry.bytes).sum();
    (bytes <= BEHIND_BYTES_MAX || pending.len() <= 1).then_some(pending)
}

#[derive(Serialize)]
struct Hello<'a> {
    epoch: &'a str,
    tick: u64,
    scope: &'a str,
}

#[derive(Serialize)]
struct Reset<'a> {
    reason: &'a str,
    epoch: &'a str,
    tick: u64,
    earliest: u64,
}

#[derive(Serialize)]
struct End<'a> {
    reason: &'a str,
    detail: &'a str,
}

fn reset(known: &Known, reason: &str) -> Bytes {
    let epoch = known.epoch.as_deref().unwrap_or_default();
    let (tick, earliest) = (known.copy.tick, known.earliest);
    frame("reset", Some(&known.event_id(tick)), &Reset { reason, epoch, tick, earliest })
}

/// Formats a server-sent event. Its data contains no line breaks, because JSON escapes them.
fn frame<T: Serialize>(name: &str, id: Option<&str>, data: &T) -> Bytes {
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    let data = serde_json::to_string(data).unwrap_or_default();
    format!("event: {name}\n{id}data: {data}\n\n").into()
}
