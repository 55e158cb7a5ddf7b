//! What takes or inserts by item leaves worn equipment and the stack at the cursor alone, unless their container is
//! named.

use crate::common::*;
use serde::{Deserialize, Serialize};

#[derive(Component)]
struct Cursor(Slots);

container!(Cursor, "cursor", {
    const AUTO_FILL: bool = false;
    const ORDER: i32 = -5;
});

#[derive(Component)]
struct Worn(Slots);

container!(Worn, "worn", {
    const AUTO_FILL: bool = false;
    const ORDER: i32 = 500;
});

/// Pays coins out of the whole inventory or out of one container.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Pay {
    count: u32,
    from: Option<ContainerKey>,
}

impl GameAction for Pay {
    const NAME: &'static str = "pay";
    type Output = ();

    fn apply(&self, tx: &mut Transaction) -> Result<(), Rejection> {
        let player = tx.actor()?;
        tx.take(ContainerRef { entity: player, container: self.from }, COIN, self.count)?;
        Ok(())
    }
}

fn set_up(reversed: bool) -> impl Fn(&mut App) {
    move |app: &mut App| {
        setup(app);
        app.add_action::<Pay>();
        if reversed {
            app.add_container::<Worn>().add_container::<Cursor>();
        } else {
            app.add_container::<Cursor>().add_container::<Worn>();
        }
    }
}

/// A player with ten coins in the backpack, and ten each in the containers that are not automatic.
fn scene(reversed: bool) -> Scene {
    let mut scene =
        Scene::with_setup(1, set_up(reversed)).players(1).carried(3, COIN.stack(10)).build();
    let coins = || -> Slots { [Some(COIN.stack(10)), None].into_iter().collect() };
    let world = scene.pair.server.world_mut();
    world.entity_mut(scene.player_entity).insert((Cursor(coins()), Worn(coins())));
    scene.pair.settle(60);
    scene
}

fn left_alone(scene: &Scene) -> bool {
    let world = scene.pair.server.world();
    let cursor = world.get::<Cursor>(scene.player_entity).unwrap().0.count(COIN);
    let worn = world.get::<Worn>(scene.player_entity).unwrap().0.count(COIN);
    (cursor, worn) == (10, 10)
}

#[test]
fn whole_inventory_does_not_include_worn_equipment_and_the_cursor() {
    for reversed in [false, true] {
        let mut scene = scene(reversed);
        let (entity, me) = (scene.player_entity, scene.me);
        let taken = with_inventories(&mut scene.pair.server, move |inv| inv.take(entity, COIN, 11));
        let expected = InventoryError::NotEnough { entity, item: COIN, have: 10, wanted: 11 };
        assert_eq!(taken, Err(expected));
        let taken = with_inventories(&mut scene.pair.server, move |inv| inv.take(entity, COIN, 4));
        assert_eq!(taken, Ok(vec![COIN.stack(4)]));
        assert!(left_alone(&scene));
        scene.pair.settle(30);
        // Three times two coins, and then there are none left.
        for _ in 0..4 {
            ask(&mut scene.pair, 0, InventoryAction::craft(RecipeId::of("torches"), me));
            scene.pair.settle(30);
        }
        let rejected: Vec<_> = events(&mut scene.pair, 0).rejected.iter().map(|r| r.1).collect();
        assert_eq!(rejected, [Rejection::NotEnough]);
        assert!(left_alone(&scene));
        ask(&mut scene.pair, 0, Pay { count: 1, from: None });
        scene.pair.settle(30);
        assert_eq!(events(&mut scene.pair, 0).rejected[1].1, Rejection::NotEnough);
        inventory(&mut scene.pair, entity).set(9, COIN.stack(1)).unwrap();
        scene.pair.settle(30);
        let onto = inv(me, 9);
        ask(&mut scene.pair, 0, InventoryAction::Collect { onto, from: vec![me.into()] });
        ask(&mut scene.pair, 0, InventoryAction::QuickMove { from: onto, to: me.into() });
        scene.pair.settle(30);
        assert!(left_alone(&scene));
        let rest = with_inventories(&mut scene.pair.server, move |inv| {
            inv.insert_up_to(entity, COIN.stack(1)).is_none()
        });
        assert!(rest && left_alone(&scene));
    }
}

#[test]
fn named_container_is_used_although_it_is_not_automatic() {
    for container in [Cursor::NAME, Worn::NAME] {
        let mut scene = scene(false);
        let from = Some(ContainerKey::of(container));
        ask(&mut scene.pair, 0, Pay { count: 10, from });
        scene.pair.settle(30);
        assert_eq!(events(&mut scene.pair, 0).rejected, []);
        assert!(!left_alone(&scene));
        let craft = InventoryAction::Craft {
            recipe: RecipeId::of("torches"),
            times: 5,
            from: vec![ContainerRef { entity: scene.me, container: from }],
            to: scene.me.into(),
            at: None,
        };
        ask(&mut scene.pair, 0, craft);
        scene.pair.settle(30);
        assert_eq!(events(&mut scene.pair, 0).rejected[0].1, Rejection::NotEnough);
    }
}

#[test]
fn taking_everything_includes_worn_equipment_and_the_cursor() {
    let mut scene = scene(false);
    let entity = scene.player_entity;
    let taken = with_inventories(&mut scene.pair.server, move |inv| inv.take_if(entity, |_| true));
    let total: u32 = taken.unwrap().iter().map(Stack::count).sum();
    assert_eq!(total, 30);
}
