//! The latest actions and their outcomes.

use core::{fmt::Write, time::Duration};
use std::collections::VecDeque;

use bevy::prelude::*;

use crate::model::rejection::Rejection;

/// Maximum number of lines.
const LINES_MAX: usize = 500;

/// An action.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct ActionLogEntry {
    pub(super) at: Duration,
    pub(super) player: String,
    /// Names of the inventories that the action refers to.
    pub(super) inventories: String,
    pub(super) what: String,
    pub(super) result: Result<(), Rejection>,
}

impl ActionLogEntry {
    pub(super) fn outcome(&self) -> String {
        match self.result {
            Ok(()) => "done".into(),
            Err(reason) => format!("{reason:?}"),
        }
    }

    fn as_text(&self) -> String {
        let why = self.result.err().map(|reason| format!(": {reason}")).unwrap_or_default();
        let (at, outcome) = (self.at.as_secs_f64(), self.outcome());
        format!("{at:9.2} s  {:<12}  {}  -> {outcome}{why}", self.player, self.what)
    }
}

/// Filter by outcome.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) enum LoggedOutcome {
    #[default]
    Any,
    Done,
    Rejected,
    Because(Rejection),
}

/// Filter of the action log. Texts match case-insensitively as substrings; an empty text matches everything.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct ActionFilter {
    pub(super) player: String,
    pub(super) inventory: String,
    pub(super) outcome: LoggedOutcome,
}

impl ActionFilter {
    pub(super) fn lets_through(&self, line: &ActionLogEntry) -> bool {
        let has = |text: &str, part: &str| {
            part.is_empty() || text.to_lowercase().contains(&part.trim().to_lowercase())
        };
        let outcome = match self.outcome {
            LoggedOutcome::Any => true,
            LoggedOutcome::Done => line.result.is_ok(),
            LoggedOutcome::Rejected => line.result.is_err(),
            LoggedOutcome::Because(reason) => line.result == Err(reason),
        };
        outcome && has(&line.player, &self.player) && has(&line.inventories, &self.inventory)
    }
}

/// The last [`LINES_MAX`] actions, oldest first.
#[derive(Resource, Default, Debug)]
pub(super) struct ActionLog {
    lines: VecDeque<ActionLogEntry>,
    /// Total number of actions, including those that were dropped.
    pub(super) total: u64,
}

impl ActionLog {
    pub(super) fn write(&mut self, line: ActionLogEntry) {
        if self.lines.len() == LINES_MAX {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
        self.total += 1;
    }

    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    pub(super) fn clear(&mut self) {
        self.lines.clear();
    }

    /// Returns the lines that pass a filter, newest first.
    pub(super) fn newest<'a>(
        &'a self,
        filter: &'a ActionFilter,
    ) -> impl Iterator<Item = &'a ActionLogEntry> {
        self.lines.iter().rev().filter(|line| filter.lets_through(line))
    }

    /// Returns the distinct rejection reasons.
    pub(super) fn reasons(&self) -> Vec<Rejection> {
        let mut reasons: Vec<Rejection> = Vec::new();
        for reason in self.lines.iter().filter_map(|line| line.result.err()) {
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
        }
        reasons
    }

    /// Returns the lines that pass a filter as text, oldest first.
    pub(super) fn as_text(&self, filter: &ActionFilter) -> String {
        let mut text = String::new();
        for line in self.lines.iter().filter(|line| filter.lets_through(line)) {
            writeln!(text, "{}", line.as_text()).ok();
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(player: &str, inventories: &str, result: Result<(), Rejection>) -> ActionLogEntry {
        let (player, inventories) = (player.into(), inventories.into());
        ActionLogEntry {
            at: Duration::from_secs(2),
            player,
            inventories,
            what: "Move".into(),
            result,
        }
    }

    #[test]
    fn filters_combine() {
        let mut action_log = ActionLog::default();
        action_log.write(line("4v1", "chest/12", Ok(())));
        action_log.write(line("4v1", "player/7", Err(Rejection::Stale)));
        action_log.write(line("5v1", "chest/12", Err(Rejection::TooFar)));
        let count = |filter: &ActionFilter| action_log.newest(filter).count();
        let mut filter = ActionFilter::default();
        assert_eq!(count(&filter), 3);
        filter.player = "4V1".into();
        assert_eq!(count(&filter), 2);
        filter.outcome = LoggedOutcome::Rejected;
        assert_eq!(count(&filter), 1);
        filter.inventory = "chest".into();
        assert_eq!(count(&filter), 0);
        filter = ActionFilter { outcome: LoggedOutcome::Because(Rejection::TooFar), ..default() };
        assert_eq!(count(&filter), 1);
        assert_eq!(action_log.reasons(), [Rejection::Stale, Rejection::TooFar]);
    }

    #[test]
    fn action_log_is_bounded_and_exports_text() {
        let mut action_log = ActionLog::default();
        for n in 0..LINES_MAX + 3 {
            action_log.write(line(&format!("{n}"), "a", Err(Rejection::Stale)));
        }
        assert_eq!((action_log.len(), action_log.total), (LINES_MAX, LINES_MAX as u64 + 3));
        let text = action_log.as_text(&ActionFilter { player: "502".into(), ..default() });
        assert!(text.starts_with("     2.00 s  502 "), "{text}");
        assert!(text.contains("-> Stale: "), "{text}");
        assert_eq!(text.lines().count(), 1);
    }
}
