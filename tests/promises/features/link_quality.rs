//! Link quality is graded by what the backend measures, with hysteresis.

use crate::common::*;
use bevy::time::TimeUpdateStrategy;
use core::time::Duration;

const GOOD: (u64, f64) = (30, 0.0);
const BAD: (u64, f64) = (30, 0.5);

/// What observers and message readers received.
#[derive(Resource, Default)]
struct Received {
    observed: Vec<QualityChanged>,
    read: Vec<QualityChanged>,
}

/// A server and clients; each step is long enough for one sample.
fn sampled_pair(clients: usize) -> Simulation {
    let mut pair = Simulation::new(clients, |app| {
        setup(app);
        app.init_resource::<Received>()
            .add_observer(|on: On<QualityChanged>, mut received: ResMut<Received>| {
                received.observed.push(*on)
            })
            .add_systems(
                Update,
                |mut read: MessageReader<QualityChanged>, mut received: ResMut<Received>| {
                    received.read.extend(read.read().copied());
                },
            );
    });
    pair.server.insert_resource(TimeUpdateStrategy::ManualDuration(ConnectionQuality::PERIOD));
    pair
}

fn entity(pair: &Simulation, client: usize) -> Entity {
    pair.client_id(client).entity().unwrap()
}

/// Makes the backend report these values, and takes a sample.
fn measure(pair: &mut Simulation, client: usize, (millis, loss): (u64, f64)) -> LinkGrade {
    let client = entity(pair, client);
    let rtt = Duration::from_millis(millis).as_secs_f64();
    let stats = ClientStats { rtt, packet_loss: loss, ..default() };
    pair.server.world_mut().entity_mut(client).insert(ConnectedClientStats(stats));
    pair.step();
    pair.server.world().get::<ConnectionQuality>(client).unwrap().grade()
}

fn quality(pair: &Simulation, client: usize) -> &ConnectionQuality {
    pair.server.world().get(entity(pair, client)).unwrap()
}

/// A quality after twenty equal samples.
fn steady(millis: u64, loss: f32) -> ConnectionQuality {
    let mut quality = ConnectionQuality::default();
    for _ in 0..20 {
        quality.sample(Duration::from_millis(millis), loss, &QualityPolicy::default());
    }
    quality
}

#[test]
fn grade_drops_after_three_samples_and_rises_after_six() {
    let mut pair = sampled_pair(2);
    measure(&mut pair, 0, GOOD);
    let grades = [BAD; 4].map(|now| measure(&mut pair, 0, now));
    assert_eq!(
        grades,
        [LinkGrade::Excellent, LinkGrade::Excellent, LinkGrade::Poor, LinkGrade::Poor]
    );
    let grades = [GOOD; 7].map(|now| measure(&mut pair, 0, now));
    assert_eq!(grades[..5], [LinkGrade::Poor; 5]);
    assert_eq!(grades[5..], [LinkGrade::Excellent; 2]);
    assert_eq!(quality(&pair, 1).grade(), LinkGrade::Excellent, "the other client's is its own");
}

#[test]
fn each_change_is_emitted_once_as_event_and_message() {
    let mut pair = sampled_pair(1);
    let client = entity(&pair, 0);
    for now in [[BAD; 8], [GOOD; 8]].concat() {
        measure(&mut pair, 0, now);
    }
    let received = pair.server.world().resource::<Received>();
    let (excellent, poor) = (LinkGrade::Excellent, LinkGrade::Poor);
    let changes = [
        QualityChanged { client, from: excellent, to: poor },
        QualityChanged { client, from: poor, to: excellent },
    ];
    assert_eq!(received.observed, changes);
    assert_eq!(received.read, changes);
}

#[test]
fn flapping_link_does_not_flap_the_grade() {
    let mut pair = sampled_pair(1);
    for _ in 0..30 {
        for now in [GOOD, BAD, BAD] {
            measure(&mut pair, 0, now);
        }
    }
    assert_eq!(quality(&pair, 0).grade(), LinkGrade::Excellent);
    (0..3).for_each(|_| _ = measure(&mut pair, 0, BAD));
    for _ in 0..30 {
        for now in [GOOD, GOOD, GOOD, GOOD, GOOD, BAD] {
            measure(&mut pair, 0, now);
        }
    }
    assert_eq!(quality(&pair, 0).grade(), LinkGrade::Poor);
    assert_eq!(pair.server.world().resource::<Received>().observed.len(), 1);
}

#[test]
fn flapping_round_trip_time_is_jitter() {
    let mut quality = ConnectionQuality::default();
    let policy = QualityPolicy::default();
    let flapping = (0..60).map(|n| Duration::from_millis(if n % 2 == 0 { 20 } else { 220 }));
    let grades: Vec<LinkGrade> = flapping
        .map(|rtt| {
            quality.sample(rtt, 0.0, &policy);
            quality.grade()
        })
        .collect();
    assert!(grades.is_sorted(), "it only drops: {grades:?}");
    assert_eq!(quality.grade(), LinkGrade::Poor, "no single sample is poor");
    assert!(quality.jitter() > Duration::from_millis(190), "{quality:?}");
    assert!((100..140).contains(&quality.rtt().as_millis()), "{quality:?}");
}

#[test]
fn backend_values_are_seconds_and_fractions() {
    let mut pair = sampled_pair(1);
    let stats = ClientStats { rtt: 0.05, packet_loss: 0.02, ..default() };
    let client = entity(&pair, 0);
    pair.server.world_mut().entity_mut(client).insert(ConnectedClientStats(stats));
    pair.steps(3);
    let quality = quality(&pair, 0);
    assert!(quality.is_measured());
    assert_eq!(quality.rtt(), Duration::from_millis(50));
    assert_eq!(quality.jitter(), Duration::ZERO);
    assert_eq!(quality.loss(), 0.02, "2 %");
    assert_eq!(quality.grade(), LinkGrade::Good, "because more than 1 % is lost");
}

#[test]
fn every_limit_applies_and_is_inclusive() {
    let cases = [
        (60, 0.01, LinkGrade::Excellent),
        (61, 0.01, LinkGrade::Good),
        (60, 0.011, LinkGrade::Good),
        (120, 0.03, LinkGrade::Good),
        (121, 0.0, LinkGrade::Fair),
        (250, 0.08, LinkGrade::Fair),
        (251, 0.0, LinkGrade::Poor),
        (1, 0.09, LinkGrade::Poor),
    ];
    for (millis, loss, grade) in cases {
        assert_eq!(steady(millis, loss).grade(), grade, "{millis} ms, {loss}");
    }
    let policy = QualityPolicy::default();
    let jitters = [10, 11, 26, 61].map(|millis| {
        let jitter = Duration::from_millis(millis);
        policy.grade(&QualitySample { jitter, ..default() })
    });
    assert_eq!(jitters, [LinkGrade::Excellent, LinkGrade::Good, LinkGrade::Fair, LinkGrade::Poor]);
}

#[test]
fn grade_moves_to_the_best_of_the_drop_and_the_worst_of_the_rise() {
    let (mut quality, policy) = (ConnectionQuality::default(), QualityPolicy::default());
    let mut sample = |loss| quality.sample(Duration::from_millis(9), loss, &policy);
    let sinking = [0.5, 0.02, 0.05].map(&mut sample);
    assert_eq!(sinking, [None, None, Some((LinkGrade::Excellent, LinkGrade::Good))]);
    assert_eq!([0.5; 3].map(&mut sample)[2], Some((LinkGrade::Good, LinkGrade::Poor)));
    let rising = [0.0, 0.0, 0.05, 0.0, 0.02, 0.0].map(&mut sample);
    assert_eq!(rising[5], Some((LinkGrade::Poor, LinkGrade::Fair)));
}

#[test]
fn unmeasured_link_is_excellent() {
    let mut pair = sampled_pair(1);
    pair.steps(20);
    let quality = quality(&pair, 0);
    assert!(!quality.is_measured());
    assert_eq!(quality.grade(), LinkGrade::Excellent);
    assert_eq!(quality.history().len(), 0);
    assert!(pair.server.world().resource::<Received>().observed.is_empty());
}

#[test]
fn impossible_measurements_are_harmless() {
    let mut pair = sampled_pair(1);
    let client = entity(&pair, 0);
    let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, -1.0];
    for (rtt, packet_loss) in odd.into_iter().flat_map(|a| odd.map(|b| (a, b))) {
        let stats = ConnectedClientStats(ClientStats { rtt, packet_loss, ..default() });
        pair.server.world_mut().entity_mut(client).insert(stats);
        pair.step();
        let quality = quality(&pair, 0);
        assert!((0.0..=1.0).contains(&quality.loss()), "{rtt} {packet_loss}");
        assert!(quality.rtt() <= Duration::from_mins(1), "{rtt} {packet_loss}");
    }
}

#[test]
fn quality_is_removed_with_the_client() {
    let mut pair = sampled_pair(2);
    (0..3).for_each(|_| _ = measure(&mut pair, 0, BAD));
    let (gone, stays) = (entity(&pair, 0), entity(&pair, 1));
    pair.disconnect(0);
    pair.server.world_mut().entity_mut(stays).remove::<ConnectedClient>();
    pair.step();
    let world = pair.server.world_mut();
    assert!(world.get_entity(gone).is_err() && world.get::<ConnectionQuality>(stays).is_none());
    assert_eq!(world.query::<&ConnectionQuality>().iter(world).count(), 0);
    pair.connect(0);
    pair.step();
    assert_eq!(*quality(&pair, 0), ConnectionQuality::default(), "it starts from the default");
}

#[test]
fn link_is_sampled_twice_per_second_and_kept_for_half_a_minute() {
    let mut pair = pair(1);
    let stats = ConnectedClientStats(ClientStats { rtt: 0.02, ..default() });
    let client = entity(&pair, 0);
    pair.server.world_mut().entity_mut(client).insert(stats);
    pair.steps(600);
    let samples = quality(&pair, 0).history().len();
    assert!((19..=20).contains(&samples), "{samples} in ten seconds");
    pair.server.insert_resource(TimeUpdateStrategy::ManualDuration(ConnectionQuality::PERIOD));
    for millis in 1..=100 {
        measure(&mut pair, 0, (millis, 0.0));
    }
    let history = quality(&pair, 0).history().map(|sample| sample.rtt.as_millis() as u64);
    assert!(history.eq(41..=100), "the last sixty, the oldest first");
}

#[test]
fn only_lower_priorities_slow_down_on_a_bad_link() {
    let (policy, settings) = (QualityPolicy::default(), SyncSettings::default());
    let millis = |policy: &QualityPolicy, priority| {
        let grades = [LinkGrade::Excellent, LinkGrade::Good, LinkGrade::Fair, LinkGrade::Poor];
        grades.map(|grade| policy.period(priority, grade, &settings).as_millis())
    };
    assert_eq!(millis(&policy, SyncPriority::Critical), [0; 4]);
    assert_eq!(millis(&policy, SyncPriority::Normal), [50, 50, 75, 100]);
    assert_eq!(millis(&policy, SyncPriority::Low), [200, 200, 300, 400]);
    let critical_interval_when_poor = Duration::from_millis(33);
    let odd = [0.5, f32::NAN, -1.0, f32::INFINITY];
    let policy =
        QualityPolicy { critical_interval_when_poor, interval_multiplier: odd, ..default() };
    assert_eq!(millis(&policy, SyncPriority::Critical), [0, 0, 0, 33]);
    assert_eq!(millis(&policy, SyncPriority::Normal)[..3], [50; 3], "never faster");
}
