//! A game's own actions and instance data go the same way as the built-in ones.

use super::*;
use serde::{Deserialize, Serialize};

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct Engraving {
    text: String,
}

impl ItemData for Engraving {
    const NAME: &'static str = "engraving";
}

/// Puts a block into the world.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct PlaceBlock {
    slot: Slot,
    at: [i32; 3],
}

impl GameAction for PlaceBlock {
    const NAME: &'static str = "place block";
    type Output = Stack;

    fn apply(&self, tx: &mut Tx) -> Result<Stack, Reason> {
        let player = tx.actor()?;
        tx.witness(player, self.slot)?;
        if self.at[1] < 0 {
            return Err(Reason::Game(1));
        }
        Ok(tx.take_from(player, self.slot, Some(1))?)
    }
}

/// Writes on an item: the server names the data, so nothing is shown ahead.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Engrave {
    slot: Slot,
    text: String,
}

impl GameAction for Engrave {
    const NAME: &'static str = "engrave";
    type Output = ();

    fn apply(&self, tx: &mut Tx) -> Result<(), Reason> {
        let player = tx.actor()?;
        tx.witness(player, self.slot)?;
        let data = tx.mint(&Engraving { text: self.text.clone() })?;
        let stack = tx.take_from(player, self.slot, None)?;
        tx.put_into(player, self.slot, stack.with_data(data))?;
        Ok(())
    }
}

/// Buys one of something: takes from a stock that the player may only see.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Buy {
    stock: InventoryId,
    slot: Slot,
}

impl GameAction for Buy {
    const NAME: &'static str = "buy";
    type Output = ();

    fn apply(&self, tx: &mut Tx) -> Result<(), Reason> {
        let (player, stock) = (tx.actor()?, tx.find(self.stock)?);
        tx.witness(stock, self.slot)?;
        tx.trust(stock);
        for coins in tx.take(player, COIN, 5)? {
            tx.give(stock, coins)?;
        }
        let bought = tx.take_from(stock, self.slot, Some(1))?;
        Ok(tx.give(player, bought)?)
    }
}

#[derive(Resource, Default)]
struct Placed(Vec<(ClientId, [i32; 3], Stack)>);

fn setup_all(app: &mut App) {
    setup(app);
    app.add_action::<PlaceBlock>()
        .add_action::<Engrave>()
        .add_action::<Buy>()
        .add_item_data::<Engraving>()
        .init_resource::<Placed>()
        .add_observer(|done: On<Accepted<PlaceBlock>>, mut placed: ResMut<Placed>| {
            placed.0.push((done.client, done.action.at, done.output));
        });
}

fn scene() -> (Pair, Entity, Entity) {
    let mut pair = Pair::new(2, setup_all);
    let player_entity = spawn_player(&mut pair, 0);
    inventory(&mut pair, player_entity).set(0, TORCH.stack(3)).unwrap();
    inventory(&mut pair, player_entity).set(1, COIN.stack(12)).unwrap();
    inventory(&mut pair, player_entity).set(2, AXE.stack(1)).unwrap();
    pair.settle(50);
    pair.network.latency_ticks = 5;
    heard(&mut pair, 0).clear();
    let me = shown_entity(&pair, 0, player(0));
    (pair, player_entity, me)
}

#[test]
fn an_action_of_the_games_own_is_shown_ahead_decided_and_heard_of_in_order() {
    let (mut pair, player_entity, me) = scene();
    let slot = Inventory::slot(0);
    ask(&mut pair, 0, PlaceBlock { slot, at: [1, 2, 3] });
    ask(&mut pair, 0, Action::Move { from: (me, slot), to: (me, Inventory::slot(9)), count: None });
    ask(&mut pair, 0, PlaceBlock { slot: Inventory::slot(9), at: [4, 5, 6] });
    let shown = pair.shown::<Inventory>(0, player(0)).unwrap();
    assert_eq!((shown.get(0), shown.get(9)), (None, Some(TORCH.stack(1))));
    ask(&mut pair, 0, PlaceBlock { slot, at: [0, 1, 0] });
    ask(&mut pair, 0, PlaceBlock { slot: Inventory::slot(9), at: [0, -1, 0] });
    assert_eq!(
        heard(&mut pair, 0).rejected.iter().map(|r| r.1).collect::<Vec<_>>(),
        [Reason::Empty, Reason::Game(1)]
    );
    pair.settle(100);
    let client = pair.client_id(0);
    let one = TORCH.stack(1);
    let placed = &pair.server.world().resource::<Placed>().0;
    assert_eq!(*placed, [(client, [1, 2, 3], one), (client, [4, 5, 6], one)]);
    assert_eq!(heard(&mut pair, 0).confirmed.len(), 3);
    assert_eq!(inventory(&mut pair, player_entity).count(TORCH), 1);
    assert_same(&pair, 0, player(0));
}

#[test]
fn what_only_the_server_can_tell_is_shown_when_it_has() {
    let (mut pair, player_entity, _) = scene();
    let slot = Inventory::slot(2);
    ask(&mut pair, 0, Engrave { slot, text: "for you".into() });
    assert_eq!(pair.shown::<Inventory>(0, player(0)).unwrap().get(2), Some(AXE.stack(1)));
    pair.settle(100);
    let shown = pair.shown::<Inventory>(0, player(0)).unwrap().get(2).unwrap();
    let pool = pair.clients[0].app.world().resource::<DataPool>();
    let engraving = pool.get::<Engraving>(shown.data.unwrap()).unwrap();
    assert_eq!(engraving.text, "for you");
    assert_eq!(heard(&mut pair, 0).confirmed.len(), 1);
    // It moves like any other stack, ahead of the server, and is told from a plain one.
    let me = shown_entity(&pair, 0, player(0));
    let to = (me, Hotbar::slot(0));
    ask(&mut pair, 0, Action::Move { from: (me, slot), to, count: None });
    assert_eq!(pair.shown::<Hotbar>(0, player(0)).unwrap().get(0), Some(shown));
    pair.settle(100);
    assert_eq!(hotbar(&mut pair, player_entity).get(0), Some(shown));
    assert_eq!(heard(&mut pair, 0).rejected, []);
}

#[test]
fn what_is_not_shown_ahead_is_refused_as_stale_all_the_same() {
    let (mut pair, player_entity, _) = scene();
    ask(&mut pair, 0, Engrave { slot: Inventory::slot(2), text: "for you".into() });
    // The game puts other things there before the request comes.
    inventory(&mut pair, player_entity).set(2, BOOTS.stack(1)).unwrap();
    pair.settle(100);
    assert_eq!(
        heard(&mut pair, 0).rejected.iter().map(|r| r.1).collect::<Vec<_>>(),
        [Reason::Stale]
    );
    assert_eq!(inventory(&mut pair, player_entity).get(2), Some(BOOTS.stack(1)));
    assert_same(&pair, 0, player(0));
}

#[test]
fn a_purchase_goes_past_the_players_rights_by_the_games_word_alone() {
    let (mut pair, player_entity, me) = scene();
    let mut viewers = Viewers::new();
    viewers.add(pair.client_id(0), Rights::SEE);
    let stock = chest(5);
    let mut wares = Inventory::new(9);
    wares.set(0, BOOTS.stack(1)).unwrap();
    let vendor = pair.server.world_mut().spawn((stock, wares, viewers)).id();
    pair.settle(50);
    let there = shown_entity(&pair, 0, stock);
    let slot = Inventory::slot(0);
    ask(&mut pair, 0, Action::QuickMove { from: (there, slot), to: me.into() });
    assert_eq!(heard(&mut pair, 0).rejected.pop().unwrap().1, Reason::NotAllowed);
    ask(&mut pair, 0, Buy { stock, slot });
    assert_eq!(pair.shown::<Inventory>(0, player(0)).unwrap().count(BOOTS), 1);
    pair.settle(100);
    assert_eq!(inventory(&mut pair, player_entity).count(COIN), 7);
    assert_eq!(inventory(&mut pair, vendor).count(COIN), 5);
    assert_eq!(heard(&mut pair, 0).rejected, []);
    // Nobody buys from an inventory that is not in view, or not there.
    let (hidden, nobody) = (chest(6), chest(7));
    pair.server.world_mut().spawn((hidden, Inventory::new(9)));
    for stock in [hidden, nobody] {
        ask(&mut pair, 0, Buy { stock, slot });
        assert_eq!(heard(&mut pair, 0).rejected.pop().unwrap().1, Reason::NotInView);
    }
}

fn engraved(pair: &mut Pair, len: usize) -> Result<DataId, DataError> {
    let text = "x".repeat(len);
    pair.server.world_mut().resource_mut::<DataPool>().insert(&Engraving { text })
}

#[test]
fn s21_instance_data_of_any_size_up_to_the_cap_arrives_and_above_is_a_typed_error() {
    let mut pair = Pair::new(1, setup_all);
    let player_entity = spawn_player(&mut pair, 0);
    const CAP: usize = 1 << 16;
    // Above 250 characters the length takes three bytes.
    let sizes = [0, 24, 1400, CAP - 4, CAP - 3, CAP - 2];
    for (slot, len) in sizes.into_iter().enumerate() {
        match engraved(&mut pair, len) {
            Ok(data) => {
                inventory(&mut pair, player_entity)
                    .set(slot, AXE.stack(1).with_data(data))
                    .unwrap();
            }
            Err(error) => {
                assert_eq!((len, error), (CAP - 2, DataError::TooLarge { name: "engraving" }));
            }
        }
    }
    pair.settle(200);
    // And for one who joins later.
    pair.disconnect(0);
    pair.step();
    pair.connect(0);
    let owner = Owner(pair.client_id(0));
    pair.server.world_mut().entity_mut(player_entity).insert(owner);
    pair.settle(200);
    assert_same(&pair, 0, player(0));
    let pool = pair.clients[0].app.world().resource::<DataPool>();
    let shown = pair.shown::<Inventory>(0, player(0)).unwrap();
    for (slot, len) in sizes.into_iter().enumerate().take(5) {
        let engraving = pool.get::<Engraving>(shown.get(slot).unwrap().data.unwrap()).unwrap();
        assert_eq!(engraving.text.len(), len);
    }
    assert_eq!(stats(&pair.clients[0].app).decode_errors, 0);
}

#[test]
fn s22_only_the_instance_data_changed() {
    let mut pair = Pair::new(1, setup_all);
    let player_entity = spawn_player(&mut pair, 0);
    let [a, b] = [3, 4].map(|len| engraved(&mut pair, len).unwrap());
    assert_eq!(engraved(&mut pair, 3), Ok(a), "equal values have one name");
    inventory(&mut pair, player_entity).set(0, AXE.stack(1).with_data(a)).unwrap();
    pair.settle(50);
    heard(&mut pair, 0).clear();
    inventory(&mut pair, player_entity).set(0, AXE.stack(1).with_data(b)).unwrap();
    pair.settle(50);
    assert_eq!(heard(&mut pair, 0).slots.len(), 1);
    assert_same(&pair, 0, player(0));
    let before = bytes_down(&pair, 0);
    inventory(&mut pair, player_entity).set(1, AXE.stack(1).with_data(b)).unwrap();
    pair.settle(50);
    assert!(bytes_down(&pair, 0) - before <= 6, "the value itself is sent once");
}

#[test]
fn instance_data_goes_when_nobody_has_held_it_for_long_and_clients_forget_it() {
    let mut pair = Pair::new(1, setup_all);
    let player_entity = spawn_player(&mut pair, 0);
    let data = engraved(&mut pair, 100).unwrap();
    let never_held = engraved(&mut pair, 101).unwrap();
    inventory(&mut pair, player_entity).set(0, AXE.stack(1).with_data(data)).unwrap();
    pair.settle(50);
    assert!(pair.clients[0].app.world().resource::<DataPool>().contains(data));
    inventory(&mut pair, player_entity).set(0, None).unwrap();
    for _ in 0..36_100 {
        pair.server.update();
    }
    let pool = pair.server.world().resource::<DataPool>();
    assert!(!pool.contains(data) && !pool.contains(never_held));
    // The name comes with the next message that can carry it.
    spawn_chest(&mut pair, 1, &[0]);
    pair.steps(5);
    assert!(!pair.clients[0].app.world().resource::<DataPool>().contains(data));
    // Who kept the stack elsewhere for so long is told.
    inventory(&mut pair, player_entity).set(0, AXE.stack(1).with_data(data)).unwrap();
    pair.step();
    let mut faults = pair.server.world_mut().resource_mut::<Messages<InventoryFault>>();
    let unknown = |fault| matches!(fault, InventoryFault::UnknownData { .. });
    assert!(faults.drain().any(unknown));
}

#[test]
fn instance_data_is_saved_by_value_and_shared_by_viewers() {
    let mut pair = Pair::new(2, setup_all);
    let chest_entity = spawn_chest(&mut pair, 1, &[0, 1]);
    let data = engraved(&mut pair, 30).unwrap();
    inventory(&mut pair, chest_entity).set(4, AXE.stack(1).with_data(data)).unwrap();
    pair.settle(50);
    for client in 0..2 {
        assert_same(&pair, client, chest(1));
        assert!(pair.clients[client].app.world().resource::<DataPool>().contains(data));
    }
    let saved = with_inventories(&mut pair.server, move |inv| inv.save(chest_entity).unwrap());
    let text = ron::to_string(&saved).unwrap();
    let mut fresh = Pair::app(setup_all);
    let there = fresh.world_mut().spawn(Inventory::default()).id();
    fresh.update();
    let saved: SavedInventory = ron::from_str(&text).unwrap();
    with_inventories(&mut fresh, move |inv| inv.load(there, &saved).unwrap());
    let stack = fresh.world().get::<Inventory>(there).unwrap().get(4).unwrap();
    let pool = fresh.world().resource::<DataPool>();
    assert_eq!(pool.get::<Engraving>(stack.data.unwrap()).unwrap().text.len(), 30);
    // A build that does not know the type keeps it for one that does.
    let mut poorer = Pair::app(setup);
    let there = poorer.world_mut().spawn(Inventory::default()).id();
    poorer.update();
    with_inventories(&mut poorer, move |inv| {
        inv.load(there, &ron::from_str(&text).unwrap()).unwrap();
        assert_eq!(inv.count(there, AXE), 0);
    });
    poorer.update();
    let saved = with_inventories(&mut poorer, move |inv| inv.save(there).unwrap());
    assert_eq!(saved.containers[0].slots[0].data.as_ref().unwrap().name, "engraving");
}

#[test]
fn apps_with_other_actions_or_data_are_refused_with_the_reason() {
    let mut pair = Pair::new(0, setup_all);
    let c = pair.add_client(setup);
    pair.connect(c);
    pair.steps(10);
    let state = pair.clients[c].app.world().resource::<SyncState>();
    let SyncState::Refused(mismatch) = state else { panic!("{state:?}") };
    assert!(mismatch.to_string().contains("actions"), "{mismatch}");
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

    fn apply(&self, tx: &mut Tx) -> Result<bool, Reason> {
        let player = tx.actor()?;
        tx.witness(player, self.slot)?;
        let tool = tx.take_from(player, self.slot, None)?;
        let props = tx.catalogue().props::<Props>(tool.item).ok_or(Reason::Invalid)?;
        let worn = tool.worn(tool.wear + 1);
        let broke = worn.wear >= props.uses;
        if !broke {
            tx.put_into(player, self.slot, worn)?;
        }
        Ok(broke)
    }
}

#[test]
fn an_action_finds_the_games_own_properties_of_an_item() {
    let mut pair = Pair::new(1, |app| {
        let items = r#"(items: [(key: "axe", max_stack: 1, props: (uses: 2)), (key: "torch")])"#;
        app.insert_items(Items::<Props>::from_ron(items).unwrap()).add_action::<WearOut>();
    });
    let entity = spawn_player(&mut pair, 0);
    inventory(&mut pair, entity).set(0, AXE.stack(1)).unwrap();
    pair.settle(50);
    pair.network.latency_ticks = 5;
    for expected in [Some(AXE.stack(1).worn(1)), None] {
        ask(&mut pair, 0, WearOut { slot: Inventory::slot(0) });
        assert_eq!(pair.shown::<Inventory>(0, player(0)).unwrap().get(0), expected, "ahead");
        pair.settle(100);
        assert_same(&pair, 0, player(0));
        assert_eq!(inventory(&mut pair, entity).get(0), expected);
    }
    let catalogue = pair.server.world().resource::<Catalogue>();
    assert_eq!(catalogue.props::<Props>(TORCH).map(|props| props.uses), Some(0));
    assert!(catalogue.props::<Props>(COIN).is_none(), "not in this catalogue");
    assert!(catalogue.props::<()>(AXE).is_none(), "not of this type");
}
