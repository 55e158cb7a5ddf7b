//! Times each pipeline step with systems between the sets, while the overlay is shown.

use core::time::Duration;
use std::{collections::VecDeque, time::Instant};

use bevy::{ecs::schedule::ScheduleLabel, prelude::*};
use bevy_replicon::prelude::*;

use crate::shared::{
    schedule::{InventoryClientSystems, InventoryServerSystems, sync_is_due},
    stats::InventoryStats,
};

use super::is_shown;

/// A row of the table of pipeline steps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum PipelineStep {
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
    Store,
}

impl PipelineStep {
    pub(super) const ALL: [Self; 12] = [
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
        Self::Store,
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
            Self::Store => "store",
        }
    }

    /// Returns the step's counter, and what it counts.
    pub(super) fn counter(self) -> (fn(&InventoryStats) -> u64, &'static str) {
        match self {
            Self::Validate => (|stats| stats.requests_validated, "requests"),
            Self::Mark => (|stats| stats.slots_marked, "slots"),
            Self::Batch => (|stats| stats.jobs_batched, "updates"),
            Self::Encode => (|stats| stats.entries_encoded, "entries"),
            Self::Send => (|stats| stats.messages_sent, "messages"),
            Self::Receive => (|stats| stats.messages_received, "messages"),
            Self::Apply => (|stats| stats.slots_applied, "slots"),
            Self::Reconcile => (|stats| stats.slots_reverted, "reverted"),
            Self::Notify => (|stats| stats.slots_notified, "events"),
            Self::Predict => (|stats| stats.actions_predicted, "actions"),
            Self::Submit => (|stats| stats.requests_sent, "requests"),
            Self::Store => (|stats| stats.store_commits, "commits"),
        }
    }

    pub(super) fn about(self) -> &'static str {
        match self {
            Self::Validate => "Server: receives requests and accepts or rejects them.",
            Self::Mark => "Authority: finds slots that differ from the last commit.",
            Self::Batch => "Authority: selects the recipients of each change.",
            Self::Encode => "Authority: encodes each update once for all its recipients.",
            Self::Send => "Server: hands messages to the messaging backend.",
            Self::Receive => "Client: collects the messages of one tick.",
            Self::Apply => "Client: decodes them and updates the confirmed copies.",
            Self::Reconcile => "Client: writes the shown state to the components.",
            Self::Notify => {
                "Client: emits events for the changes. For the host's own player this happens in mark."
            }
            Self::Predict => {
                "Client: predicts requests. Runs inside the systems that make them, so it is not timed here."
            }
            Self::Submit => "Client: sends the handshake and resync requests.",
            Self::Store => {
                "Authority: stores what has changed, if there is a store. Runs on a separate thread."
            }
        }
    }

    /// Says why the step has no times here.
    pub(super) fn elsewhere(self, authority: bool) -> &'static str {
        match (self, authority) {
            (Self::Validate, true) => "no server running",
            (Self::Predict, false) => "in the game's systems",
            (Self::Store, true) => "on a separate thread",
            (_, true) => "on clients",
            (_, false) => "on the server",
        }
    }

    /// Returns `true` if the step runs on the authority.
    pub(super) fn runs_on_authority(self) -> bool {
        matches!(
            self,
            Self::Validate | Self::Mark | Self::Batch | Self::Encode | Self::Send | Self::Store
        )
    }
}

/// Time constant of the moving average, in runs: it follows a change within about two seconds.
const SMOOTHING: f64 = 64.0;

/// Number of runs that the median covers.
const KEPT_MAX: usize = 63;

/// Durations of one step, in microseconds.
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

    /// Returns the median of the last runs, which ignores interruptions.
    pub(super) fn median(&self) -> f64 {
        let mut kept: Vec<f64> = self.kept.iter().copied().collect();
        kept.sort_by(f64::total_cmp);
        kept.get(kept.len() / 2).copied().unwrap_or_default()
    }
}

/// Durations of the steps, indexed by [`PipelineStep`].
#[derive(Resource, Default, Debug)]
pub(super) struct StepTimes([Took; PipelineStep::ALL.len()]);

impl StepTimes {
    pub(super) fn of(&self, step: PipelineStep) -> &Took {
        &self.0[step as usize]
    }

    fn note(&mut self, step: PipelineStep, took: Duration) {
        self.0[step as usize].note(took);
    }

    /// Returns the sum of the medians of all steps, in microseconds.
    pub(super) fn total(&self) -> f64 {
        self.0.iter().map(Took::median).sum()
    }

    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}

/// Time at which the last step ended.
#[derive(Resource, Default, Debug)]
struct Lap(Option<Instant>);

/// Sets of the timing systems of one part of the pipeline, which share a run condition.
#[derive(SystemSet, Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Timing {
    Requests,
    Copies,
    Changes,
    ResyncState,
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
                    .after(InventoryServerSystems::Features)
                    .before(ServerSystems::Send)
                    .run_if(ticking),
                Timing::ResyncState.before(ClientSystems::Send).run_if(joined()),
            ),
        );
    time(
        app,
        PreUpdate,
        Timing::Requests,
        &[(PipelineStep::Validate, InventoryServerSystems::Validate)],
    );
    let copies = [
        (PipelineStep::Receive, InventoryClientSystems::Receive),
        (PipelineStep::Apply, InventoryClientSystems::Apply),
        (PipelineStep::Reconcile, InventoryClientSystems::Reconcile),
        (PipelineStep::Notify, InventoryClientSystems::Notify),
    ];
    time(app, PreUpdate, Timing::Copies, &copies);
    let changes = [
        (PipelineStep::Mark, InventoryServerSystems::Mark),
        (PipelineStep::Batch, InventoryServerSystems::Batch),
        (PipelineStep::Encode, InventoryServerSystems::Encode),
        (PipelineStep::Send, InventoryServerSystems::Send),
    ];
    time(app, PostUpdate, Timing::Changes, &changes);
    time(
        app,
        PostUpdate,
        Timing::ResyncState,
        &[(PipelineStep::Submit, InventoryClientSystems::Submit)],
    );
}

/// Adds systems that read the clock before, between and after consecutive steps.
fn time(
    app: &mut App,
    schedule: impl ScheduleLabel + Clone,
    timing: Timing,
    steps: &[(PipelineStep, impl SystemSet + Copy)],
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

fn lap(step: PipelineStep) -> impl FnMut(ResMut<Lap>, ResMut<StepTimes>) {
    move |mut last: ResMut<Lap>, mut times: ResMut<StepTimes>| {
        let now = now();
        if let Some(before) = last.0.replace(now) {
            times.note(step, now - before);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "measures real time, not game time")]
pub(super) fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_starts_at_the_first_value_and_converges() {
        let mut times = StepTimes::default();
        times.note(PipelineStep::Mark, Duration::from_micros(10));
        times.note(PipelineStep::Mark, Duration::from_micros(20));
        let took = times.of(PipelineStep::Mark);
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(near(took.mean, 15.0) && near(took.last, 20.0) && near(took.worst, 20.0));
        for _ in 0..1000 {
            times.note(PipelineStep::Mark, Duration::from_micros(40));
        }
        assert!((times.of(PipelineStep::Mark).mean - 40.0).abs() < 0.1);
        assert_eq!(times.of(PipelineStep::Send), &Took::default());
    }

    #[test]
    fn outlier_does_not_move_the_median() {
        let mut times = StepTimes::default();
        for micros in [5, 6, 9000, 5, 5] {
            times.note(PipelineStep::Mark, Duration::from_micros(micros));
        }
        assert!((times.of(PipelineStep::Mark).median() - 5.0).abs() < 1e-9);
        assert!((times.total() - 5.0).abs() < 1e-9);
    }

    #[test]
    fn rows_are_in_pipeline_order() {
        assert!(PipelineStep::ALL.iter().enumerate().all(|(at, step)| *step as usize == at));
    }
}
