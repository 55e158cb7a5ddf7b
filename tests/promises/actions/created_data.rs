//! Instance data that an action creates keeps the id that the action was given, whatever rules create meanwhile.

use crate::{actions::custom::Engraving, common::*};
use serde::{Deserialize, Serialize};

/// Puts an engraved axe into a slot of a chest.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Forge {
    chest: InventoryId,
    slot: usize,
    text: String,
}

impl GameAction for Forge {
    const NAME: &'static str = "forge";
    type Output = Stack;

    fn apply(&self, tx: &mut Transaction) -> Result<Stack, Rejection> {
        let chest = tx.find(self.chest)?;
        let axe = AXE.stack(1).with_data(tx.create_data(&engraving(&self.text))?);
        tx.put_into(chest, Inventory::slot(self.slot), axe)?;
        Ok(axe)
    }
}

/// Puts ten labeled torches into the first chest, and a receipt for the rest into the second one.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Deliver;

impl GameAction for Deliver {
    const NAME: &'static str = "deliver";
    type Output = ();

    fn apply(&self, tx: &mut Transaction) -> Result<(), Rejection> {
        let (to, office) = (tx.find(chest(1))?, tx.find(chest(2))?);
        let label = tx.create_data(&engraving("label"))?;
        let rest = tx.insert_up_to(to, TORCH.stack(10).with_data(label))?;
        let receipt = engraving(&format!("{} are left", rest.map_or(0, |rest| rest.count())));
        let receipt = tx.create_data(&receipt)?;
        tx.put_into(office, Inventory::slot(0), AXE.stack(1).with_data(receipt))?;
        Ok(())
    }
}

fn engraving(text: &str) -> Engraving {
    Engraving { text: text.into() }
}

/// Marks the chest with the rule.
#[derive(Component)]
struct Guarded;

/// What the rule does when it runs next, and its decision.
#[derive(Resource)]
struct Trap(Option<Box<dyn FnOnce(&mut World) + Send + Sync>>, AccessDecision);

fn guard(_: In<AccessRequest>, world: &mut World) -> AccessDecision {
    if let Some(spring) = world.resource_mut::<Trap>().0.take() {
        spring(world);
    }
    world.resource::<Trap>().1.clone()
}

/// The results of actions that were applied, in order.
#[derive(Resource, Default)]
struct Forged(Vec<Stack>);

/// The ids of the values that the rule inserted.
#[derive(Resource, Default)]
struct Inserted(Vec<DataId>);

/// An event in whose observer the game inserts a value.
#[derive(Event)]
struct Noticed(&'static str);

fn insert(world: &mut World, text: &str) -> DataId {
    world.resource_mut::<DataPool>().insert(&engraving(text)).unwrap()
}

/// A client that sees two empty chests, of which the first is guarded by a rule.
fn scene(decision: AccessDecision, trap: impl FnOnce(&mut World) + Send + Sync + 'static) -> Scene {
    let scene = Scene::with_setup(1, |app| {
        setup(app);
        app.add_item_data::<Engraving>()
            .add_action::<Forge>()
            .add_action::<Deliver>()
            .add_rule::<With<Guarded>, _>(guard)
            .init_resource::<Forged>()
            .init_resource::<Inserted>()
            .add_observer(|done: On<ActionApplied<Forge>>, mut forged: ResMut<Forged>| {
                forged.0.push(done.output);
            })
            .add_observer(
                |on: On<Noticed>, mut pool: ResMut<DataPool>, mut inserted: ResMut<Inserted>| {
                    inserted.0.push(pool.insert(&engraving(on.0)).unwrap());
                },
            );
    });
    let mut scene = scene.players(1).chest([0]).chest([0]).latency(3).without_events().build();
    let world = scene.pair.server.world_mut();
    world.entity_mut(scene.chest_entity).insert(Guarded);
    world.insert_resource(Trap(Some(Box::new(trap)), decision));
    // The host acts in the second chest as well.
    let other = scene.chests[1];
    world.get_mut::<Viewers>(other).unwrap().add(ClientId::Server, Rights::USE);
    scene.pair.settle(50);
    scene
}

fn forge(scene: &mut Scene, slot: usize, text: &str) {
    let text = text.to_owned();
    ask(&mut scene.pair, 0, Forge { chest: chest(1), slot, text });
    scene.pair.settle(60);
}

/// Makes the host act from within the rule.
fn forge_as_host(world: &mut World, text: &str) {
    let (chest, text) = (chest(2), text.to_owned());
    let act = move |mut actions: InventoryActions| {
        actions.request(Forge { chest, slot: 3, text: text.clone() });
    };
    world.run_system_once(act).unwrap();
}

fn read(app: &App, id: DataId) -> Option<String> {
    app.world().resource::<DataPool>().get::<Engraving>(id).map(|engraving| engraving.text)
}

/// Asserts that a slot of a chest holds a stack with this text, on the server and on the client. Returns its id.
#[track_caller]
fn assert_text(scene: &Scene, n: usize, slot: usize, text: &str) -> DataId {
    let pair = &scene.pair;
    let chests = pair.server.world().get::<Inventory>(scene.chests[n]).unwrap();
    let id = chests.get(slot).unwrap().data.unwrap();
    assert_same(pair, 0, chest(n as u64 + 1));
    for app in [&pair.server, &pair.clients[0].app] {
        assert_eq!(read(app, id).as_deref(), Some(text));
    }
    id
}

fn inserted(scene: &Scene) -> Vec<DataId> {
    scene.pair.server.world().resource::<Inserted>().0.clone()
}

#[test]
fn rule_that_inserts_another_value_changes_nothing() {
    let mut scene = scene(AccessDecision::Allow, |world| {
        world.trigger(Noticed("other"));
    });
    forge(&mut scene, 0, "mine");
    let id = assert_text(&scene, 0, 0, "mine");
    let server = &scene.pair.server;
    assert_eq!(server.world().resource::<Forged>().0[0].data, Some(id), "the action's output");
    assert_eq!(read(server, inserted(&scene)[0]).as_deref(), Some("other"));
}

#[test]
fn rule_that_inserts_an_equal_value_gets_the_same_id() {
    for decision in [AccessDecision::Allow, AccessDecision::Deny(Rejection::Locked)] {
        let mut scene = scene(decision.clone(), |world| {
            world.trigger(Noticed("mine"));
            world.trigger(Noticed("other"));
        });
        forge(&mut scene, 0, "mine");
        let ids = inserted(&scene);
        let texts = ids.iter().map(|id| read(&scene.pair.server, *id));
        assert_eq!(texts.collect::<Vec<_>>(), [Some("mine".into()), Some("other".into())]);
        if decision == AccessDecision::Allow {
            assert_eq!(assert_text(&scene, 0, 0, "mine"), ids[0]);
        }
        let again = insert(scene.pair.server.world_mut(), "mine");
        assert_eq!(again, ids[0], "the rule's value outlives the action");
    }
}

#[test]
fn rule_reads_the_data_that_the_action_creates() {
    #[derive(Resource, Default)]
    struct Gained(Option<String>);
    let mut scene = scene(AccessDecision::Allow, |_| ());
    scene.pair.server.init_resource::<Gained>().add_rule::<With<Guarded>, _>(
        |In(ask): In<AccessRequest>, pool: Res<DataPool>, mut gained: ResMut<Gained>| {
            let AccessKind::Act { gains, .. } = ask.kind else { return AccessDecision::Allow };
            gained.0 = pool.get::<Engraving>(gains[0].data.unwrap()).map(|there| there.text);
            AccessDecision::Allow
        },
    );
    forge(&mut scene, 0, "mine");
    assert_eq!(scene.pair.server.world().resource::<Gained>().0.as_deref(), Some("mine"));
}

#[test]
fn nested_action_creates_data() {
    for text in ["nested", "mine"] {
        for decision in [AccessDecision::Allow, AccessDecision::Deny(Rejection::Locked)] {
            let mut scene = scene(decision.clone(), move |world| forge_as_host(world, text));
            forge(&mut scene, 0, "mine");
            let nested = assert_text(&scene, 1, 3, text);
            if decision == AccessDecision::Allow {
                let outer = assert_text(&scene, 0, 0, "mine");
                assert_eq!(outer == nested, text == "mine", "equal values have one id");
            } else {
                assert_eq!(inventory(&mut scene.pair, scene.chest_entity).get(0), None);
            }
        }
    }
}

#[test]
fn partial_attempt_creates_data_anew() {
    let mut scene = scene(AccessDecision::at_most(4), |world| {
        world.trigger(Noticed("6 are left"));
        world.trigger(Noticed("other"));
    });
    ask(&mut scene.pair, 0, Deliver);
    scene.pair.settle(60);
    let label = assert_text(&scene, 0, 0, "label");
    let receipt = assert_text(&scene, 1, 0, "6 are left");
    let stored = inventory(&mut scene.pair, scene.chest_entity).get(0);
    assert_eq!(stored, Some(TORCH.stack(4).with_data(label)));
    assert_eq!(receipt, inserted(&scene)[0], "the rule inserted an equal value before");
}

#[test]
fn rejected_action_leaves_no_data_and_its_id_is_not_reused() {
    #[derive(Resource, Default)]
    struct Seen(Vec<DataId>);
    let mut scene = scene(AccessDecision::Deny(Rejection::Locked), |_| ());
    scene.pair.server.init_resource::<Seen>().add_rule::<With<Guarded>, _>(
        |In(ask): In<AccessRequest>, mut seen: ResMut<Seen>| {
            if let AccessKind::Act { gains, .. } = ask.kind {
                seen.0.extend(gains.iter().filter_map(|stack| stack.data));
            }
            AccessDecision::Allow
        },
    );
    for n in 0..3 {
        forge(&mut scene, 0, &format!("text {n}"));
        assert_eq!(scene.pair.server.world().resource::<DataPool>().len(), 0);
    }
    scene.pair.server.world_mut().resource_mut::<Trap>().1 = AccessDecision::Allow;
    forge(&mut scene, 0, "mine");
    assert_text(&scene, 0, 0, "mine");
    let mut ids = scene.pair.server.world().resource::<Seen>().0.clone();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 4, "{ids:?}");
}
