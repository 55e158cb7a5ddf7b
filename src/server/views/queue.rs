//! The views of one client that wait for its byte budget, or for that of all clients together.

use std::collections::{BTreeMap, VecDeque};

use bevy::platform::collections::HashMap;

use crate::server::pacing::{budget::UpdateKind, clock::AppInstant, priority::SyncPriority};

/// Which updates are served first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct QueueRank {
    pub(crate) kind: UpdateKind,
    pub(crate) priority: SyncPriority,
}

/// The position of a view in a queue. A lower position is served first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct QueuePosition {
    pub(crate) rank: QueueRank,
    pub(crate) since: AppInstant,
}

/// The views of one client that wait for bytes.
#[derive(Default, Debug)]
pub(crate) struct ThrottleQueue {
    /// One queue per rank. The view that has waited longest is first.
    queues: BTreeMap<QueueRank, VecDeque<(AppInstant, u32)>>,
    /// The position of each view.
    positions: HashMap<u32, QueuePosition>,
}

impl ThrottleQueue {
    pub(super) fn contains(&self, view: u32) -> bool {
        self.positions.contains_key(&view)
    }

    pub(crate) fn len(&self) -> usize {
        self.positions.len()
    }

    /// Returns the lowest position.
    pub(super) fn head(&self) -> Option<QueuePosition> {
        let mut queues = self.queues.iter();
        queues
            .find_map(|(rank, queue)| Some(QueuePosition { rank: *rank, since: queue.front()?.0 }))
    }

    /// Returns `true` if a result of an action of the client's player waits.
    pub(crate) fn has_action(&self) -> bool {
        self.head().is_some_and(|head| head.rank.kind == UpdateKind::Action)
    }

    /// Removes the first view of a rank.
    pub(super) fn pop(&mut self, rank: QueueRank) -> Option<u32> {
        let (_, view) = self.queues.get_mut(&rank)?.pop_front()?;
        self.positions.remove(&view);
        Some(view)
    }

    /// Queues a view behind those that have waited equally long. A view that is already queued keeps its
    /// waiting time and only changes its rank. Returns `true` if the view was not queued before.
    pub(super) fn insert(
        &mut self,
        view: u32,
        QueuePosition { rank, since }: QueuePosition,
    ) -> bool {
        let before = self.positions.get(&view).copied();
        if before.is_some_and(|before| before.rank == rank) {
            return false;
        }
        self.remove(view);
        let since = before.map_or(since, |before| before.since);
        self.positions.insert(view, QueuePosition { rank, since });
        let queue = self.queues.entry(rank).or_default();
        let at = queue.partition_point(|(other, _)| *other <= since);
        queue.insert(at, (since, view));
        before.is_none()
    }

    /// Removes a view that is up to date or has closed.
    pub(super) fn remove(&mut self, view: u32) {
        let Some(QueuePosition { rank, since }) = self.positions.remove(&view) else { return };
        let Some(queue) = self.queues.get_mut(&rank) else { return };
        let first = queue.partition_point(|(other, _)| *other < since);
        let at = queue.range(first..).position(|(_, other)| *other == view);
        at.and_then(|at| queue.remove(first + at));
    }

    pub(super) fn clear(&mut self) {
        self.queues.clear();
        self.positions.clear();
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    fn rank(priority: SyncPriority) -> QueueRank {
        QueueRank { kind: UpdateKind::Other, priority }
    }

    fn position(priority: SyncPriority, millis: u64) -> QueuePosition {
        let since = AppInstant::new(Duration::from_millis(millis));
        QueuePosition { rank: rank(priority), since }
    }

    fn drain(mut queue: ThrottleQueue) -> Vec<u32> {
        core::iter::from_fn(|| queue.pop(queue.head()?.rank)).collect()
    }

    #[test]
    fn requeued_view_stays_ahead_of_later_views() {
        let mut queue = ThrottleQueue::default();
        for (view, since) in [(1, 5), (2, 5), (3, 9)] {
            assert!(queue.insert(view, position(SyncPriority::Normal, since)));
        }
        assert_eq!(queue.pop(rank(SyncPriority::Normal)), Some(1));
        assert!(queue.insert(1, position(SyncPriority::Normal, 5)));
        assert!(queue.insert(4, position(SyncPriority::Normal, 7)));
        assert_eq!(drain(queue), [2, 1, 4, 3]);
    }

    #[test]
    fn priority_change_keeps_waiting_time_and_removal_is_complete() {
        let mut queue = ThrottleQueue::default();
        for (view, since) in [(1, 1), (2, 2), (3, 2), (4, 3)] {
            queue.insert(view, position(SyncPriority::Low, since));
        }
        queue.insert(5, position(SyncPriority::Critical, 2));
        assert!(!queue.insert(3, position(SyncPriority::Low, 9)), "the view is already queued");
        assert!(!queue.insert(4, position(SyncPriority::Critical, 9)), "the priority changes");
        assert!(!queue.insert(1, position(SyncPriority::Critical, 9)));
        queue.remove(2);
        queue.remove(2);
        assert_eq!(queue.len(), 4);
        assert_eq!(drain(queue), [1, 5, 4, 3]);
    }
}
