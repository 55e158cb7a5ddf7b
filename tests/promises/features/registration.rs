//! Whatever the order in which a game registers containers, systems, rules and observers: nothing is lost, or the app
//! does not start.

use crate::common::{random::sample, *};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What the code below triggers when it wants an entity to be saved or emptied.
#[derive(EntityEvent)]
struct SaveNow {
    entity: Entity,
}

#[derive(Resource, Default)]
struct Saved(Vec<String>);

fn save(on: impl core::ops::Deref<Target = Entity>, inventories: &Inventories, saved: &mut Saved) {
    let save = inventories.save(*on).unwrap();
    saved.0 = save.containers.into_iter().map(|container| container.name).collect();
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Step {
    Equipment,
    Gear,
    Observer,
    ActionObserver,
    Rule,
    System,
}

const STEPS: [Step; 6] =
    [Step::Equipment, Step::Gear, Step::Observer, Step::ActionObserver, Step::Rule, Step::System];

impl Step {
    fn register(self, app: &mut App) {
        match self {
            Self::Equipment => drop(app.add_container::<Equipment>()),
            Self::Gear => drop(app.add_container::<Gear>()),
            Self::Observer => {
                app.add_observer(
                    |on: On<SaveNow>, inventories: Inventories, mut saved: ResMut<Saved>| {
                        save(&on.entity, &inventories, &mut saved);
                    },
                );
            }
            Self::ActionObserver => {
                app.add_observer(|_: On<SaveNow>, actions: InventoryActions| {
                    let _ = actions
                        .check(&InventoryAction::pick_up(Entity::PLACEHOLDER, Entity::PLACEHOLDER));
                });
            }
            Self::Rule => {
                app.add_rule::<(), _>(|In(ask): In<AccessRequest>, inventories: Inventories| {
                    let containers = inventories.state(ask.inventory).unwrap().containers().len();
                    assert_eq!(containers, 3, "the rule sees every container");
                    AccessDecision::Allow
                });
            }
            Self::System => {
                app.add_systems(
                    Update,
                    |inventories: Inventories, all: Query<Entity, With<Gear>>| {
                        for entity in &all {
                            assert_eq!(inventories.state(entity).unwrap().containers().len(), 3);
                        }
                    },
                );
            }
        }
    }
}

fn permutations(of: &[Step]) -> Vec<Vec<Step>> {
    if of.is_empty() {
        return vec![vec![]];
    }
    let with_first = |first: &Step| {
        let rest: Vec<Step> = of.iter().copied().filter(|step| step != first).collect();
        let first = *first;
        permutations(&rest).into_iter().map(move |rest| [vec![first], rest].concat())
    };
    of.iter().flat_map(with_first).collect()
}

/// Builds an app in this order, and saves and acts on an entity with all containers.
fn run(order: &[Step]) -> Vec<String> {
    let mut app = Simulation::app(|app| {
        app.init_resource::<Saved>().insert_items(Items::<()>::from_ron(ITEMS).unwrap());
        order.iter().for_each(|step| step.register(app));
    });
    let owner = Owner(ClientId::Server);
    let parts = (Inventory::new(4), Equipment(Slots::new(1)), Gear(Slots::new(2)), owner);
    let me = app.world_mut().spawn((player(0), parts)).id();
    (0..3).for_each(|_| app.update());
    app.world_mut().get_mut::<Gear>(me).unwrap().0.set(1, TORCH.stack(1)).unwrap();
    let (from, to) = ((me, Gear::slot(1)), inv(me, 0));
    with_actions(&mut app, move |actions| {
        actions.request(InventoryAction::Move { from, to, count: None })
    });
    app.update();
    assert_eq!(app.world().get::<Inventory>(me).unwrap().count(TORCH), 1);
    app.world_mut().trigger(SaveNow { entity: me });
    app.world_mut().remove_resource::<Saved>().unwrap().0
}

#[test]
fn no_order_of_registration_loses_a_container() {
    let (mut works, mut panics) = (0, 0);
    for order in sample(permutations(&STEPS), 60) {
        let at = |step: Step| order.iter().position(|other| *other == step).unwrap();
        let last_container = at(Step::Equipment).max(at(Step::Gear));
        let first_observer = at(Step::Observer).min(at(Step::ActionObserver));
        let result = catch_unwind(AssertUnwindSafe(|| run(&order)));
        if last_container < first_observer {
            let saved = result.expect("containers come before observers");
            assert_eq!(saved, ["inventory", "equipment", "gear"], "{order:?}");
            works += 1;
        } else {
            let message =
                *result.expect_err("a container would be lost").downcast::<String>().unwrap();
            assert!(message.contains("register containers first"), "{order:?}: {message}");
            panics += 1;
        }
    }
    assert!(works > 5 && panics > 5, "{works} orders work, {panics} panic");
}

#[test]
fn container_registered_after_the_app_has_finished_panics() {
    let result = catch_unwind(|| {
        let mut app = Simulation::app(setup);
        app.add_container::<Gear>();
    });
    let message = *result.unwrap_err().downcast::<String>().unwrap();
    assert_eq!(message, "container `gear` is registered after `App::finish`");
}
