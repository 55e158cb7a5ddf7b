//! A change is sent as a delta or as a full update, as the settings say.

use crate::common::*;

#[test]
fn eighteen_of_36_slots_are_a_delta_and_nineteen_a_full_update() {
    for changed in [0, 1, 17, 18, 19, 28, 36] {
        let Scene { mut pair, player_entity: entity, .. } = Scene::clients(1).players(1).build();
        let before = stats(&pair.server);
        for slot in 0..changed.min(27) {
            inventory(&mut pair, entity).set(slot, TORCH.stack(3)).unwrap();
        }
        for slot in 27..changed.max(27) {
            hotbar(&mut pair, entity).set(slot - 27, TORCH.stack(3)).unwrap();
        }
        pair.steps(3);
        let after = stats(&pair.server);
        let deltas = after.deltas_encoded - before.deltas_encoded;
        let fulls = after.full_updates_encoded - before.full_updates_encoded;
        let expected = match changed {
            0 => (0, 0),
            1..=18 => (1, 0),
            _ => (0, 1),
        };
        assert_eq!((deltas, fulls), expected, "{changed} slots");
        assert_same(&pair, 0, player(0));
        assert_eq!(events(&mut pair, 0).slots.len(), changed);
        let cause = if changed > 18 { SlotCause::FullUpdate } else { SlotCause::Server };
        assert!(events(&mut pair, 0).slots.iter().all(|event| event.cause == cause));
    }
}

#[test]
fn threshold_is_configurable_and_deltas_can_be_disabled() {
    let Scene { mut pair, player_entity: entity, .. } = Scene::clients(1).players(1).build();
    let change = |pair: &mut Simulation, settings: SyncSettings, slots: usize| {
        pair.server.world_mut().insert_resource(settings);
        let before = stats(&pair.server);
        let torches =
            pair.shown::<Inventory>(0, player(0)).unwrap().get(0).map_or(0, |s| s.count());
        for slot in 0..slots {
            inventory(pair, entity).set(slot, TORCH.stack(torches + 1)).unwrap();
        }
        pair.steps(3);
        assert_same(pair, 0, player(0));
        let after = stats(&pair.server);
        (
            after.deltas_encoded - before.deltas_encoded,
            after.full_updates_encoded - before.full_updates_encoded,
        )
    };
    let percent =
        |percent| SyncSettings { full_policy: FullPolicy::AbovePercent(percent), ..default() };
    assert_eq!(change(&mut pair, percent(10), 3), (1, 0));
    assert_eq!(change(&mut pair, percent(10), 4), (0, 1));
    assert_eq!(change(&mut pair, percent(100), 27), (1, 0));
    assert_eq!(change(&mut pair, SyncSettings { deltas_enabled: false, ..default() }, 1), (0, 1));
}

#[test]
fn smaller_policy_never_exceeds_delta_or_full_update() {
    let cost = |policy: FullPolicy, changed: usize| {
        let mut pair = pair(1);
        pair.server.insert_resource(SyncSettings { full_policy: policy, ..default() });
        let entity = spawn_player(&mut pair, 0);
        for slot in 0..27 {
            inventory(&mut pair, entity).set(slot, AXE.stack(1).with_wear(slot as u16)).unwrap();
        }
        pair.steps(3);
        let before = bytes_down(&pair, 0);
        for slot in 0..changed {
            inventory(&mut pair, entity).set(slot, None).unwrap();
        }
        pair.steps(3);
        assert_same(&pair, 0, player(0));
        bytes_down(&pair, 0) - before
    };
    for changed in [1, 10, 20, 26, 27] {
        let delta = cost(FullPolicy::AbovePercent(100), changed);
        let full = cost(FullPolicy::AbovePercent(0), changed);
        assert_eq!(cost(FullPolicy::Smaller, changed), delta.min(full), "{changed} slots");
    }
}
