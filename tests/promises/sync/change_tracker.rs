//! The change tracker records what every tick has changed, for readers that miss some.

use std::collections::BTreeMap;

use bevy_inventory_sync::{
    changes::{
        ChangeTracker, ChangeTrackerPlugin, TicksGone,
        record::{FieldChange, PublicChange, StructureChange},
    },
    model::stack::Stack,
    server::inspect::CommitInspect,
};

use crate::common::{
    random::{self, sample},
    *,
};

fn world(window: usize) -> App {
    Simulation::app(|app| {
        setup(app);
        app.add_public_view::<HeldItem>().add_plugins(ChangeTrackerPlugin { window });
    })
}

fn tracker(app: &App) -> &ChangeTracker {
    app.world().resource::<ChangeTracker>()
}

/// The slots that changed from a tick on.
fn slots_since(app: &App, from: u64) -> Vec<Commit> {
    let records = tracker(app).records(from, u64::MAX).unwrap();
    records.flat_map(|record| record.slots.clone()).collect()
}

/// The public changes from a tick on.
fn public_since(app: &App, from: u64) -> Vec<PublicChange> {
    let records = tracker(app).records(from, u64::MAX).unwrap();
    records.flat_map(|record| record.public.clone()).collect()
}

#[test]
fn changes_have_fields_causes_and_players() {
    let mut app = world(1 << 20);
    let ada =
        app.world_mut().spawn((player(1), Inventory::default(), Owner(ClientId::Server))).id();
    app.update();
    let from = tracker(&app).tick() + 1;
    app.world_mut().get_mut::<Inventory>(ada).unwrap().set(0, AXE.stack(1).with_wear(9)).unwrap();
    app.update();
    app.world_mut().get_mut::<Inventory>(ada).unwrap().set(0, AXE.stack(1).with_wear(8)).unwrap();
    app.update();
    let act = move |mut actions: InventoryActions| {
        let from = (ada, Inventory::slot(0));
        actions.request(InventoryAction::Drop { from, count: None });
    };
    app.world_mut().run_system_once(act).unwrap();
    app.update();
    let changes = slots_since(&app, from);
    let changes: Vec<_> = changes.iter().filter(|change| change.inventory == player(1)).collect();
    let fields: Vec<Vec<_>> = changes.iter().map(|change| change.fields().collect()).collect();
    let (item, count) = (FieldChange::Item, FieldChange::Count);
    let expected = [
        vec![item(None, Some(AXE)), count(0, 1), FieldChange::Wear(0, 9)],
        vec![FieldChange::Wear(9, 8)],
        vec![item(Some(AXE), None), count(1, 0), FieldChange::Wear(8, 0)],
    ];
    assert_eq!(fields, expected);
    assert_eq!(changes[2].cause, Cause::Acted(ClientId::Server));
    let last = tracker(&app).last().unwrap();
    assert_eq!(last.actor(changes[2].cause), Some(player(1)));
    assert_eq!(last.actor(changes[0].cause), None);
}

/// What a reader knows that applies all records.
#[derive(Default, PartialEq, Debug)]
struct Copy {
    inventories: BTreeMap<Entity, CopyOfOne>,
    held: BTreeMap<InventoryId, HeldItem>,
}

#[derive(PartialEq, Debug)]
struct CopyOfOne {
    id: InventoryId,
    containers: BTreeMap<usize, Vec<Option<Stack>>>,
    selected: Option<u8>,
}

impl Copy {
    fn apply(&mut self, tracker: &ChangeTracker, from: u64, to: u64) {
        for record in tracker.records(from, to).unwrap() {
            record.structures.iter().for_each(|change| self.restructure(change));
            for change in &record.slots {
                let place = (number(change.slot.container), usize::from(change.slot.index));
                let there = self.inventories.get_mut(&change.entity);
                let slots = there.and_then(|there| there.containers.get_mut(&place.0));
                if let Some(slot) = slots.and_then(|slots| slots.get_mut(place.1)) {
                    *slot = change.new;
                }
            }
            for change in &record.selected {
                self.inventories.get_mut(&change.entity).unwrap().selected = change.new;
            }
            for change in &record.public {
                match change.value() {
                    Some(held) => self.held.insert(change.inventory, held),
                    None => self.held.remove(&change.inventory),
                };
            }
        }
    }

    fn restructure(&mut self, change: &StructureChange) {
        let mut old = self.inventories.remove(&change.entity).map(|old| old.containers);
        if change.containers.is_empty() {
            return;
        }
        let containers = change.containers.iter().map(|(key, len)| {
            let before = old.as_mut().and_then(|old| old.remove(&number(*key)));
            let mut slots = before.unwrap_or_default();
            slots.resize(*len, None);
            (number(*key), slots)
        });
        let (id, selected) = (change.inventory, change.selected);
        let new = CopyOfOne { id, containers: containers.collect(), selected };
        self.inventories.insert(change.entity, new);
    }

    fn of(app: &mut App) -> Self {
        let mut copy = Self::default();
        let world = app.world_mut();
        let mut all = world.query::<(Entity, &InventoryId, AnyOf<(&Inventory, &Hotbar)>)>();
        for (entity, id, (inventory, hotbar)) in all.iter(world) {
            let inventory = inventory.map(|there| (Inventory::slot(0).container, &there.0));
            let slots = hotbar.map(|there| (Hotbar::slot(0).container, &there.slots));
            let containers = inventory.into_iter().chain(slots).map(|(container, slots)| {
                (number(container), (0..slots.len()).map(|index| slots.get(index)).collect())
            });
            let selected = hotbar.map(|there| there.selected().unwrap());
            let one = CopyOfOne { id: *id, containers: containers.collect(), selected };
            copy.inventories.insert(entity, one);
        }
        let mut held = world.query::<(&InventoryId, &HeldItem)>();
        copy.held = held.iter(world).map(|(id, held)| (*id, *held)).collect();
        copy
    }
}

/// Returns the number of a container, because keys have no order.
fn number(key: ContainerKey) -> usize {
    let keys = [Inventory::slot(0).container, Hotbar::slot(0).container];
    keys.iter().position(|there| *there == key).unwrap()
}

/// Changes something at random, in ways that are recorded in the same tick or only in the next.
fn change(app: &mut App, random: &mut fastrand::Rng) {
    let id = player(random.u64(0..4));
    let index = random.usize(0..4);
    let stack = [None, Some(COIN.stack(random.u32(1..9))), Some(AXE.stack(1))][random.usize(0..3)];
    let world = app.world_mut();
    let Some(entity) = world.resource::<InventoryIds>().get(id) else {
        let slots = Inventory([stack, None, None, None].into_iter().collect());
        world.spawn((id, slots, HeldItem::default()));
        return;
    };
    match random.u8(0..15) {
        12 => {
            // Another inventory may have had this id in the same tick.
            let new = player(random.u64(0..4));
            if world.resource::<InventoryIds>().get(new).is_none() {
                world.entity_mut(entity).insert(new);
            }
        }
        13 => {
            let other = world.resource::<InventoryIds>().get(player(random.u64(0..4)));
            if let Some(other) = other.filter(|other| *other != entity) {
                let other_id = *world.get::<InventoryId>(other).unwrap();
                world.entity_mut(other).insert(chest(1));
                world.entity_mut(entity).insert(other_id);
                world.entity_mut(other).insert(id);
            }
        }
        14 => drop(world.entity_mut(entity).remove::<HeldItem>()),
        0 => drop(world.despawn(entity)),
        1 => drop(world.entity_mut(entity).remove::<Inventory>()),
        2 => drop(world.entity_mut(entity).remove::<Hotbar>()),
        3 => {
            let mut hotbar = Hotbar::default();
            hotbar.set(index, stack).unwrap();
            world.entity_mut(entity).insert(hotbar);
        }
        4 => {
            if let Some(mut inventory) = world.get_mut::<Inventory>(entity) {
                drop(inventory.0.resize(4 + random.usize(0..4)));
            }
        }
        5 | 6 => {
            if let Some(mut hotbar) = world.get_mut::<Hotbar>(entity) {
                hotbar.select(random.u8(0..9));
            }
        }
        _ => match world.get_mut::<Inventory>(entity) {
            Some(mut inventory) => drop(inventory.set(index, stack).unwrap()),
            None => {
                world.entity_mut(entity).insert(Inventory::default());
            }
        },
    }
}

#[test]
fn records_of_all_ticks_add_up_to_the_world() {
    for seed in sample(0..60, 8) {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut app = world(64 << 20);
        let (mut copy, mut next) = (Copy::default(), 0);
        for _ in 0..if random::is_long() { 400 } else { 150 } {
            (0..random.usize(0..4)).for_each(|_| change(&mut app, &mut random));
            app.update();
            // This reader misses some ticks.
            if random.u8(0..3) == 0 {
                let tick = tracker(&app).tick();
                copy.apply(tracker(&app), next, tick);
                next = tick + 1;
                assert_eq!(copy, Copy::of(&mut app), "seed {seed}, tick {tick}");
            }
        }
    }
}

/// Messages are kept for two frames only.
#[test]
fn removals_between_two_ticks_are_recorded() {
    let mut app = ticking_slowly(|app| {
        setup(app);
        app.add_plugins(ChangeTrackerPlugin::default());
    });
    for frames in 0..12 {
        let slots = Inventory([Some(COIN.stack(10))].into_iter().collect());
        let chest = app.world_mut().spawn((chest(1), slots)).id();
        (0..20 + frames).for_each(|_| app.update());
        let from = tracker(&app).tick() + 1;
        app.world_mut().despawn(chest);
        (0..20).for_each(|_| app.update());
        let changes = slots_since(&app, from);
        assert_eq!(changes.len(), 1, "{frames}: {changes:?}");
        assert_eq!((changes[0].new, changes[0].cause), (None, Cause::Removed));
        let records = tracker(&app).records(from, u64::MAX).unwrap();
        let gone: Vec<_> = records.flat_map(|record| record.structures.clone()).collect();
        assert!(matches!(gone.as_slice(), [gone] if gone.containers.is_empty()), "{gone:?}");
    }
}

#[test]
fn window_is_bounded_in_bytes_and_readers_that_are_too_late_are_told() {
    const WINDOW: usize = 20_000;
    let mut app = world(WINDOW);
    let bank = app.world_mut().spawn((chest(1), Inventory::default())).id();
    for n in 1..400 {
        app.world_mut().get_mut::<Inventory>(bank).unwrap().set(0, COIN.stack(n)).unwrap();
        app.update();
        assert!(tracker(&app).size() <= WINDOW);
    }
    let there = tracker(&app);
    let (earliest, tick) = (there.earliest(), there.tick());
    assert!(earliest > 100 && tick - earliest > 50, "{earliest} to {tick}");
    assert_eq!(there.records(earliest - 1, tick).map(|_| ()), Err(TicksGone { earliest }));
    assert_eq!(there.records(earliest, tick).unwrap().count() as u64, tick - earliest + 1);
    assert_eq!(there.records(tick, earliest).unwrap().count(), 0, "backwards");
    assert_eq!(there.records(tick + 1, u64::MAX).unwrap().count(), 0, "in the future");
    let now = app.world_mut().run_system_once(|commits: CommitInspect| commits.tick()).unwrap();
    assert_eq!(now, tick);
    // Ticks without changes take no room, and stay known.
    (0..1000).for_each(|_| app.update());
    assert_eq!(tracker(&app).earliest(), earliest);
    assert!(tracker(&app).last().is_none());
}

#[test]
fn tick_that_is_larger_than_the_window_is_kept_until_the_next_one() {
    let mut app = world(0);
    app.world_mut().spawn((chest(1), Inventory([Some(COIN.stack(10))].into_iter().collect())));
    app.update();
    assert_eq!(tracker(&app).last().unwrap().slots.len(), 1);
    app.world_mut().spawn((chest(2), Inventory([Some(COIN.stack(10))].into_iter().collect())));
    app.update();
    assert_eq!(tracker(&app).records(0, u64::MAX).map(|_| ()), Err(TicksGone { earliest: 2 }));
}

#[test]
fn public_changes_are_those_of_public_views_only() {
    let mut app = world(1 << 20);
    let ada = app.world_mut().spawn((player(1), Hotbar::default(), HeldItem::default())).id();
    app.update();
    let from = tracker(&app).tick() + 1;
    app.world_mut().get_mut::<Hotbar>(ada).unwrap().set(0, AXE.stack(1)).unwrap();
    app.world_mut().get_mut::<Hotbar>(ada).unwrap().set(1, COIN.stack(77)).unwrap();
    app.update();
    // Nothing that anyone may see.
    app.world_mut().get_mut::<Hotbar>(ada).unwrap().set(1, COIN.stack(78)).unwrap();
    app.update();
    app.world_mut().get_mut::<Hotbar>(ada).unwrap().select(1);
    app.update();
    app.world_mut().despawn(ada);
    app.update();
    let changes = public_since(&app, from);
    let held: Vec<_> = changes.iter().map(PublicChange::value::<HeldItem>).collect();
    assert_eq!(held, [Some(HeldItem(Some(AXE))), Some(HeldItem(Some(COIN))), None]);
    assert!(
        changes.iter().all(|change| change.inventory == player(1) && change.view == "HeldItem")
    );
    for pair in changes.windows(2) {
        assert_eq!(pair[0].new, pair[1].old);
    }
    assert_eq!(changes[2].new, None);
}
