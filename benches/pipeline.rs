//! Times each pipeline step separately: `cargo bench --bench pipeline`. In each tick, 1, 18 or 36 slots of one inventory
//! change; on the server, 1, 20 or 1,000 clients see it. Every run checks the result.

#![allow(clippy::disallowed_methods, reason = "measures real time")]

mod common;

use core::time::Duration;
use std::time::Instant;

use bevy::{ecs::schedule::ScheduleLabel, prelude::*};
use bevy_inventory_sync::shared::stats::InventoryStats;
use bevy_inventory_sync::{
    model::state::InventoryState,
    prelude::*,
    sim::Simulation,
    wire::{Schema, decode},
};
use bevy_replicon::prelude::*;
use common::{
    fleet::{Fleet, Layout, Seen},
    mode::Mode,
    ops::{Cells, ItemStack, SLOTS},
    peers::{Ours, Peer},
};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

const CHANGED: [usize; 3] = [1, 18, 36];
const VIEWERS: [usize; 3] = [1, 20, 1_000];

/// Start times of the steps, and the end of the last one.
#[derive(Resource, Default)]
struct Stamps(Vec<Instant>);

impl Stamps {
    fn took(&self, step: usize) -> Duration {
        self.0[step + 1] - self.0[step]
    }
}

fn stamp(mut stamps: ResMut<Stamps>) {
    stamps.0.push(Instant::now());
}

/// Adds systems that record the time between consecutive steps.
fn stamp_steps(
    app: &mut App,
    schedule: impl ScheduleLabel + Clone,
    steps: &[impl SystemSet + Copy],
) {
    app.init_resource::<Stamps>();
    app.add_systems(schedule.clone(), stamp.before(steps[0]));
    for pair in steps.windows(2) {
        app.add_systems(schedule.clone(), stamp.after(pair[0]).before(pair[1]));
    }
    let last = stamp.after(steps[steps.len() - 1]);
    app.add_systems(schedule, last.before(ServerSystems::Send));
}

/// Returns the slots in the n-th tick.
fn content(n: u64, changed: usize) -> Cells {
    core::array::from_fn(|slot| {
        let count = 20 + u8::from(slot < changed && n % 2 == 1);
        Some(ItemStack { item: 1 + u16::try_from(slot).unwrap_or(0), count })
    })
}

fn change(world: &mut World, n: u64, changed: usize) {
    for (slot, cell) in content(n, changed).into_iter().enumerate().take(changed) {
        Ours::set(world, 0, slot, cell);
    }
}

fn server(c: &mut Criterion) {
    let steps = [
        ("mark", InventoryServerSystems::Mark),
        ("batch", InventoryServerSystems::Batch),
        ("encode", InventoryServerSystems::Encode),
        ("send", InventoryServerSystems::Send),
    ];
    for viewers in VIEWERS {
        let layout = Layout { inventories: 1, seen: Seen::By(viewers), avatars: false };
        let mut fleet = Fleet::new::<Ours>(layout);
        stamp_steps(&mut fleet.app, PostUpdate, &steps.map(|(_, set)| set));
        let mut n = 0;
        for (step, (name, _)) in steps.iter().enumerate() {
            let mut group = c.benchmark_group(*name);
            for changed in CHANGED {
                // Changes all slots once, because the initial contents are random.
                change(fleet.app.world_mut(), n, SLOTS);
                fleet.tick();
                let id = BenchmarkId::new(format!("{changed} of {SLOTS} slots"), viewers);
                group.bench_function(id, |bencher| {
                    bencher.iter_custom(|times| {
                        (0..times).map(|_| tick(&mut fleet, &mut n, changed, viewers, step)).sum()
                    });
                });
            }
        }
    }
}

fn tick(fleet: &mut Fleet, n: &mut u64, changed: usize, viewers: usize, step: usize) -> Duration {
    *n += 1;
    change(fleet.app.world_mut(), *n, changed);
    let before = *fleet.app.world().resource::<InventoryStats>();
    fleet.app.world_mut().resource_mut::<Stamps>().0.clear();
    let tick = fleet.tick();
    let after = fleet.app.world().resource::<InventoryStats>();
    assert_eq!(after.slots_marked - before.slots_marked, changed as u64);
    assert_eq!((tick.messages, after.jobs_batched - before.jobs_batched), (viewers, 1));
    let told = |stats: &InventoryStats| stats.full_updates_encoded + stats.deltas_encoded;
    assert_eq!(told(after) - told(&before), viewers as u64);
    fleet.app.world().resource::<Stamps>().took(step)
}

fn client(c: &mut Criterion) {
    let steps = [
        ("receive", InventoryClientSystems::Receive),
        ("apply", InventoryClientSystems::Apply),
        ("reconcile", InventoryClientSystems::Reconcile),
        ("notify", InventoryClientSystems::Notify),
    ];
    let mut pair = Ours::pair(1);
    let viewer = pair.client_id(0);
    Ours::spawn(pair.server.world_mut(), 0, &content(0, 0), &[viewer]);
    pair.settle(100);
    stamp_steps(&mut pair.clients[0].app, PreUpdate, &steps.map(|(_, set)| set));
    let mut n = 0;
    for (step, (name, _)) in steps.iter().enumerate() {
        let mut group = c.benchmark_group(*name);
        for changed in CHANGED {
            n += n % 2;
            group.bench_function(format!("{changed} of {SLOTS} slots"), |bencher| {
                bencher.iter_custom(|times| {
                    (0..times).map(|_| follow(&mut pair, &mut n, changed, step)).sum()
                });
            });
        }
    }
}

fn follow(pair: &mut Simulation, n: &mut u64, changed: usize, step: usize) -> Duration {
    *n += 1;
    change(pair.server.world_mut(), *n, changed);
    pair.clients[0].app.world_mut().resource_mut::<Stamps>().0.clear();
    pair.step();
    let client = pair.clients[0].app.world_mut();
    let wanted = content(*n, changed);
    assert!((0..changed).all(|slot| Ours::shown(client, 0, slot) == wanted[slot]));
    client.resource::<Stamps>().took(step)
}

/// A client that sees one inventory.
struct OneView<'a> {
    id: InventoryId,
    version: u64,
    unit: &'a InventoryState,
}

impl decode::CopySource for OneView<'_> {
    fn in_view(&self, _: decode::Reference) -> Option<decode::CopyInView<'_>> {
        let Self { id, version, unit } = *self;
        Some(decode::CopyInView { view: 0, handle: 0, id, version, state: unit })
    }

    fn latest(&self, _: InventoryId) -> Option<(u64, &InventoryState)> {
        None
    }
}

fn decode(c: &mut Criterion) {
    let mut group = c.benchmark_group("decode");
    for changed in CHANGED {
        let mut pair = Ours::pair(1);
        let viewer = pair.client_id(0);
        Ours::spawn(pair.server.world_mut(), 0, &content(0, 0), &[viewer]);
        pair.settle(100);
        let id = InventoryId::sequential(1);
        let world = pair.server.world();
        let entity = world.resource::<InventoryIds>().get(id).expect("it was spawned");
        let before = world.get::<bevy_inventory_sync::server::baseline::Baseline>(entity);
        let (unit, version) =
            before.map(|b| (b.state().clone(), b.version())).expect("it is synced");
        pair.record = true;
        change(pair.server.world_mut(), 1, changed);
        pair.step();
        let (_, bytes) = pair.clients[0].record.pop().expect("a message was sent");
        let world = pair.server.world();
        let kinds = world.resource::<bevy_inventory_sync::shared::containers::ContainerRegistry>();
        let schema =
            Schema { catalog: world.resource::<ItemCatalog>(), registry: kinds.as_slice() };
        group.bench_function(format!("{changed} of {SLOTS} slots"), |bencher| {
            bencher.iter(|| {
                let held = OneView { id, version, unit: &unit };
                let part = decode::message(&bytes, schema, &held).expect("it decodes");
                let differ =
                    part.updates[0].slots.iter().filter(|(slot, new)| unit.get(*slot) != *new);
                assert_eq!(differ.count(), changed);
                part
            });
        });
    }
}

fn announce() {
    Mode::from_env().announce("a minute", "20 seconds");
}

criterion_group! {
    name = walk;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(500))
        .sample_size(20);
    targets = server, client, decode
}
criterion_main!(announce, walk);
