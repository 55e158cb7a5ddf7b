//! Actions that a game registers take the same path as the built-in ones.

use crate::common::*;
use serde::{Deserialize, Serialize};

/// Puts a block into the world.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct PlaceBlock {
    slot: Slot,
    at: [i32; 3],
}

impl GameAction for PlaceBlock {
    const NAME: &'static str = "place block";
    type Output = Stack;

    fn apply(&self, tx: &mut Transaction) -> Result<Stack, Rejection> {
        let player = tx.actor()?;
        tx.expect_unchanged(player, self.slot)?;
        if self.at[1] < 0 {
            return Err(Rejection::Game(1));
        }
        Ok(tx.take_from(player, self.slot, Some(1))?)
    }
}

/// Engraves an item: the server assigns the data id, so nothing is predicted.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Engrave {
    slot: Slot,
    text: String,
}

impl GameAction for Engrave {
    const NAME: &'static str = "engrave";
    type Output = ();

    fn apply(&self, tx: &mut Transaction) -> Result<(), Rejection> {
        let player = tx.actor()?;
        tx.expect_unchanged(player, self.slot)?;
        let data = tx.create_data(&Engraving { text: self.text.clone() })?;
        let stack = tx.take_from(player, self.slot, None)?;
        tx.put_into(player, self.slot, stack.with_data(data))?;
        Ok(())
    }
}

/// Buys one item from a stock that the player may only see.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Buy {
    stock: InventoryId,
    slot: Slot,
}

impl GameAction for Buy {
    const NAME: &'static str = "buy";
    type Output = ();

    fn apply(&self, tx: &mut Transaction) -> Result<(), Rejection> {
        let (player, stock) = (tx.actor()?, tx.find(self.stock)?);
        tx.expect_unchanged(stock, self.slot)?;
        tx.bypass_rights(stock);
        for coins in tx.take(player, COIN, 5)? {
            tx.insert(stock, coins)?;
        }
        let bought = tx.take_from(stock, self.slot, Some(1))?;
        Ok(tx.insert(player, bought)?)
    }
}

#[derive(Resource, Default)]
struct Placed(Vec<(ClientId, [i32; 3], Stack)>);

pub fn setup_all(app: &mut App) {
    setup(app);
    app.add_action::<PlaceBlock>()
        .add_action::<Engrave>()
        .add_action::<Buy>()
        .add_item_data::<Engraving>()
        .init_resource::<Placed>()
        .add_observer(|done: On<ActionApplied<PlaceBlock>>, mut placed: ResMut<Placed>| {
            placed.0.push((done.client, done.action.at, done.output));
        });
}

fn scene() -> Scene {
    Scene::with_setup(2, setup_all)
        .players(1)
        .carried(0, TORCH.stack(3))
        .carried(1, COIN.stack(12))
        .carried(2, AXE.stack(1))
        .latency(5)
        .without_events()
        .build()
}

#[test]
fn custom_action_is_predicted_and_applied_in_order() {
    let Scene { mut pair, player_entity, me, .. } = scene();
    let slot = Inventory::slot(0);
    ask(&mut pair, 0, PlaceBlock { slot, at: [1, 2, 3] });
    ask(
        &mut pair,
        0,
        InventoryAction::Move { from: (me, slot), to: (me, Inventory::slot(9)), count: None },
    );
    ask(&mut pair, 0, PlaceBlock { slot: Inventory::slot(9), at: [4, 5, 6] });
    let shown = pair.shown::<Inventory>(0, player(0)).unwrap();
    assert_eq!((shown.get(0), shown.get(9)), (None, Some(TORCH.stack(1))));
    ask(&mut pair, 0, PlaceBlock { slot, at: [0, 1, 0] });
    ask(&mut pair, 0, PlaceBlock { slot: Inventory::slot(9), at: [0, -1, 0] });
    assert_eq!(
        events(&mut pair, 0).rejected.iter().map(|r| r.1).collect::<Vec<_>>(),
        [Rejection::Empty, Rejection::Game(1)]
    );
    pair.settle(100);
    let client = pair.client_id(0);
    let one = TORCH.stack(1);
    let placed = &pair.server.world().resource::<Placed>().0;
    assert_eq!(*placed, [(client, [1, 2, 3], one), (client, [4, 5, 6], one)]);
    assert_eq!(events(&mut pair, 0).confirmed.len(), 3);
    assert_eq!(inventory(&mut pair, player_entity).count(TORCH), 1);
    assert_same(&pair, 0, player(0));
}

#[test]
fn server_only_action_shows_with_its_response() {
    let Scene { mut pair, player_entity, .. } = scene();
    let slot = Inventory::slot(2);
    ask(&mut pair, 0, Engrave { slot, text: "for you".into() });
    assert_eq!(pair.shown::<Inventory>(0, player(0)).unwrap().get(2), Some(AXE.stack(1)));
    pair.settle(100);
    let shown = pair.shown::<Inventory>(0, player(0)).unwrap().get(2).unwrap();
    let pool = pair.clients[0].app.world().resource::<DataPool>();
    let engraving = pool.get::<Engraving>(shown.data.unwrap()).unwrap();
    assert_eq!(engraving.text, "for you");
    assert_eq!(events(&mut pair, 0).confirmed.len(), 1);
    // It is predicted like any other stack, and distinct from a plain one.
    let me = shown_entity(&pair, 0, player(0));
    let to = (me, Hotbar::slot(0));
    ask(&mut pair, 0, InventoryAction::Move { from: (me, slot), to, count: None });
    assert_eq!(pair.shown::<Hotbar>(0, player(0)).unwrap().get(0), Some(shown));
    pair.settle(100);
    assert_eq!(hotbar(&mut pair, player_entity).get(0), Some(shown));
    assert_eq!(events(&mut pair, 0).rejected, []);
}

#[test]
fn server_only_action_is_rejected_as_stale() {
    let Scene { mut pair, player_entity, .. } = scene();
    ask(&mut pair, 0, Engrave { slot: Inventory::slot(2), text: "for you".into() });
    // The game replaces the slot's contents before the request arrives.
    inventory(&mut pair, player_entity).set(2, BOOTS.stack(1)).unwrap();
    pair.settle(100);
    assert_eq!(
        events(&mut pair, 0).rejected.iter().map(|r| r.1).collect::<Vec<_>>(),
        [Rejection::Stale]
    );
    assert_eq!(inventory(&mut pair, player_entity).get(2), Some(BOOTS.stack(1)));
    assert_same(&pair, 0, player(0));
}

#[test]
fn purchase_bypasses_rights_only_in_trusted_code() {
    let Scene { mut pair, player_entity, me, .. } = scene();
    let viewers = viewer(pair.client_id(0), Rights::SEE);
    let stock = chest(5);
    let mut wares = Inventory::new(9);
    wares.set(0, BOOTS.stack(1)).unwrap();
    let vendor = pair.server.world_mut().spawn((stock, wares, viewers)).id();
    pair.settle(50);
    let there = shown_entity(&pair, 0, stock);
    let slot = Inventory::slot(0);
    ask(&mut pair, 0, InventoryAction::QuickMove { from: (there, slot), to: me.into() });
    assert_eq!(events(&mut pair, 0).rejected.pop().unwrap().1, Rejection::NotAllowed);
    ask(&mut pair, 0, Buy { stock, slot });
    assert_eq!(pair.shown::<Inventory>(0, player(0)).unwrap().count(BOOTS), 1);
    pair.settle(100);
    assert_eq!(inventory(&mut pair, player_entity).count(COIN), 7);
    assert_eq!(inventory(&mut pair, vendor).count(COIN), 5);
    assert_eq!(events(&mut pair, 0).rejected, []);
    // An inventory that is not in view, or does not exist, sells nothing.
    let (hidden, nobody) = (chest(6), chest(7));
    pair.server.world_mut().spawn((hidden, Inventory::new(9)));
    for stock in [hidden, nobody] {
        ask(&mut pair, 0, Buy { stock, slot });
        assert_eq!(events(&mut pair, 0).rejected.pop().unwrap().1, Rejection::NotInView);
    }
}

/// The game's own properties of an item.
#[derive(Default, Deserialize)]
struct Props {
    uses: u16,
}

/// Uses a tool up.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct WearOut {
    slot: Slot,
}

impl GameAction for WearOut {
    const NAME: &'static str = "wear out";
    type Output = bool;

    fn apply(&self, tx: &mut Transaction) -> Result<bool, Rejection> {
        let player = tx.actor()?;
        tx.expect_unchanged(player, self.slot)?;
        let tool = tx.take_from(player, self.slot, None)?;
        let props = tx.catalog().props::<Props>(tool.item).ok_or(Rejection::Invalid)?;
        let worn = tool.with_wear(tool.wear + 1);
        let broke = worn.wear >= props.uses;
        if !broke {
            tx.put_into(player, self.slot, worn)?;
        }
        Ok(broke)
    }
}

#[test]
fn custom_action_reads_item_properties() {
    let scene = Scene::with_setup(1, |app| {
        let items = r#"(items: [(key: "axe", max_stack: 1, props: (uses: 2)), (key: "torch")])"#;
        app.insert_items(Items::<Props>::from_ron(items).unwrap()).add_action::<WearOut>();
    });
    let Scene { mut pair, player_entity: entity, .. } =
        scene.players(1).carried(0, AXE.stack(1)).latency(5).build();
    for expected in [Some(AXE.stack(1).with_wear(1)), None] {
        ask(&mut pair, 0, WearOut { slot: Inventory::slot(0) });
        assert_eq!(pair.shown::<Inventory>(0, player(0)).unwrap().get(0), expected, "ahead");
        pair.settle(100);
        assert_same(&pair, 0, player(0));
        assert_eq!(inventory(&mut pair, entity).get(0), expected);
    }
    let catalog = pair.server.world().resource::<ItemCatalog>();
    assert_eq!(catalog.props::<Props>(TORCH).map(|props| props.uses), Some(0));
    assert!(catalog.props::<Props>(COIN).is_none(), "not in this catalog");
    assert!(catalog.props::<()>(AXE).is_none(), "not of this type");
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Write {
    text: String,
    marks: Vec<u64>,
}

impl GameAction for Write {
    const NAME: &'static str = "write";
    type Output = ();

    fn apply(&self, tx: &mut Transaction) -> Result<(), Rejection> {
        let player = tx.actor()?;
        tx.take_from(player, Inventory::slot(0), Some(1))?;
        Ok(())
    }
}

fn writing(action: Write) {
    let scene = Scene::with_setup(1, |app| {
        setup(app);
        app.add_action::<Write>();
    });
    let Scene { mut pair, .. } = scene.players(1).carried(0, TORCH.stack(10)).build();
    ask(&mut pair, 0, action);
    pair.settle(60);
    pair.steps(1200);
    let answers = events(&mut pair, 0).confirmed.len() + events(&mut pair, 0).rejected.len();
    assert_eq!(stats(&pair.server).requests_malformed, 0, "a legitimate client");
    assert_eq!(answers, 1, "every request is answered");
    assert_same(&pair, 0, player(0));
}

#[test]
fn long_payload_is_answered() {
    writing(Write { text: "x".repeat(1500), marks: vec![] });
}

#[test]
fn payload_of_many_numbers_is_answered() {
    writing(Write { text: String::new(), marks: vec![0; 200] });
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Engraving {
    pub text: String,
}

impl ItemData for Engraving {
    const NAME: &'static str = "engraving";
}
