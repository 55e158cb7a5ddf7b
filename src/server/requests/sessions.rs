//! Request state per client: the rate limit, the last handled request, and the answers.

use crate::model::planted::{Bug, planted};
use crate::{
    model::rejection::Rejection,
    server::client_stats::ClientSyncStats,
    shared::rate::{Bucket, RequestLimits},
    wire::{
        ANSWERS_MAX, Answers,
        bits::low_byte,
        numbers::{answer_bits, low_bits},
    },
};
use core::time::Duration;
use std::collections::VecDeque;

use super::inbox::Inboxes;
use bevy::{ecs::entity::EntityHashMap, prelude::*};
use bevy_replicon::bytes::Bytes;
use thiserror::Error;

pub(crate) fn plugin(app: &mut App) {
    app.init_resource::<Sessions>().init_resource::<Inboxes>().add_message::<ClientViolation>();
}

/// Server: a client violates the protocol, which an unmodified client never does. The game decides whether to
/// disconnect it.
#[derive(Event, Message, Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClientViolation {
    /// The client.
    pub client: Entity,
    /// The kind of violation.
    pub kind: ProtocolViolation,
}

/// Kind of protocol violation. Each is reported once per connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum ProtocolViolation {
    /// The number of malformed requests has reached [`RequestLimits::malformed`].
    #[error("too many malformed requests")]
    Malformed,
    /// The number of requests that exceeded the rate limit and were dropped unread has reached
    /// [`RequestLimits::burst`].
    #[error("too many requests above the rate limit")]
    Flooding,
}

/// Request state of one client.
#[derive(Default, Debug)]
pub(crate) struct Session {
    /// Number of the last request that was handled. The first request has number one.
    handled: u64,
    /// The last answers, at most [`ANSWERS_MAX`]. The newest is at the back.
    answers: VecDeque<Result<(), Rejection>>,
    /// How many of the newest answers have not been sent.
    unsent: usize,
    bucket: Bucket,
    malformed: u32,
    flooded: u32,
    accepted: u64,
    rejected: u64,
}

/// What to do with a request, given its number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NumberCheck {
    /// It has not been handled yet.
    New,
    /// It was handled before. The answer is sent again.
    Repeated,
    /// The number is too far ahead or too old for any client that follows the protocol.
    Impossible,
}

/// Whether the rate limit of a client admits a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Admission {
    Admitted,
    /// The request is dropped unread. The violation is to be reported.
    Dropped(Option<ProtocolViolation>),
}

impl Session {
    /// Returns what to do with the request of this number, given by its low 8 bits. Requests that were skipped are
    /// answered as [`Rejection::Unanswered`].
    pub(crate) fn check_number(&mut self, number: u8) -> NumberCheck {
        let ahead = number.wrapping_sub(low_byte(self.handled)).cast_signed();
        if ahead <= 0 {
            let back = usize::from(ahead.unsigned_abs());
            if back >= self.answers.len() {
                return NumberCheck::Impossible;
            }
            self.unsent = self.unsent.max(back + 1);
            return if planted(Bug::RepeatsRequests) {
                NumberCheck::New
            } else {
                NumberCheck::Repeated
            };
        }
        let ahead = usize::from(ahead.unsigned_abs());
        if ahead > ANSWERS_MAX {
            return NumberCheck::Impossible;
        }
        // Requests arrive in order, so those in between will never arrive.
        for _ in 1..ahead {
            self.answer(Err(Rejection::Unanswered));
        }
        NumberCheck::New
    }

    /// Returns the number of the next request to be answered.
    pub(crate) fn next_number(&self) -> u64 {
        self.handled + 1
    }

    /// Records the answer to the next request.
    pub(crate) fn answer(&mut self, result: Result<(), Rejection>) {
        self.handled += 1;
        self.accepted += u64::from(result.is_ok());
        self.rejected += u64::from(result.is_err());
        if self.answers.len() == ANSWERS_MAX {
            self.answers.pop_front();
        }
        self.answers.push_back(result);
        self.unsent = (self.unsent + 1).min(ANSWERS_MAX);
    }

    /// Takes the newest answers, which no longer wait to be sent.
    fn take_answers(&mut self, count: usize) -> Option<Answers> {
        self.unsent = 0;
        let mut results: Vec<_> =
            self.answers.iter().skip(self.answers.len() - count).copied().collect();
        if planted(Bug::DropsAnAnswer) && count > 1 {
            results.pop();
        }
        (count > 0).then_some(Answers { last: answer_bits(self.handled), results })
    }
}

/// All sessions, by client.
#[derive(Resource, Default, Debug)]
pub(crate) struct Sessions {
    sessions: EntityHashMap<Session>,
    /// Requests that arrived before they could be read, at most one per client.
    early: Vec<(Entity, Bytes)>,
}

impl Sessions {
    pub(crate) fn enter(&mut self, client: Entity) {
        self.sessions.insert(client, Session::default());
    }

    pub(crate) fn leave(&mut self, client: Entity) {
        self.sessions.remove(&client);
        self.early.retain(|(from, _)| *from != client);
    }

    /// Keeps a request for later. Returns `false` if a request of that client is already kept.
    pub(crate) fn keep_early(&mut self, client: Entity, request: &Bytes) -> bool {
        let kept = self.early.iter().any(|(early, _)| *early == client);
        if !kept && self.sessions.contains_key(&client) {
            self.early.push((client, request.clone()));
        }
        !kept
    }

    /// Takes the kept requests of the clients that are ready now.
    pub(crate) fn take_early(&mut self, is_ready: impl Fn(Entity) -> bool) -> Vec<(Entity, Bytes)> {
        self.early.extract_if(.., |(client, _)| is_ready(*client)).collect()
    }

    pub(crate) fn get_mut(&mut self, client: Entity) -> Option<&mut Session> {
        self.sessions.get_mut(&client)
    }

    /// Takes a token of a client's rate limit.
    pub(crate) fn admit(
        &mut self,
        client: Entity,
        now: Duration,
        limits: RequestLimits,
    ) -> Admission {
        let Some(session) = self.sessions.get_mut(&client) else {
            return Admission::Dropped(None);
        };
        if session.bucket.take(now, limits.per_second, limits.burst) {
            return Admission::Admitted;
        }
        session.flooded = session.flooded.saturating_add(1);
        let news = (session.flooded == limits.burst).then_some(ProtocolViolation::Flooding);
        Admission::Dropped(news)
    }

    /// Adds the request counters of a client to its statistics.
    pub(crate) fn complete(&self, client: Entity, sync: ClientSyncStats) -> ClientSyncStats {
        let Some(session) = self.sessions.get(&client) else { return sync };
        let Session { accepted, rejected, .. } = *session;
        let (malformed, flooded) = (u64::from(session.malformed), u64::from(session.flooded));
        ClientSyncStats { accepted, rejected, malformed, flooded, ..sync }
    }

    /// Counts a malformed request. Returns the violation when the count reaches the limit, once.
    pub(crate) fn malformed(
        &mut self,
        client: Entity,
        limits: RequestLimits,
    ) -> Option<ProtocolViolation> {
        let session = self.sessions.get_mut(&client)?;
        session.malformed = session.malformed.saturating_add(1);
        (session.malformed == limits.malformed).then_some(ProtocolViolation::Malformed)
    }

    /// Returns the low bits of the number of the last request of a client that was handled.
    pub(crate) fn handled(&self, client: Entity) -> u32 {
        self.sessions.get(&client).map_or(0, |session| low_bits(session.handled))
    }

    /// Takes the answers that wait for a client.
    pub(crate) fn take_unsent_answers(&mut self, client: Entity) -> Option<Answers> {
        let session = self.sessions.get_mut(&client)?;
        let count = session.unsent;
        session.take_answers(count)
    }

    /// Takes the last answers for a client that is out of sync, including those that were sent before.
    pub(crate) fn take_all_answers(&mut self, client: Entity) -> Option<Answers> {
        let session = self.sessions.get_mut(&client)?;
        let count = session.answers.len();
        session.take_answers(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_numbers_wrap_and_repeats_are_recognized() {
        let mut session = Session::default();
        for number in 1..=600u64 {
            assert_eq!(session.check_number(low_byte(number)), NumberCheck::New);
            session.answer(Ok(()));
            assert_eq!(session.check_number(low_byte(number)), NumberCheck::Repeated);
        }
        assert_eq!(session.check_number(low_byte(600u64.wrapping_sub(31))), NumberCheck::Repeated);
        assert_eq!(
            session.check_number(low_byte(600u64.wrapping_sub(32))),
            NumberCheck::Impossible
        );
        assert_eq!(session.check_number(low_byte(633u64)), NumberCheck::Impossible);
        assert_eq!(session.check_number(low_byte(603u64)), NumberCheck::New);
        assert_eq!(session.handled, 602);
    }

    #[test]
    fn token_bucket_allows_a_burst_and_refills() {
        let mut bucket = Bucket::default();
        let at = Duration::from_secs;
        assert_eq!((0..100).filter(|_| bucket.take(at(5), 10, 20)).count(), 20);
        assert_eq!((0..100).filter(|_| bucket.take(at(6), 10, 20)).count(), 10);
        assert_eq!((0..100).filter(|_| bucket.take(at(60), 10, 20)).count(), 20);
    }
}
