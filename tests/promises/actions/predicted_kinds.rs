//! What an action takes by item and not by slot is of the kinds that the player was shown: item, wear and data, with
//! the number of each. Slots and what is left over do not matter.

use crate::common::{
    random::{each_seed, size},
    *,
};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

const SWORD: ItemId = ItemId::of("sword");
const STONE: ItemId = ItemId::of("stone");
const BLADE: ItemId = ItemId::of("blade");

const SWORDS: &str = r#"(items: [
    (key: "sword", max_stack: 4), (key: "stone", max_stack: 64), (key: "blade", max_stack: 64),
], recipes: [(key: "blade", takes: [("sword", 2), ("stone", 1)], gives: [("blade", 1)])])"#;

#[derive(Serialize, Deserialize)]
struct Engraving(u32);

impl ItemData for Engraving {
    const NAME: &'static str = "engraving";
}

/// Pays with swords, wherever they are.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Pay(u32);

impl GameAction for Pay {
    const NAME: &'static str = "pay";
    type Output = ();

    fn apply(&self, tx: &mut Transaction) -> Result<(), Rejection> {
        let player = tx.actor()?;
        tx.take(player, SWORD, self.0)?;
        Ok(())
    }
}

/// Throws all swords away.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Scrap;

impl GameAction for Scrap {
    const NAME: &'static str = "scrap";
    type Output = ();

    fn apply(&self, tx: &mut Transaction) -> Result<(), Rejection> {
        let player = tx.actor()?;
        let taken = tx.take_if(player, |stack| stack.item == SWORD)?;
        if taken.is_empty() { Err(Rejection::Empty) } else { Ok(()) }
    }
}

/// Pays with one sword and gets an engraved one, which only the server can make.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Engrave;

impl GameAction for Engrave {
    const NAME: &'static str = "engrave";
    type Output = ();

    fn apply(&self, tx: &mut Transaction) -> Result<(), Rejection> {
        let player = tx.actor()?;
        let sword = tx.take(player, SWORD, 1)?[0];
        let data = tx.create_data(&Engraving(99))?;
        Ok(tx.insert(player, sword.with_data(data))?)
    }
}

fn set_up(app: &mut App) {
    app.add_item_data::<Engraving>()
        .add_action::<Pay>()
        .add_action::<Scrap>()
        .add_action::<Engrave>()
        .insert_items(Items::<()>::from_ron(SWORDS).unwrap())
        .init_resource::<EventLog>()
        .add_observer(|on: On<ActionConfirmed>, mut log: ResMut<EventLog>| {
            log.confirmed.push(on.id)
        })
        .add_observer(|on: On<ActionRejected>, mut log: ResMut<EventLog>| {
            log.rejected.push((on.id, on.reason));
        });
}

/// A client at a latency with these stacks, and the same stacks in a chest that it may use.
fn scene(latency: u64, stacks: &[Stack]) -> Scene {
    let mut scene = Scene::with_setup(2, set_up).players(2).chest([0, 1]).build();
    for there in [scene.player_entity, scene.chest_entity] {
        fill(&mut scene.pair, there, stacks);
    }
    scene.pair.settle(60);
    scene.pair.network.latency_ticks = latency;
    scene
}

fn fill(pair: &mut Simulation, entity: Entity, stacks: &[Stack]) {
    for (slot, stack) in stacks.iter().enumerate() {
        inventory(pair, entity).set(slot, *stack).unwrap();
    }
}

fn engraved(pair: &mut Simulation, count: u32) -> Stack {
    let data = pair.server.world_mut().resource_mut::<DataPool>().insert(&Engraving(1)).unwrap();
    SWORD.stack(count).with_data(data)
}

/// The number of items of each kind.
fn kinds(slots: &Slots) -> HashMap<Stack, u32> {
    let mut kinds = HashMap::default();
    for (_, stack) in slots.iter() {
        *kinds.entry(kind(stack)).or_default() += stack.count();
    }
    kinds
}

fn kind(stack: Stack) -> Stack {
    stack.with_count(1).unwrap()
}

/// What is in `before` and not in `after`, or has become less.
fn consumed(before: &Slots, after: &Slots) -> HashMap<Stack, u32> {
    let after = kinds(after);
    let less = |(kind, count): (Stack, u32)| {
        let left = after.get(&kind).copied().unwrap_or(0);
        (count > left).then_some((kind, count.saturating_sub(left)))
    };
    kinds(before).into_iter().filter_map(less).collect()
}

fn craft(area: Entity, to: Entity) -> InventoryAction {
    let recipe = RecipeId::of("blade");
    InventoryAction::Craft { recipe, times: 1, from: vec![area.into()], to: to.into(), at: None }
}

#[test]
fn crafting_does_not_consume_a_stack_of_another_kind_when_the_shown_one_is_gone() {
    for with_data in [false, true] {
        let mut scene = scene(6, &[]);
        let special = match with_data {
            true => engraved(&mut scene.pair, 2),
            false => SWORD.stack(2).with_wear(7),
        };
        let Scene { mut pair, player_entity, me, .. } = scene;
        fill(&mut pair, player_entity, &[SWORD.stack(1), special, SWORD.stack(1), STONE.stack(1)]);
        pair.settle(60);
        let id = ask(&mut pair, 0, craft(me, me));
        for slot in [0, 2] {
            inventory(&mut pair, player_entity).set(slot, None).unwrap();
        }
        pair.settle(60);
        assert_eq!(events(&mut pair, 0).rejected, [(id, Rejection::Stale)]);
        assert_eq!(inventory(&mut pair, player_entity).get(1), Some(special));
        assert_eq!(inventory(&mut pair, player_entity).count(STONE), 1);
        assert_same(&pair, 0, player(0));
    }
}

#[test]
fn two_players_who_craft_from_one_chest_in_one_tick_do_not_get_each_others_kinds() {
    let special = SWORD.stack(2).with_wear(7);
    let stacks = [SWORD.stack(2), special, STONE.stack(9)];
    let Scene { mut pair, chest_entity, .. } = scene(6, &stacks);
    for client in 0..2 {
        let there = shown_entity(&pair, client, chest(1));
        let me = shown_entity(&pair, client, player(client as u64));
        ask(&mut pair, client, craft(there, me));
    }
    pair.settle(60);
    let outcomes: Vec<_> = (0..2)
        .map(|client| {
            (events(&mut pair, client).confirmed.len(), events(&mut pair, client).rejected.len())
        })
        .collect();
    assert!(outcomes == [(1, 0), (0, 1)] || outcomes == [(0, 1), (1, 0)], "{outcomes:?}");
    assert_eq!(inventory(&mut pair, chest_entity).get(1), Some(special));
}

#[test]
fn crafting_while_the_same_items_are_picked_up_in_every_tick_is_never_rejected() {
    // 300 ms of round trip. The worn sword is needed for every second blade.
    let Scene { mut pair, player_entity, me, .. } = scene(9, &[SWORD.stack(1), STONE.stack(60)]);
    pair.settle(60);
    let mut made = 0;
    for n in 0..120_u32 {
        let wear = if n % 4 == 0 { 3 } else { 0 };
        with_inventories(&mut pair.server, move |inv| {
            inv.insert_up_to(player_entity, SWORD.stack(1).with_wear(wear)).discard();
        });
        let blade = craft(me, me);
        let checked = blade.clone();
        if with_actions(&mut pair.clients[0].app, move |actions| actions.check(&checked)).is_ok() {
            ask(&mut pair, 0, blade);
            made += 1;
        }
        pair.step();
    }
    pair.settle(100);
    assert_eq!(events(&mut pair, 0).rejected, []);
    assert!(made > 40, "{made}");
    assert_eq!(inventory(&mut pair, player_entity).count(BLADE), made);
}

/// Changes a slot of the player's inventory as the server's code might.
fn disturb(pair: &mut Simulation, entity: Entity, dice: &mut fastrand::Rng) {
    let (a, b) = (dice.usize(..8), dice.usize(..8));
    let mut inventory = inventory(pair, entity);
    match dice.u8(..4) {
        0 => inventory.swap(a, b).unwrap(),
        1 => drop(inventory.set(a, None).unwrap()),
        _ => drop(inventory.set(a, random_stack(dice)).unwrap()),
    }
}

fn random_stack(dice: &mut fastrand::Rng) -> Option<Stack> {
    let sword = SWORD.stack(dice.u32(1..=3)).with_wear(u16::from(dice.u8(..3)));
    [None, Some(sword), Some(sword), Some(STONE.stack(dice.u32(1..4)))][dice.usize(..4)]
}

#[test]
fn accepted_actions_consume_what_was_predicted_and_predicted_kinds_suffice() {
    let (mut accepted, mut rejected) = (0, 0);
    each_seed(1..size(40, 400), |seed| {
        let mut dice = fastrand::Rng::with_seed(seed);
        let Scene { mut pair, player_entity, me, .. } = scene(3, &[]);
        for slot in 0..8 {
            inventory(&mut pair, player_entity).set(slot, random_stack(&mut dice)).unwrap();
        }
        pair.settle(60);
        for _ in 0..10 {
            events(&mut pair, 0).clear();
            let before = pair.shown::<Inventory>(0, player(0)).unwrap().clone();
            let scraps = dice.u8(..4) == 0;
            match dice.u8(..3) {
                _ if scraps => drop(ask(&mut pair, 0, Scrap)),
                0 => drop(ask(&mut pair, 0, craft(me, me))),
                _ => drop(ask(&mut pair, 0, Pay(dice.u32(1..6)))),
            }
            if events(&mut pair, 0).rejected.len() == 1 {
                continue; // the client knows that it is not possible
            }
            let predicted = consumed(&before, pair.shown::<Inventory>(0, player(0)).unwrap());
            // The request is still on its way.
            (0..dice.usize(..4)).for_each(|_| disturb(&mut pair, player_entity, &mut dice));
            pair.step();
            let there = inventory(&mut pair, player_entity).0.clone();
            pair.settle(60);
            let after = inventory(&mut pair, player_entity).0.clone();
            let log = events(&mut pair, 0);
            if log.confirmed.len() == 1 {
                assert_eq!(consumed(&there, &after), predicted);
                accepted += 1;
            } else {
                assert_eq!(log.rejected[0].1, Rejection::Stale);
                assert_eq!(there, after);
                let available = kinds(&there);
                let missing = predicted.iter().any(|(kind, count)| {
                    available.get(kind).is_none_or(|available| available < count)
                });
                // All swords are scrapped, so one more is not what was predicted.
                let mut swords = available.iter().filter(|(kind, _)| kind.item == SWORD);
                let more = swords.any(|(kind, count)| predicted.get(kind) != Some(count));
                let missing = missing || (scraps && more);
                assert!(missing, "{predicted:?} is there: {there:?}");
                rejected += 1;
            }
            assert_same(&pair, 0, player(0));
        }
    });
    assert!(accepted > 20 && rejected > 20, "{accepted} accepted, {rejected} rejected");
}

#[test]
fn what_is_taken_before_instance_data_is_created_is_of_the_predicted_kind() {
    let special = SWORD.stack(1).with_wear(7);
    for gone in [false, true] {
        let Scene { mut pair, player_entity, .. } = scene(6, &[SWORD.stack(1), special]);
        let id = ask(&mut pair, 0, Engrave);
        if gone {
            inventory(&mut pair, player_entity).set(0, None).unwrap();
        }
        pair.settle(60);
        let expected = if gone { vec![(id, Rejection::Stale)] } else { vec![] };
        assert_eq!(events(&mut pair, 0).rejected, expected);
        assert_eq!(inventory(&mut pair, player_entity).get(1), Some(special));
    }
}

#[test]
fn taking_more_kinds_than_a_request_can_list_works_and_is_checked() {
    let stacks: Vec<Stack> = (0..100).map(|wear| SWORD.stack(1).with_wear(wear)).collect();
    for changed in [false, true] {
        let Scene { mut pair, player_entity, .. } = scene(6, &[]);
        *inventory(&mut pair, player_entity) =
            Inventory(stacks.iter().copied().map(Some).collect());
        pair.settle(60);
        let id = ask(&mut pair, 0, Pay(100));
        if changed {
            let other = SWORD.stack(1).with_wear(500);
            inventory(&mut pair, player_entity).set(50, other).unwrap();
        }
        pair.settle(60);
        let expected = if changed { vec![(id, Rejection::Stale)] } else { vec![] };
        assert_eq!(events(&mut pair, 0).rejected, expected);
        let left = inventory(&mut pair, player_entity).count(SWORD);
        assert_eq!(left, if changed { 100 } else { 0 });
    }
}

/// A client that claims to have seen nothing that would be taken.
#[test]
fn client_cannot_keep_what_an_action_takes_by_claiming_not_to_see_it() {
    let Scene { mut pair, player_entity, me, .. } = scene(3, &[SWORD.stack(2)]);
    // The client's copy is wrong, and it predicts on that.
    pair.corrupt(0, player(0), 0, None);
    pair.corrupt(0, player(0), 1, Some(SWORD.stack(1).with_wear(9)));
    let id = ask(&mut pair, 0, Scrap);
    let crafted = ask(&mut pair, 0, craft(me, me));
    pair.settle(60);
    let rejected = events(&mut pair, 0).rejected.clone();
    assert!(rejected.contains(&(id, Rejection::Stale)), "{rejected:?}");
    assert!(rejected.iter().any(|(rejected, _)| *rejected == crafted));
    assert_eq!(inventory(&mut pair, player_entity).count(SWORD), 2);
}

#[test]
fn requests_name_kinds_only_if_stacks_have_wear_or_data() {
    let bytes = |stacks: &[Stack]| {
        let Scene { mut pair, .. } = scene(0, stacks);
        let before = bytes_up(&pair, 0);
        ask(&mut pair, 0, Pay(2));
        pair.settle(60);
        assert_eq!(events(&mut pair, 0).rejected, []);
        bytes_up(&pair, 0) - before
    };
    let plain = bytes(&[SWORD.stack(4)]);
    let worn = bytes(&[SWORD.stack(4).with_wear(9)]);
    assert_eq!((plain, worn - plain), (6, 6));
}
