//! The requests of clients that have arrived and have not been handled yet.
//!
//! The message rate of a client is limited before its requests are decoded, and a request costs little to send but may
//! cost much to handle: sorting a bank takes longer than selecting a slot. So each client also has an allowance of work.
//! A request is handled as a whole as long as its client has work left, and may use more than that; the next one waits
//! until the difference has been made up for. Nothing is dropped for its cost, and clients take turns.

use core::time::Duration;
use std::collections::VecDeque;

use bevy::{
    ecs::{entity::EntityHashMap, system::SystemParam},
    prelude::*,
};
use bevy_replicon::bytes::Bytes;

use crate::{shared::rate::RequestLimits, wire::ANSWERS_MAX};

/// Maximum number of rejected requests that a client's inbox holds, in addition to [`ANSWERS_MAX`] whole ones. No
/// client that follows the protocol has more unanswered requests than [`ANSWERS_MAX`].
const REJECTED_MAX: usize = 256;

/// Maximum number of requests of a client that wait, including those that are only answered.
pub const REQUESTS_WAITING_MAX: usize = ANSWERS_MAX + REJECTED_MAX;

/// Work of handling any request, in slots.
pub(crate) const WORK_BASE: u64 = 16;

/// Work of asking the rules about one inventory, in slots.
pub(crate) const WORK_RULES: u64 = 64;

/// A request that waits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Waiting {
    /// Handled when its turn comes.
    Request(Bytes),
    /// The inbox was full. The request of this number is only answered.
    Rejected(u8),
}

/// Whether a request was added to an inbox.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Added {
    /// It waits for its turn.
    Waits,
    /// It is to be rejected: give its number to [`Inboxes::add_rejected`].
    Full,
}

#[derive(Default, Debug)]
struct Inbox {
    waiting: VecDeque<Waiting>,
    /// Number of whole requests in `waiting`.
    requests: usize,
    work: WorkAllowance,
}

/// The inboxes of all clients.
#[derive(Resource, Default, Debug)]
pub(crate) struct Inboxes {
    inboxes: EntityHashMap<Inbox>,
    /// The clients with requests that wait, in the order in which they take turns.
    turns: Vec<Entity>,
    /// Work that was done for the request that is being handled.
    work: u64,
}

impl Inboxes {
    pub(crate) fn remove_client(&mut self, client: Entity) {
        self.inboxes.remove(&client);
        self.turns.retain(|waiting| *waiting != client);
    }

    /// Adds a request to its client's inbox.
    pub(crate) fn add(&mut self, client: Entity, request: &Bytes) -> Added {
        let inbox = self.inboxes.entry(client).or_default();
        if inbox.requests == ANSWERS_MAX {
            return Added::Full;
        }
        inbox.requests += 1;
        inbox.waiting.push_back(Waiting::Request(request.clone()));
        self.take_turn(client);
        Added::Waits
    }

    /// Adds the number of a request that does not fit. Returns `false` if even that does not fit.
    pub(crate) fn add_rejected(&mut self, client: Entity, number: u8) -> bool {
        let inbox = self.inboxes.entry(client).or_default();
        let fits = inbox.waiting.len() - inbox.requests < REJECTED_MAX;
        if fits {
            inbox.waiting.push_back(Waiting::Rejected(number));
            self.take_turn(client);
        }
        fits
    }

    fn take_turn(&mut self, client: Entity) {
        if !self.turns.contains(&client) {
            self.turns.push(client);
        }
    }

    /// Returns the clients with requests that wait.
    pub(crate) fn turns(&self) -> Vec<Entity> {
        self.turns.clone()
    }

    /// Takes the next request of a client. Returns `None` if there is none, or if the client has no work left.
    pub(crate) fn next(
        &mut self,
        client: Entity,
        now: Duration,
        limits: &RequestLimits,
    ) -> Option<Waiting> {
        let inbox = self.inboxes.get_mut(&client)?;
        if matches!(inbox.waiting.front()?, Waiting::Request(_)) {
            if !inbox.work.is_left(now, limits) {
                return None;
            }
            inbox.requests -= 1;
        }
        let next = inbox.waiting.pop_front();
        // What was recorded for a player at the authority is not charged to anybody.
        self.work = 0;
        if inbox.waiting.is_empty() {
            self.turns.retain(|waiting| *waiting != client);
        }
        next
    }

    /// Returns the number of requests that wait.
    pub(crate) fn len(&self) -> usize {
        self.turns.iter().filter_map(|client| self.inboxes.get(client)).map(|i| i.requests).sum()
    }

    /// Returns the number of requests of a client that wait, including those that are only answered.
    pub(crate) fn waiting(&self, client: Entity) -> usize {
        self.inboxes.get(&client).map_or(0, |inbox| inbox.waiting.len())
    }

    /// Records work that was done for the request that is being handled, in slots.
    pub(crate) fn record_work(&mut self, slots: u64) {
        self.work += slots;
    }

    /// Charges a client for the work that was recorded, and returns it.
    pub(crate) fn charge(&mut self, client: Entity, now: Duration, limits: &RequestLimits) -> u64 {
        let work = core::mem::take(&mut self.work) + WORK_BASE;
        if let Some(inbox) = self.inboxes.get_mut(&client) {
            inbox.work.spend(work, now, limits);
        }
        work
    }
}

/// The work that clients may still cause, for what they request besides actions.
#[derive(SystemParam)]
pub(crate) struct RequestWork<'w> {
    pub(crate) inboxes: ResMut<'w, Inboxes>,
    limits: Res<'w, RequestLimits>,
    time: Res<'w, Time<Real>>,
}

impl RequestWork<'_> {
    /// Returns `true` if a client has work left.
    pub(crate) fn is_left(&self, client: Entity) -> bool {
        let inbox = self.inboxes.inboxes.get(&client);
        inbox.is_none_or(|inbox| inbox.work.is_left(self.time.elapsed(), &self.limits))
    }

    /// Charges a client for work, in slots.
    pub(crate) fn spend(&mut self, client: Entity, slots: u64) {
        let inbox = self.inboxes.inboxes.entry(client).or_default();
        inbox.work.spend(slots, self.time.elapsed(), &self.limits);
    }
}

/// The work that a client may still cause, in slots. It starts full and grows with time.
#[derive(Clone, Copy, Default, Debug)]
struct WorkAllowance {
    /// Time at which the allowance is full again.
    full_at: Duration,
}

impl WorkAllowance {
    fn is_left(self, now: Duration, limits: &RequestLimits) -> bool {
        self.full_at < now + duration_of(u64::from(limits.work_burst), limits)
    }

    fn spend(&mut self, work: u64, now: Duration, limits: &RequestLimits) {
        self.full_at = self.full_at.max(now) + duration_of(work, limits);
    }
}

/// Returns the time in which a client is granted this much work.
fn duration_of(work: u64, limits: &RequestLimits) -> Duration {
    let nanos = u128::from(work) * 1_000_000_000 / u128::from(limits.work_per_second.max(1));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX / 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: RequestLimits = RequestLimits {
        per_second: 100,
        burst: 200,
        malformed: 8,
        work_per_second: 1000,
        work_burst: 100,
        open_inventories: 64,
    };

    /// Handles what may be handled at this time, at this cost each, and returns the number of requests.
    fn handle(inboxes: &mut Inboxes, client: Entity, millis: u64, cost: u64) -> usize {
        let now = Duration::from_millis(millis);
        let mut handled = 0;
        while inboxes.next(client, now, &LIMITS).is_some() {
            inboxes.record_work(cost - WORK_BASE);
            assert_eq!(inboxes.charge(client, now, &LIMITS), cost);
            handled += 1;
        }
        handled
    }

    fn add(inboxes: &mut Inboxes, client: Entity, count: usize) {
        for _ in 0..count {
            assert_eq!(inboxes.add(client, &Bytes::new()), Added::Waits);
        }
    }

    #[test]
    fn request_is_handled_as_a_whole_and_the_next_one_waits_for_the_difference() {
        let (mut inboxes, client) = (Inboxes::default(), Entity::PLACEHOLDER);
        add(&mut inboxes, client, 3);
        assert_eq!(handle(&mut inboxes, client, 0, 1100), 1, "far above the burst");
        assert_eq!(handle(&mut inboxes, client, 999, 50), 0);
        assert_eq!(inboxes.len(), 2);
        assert_eq!(handle(&mut inboxes, client, 1001, 50), 1);
        assert_eq!(handle(&mut inboxes, client, 9000, 50), 1);
        assert!(inboxes.turns().is_empty());
    }

    #[test]
    fn work_over_time_stays_within_the_allowance() {
        let (mut inboxes, client) = (Inboxes::default(), Entity::PLACEHOLDER);
        let mut handled = 0;
        for millis in (0..10_000).step_by(10) {
            while inboxes.add(client, &Bytes::new()) == Added::Waits {}
            handled += handle(&mut inboxes, client, millis, 40);
        }
        // Ten seconds at 1000 slots each, the burst, and at most one request above that.
        assert!((240..=254).contains(&handled), "{handled}");
    }

    #[test]
    fn inbox_that_is_full_rejects_requests_and_keeps_their_order() {
        let (mut inboxes, client) = (Inboxes::default(), Entity::PLACEHOLDER);
        add(&mut inboxes, client, ANSWERS_MAX);
        assert_eq!(inboxes.add(client, &Bytes::new()), Added::Full);
        assert!(inboxes.add_rejected(client, 33));
        assert!((1..REJECTED_MAX).all(|_| inboxes.add_rejected(client, 34)));
        assert!(!inboxes.add_rejected(client, 35), "numbers are bounded too");
        for _ in 0..ANSWERS_MAX {
            let next = inboxes.next(client, Duration::ZERO, &LIMITS);
            assert_eq!(next, Some(Waiting::Request(Bytes::new())));
        }
        assert_eq!(inboxes.next(client, Duration::ZERO, &LIMITS), Some(Waiting::Rejected(33)));
    }
}
