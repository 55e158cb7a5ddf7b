//! Quality of the link to each client, based on the measurements of the messaging backend.

use core::{cmp::Ordering, time::Duration};
use std::collections::VecDeque;

use bevy::{ecs::reflect::ReflectResource, prelude::*, time::common_conditions::on_real_timer};
use bevy_replicon::prelude::*;

use crate::shared::events::emit_deferred;

use super::{clock::Interval, priority::SyncPriority, settings::SyncSettings};

/// Maximum round-trip time. Longer ones are clamped to it.
const RTT_MAX: Duration = Duration::from_secs(60);

/// A new sample has a weight of 1/8 in averages, as in RFC 6298. They follow a change within about four seconds.
const SMOOTHING: u32 = 8;

pub(crate) fn plugin(app: &mut App) {
    app.init_resource::<QualityPolicy>()
        .register_type::<QualityPolicy>()
        .register_type::<ConnectionQuality>()
        .register_required_components::<ConnectedClient, ConnectionQuality>()
        .add_message::<QualityChanged>()
        .add_observer(forget_client)
        .add_systems(
            PreUpdate,
            sample_links
                .after(ServerSystems::ReceivePackets)
                .run_if(in_state(ServerState::Running))
                .run_if(on_real_timer(ConnectionQuality::PERIOD)),
        );
}

/// Quality grade of a link. A better grade compares as less than a worse one. Default:
/// [`Excellent`](Self::Excellent).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug, Reflect)]
pub enum LinkGrade {
    /// Within the limits of [`QualityPolicy::excellent`], or not measured.
    #[default]
    Excellent,
    /// Within the limits of [`QualityPolicy::good`].
    Good,
    /// Within the limits of [`QualityPolicy::fair`].
    Fair,
    /// Outside all of these limits.
    Poor,
}

/// Server: the grade of a client's link has changed.
#[derive(Event, Message, Clone, Copy, PartialEq, Eq, Debug)]
pub struct QualityChanged {
    /// The client.
    pub client: Entity,
    /// The grade before.
    pub from: LinkGrade,
    /// The grade now.
    pub to: LinkGrade,
}

/// One measurement of a link.
#[derive(Clone, Copy, PartialEq, Default, Debug, Reflect)]
pub struct QualitySample {
    /// The round-trip time reported by the backend, at most 60 seconds.
    pub rtt: Duration,
    /// The average jitter up to this sample.
    pub jitter: Duration,
    /// Fraction of lost packets, from 0 to 1.
    pub loss: f32,
}

/// Inclusive limits of a grade.
#[derive(Clone, Copy, PartialEq, Debug, Reflect)]
pub struct QualityLimits {
    /// Maximum round-trip time.
    pub rtt_max: Duration,
    /// Maximum jitter. It is lower with backends that smooth the round-trip time themselves, such as renet.
    pub jitter_max: Duration,
    /// Maximum fraction of lost packets, from 0 to 1.
    pub loss_max: f32,
}

impl QualityLimits {
    const fn new(rtt_ms: u64, jitter_ms: u64, loss_max: f32) -> Self {
        let (rtt_max, jitter_max) =
            (Duration::from_millis(rtt_ms), Duration::from_millis(jitter_ms));
        Self { rtt_max, jitter_max, loss_max }
    }

    fn allow(&self, s: &QualitySample) -> bool {
        s.rtt <= self.rtt_max && s.jitter <= self.jitter_max && s.loss <= self.loss_max
    }
}

/// Server: limits of the grades, and the effect of a grade on update intervals. May be changed at any time.
#[derive(Resource, Clone, Copy, PartialEq, Debug, Reflect)]
#[reflect(Resource)]
pub struct QualityPolicy {
    /// Limits of [`LinkGrade::Excellent`]. Default: 60 ms, 10 ms of jitter, 1 % loss.
    pub excellent: QualityLimits,
    /// Limits of [`LinkGrade::Good`]. Default: 120 ms, 25 ms of jitter, 3 % loss.
    pub good: QualityLimits,
    /// Limits of [`LinkGrade::Fair`]. Default: 250 ms, 60 ms of jitter, 8 % loss.
    pub fair: QualityLimits,
    /// Number of consecutive samples that must be worse than the grade before it drops, to the best grade of those
    /// samples. Default: 3, which is 1.5 seconds.
    pub worse_after: u32,
    /// Number of consecutive samples that must be better than the grade before it rises, to the worst grade of
    /// those samples. Default: 6, which is 3 seconds.
    pub better_after: u32,
    /// Factors for the intervals of [`SyncPriority::Normal`] and [`SyncPriority::Low`] on excellent, good, fair
    /// and poor links, in this order. Values below 1 count as 1. Default: 1, 1, 1.5 and 2.
    pub interval_multiplier: [f32; 4],
    /// Minimum time between two updates at [`SyncPriority::Critical`] on a poor link. Default: zero, which is
    /// every tick.
    pub critical_interval_when_poor: Duration,
}

impl Default for QualityPolicy {
    fn default() -> Self {
        Self {
            excellent: QualityLimits::new(60, 10, 0.01),
            good: QualityLimits::new(120, 25, 0.03),
            fair: QualityLimits::new(250, 60, 0.08),
            worse_after: 3,
            better_after: 6,
            interval_multiplier: [1.0, 1.0, 1.5, 2.0],
            critical_interval_when_poor: Duration::ZERO,
        }
    }
}

impl QualityPolicy {
    /// Returns the grade of a single sample.
    #[must_use]
    pub fn grade(&self, sample: &QualitySample) -> LinkGrade {
        match sample {
            sample if self.excellent.allow(sample) => LinkGrade::Excellent,
            sample if self.good.allow(sample) => LinkGrade::Good,
            sample if self.fair.allow(sample) => LinkGrade::Fair,
            _ => LinkGrade::Poor,
        }
    }

    /// Returns the factor for the intervals of [`SyncPriority::Normal`] and [`SyncPriority::Low`] on a link of
    /// this grade; at least 1.
    #[must_use]
    pub fn interval_multiplier(&self, grade: LinkGrade) -> f32 {
        // `max` returns 1 for NaN.
        self.interval_multiplier[grade as usize].max(1.0)
    }

    /// Returns the minimum time between two updates of this priority on a link of this grade. Zero for every tick.
    #[must_use]
    pub fn period(
        &self,
        priority: SyncPriority,
        grade: LinkGrade,
        settings: &SyncSettings,
    ) -> Duration {
        let period = priority.period(settings);
        match priority {
            SyncPriority::Critical if grade == LinkGrade::Poor => self.critical_interval_when_poor,
            SyncPriority::Critical => period,
            SyncPriority::Normal | SyncPriority::Low => {
                let secs = period.as_secs_f64() * f64::from(self.interval_multiplier(grade));
                Duration::try_from_secs_f64(secs).unwrap_or(Duration::MAX)
            }
        }
    }
}

/// The [`QualityPolicy::period`] of every priority and grade, computed once for all viewers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Periods([[Interval; 4]; 3]);

impl QualityPolicy {
    pub(crate) fn periods(&self, settings: &SyncSettings) -> Periods {
        let grades = [LinkGrade::Excellent, LinkGrade::Good, LinkGrade::Fair, LinkGrade::Poor];
        let priorities = [SyncPriority::Critical, SyncPriority::Normal, SyncPriority::Low];
        Periods(priorities.map(|priority| {
            grades.map(|grade| Interval::of(self.period(priority, grade, settings)))
        }))
    }
}

impl Periods {
    #[inline]
    pub(crate) fn of(&self, priority: SyncPriority, grade: LinkGrade) -> Interval {
        self.0[priority as usize][grade as usize]
    }
}

/// Server: quality of the link to a client. Added to and removed from entities together with `ConnectedClient`.
///
/// Sampled every 500 ms of real time from the `ConnectedClientStats` that the messaging backend writes. If the
/// backend writes nothing, the link is not [measured](Self::is_measured) and its grade is
/// [`Excellent`](LinkGrade::Excellent).
#[derive(Component, Clone, PartialEq, Default, Debug, Reflect)]
#[reflect(Component)]
pub struct ConnectionQuality {
    measured: bool,
    rtt: Duration,
    jitter: Duration,
    loss: f32,
    grade: LinkGrade,
    /// The grade that the current run of better or worse samples leads to. Unused if the run is empty.
    candidate: LinkGrade,
    /// Length of the current run.
    in_a_row: u32,
    history: VecDeque<QualitySample>,
}

impl ConnectionQuality {
    /// Time between two samples: 500 ms.
    pub const PERIOD: Duration = Duration::from_millis(500);
    /// Maximum number of samples that are kept: 60, which is 30 seconds.
    pub const HISTORY_MAX: usize = 60;

    /// Returns `true` if the backend has measured anything yet.
    #[must_use]
    pub fn is_measured(&self) -> bool {
        self.measured
    }

    /// Returns the round-trip time, smoothed over a few seconds. Zero before the first measurement.
    #[must_use]
    pub fn rtt(&self) -> Duration {
        self.rtt
    }

    /// Returns the jitter: the average difference between the round-trip times of consecutive samples, similar to
    /// RFC 3550.
    #[must_use]
    pub fn jitter(&self) -> Duration {
        self.jitter
    }

    /// Returns the fraction of lost packets in the last sample, from 0 to 1.
    #[must_use]
    pub fn loss(&self) -> f32 {
        self.loss
    }

    /// Returns the grade. It changes only after several consecutive samples agree.
    #[must_use]
    pub fn grade(&self) -> LinkGrade {
        self.grade
    }

    /// Returns the last samples, at most [`HISTORY_MAX`](Self::HISTORY_MAX), the oldest first.
    pub fn history(&self) -> impl ExactSizeIterator<Item = &QualitySample> {
        self.history.iter()
    }

    /// Adds a sample. Returns the grade before and after if it changes.
    ///
    /// `loss` is a fraction from 0 to 1, and `rtt` is at most 60 seconds; other values are clamped. Samples
    /// with zero for both are ignored until something has been measured.
    ///
    /// The server calls this for its clients. A client can call it for its own link, with the values of replicon's
    /// `ClientStats`.
    pub fn sample(
        &mut self,
        rtt: Duration,
        loss: f32,
        policy: &QualityPolicy,
    ) -> Option<(LinkGrade, LinkGrade)> {
        let rtt = rtt.min(RTT_MAX);
        let loss = if loss > 0.0 { loss.min(1.0) } else { 0.0 };
        if !self.measured && rtt.is_zero() && loss <= 0.0 {
            return None;
        }
        self.measured = true;
        self.loss = loss;
        if let Some(last) = self.history.back() {
            self.rtt = smooth(self.rtt, rtt);
            self.jitter = smooth(self.jitter, rtt.abs_diff(last.rtt));
        } else {
            self.rtt = rtt;
        }
        if self.history.len() == Self::HISTORY_MAX {
            self.history.pop_front();
        }
        let sample = QualitySample { rtt, jitter: self.jitter, loss };
        self.history.push_back(sample);
        self.update_grade(policy.grade(&sample), policy)
    }

    /// Counts consecutive samples that are better or worse than the grade. After enough of them, changes the
    /// grade to the nearest one among them, and returns the grade before and after.
    fn update_grade(
        &mut self,
        seen: LinkGrade,
        policy: &QualityPolicy,
    ) -> Option<(LinkGrade, LinkGrade)> {
        let (from, side) = (self.grade, seen.cmp(&self.grade));
        if self.candidate.cmp(&from) != side {
            (self.candidate, self.in_a_row) = (seen, 0);
        }
        self.in_a_row = self.in_a_row.saturating_add(1);
        let enough = match side {
            Ordering::Equal => return None,
            Ordering::Greater => policy.worse_after,
            Ordering::Less => policy.better_after,
        };
        // Of the grades in the run, the candidate is the one nearest to the current grade.
        let nearer = seen.cmp(&self.candidate) == side.reverse();
        self.candidate = if nearer { seen } else { self.candidate };
        if self.in_a_row < enough {
            return None;
        }
        (self.grade, self.in_a_row) = (self.candidate, 0);
        Some((from, self.grade))
    }
}

fn smooth(average: Duration, next: Duration) -> Duration {
    (average * (SMOOTHING - 1) + next) / SMOOTHING
}

/// Samples every link.
fn sample_links(
    policy: Res<QualityPolicy>,
    mut clients: Query<(Entity, &ConnectedClientStats, &mut ConnectionQuality)>,
    mut commands: Commands,
) {
    for (client, stats, mut quality) in &mut clients {
        // replicon documents the loss as a percentage, but backends report a fraction. The time is in seconds.
        let rtt = Duration::try_from_secs_f64(stats.rtt.clamp(0.0, RTT_MAX.as_secs_f64()));
        #[expect(clippy::cast_possible_truncation, reason = "the value is a fraction")]
        let loss = stats.packet_loss as f32;
        if let Some((from, to)) = quality.sample(rtt.unwrap_or_default(), loss, &policy) {
            emit_deferred(&mut commands, QualityChanged { client, from, to });
        }
    }
}

fn forget_client(remove: On<Remove, ConnectedClient>, mut commands: Commands) {
    commands.entity(remove.entity).try_remove::<ConnectionQuality>();
}
