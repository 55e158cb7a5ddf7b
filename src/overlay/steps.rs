//! How long each step of the walk takes: systems between the sets, which run only while the overlay is shown.

use core::time::Duration;
use std::{collections::VecDeque, time::Instant};

use bevy::{ecs::schedule::ScheduleLabel, prelude::*};
use bevy_replicon::prelude::*;

use crate::{
    server::{GameSystems, sync_is_due},
    stats::InventoryStats,
    systems::InventorySystems,
};

use super::is_shown;

/// One row of the table of steps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    Validate,
    Mark,
    Batch,
    Encode,
    Send,
    Receive,
    Apply,
    Reconcile,
    Notify,
    Predict,
    Submit,
}

impl Step {
    pub(super) const ALL: [Self; 11] = [
        Self::Validate,
        Self::Mark,
        Self::Batch,
        Self::Encode,
        Self::Send,
        Self::Receive,
        Self::Apply,
        Self::Reconcile,
        Self::Notify,
        Self::Predict,
        Self::Submit,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Validate => "validate",
            Self::Mark => "mark",
            Self::Batch => "batch",
            Self::Encode => "encode",
            Self::Send => "send",
            Self::Receive => "receive",
            Self::Apply => "apply",
            Self::Reconcile => "reconcile",
            Self::Notify => "notify",
            Self::Predict => "predict",
            Self::Submit => "submit",
        }
    }

    /// Its counter, and what that counts.
    pub(super) fn counter(self) -> (fn(&InventoryStats) -> u64, &'static str) {
        match self {
            Self::Validate => (|stats| stats.requests_validated, "requests"),
            Self::Mark => (|stats| stats.slots_marked, "slots"),
            Self::Batch => (|stats| stats.jobs_batched, "updates"),
            Self::Encode => (|stats| stats.entries_encoded, "entries"),
            Self::Send => (|stats| stats.messages_sent, "messages"),
            Self::Receive => (|stats| stats.messages_received, "messages"),
            Self::Apply => (|stats| stats.slots_applied, "slots"),
            Self::Reconcile => (|stats| stats.slots_reverted, "put right"),
            Self::Notify => (|stats| stats.slots_notified, "events"),
            Self::Predict => (|stats| stats.actions_predicted, "actions"),
            Self::Submit => (|stats| stats.requests_sent, "requests"),
        }
    }

    pub(super) fn about(self) -> &'static str {
        match self {
            Self::Validate => "Server: hears requests and decides on them.",
            Self::Mark => "Authority: finds the slots that differ from the last commit.",
            Self::Batch => "Authority: finds who must be told what.",
            Self::Encode => "Authority: writes each update once for all who get it.",
            Self::Send => "Server: hands messages to the messaging backend.",
            Self::Receive => "Client: collects the parts of one tick.",
            Self::Apply => "Client: decodes them and moves the confirmed copies.",
            Self::Reconcile => "Client: makes the components show what is confirmed.",
            Self::Notify => {
                "Client: tells the game what changed. The authority's own player hears in mark."
            }
            Self::Predict => {
                "Client: shows requests ahead of the answer. It happens where the game asks, so it has no time of its own here."
            }
            Self::Submit => "Client: hello, and requests for full copies.",
        }
    }

    /// Where it is timed, if not here.
    pub(super) fn elsewhere(self, authority: bool) -> &'static str {
        match (self, authority) {
            (Self::Validate, true) => "no server runs",
            (Self::Predict, false) => "in the systems of the game",
            (_, true) => "on clients",
            (_, false) => "on the server",
        }
    }

    /// Whether it runs on the authority.
    pub(super) fn is_of_authority(self) -> bool {
        matches!(self, Self::Validate | Self::Mark | Self::Batch | Self::Encode | Self::Send)
    }
}

/// In the mean a run weighs one in so many: it follows within some two seconds.
const SMOOTHING: f64 = 64.0;

/// So many runs the median is of.
const KEPT_MAX: usize = 63;

/// How long one step took, in microseconds.
#[derive(Clone, PartialEq, Default, Debug)]
pub(super) struct Took {
    pub(super) runs: u64,
    pub(super) last: f64,
    pub(super) mean: f64,
    pub(super) worst: f64,
    kept: VecDeque<f64>,
}

impl Took {
    fn note(&mut self, took: Duration) {
        let took = took.as_secs_f64() * 1e6;
        self.runs += 1;
        self.last = took;
        self.mean += (took - self.mean) / SMOOTHING.min(self.runs as f64);
        self.worst = self.worst.max(took);
        if self.kept.len() == KEPT_MAX {
            self.kept.pop_front();
        }
        self.kept.push_back(took);
    }

    /// Of the last runs: what it takes when nothing gets in between.
    pub(super) fn median(&self) -> f64 {
        let mut kept: Vec<f64> = self.kept.iter().copied().collect();
        kept.sort_by(f64::total_cmp);
        kept.get(kept.len() / 2).copied().unwrap_or_default()
    }
}

/// How long the steps took, by [`Step`].
#[derive(Resource, Default, Debug)]
pub(super) struct StepTimes([Took; Step::ALL.len()]);

impl StepTimes {
    pub(super) fn of(&self, step: Step) -> &Took {
        &self.0[step as usize]
    }

    fn note(&mut self, step: Step, took: Duration) {
        self.0[step as usize].note(took);
    }

    /// In microseconds, of all steps together, when nothing gets in between.
    pub(super) fn total(&self) -> f64 {
        self.0.iter().map(Took::median).sum()
    }

    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}

/// When the last step ended.
#[derive(Resource, Default, Debug)]
struct Lap(Option<Instant>);

/// The systems that time a stretch of the walk, so that one condition holds for all of them.
#[derive(SystemSet, Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Timing {
    Requests,
    Copies,
    Changes,
    Submission,
}

pub(super) fn plugin(app: &mut App) {
    let serving = || is_shown.and_then(in_state(ServerState::Running));
    let joined = || is_shown.and_then(in_state(ClientState::Connected));
    let ticking = is_shown.and_then(resource_exists::<State<ServerState>>).and_then(sync_is_due);
    app.init_resource::<StepTimes>()
        .init_resource::<Lap>()
        .configure_sets(
            PreUpdate,
            (
                Timing::Requests.after(ServerSystems::Receive).run_if(serving()),
                Timing::Copies.after(ClientSystems::Receive).run_if(joined()),
            ),
        )
        .configure_sets(
            PostUpdate,
            (
                Timing::Changes
                    .after(ServerSystems::IncrementTick)
                    .after(GameSystems)
                    .before(ServerSystems::Send)
                    .run_if(ticking),
                Timing::Submission.before(ClientSystems::Send).run_if(joined()),
            ),
        );
    time(app, PreUpdate, Timing::Requests, &[(Step::Validate, InventorySystems::Validate)]);
    let copies = [
        (Step::Receive, InventorySystems::Receive),
        (Step::Apply, InventorySystems::Apply),
        (Step::Reconcile, InventorySystems::Reconcile),
        (Step::Notify, InventorySystems::Notify),
    ];
    time(app, PreUpdate, Timing::Copies, &copies);
    let changes = [
        (Step::Mark, InventorySystems::Mark),
        (Step::Batch, InventorySystems::Batch),
        (Step::Encode, InventorySystems::Encode),
        (Step::Send, InventorySystems::Send),
    ];
    time(app, PostUpdate, Timing::Changes, &changes);
    time(app, PostUpdate, Timing::Submission, &[(Step::Submit, InventorySystems::Submit)]);
}

/// Looks at the clock before, between and after steps that follow each other.
fn time(
    app: &mut App,
    schedule: impl ScheduleLabel + Clone,
    timing: Timing,
    steps: &[(Step, InventorySystems)],
) {
    app.add_systems(schedule.clone(), begin.before(steps[0].1).in_set(timing));
    for (at, (step, set)) in steps.iter().enumerate() {
        let lap = lap(*step).after(*set).in_set(timing);
        match steps.get(at + 1) {
            Some((_, next)) => app.add_systems(schedule.clone(), lap.before(*next)),
            None => app.add_systems(schedule.clone(), lap),
        };
    }
}

fn begin(mut last: ResMut<Lap>) {
    last.0 = Some(now());
}

fn lap(step: Step) -> impl FnMut(ResMut<Lap>, ResMut<StepTimes>) {
    move |mut last: ResMut<Lap>, mut times: ResMut<StepTimes>| {
        let now = now();
        if let Some(before) = last.0.replace(now) {
            times.note(step, now - before);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "what is timed here is the machine, not the game")]
pub(super) fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_begins_at_the_first_value_and_follows() {
        let mut times = StepTimes::default();
        times.note(Step::Mark, Duration::from_micros(10));
        times.note(Step::Mark, Duration::from_micros(20));
        let took = times.of(Step::Mark);
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(near(took.mean, 15.0) && near(took.last, 20.0) && near(took.worst, 20.0));
        for _ in 0..1000 {
            times.note(Step::Mark, Duration::from_micros(40));
        }
        assert!((times.of(Step::Mark).mean - 40.0).abs() < 0.1);
        assert_eq!(times.of(Step::Send), &Took::default());
    }

    #[test]
    fn one_long_run_does_not_move_the_median() {
        let mut times = StepTimes::default();
        for micros in [5, 6, 9000, 5, 5] {
            times.note(Step::Mark, Duration::from_micros(micros));
        }
        assert!((times.of(Step::Mark).median() - 5.0).abs() < 1e-9);
        assert!((times.total() - 5.0).abs() < 1e-9);
    }

    #[test]
    fn rows_stand_in_the_order_of_the_walk() {
        assert!(Step::ALL.iter().enumerate().all(|(at, step)| *step as usize == at));
    }
}
