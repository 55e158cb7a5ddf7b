//! How good the link to each client is, out of what the messaging backend measures.

use core::{cmp::Ordering, time::Duration};
use std::collections::VecDeque;

use bevy::{ecs::reflect::ReflectResource, prelude::*, time::common_conditions::on_real_timer};
use bevy_replicon::prelude::*;

use crate::shared::events::emit_deferred;

use super::{clock::Interval, priority::SyncPriority, settings::SyncSettings};

/// Longer round trips count as this.
const RTT_MAX: Duration = Duration::from_secs(60);

/// In averages a sample weighs one in so many, as in RFC 6298: they follow within some four seconds.
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

/// How good a link is. A better grade is less than a worse one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug, Reflect)]
pub enum LinkGrade {
    /// Within [`QualityPolicy::excellent`], or not measured.
    #[default]
    Excellent,
    /// Within [`QualityPolicy::good`].
    Good,
    /// Within [`QualityPolicy::fair`].
    Fair,
    /// Beyond all of them.
    Poor,
}

/// Server: a client's link has another grade now.
#[derive(Event, Message, Clone, Copy, PartialEq, Eq, Debug)]
pub struct QualityChanged {
    /// The client.
    pub client: Entity,
    /// What it was.
    pub from: LinkGrade,
    /// What it is now.
    pub to: LinkGrade,
}

/// One look at a link.
#[derive(Clone, Copy, PartialEq, Default, Debug, Reflect)]
pub struct QualitySample {
    /// The round-trip time as the backend gave it.
    pub rtt: Duration,
    /// The jitter up to then.
    pub jitter: Duration,
    /// The share of packets that were lost, from 0 to 1.
    pub loss: f32,
}

/// Up to where a link has a grade, the limits included.
#[derive(Clone, Copy, PartialEq, Debug, Reflect)]
pub struct QualityLimits {
    /// The longest round-trip time.
    pub rtt_max: Duration,
    /// The highest jitter. Backends that smooth the round-trip time themselves, as renet does, show less of it.
    pub jitter_max: Duration,
    /// The largest share of lost packets, from 0 to 1.
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

/// Which link has which grade, and what that means for the priority. May be changed at any time.
#[derive(Resource, Clone, Copy, PartialEq, Debug, Reflect)]
#[reflect(Resource)]
pub struct QualityPolicy {
    /// By default 60 ms, jitter of 10 ms, 1 % lost.
    pub excellent: QualityLimits,
    /// By default 120 ms, jitter of 25 ms, 3 % lost.
    pub good: QualityLimits,
    /// By default 250 ms, jitter of 60 ms, 8 % lost.
    pub fair: QualityLimits,
    /// So many samples in a row must be worse than the grade before it sinks, to the best of theirs. By
    /// default 3, which is a second and a half.
    pub worse_after: u32,
    /// So many must be better before it rises, to the worst of theirs. By default 6.
    pub better_after: u32,
    /// How many times longer the time between two updates at [`SyncPriority::Normal`] and [`SyncPriority::Low`] is on a link
    /// that is excellent, good, fair and poor. By default 1, 1, 1.5 and 2; what is below 1 counts as 1.
    pub interval_multiplier: [f32; 4],
    /// The time between two updates at [`SyncPriority::Critical`] on a poor link. By default none: every tick.
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
    /// The grade of one sample by itself.
    #[must_use]
    pub fn grade(&self, sample: &QualitySample) -> LinkGrade {
        match sample {
            sample if self.excellent.allow(sample) => LinkGrade::Excellent,
            sample if self.good.allow(sample) => LinkGrade::Good,
            sample if self.fair.allow(sample) => LinkGrade::Fair,
            _ => LinkGrade::Poor,
        }
    }

    /// How many times longer the slower priorities take over a link of a grade; at least 1.
    #[must_use]
    pub fn interval_multiplier(&self, grade: LinkGrade) -> f32 {
        // This is 1 for what is not a number, too.
        self.interval_multiplier[grade as usize].max(1.0)
    }

    /// The time between two updates at a priority over a link of a grade. Zero is every tick.
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

/// [`QualityPolicy::period`] of every priority and grade, worked out once for all viewers.
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

/// How good the link to a client is: on every entity with `ConnectedClient`, and gone with it.
///
/// Looked at twice a second of the app's clock, in what the messaging backend writes into
/// `ConnectedClientStats`. Where it writes nothing, the link is not [measured](Self::is_measured), and
/// excellent.
#[derive(Component, Clone, PartialEq, Default, Debug, Reflect)]
#[reflect(Component)]
pub struct ConnectionQuality {
    measured: bool,
    rtt: Duration,
    jitter: Duration,
    loss: f32,
    grade: LinkGrade,
    /// What the last samples in a row speak for, if there are any.
    candidate: LinkGrade,
    in_a_row: u32,
    history: VecDeque<QualitySample>,
}

impl ConnectionQuality {
    /// The time between two samples.
    pub const PERIOD: Duration = Duration::from_millis(500);
    /// So many samples are kept: half a minute.
    pub const HISTORY_MAX: usize = 60;

    /// Whether the backend has measured anything yet.
    #[must_use]
    pub fn is_measured(&self) -> bool {
        self.measured
    }

    /// The round-trip time, smoothed over some seconds.
    #[must_use]
    pub fn rtt(&self) -> Duration {
        self.rtt
    }

    /// By how much the round-trip time differs from one sample to the next on average, as in RFC 3550.
    #[must_use]
    pub fn jitter(&self) -> Duration {
        self.jitter
    }

    /// The share of packets that were lost lately, from 0 to 1.
    #[must_use]
    pub fn loss(&self) -> f32 {
        self.loss
    }

    /// The grade. It changes only when several samples in a row agree.
    #[must_use]
    pub fn grade(&self) -> LinkGrade {
        self.grade
    }

    /// The last [`HISTORY_MAX`](Self::HISTORY_MAX) samples, the oldest first.
    pub fn history(&self) -> impl ExactSizeIterator<Item = &QualitySample> {
        self.history.iter()
    }

    /// Takes a sample, the loss from 0 to 1; gives the grade before and after if it changes.
    ///
    /// The server does it for its clients. A client may for its own link, with replicon's `ClientStats`.
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
        self.turn(policy.grade(&sample), policy)
    }

    /// Counts samples that speak for another grade, and takes that which all of them allow.
    fn turn(&mut self, seen: LinkGrade, policy: &QualityPolicy) -> Option<(LinkGrade, LinkGrade)> {
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
        // The nearest to the grade of what was seen in a row.
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

/// Takes a sample of every link.
fn sample_links(
    policy: Res<QualityPolicy>,
    mut clients: Query<(Entity, &ConnectedClientStats, &mut ConnectionQuality)>,
    mut commands: Commands,
) {
    for (client, stats, mut quality) in &mut clients {
        // replicon's documentation speaks of per cent; backends give a fraction, and the time in seconds.
        let rtt = Duration::try_from_secs_f64(stats.rtt.clamp(0.0, RTT_MAX.as_secs_f64()));
        #[expect(clippy::cast_possible_truncation, reason = "it is a fraction")]
        let loss = stats.packet_loss as f32;
        if let Some((from, to)) = quality.sample(rtt.unwrap_or_default(), loss, &policy) {
            emit_deferred(&mut commands, QualityChanged { client, from, to });
        }
    }
}

fn forget_client(remove: On<Remove, ConnectedClient>, mut commands: Commands) {
    commands.entity(remove.entity).try_remove::<ConnectionQuality>();
}
