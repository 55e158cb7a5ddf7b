//! Players cannot make the server keep much instance data that nothing refers to, nor remove data of the game.

use crate::{
    actions::custom::Engraving,
    common::{data::*, *},
};
use bevy_inventory_sync::{
    model::data::{DataRemoval, held::HeldStack},
    server::data::DataRetention,
};
use core::time::Duration;
use serde::{Deserialize, Serialize};

/// Puts an axe with another value of a kilobyte into a slot.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Repaint {
    slot: usize,
    n: u32,
}

impl GameAction for Repaint {
    const NAME: &'static str = "repaint";
    type Output = Stack;

    fn apply(&self, tx: &mut Transaction) -> Result<Stack, Rejection> {
        let player = tx.actor()?;
        let slot = Inventory::slot(self.slot);
        if tx.get(player, slot)?.is_some() {
            tx.take_from(player, slot, None)?;
        }
        let axe = AXE.stack(1).with_data(tx.create_data(&kilobyte(self.n))?);
        tx.put_into(player, slot, axe)?;
        Ok(axe)
    }
}

/// A different value for each number.
fn kilobyte(n: u32) -> Engraving {
    Engraving { text: format!("{n:01000}") }
}

const KILOBYTE: usize = 1000;

/// What the pool takes to store such a value.
const STORED: usize = KILOBYTE + 3 + 256;

/// The data of actions that were applied, in order.
#[derive(Resource, Default)]
struct Created(Vec<DataId>);

fn scene(action_bytes: usize) -> Scene {
    let scene = Scene::with_setup(1, |app| {
        setup(app);
        app.add_item_data::<Engraving>().add_action::<Repaint>().init_resource::<Created>();
        app.add_observer(|done: On<ActionApplied<Repaint>>, mut created: ResMut<Created>| {
            created.0.extend(done.output.data);
        });
    });
    let mut scene = scene.players(1).latency(2).build();
    record_removed_data(&mut scene.pair.server);
    scene.pair.server.insert_resource(DataRetention { action_bytes, ..default() });
    scene
}

fn repaint(pair: &mut Simulation, numbers: core::ops::Range<u32>) {
    for n in numbers {
        ask(pair, 0, Repaint { slot: 0, n });
        pair.step();
    }
    pair.settle(60);
}

fn created(pair: &Simulation) -> Vec<DataId> {
    pair.server.world().resource::<Created>().0.clone()
}

#[test]
fn oldest_values_of_players_are_removed_above_the_limit() {
    let Scene { mut pair, player_entity, .. } = scene(10 * STORED);
    repaint(&mut pair, 0..30);
    let created = created(&pair);
    assert_eq!(created.len(), 30);
    let (old, kept) = created.split_at(19);
    assert_eq!(removed_ids(&pair.server), old, "ten unused values, and the one in the slot");
    let removed = &pair.server.world().resource::<RemovedData>().0;
    assert!(removed.iter().all(|removed| {
        (removed.reason, removed.name, removed.bytes)
            == (DataRemoval::OverLimit, "engraving", KILOBYTE + 3)
    }));
    assert!(kept.iter().all(|id| has_data(&pair.server, *id)));
    assert_eq!(pair.server.world().resource::<DataPool>().len(), 11);
    let slot = inventory(&mut pair, player_entity).get(0).unwrap();
    assert_eq!(slot.data, created.last().copied());
    assert_same(&pair, 0, player(0));
}

#[test]
fn data_of_the_game_and_data_in_use_is_not_removed_by_players() {
    let Scene { mut pair, player_entity, .. } = scene(0);
    let own = insert_data(&mut pair.server, &kilobyte(1000));
    // Equal to a value that the player creates and replaces.
    let same = insert_data(&mut pair.server, &kilobyte(7));
    repaint(&mut pair, 0..5);
    // Kept by the game outside of inventories.
    let axe = inventory(&mut pair, player_entity).get(0).unwrap();
    let held: HeldStack = with_inventories(&mut pair.server, move |inv| inv.hold(axe).unwrap());
    // In another inventory.
    repaint(&mut pair, 5..6);
    let stored = inventory(&mut pair, player_entity).get(0).unwrap();
    let chest = spawn_chest(&mut pair, 1, &[]);
    inventory(&mut pair, chest).set(0, stored).unwrap();
    repaint(&mut pair, 6..30);
    let created = created(&pair);
    let current = created[29];
    let used = [own, same, axe.data.unwrap(), stored.data.unwrap(), current];
    assert!(used.iter().all(|id| has_data(&pair.server, *id)));
    let unused = created.iter().copied().filter(|id| !used.contains(id));
    assert_eq!(removed_ids(&pair.server), unused.collect::<Vec<_>>());
    drop(held);
    pair.steps(2);
    assert!(!has_data(&pair.server, axe.data.unwrap()), "the limit is zero");
    assert!(has_data(&pair.server, own));
}

#[test]
fn data_that_actions_of_one_tick_put_into_slots_is_kept() {
    let Scene { mut pair, .. } = scene(0);
    for n in 0..20 {
        ask(&mut pair, 0, Repaint { slot: n as usize, n });
    }
    pair.settle(60);
    assert_eq!(created(&pair).len(), 20);
    assert_eq!(removed_ids(&pair.server), []);
    assert!(created(&pair).iter().all(|id| has_data(&pair.server, *id)));
    assert_same(&pair, 0, player(0));
}

#[test]
fn replaced_values_of_a_player_take_four_mebibytes_by_default() {
    let default = DataRetention::default();
    assert_eq!(default.action_bytes, 4 << 20);
    assert_eq!(default.time, Duration::from_secs(600));
    let mut app = Simulation::app(|app| {
        setup(app);
        app.add_item_data::<Engraving>().add_action::<Repaint>();
    });
    app.world_mut().spawn((Inventory::new(9), Owner(ClientId::Server)));
    app.update();
    let fit = (default.action_bytes / STORED) as u32;
    for n in 0..fit + 100 {
        with_actions(&mut app, move |actions| actions.request(Repaint { slot: 0, n }));
        app.update();
    }
    assert_eq!(app.world().resource::<DataPool>().len(), fit as usize + 1);
}
