//! Each client's requests: how many it may make, which were handled, and what was answered.

use crate::{
    model::rejection::Rejection,
    server::client_stats::ClientSyncStats,
    shared::rate::{Bucket, RequestLimits},
    wire::{ANSWERS_MAX, Answers},
};
use core::time::Duration;
use std::collections::VecDeque;

use bevy::{ecs::entity::EntityHashMap, prelude::*};
use bevy_replicon::bytes::Bytes;

pub(crate) fn plugin(app: &mut App) {
    app.init_resource::<Sessions>().add_message::<ClientViolation>();
}

/// Server: a client sends what nobody honest sends. Whether to disconnect it is the game's choice.
#[derive(Event, Message, Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClientViolation {
    /// The client.
    pub client: Entity,
    /// What it does.
    pub what: ProtocolViolation,
}

/// What a misbehaving client does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ProtocolViolation {
    /// It sent more malformed requests than [`RequestLimits::malformed`].
    Malformed,
    /// It sends far more than it may; what is too much is dropped unread.
    Flooding,
}

/// What the server remembers of a client's requests.
#[derive(Default, Debug)]
pub(crate) struct Session {
    /// The number of the last request that was handled; they are counted from one.
    handled: u64,
    /// The answers to it and those before, the last at the back.
    answers: VecDeque<Result<(), Rejection>>,
    /// How many of the last answers wait to be sent.
    unsent: usize,
    bucket: Bucket,
    malformed: u32,
    flooded: u32,
    accepted: u64,
    refused: u64,
}

/// What to do with a request that carries a number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Turn {
    /// It is the next one.
    New,
    /// It was handled before; the answer goes out again.
    Repeated,
    /// No client that keeps to the protocol is there yet, or still there.
    Impossible,
}

impl Session {
    pub(crate) fn turn(&mut self, number: u8) -> Turn {
        let [low, ..] = self.handled.to_le_bytes();
        let ahead = number.wrapping_sub(low).cast_signed();
        if ahead <= 0 {
            let back = usize::from(ahead.unsigned_abs());
            if back >= self.answers.len() {
                return Turn::Impossible;
            }
            self.unsent = self.unsent.max(back + 1);
            return Turn::Repeated;
        }
        let ahead = usize::from(ahead.unsigned_abs());
        if ahead > ANSWERS_MAX {
            return Turn::Impossible;
        }
        // What lies between will never come: requests arrive in order.
        for _ in 1..ahead {
            self.answer(Err(Rejection::Unanswered));
        }
        Turn::New
    }

    pub(crate) fn answer(&mut self, result: Result<(), Rejection>) {
        self.handled += 1;
        self.accepted += u64::from(result.is_ok());
        self.refused += u64::from(result.is_err());
        if self.answers.len() == ANSWERS_MAX {
            self.answers.pop_front();
        }
        self.answers.push_back(result);
        self.unsent = (self.unsent + 1).min(ANSWERS_MAX);
    }
}

/// All sessions, by client.
#[derive(Resource, Default, Debug)]
pub(crate) struct Sessions {
    sessions: EntityHashMap<Session>,
    /// Requests about inventories that have arrived, in order.
    pub(crate) inbox: Vec<(Entity, Bytes)>,
    /// Requests that arrived before they could be read, at most one of each client.
    early: Vec<(Entity, Bytes)>,
}

impl Sessions {
    pub(crate) fn enter(&mut self, client: Entity) {
        self.sessions.insert(client, Session::default());
    }

    pub(crate) fn leave(&mut self, client: Entity) {
        self.sessions.remove(&client);
        self.inbox.retain(|(from, _)| *from != client);
        self.early.retain(|(from, _)| *from != client);
    }

    /// Keeps a request for later. Returns `false` if one of that client is kept already.
    pub(crate) fn keep_early(&mut self, client: Entity, request: &Bytes) -> bool {
        let kept = self.early.iter().any(|(early, _)| *early == client);
        if !kept && self.sessions.contains_key(&client) {
            self.early.push((client, request.clone()));
        }
        !kept
    }

    /// Takes the requests of the clients that can be served now.
    pub(crate) fn take_early(&mut self, is_ready: impl Fn(Entity) -> bool) -> Vec<(Entity, Bytes)> {
        self.early.extract_if(.., |(client, _)| is_ready(*client)).collect()
    }

    pub(crate) fn get_mut(&mut self, client: Entity) -> Option<&mut Session> {
        self.sessions.get_mut(&client)
    }

    /// Whether a client may be handled once more. The second value is news of a flood.
    pub(crate) fn admit(
        &mut self,
        client: Entity,
        now: Duration,
        limits: RequestLimits,
    ) -> (bool, Option<ProtocolViolation>) {
        let Some(session) = self.sessions.get_mut(&client) else { return (false, None) };
        if session.bucket.take(now, limits.per_second, limits.burst) {
            return (true, None);
        }
        session.flooded = session.flooded.saturating_add(1);
        let news = (session.flooded == limits.burst).then_some(ProtocolViolation::Flooding);
        (false, news)
    }

    /// Adds what a client has asked to what it was told.
    pub(crate) fn complete(&self, client: Entity, sync: ClientSyncStats) -> ClientSyncStats {
        let Some(session) = self.sessions.get(&client) else { return sync };
        let Session { accepted, refused, .. } = *session;
        let (malformed, flooded) = (u64::from(session.malformed), u64::from(session.flooded));
        ClientSyncStats { accepted, refused, malformed, flooded, ..sync }
    }

    /// Counts a malformed request. Says whether there were too many, once.
    pub(crate) fn malformed(
        &mut self,
        client: Entity,
        limits: RequestLimits,
    ) -> Option<ProtocolViolation> {
        let session = self.sessions.get_mut(&client)?;
        session.malformed = session.malformed.saturating_add(1);
        (session.malformed == limits.malformed).then_some(ProtocolViolation::Malformed)
    }

    /// The answers that wait for a client; with `all` those that were sent before as well, for it has
    /// lost its place.
    pub(crate) fn take_answers(&mut self, client: Entity, all: bool) -> Option<Answers> {
        let session = self.sessions.get_mut(&client)?;
        let unsent = core::mem::take(&mut session.unsent);
        let count = if all { session.answers.len() } else { unsent };
        let results: Vec<_> =
            session.answers.iter().skip(session.answers.len() - count).copied().collect();
        let [low, ..] = session.handled.to_le_bytes();
        (count > 0).then_some(Answers { last: low & 0x3F, results })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_wrap_and_repeats_are_known() {
        let mut session = Session::default();
        for number in 1..=600u64 {
            assert_eq!(session.turn(number.to_le_bytes()[0]), Turn::New);
            session.answer(Ok(()));
            assert_eq!(session.turn(number.to_le_bytes()[0]), Turn::Repeated);
        }
        assert_eq!(session.turn(600u64.wrapping_sub(31).to_le_bytes()[0]), Turn::Repeated);
        assert_eq!(session.turn(600u64.wrapping_sub(32).to_le_bytes()[0]), Turn::Impossible);
        assert_eq!(session.turn(633u64.to_le_bytes()[0]), Turn::Impossible);
        assert_eq!(session.turn(603u64.to_le_bytes()[0]), Turn::New);
        assert_eq!(session.handled, 602);
    }

    #[test]
    fn a_bucket_holds_so_much_and_fills_again() {
        let mut bucket = Bucket::default();
        let at = Duration::from_secs;
        assert_eq!((0..100).filter(|_| bucket.take(at(5), 10, 20)).count(), 20);
        assert_eq!((0..100).filter(|_| bucket.take(at(6), 10, 20)).count(), 10);
        assert_eq!((0..100).filter(|_| bucket.take(at(60), 10, 20)).count(), 20);
    }
}
