//! The views of one client that wait for its byte budget, or for that of all clients together.

use std::collections::VecDeque;

use bevy::platform::collections::HashMap;

use crate::server::pacing::{clock::Moment, priority::Pace};

/// The position of a view in a queue. A lower position is served first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct QueuePosition {
    pub(crate) pace: Pace,
    pub(crate) since: Moment,
}

/// The views of one client that wait for bytes.
#[derive(Default, Debug)]
pub(crate) struct ThrottleQueue {
    /// By priority. The view that has waited longest is first.
    queues: [VecDeque<(Moment, u32)>; 3],
    /// The position of each view.
    positions: HashMap<u32, QueuePosition>,
}

impl ThrottleQueue {
    pub(super) fn contains(&self, view: u32) -> bool {
        self.positions.contains_key(&view)
    }

    pub(super) fn len(&self) -> usize {
        self.positions.len()
    }

    /// Returns the lowest position.
    pub(super) fn head(&self) -> Option<QueuePosition> {
        let firsts = [Pace::Critical, Pace::Normal, Pace::Low].into_iter().zip(&self.queues);
        let mut heads = firsts.filter_map(|(pace, queue)| Some((pace, queue.front()?.0)));
        heads.next().map(|(pace, since)| QueuePosition { pace, since })
    }

    /// Removes the first view of a priority.
    pub(super) fn pop(&mut self, pace: Pace) -> Option<u32> {
        let (_, view) = self.queues[pace as usize].pop_front()?;
        self.positions.remove(&view);
        Some(view)
    }

    /// Queues a view behind those that have waited as long. A queued view keeps its waiting time and only
    /// changes its priority. Returns `true` if the view was not queued.
    pub(super) fn insert(
        &mut self,
        view: u32,
        QueuePosition { pace, since }: QueuePosition,
    ) -> bool {
        let before = self.positions.get(&view).copied();
        if before.is_some_and(|before| before.pace == pace) {
            return false;
        }
        self.remove(view);
        let since = before.map_or(since, |before| before.since);
        self.positions.insert(view, QueuePosition { pace, since });
        let queue = &mut self.queues[pace as usize];
        let at = queue.partition_point(|(other, _)| *other <= since);
        queue.insert(at, (since, view));
        before.is_none()
    }

    /// Removes a view that is up to date or has closed.
    pub(super) fn remove(&mut self, view: u32) {
        let Some(QueuePosition { pace, since }) = self.positions.remove(&view) else { return };
        let queue = &mut self.queues[pace as usize];
        let first = queue.partition_point(|(other, _)| *other < since);
        let at = queue.range(first..).position(|(_, other)| *other == view);
        at.and_then(|at| queue.remove(first + at));
    }

    pub(super) fn clear(&mut self) {
        self.queues.iter_mut().for_each(VecDeque::clear);
        self.positions.clear();
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    fn position(pace: Pace, millis: u64) -> QueuePosition {
        QueuePosition { pace, since: Moment::new(Duration::from_millis(millis)) }
    }

    fn drain(mut queue: ThrottleQueue) -> Vec<u32> {
        core::iter::from_fn(|| queue.pop(queue.head()?.pace)).collect()
    }

    #[test]
    fn a_returned_view_stays_ahead_of_views_that_came_later() {
        let mut queue = ThrottleQueue::default();
        for (view, since) in [(1, 5), (2, 5), (3, 9)] {
            assert!(queue.insert(view, position(Pace::Normal, since)));
        }
        assert_eq!(queue.pop(Pace::Normal), Some(1));
        assert!(queue.insert(1, position(Pace::Normal, 5)));
        assert!(queue.insert(4, position(Pace::Normal, 7)));
        assert_eq!(drain(queue), [2, 1, 4, 3]);
    }

    #[test]
    fn a_changed_priority_keeps_the_waiting_time_and_removal_is_complete() {
        let mut queue = ThrottleQueue::default();
        for (view, since) in [(1, 1), (2, 2), (3, 2), (4, 3)] {
            queue.insert(view, position(Pace::Low, since));
        }
        queue.insert(5, position(Pace::Critical, 2));
        assert!(!queue.insert(3, position(Pace::Low, 9)), "it is queued already");
        assert!(!queue.insert(4, position(Pace::Critical, 9)), "it only moved");
        assert!(!queue.insert(1, position(Pace::Critical, 9)));
        queue.remove(2);
        queue.remove(2);
        assert_eq!(queue.len(), 4);
        assert_eq!(drain(queue), [1, 5, 4, 3]);
    }
}
