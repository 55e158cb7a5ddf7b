//! Tests of the rules with real clients on a simulated network.

use bevy::ecs::system::RunSystemOnce;
use bevy_inventory_sync::{features::tabs::PageActions, sim::Simulation};

use super::*;
use crate::{
    account::AccountKey,
    containers::{Equipment, FurnaceInput, FurnaceOutput, Offerings, Worn},
    items, map,
    protocol::{self, Avatar, BankId, Energy, JoinRejected, Notice, Offer, Request},
    storage::{self, Place},
    trade::LocalTrade,
};

const SECOND: usize = 60;

/// Key of the client with this number.
fn key(number: usize) -> AccountKey {
    AccountKey::of_bot(&number.to_string())
}

fn id(number: usize) -> InventoryId {
    key(number).account().inventory("player")
}

/// A world with clients that have not joined yet.
fn world(clients: usize) -> Simulation {
    let mut pair = Simulation::new(clients, |app| {
        app.add_plugins((items::plugin, protocol::plugin, plugin));
        storage::add(app, Place::Memory);
        app.init_resource::<Reasons>()
            .init_resource::<Notices>()
            .add_systems(Update, (keep_reasons, keep_notices));
    });
    pair.server.insert_resource(Realm);
    pair.steps(10);
    pair
}

fn send(pair: &mut Simulation, client: usize, request: Request) {
    pair.clients[client].app.world_mut().write_message(request);
    pair.steps(10);
}

fn join(pair: &mut Simulation, client: usize, name: &str, account: AccountKey) {
    send(pair, client, Request::Join { name: name.into(), account, ticket: None });
    pair.steps(20);
}

/// A world with players who stand next to each other.
fn players(count: usize) -> Simulation {
    let mut pair = world(count);
    for client in 0..count {
        join(&mut pair, client, &format!("Player {client}"), key(client));
        place(&mut pair, client, Vec2::new(19.5, 7.3));
    }
    pair
}

/// Returns the server's entity of a player.
fn avatar(pair: &Simulation, client: usize) -> Entity {
    pair.server.world().resource::<InventoryIds>().get(id(client)).expect("the player has joined")
}

fn place(pair: &mut Simulation, client: usize, at: Vec2) {
    let avatar = avatar(pair, client);
    *pair.server.world_mut().get_mut::<Position>(avatar).unwrap() = Position(at);
    pair.steps(10);
}

fn give(pair: &mut Simulation, client: usize, key: &str, count: u32) {
    let avatar = avatar(pair, client);
    let stack = ItemId::of(key).stack(count);
    let give = move |mut inventories: Inventories| inventories.insert(avatar, stack).unwrap();
    pair.server.world_mut().run_system_once(give).unwrap();
    pair.steps(10);
}

/// Lets a client act.
fn act<M, S: IntoSystem<(), (), M>>(pair: &mut Simulation, client: usize, system: S) {
    pair.clients[client].app.world_mut().run_system_once(system).unwrap();
    pair.steps(10);
}

fn count(pair: &Simulation, client: usize, key: &str) -> u64 {
    let inventory = pair.shown::<Inventory>(client, id(client)).unwrap();
    let hotbar = pair.shown::<Hotbar>(client, id(client)).unwrap();
    inventory.count(ItemId::of(key)) + hotbar.count(ItemId::of(key))
}

/// What a client was told when it was rejected.
#[derive(Resource, Default)]
struct Reasons(Vec<String>);

fn keep_reasons(mut rejections: MessageReader<JoinRejected>, mut reasons: ResMut<Reasons>) {
    reasons.0.extend(rejections.read().map(|rejected| rejected.0.clone()));
}

/// The short messages that a client was shown.
#[derive(Resource, Default)]
struct Notices(Vec<String>);

fn keep_notices(mut notices: MessageReader<Notice>, mut kept: ResMut<Notices>) {
    kept.0.extend(notices.read().map(|notice| notice.0.clone()));
}

fn notices(pair: &Simulation, client: usize) -> &[String] {
    &pair.clients[client].app.world().resource::<Notices>().0
}

fn names(pair: &mut Simulation) -> Vec<String> {
    let world = pair.server.world_mut();
    world.query::<&Avatar>().iter(world).map(|avatar| avatar.name.clone()).collect()
}

#[test]
fn a_name_belongs_to_one_player() {
    let mut pair = world(2);
    join(&mut pair, 0, "Ada", key(0));
    send(&mut pair, 1, Request::Join { name: " ADA ".into(), account: key(1), ticket: None });
    let why = "The name \"ADA\" belongs to another player. Choose another name.";
    assert_eq!(pair.clients[1].app.world().resource::<Reasons>().0, [why]);
    assert_eq!(names(&mut pair), ["Ada"]);
}

#[test]
fn a_second_client_with_the_same_key_takes_over() {
    let mut pair = world(2);
    join(&mut pair, 0, "Ada", key(0));
    give(&mut pair, 0, "gold_coin", 7);
    send(&mut pair, 1, Request::Join { name: "Adele".into(), account: key(0), ticket: None });
    pair.steps(10);
    assert_eq!(names(&mut pair), ["Adele"]);
    assert!(pair.shown::<Inventory>(0, id(0)).is_none());
    let mine = pair.shown::<Inventory>(1, id(0)).unwrap();
    assert_eq!(mine.count(ItemId::of("gold_coin")), 7);
}

#[test]
fn what_is_accepted_is_exchanged() {
    let mut pair = players(2);
    give(&mut pair, 0, "gold_coin", 7);
    send(&mut pair, 0, Request::Trade);
    send(&mut pair, 1, Request::Trade);
    let offer = |mut actions: InventoryActions,
                 trade: LocalTrade,
                 me: Single<Entity, With<LocalInventory>>| {
        let (mine, _) = trade.mine().expect("both want to trade");
        let from = (*me, Inventory::slot(0));
        actions.request(InventoryAction::QuickMove { from, to: mine.into() });
    };
    let accept = |mut actions: InventoryActions, mut trade: LocalTrade| {
        trade.accept(true, &mut actions);
    };
    act(&mut pair, 1, accept);
    act(&mut pair, 0, offer);
    let accepted: Vec<bool> = {
        let world = pair.server.world_mut();
        world.query::<&Offer>().iter(world).map(|offer| offer.accepted).collect()
    };
    assert_eq!(accepted, [false, false], "the offer has changed");
    let last = notices(&pair, 1).last().map(String::as_str);
    assert_eq!(last, Some("The offers have changed. Accept again if you agree."));
    act(&mut pair, 0, accept);
    assert_eq!(count(&pair, 1, "gold_coin"), 0);
    act(&mut pair, 1, accept);
    assert_eq!((count(&pair, 0, "gold_coin"), count(&pair, 1, "gold_coin")), (0, 7));
}

#[test]
fn offers_return_when_a_player_walks_away() {
    let mut pair = players(2);
    give(&mut pair, 0, "gold_coin", 7);
    send(&mut pair, 0, Request::Trade);
    send(&mut pair, 1, Request::Trade);
    act(
        &mut pair,
        0,
        |mut actions: InventoryActions,
         trade: LocalTrade,
         me: Single<Entity, With<LocalInventory>>| {
            let (mine, _) = trade.mine().expect("both want to trade");
            let from = (*me, Inventory::slot(0));
            actions.request(InventoryAction::QuickMove { from, to: mine.into() });
        },
    );
    assert_eq!(count(&pair, 0, "gold_coin"), 0);
    place(&mut pair, 1, Vec2::new(27.5, 7.3));
    assert_eq!(count(&pair, 0, "gold_coin"), 7);
}

#[test]
fn the_bank_opens_only_near_it_and_only_for_its_player() {
    let mut pair = players(2);
    let bank = key(0).account().inventory("bank");
    let near = Vec2::new(30.5, 8.3);
    let open = move |mut actions: InventoryActions| {
        actions.open_by_id(bank);
    };
    act(&mut pair, 0, open);
    let is_open = |pair: &Simulation, client| {
        let tabs = pair.shown::<bevy_inventory_sync::features::tabs::Tabs>(client, bank);
        tabs.map(Slots::len)
    };
    assert_eq!(is_open(&pair, 0), None, "too far");
    place(&mut pair, 0, near);
    place(&mut pair, 1, near);
    act(&mut pair, 1, open);
    assert_eq!(is_open(&pair, 1), None, "it is not theirs");
    act(&mut pair, 0, open);
    assert_eq!(is_open(&pair, 0), Some(3));
    give(&mut pair, 0, "gold_coin", 7);
    act(&mut pair, 0, move |mut pages: PageActions, ids: Res<InventoryIds>| {
        pages.open(ids.get(bank).unwrap(), 2);
    });
    let page = InventoryId::page(bank, 2);
    act(
        &mut pair,
        0,
        move |mut actions: InventoryActions,
              ids: Res<InventoryIds>,
              me: Single<Entity, With<LocalInventory>>| {
            let (from, to) = ((*me, Inventory::slot(0)), ids.get(page).unwrap().into());
            actions.request(InventoryAction::QuickMove { from, to });
        },
    );
    assert_eq!(count(&pair, 0, "gold_coin"), 0);
    place(&mut pair, 0, Vec2::new(19.5, 7.3));
    pair.steps(SECOND);
    assert!(pair.shown::<Inventory>(0, page).is_none());
    pair.disconnect(0);
    pair.steps(20);
    pair.connect(0);
    pair.steps(20);
    join(&mut pair, 0, "Player 0", key(0));
    let there = pair.server.world().resource::<InventoryIds>().get(page).unwrap();
    let there = pair.server.world().get::<Inventory>(there).unwrap();
    assert_eq!(there.count(ItemId::of("gold_coin")), 7, "it was stored");
    let known = pair.server.world().get::<BankId>(avatar(&pair, 0));
    assert_eq!(known, Some(&BankId(bank)));
}

#[test]
fn players_learn_who_joins_who_leaves_and_who_shares_the_furnace() {
    let mut pair = players(2);
    assert_eq!(notices(&pair, 0), ["Player 1 has joined."]);
    assert_eq!(notices(&pair, 1), ["Player 0 has joined."], "it was connected before");
    let world = pair.server.world_mut();
    let mut furnaces = world.query_filtered::<(Entity, &Position), With<protocol::Furnace>>();
    let (furnace, Position(at)) = furnaces.single(world).map(|(it, at)| (it, *at)).unwrap();
    for client in [0, 1] {
        place(&mut pair, client, at + Vec2::new(0.0, -1.0));
        act(
            &mut pair,
            client,
            |mut actions: InventoryActions, furnace: Single<Entity, With<protocol::Furnace>>| {
                actions.open(*furnace);
            },
        );
    }
    let users = |pair: &Simulation| {
        let mut users = pair.server.world().get::<protocol::Users>(furnace).unwrap().0.clone();
        users.sort();
        users
    };
    assert_eq!(users(&pair), ["Player 0", "Player 1"]);
    pair.disconnect(1);
    pair.steps(20);
    assert_eq!(users(&pair), ["Player 0"]);
    assert_eq!(notices(&pair, 0).last().map(String::as_str), Some("Player 1 has left."));
}

#[test]
fn the_furnace_smelts() {
    let mut pair = world(0);
    let world = pair.server.world_mut();
    let mut inputs = world.query::<&mut FurnaceInput>();
    let mut input = inputs.single_mut(world).unwrap();
    input.0.set(0, ItemId::of("iron_ore").stack(4)).unwrap();
    input.0.set(2, ItemId::of("coal").stack(1)).unwrap();
    pair.steps(2 * SECOND);
    let lit = |pair: &mut Simulation| {
        let world = pair.server.world_mut();
        let mut furnaces = world.query::<(&protocol::Furnace, &FurnaceOutput)>();
        let (furnace, output) = furnaces.single(world).unwrap();
        (furnace.lit, output.0.count(ItemId::of("iron_ingot")))
    };
    assert_eq!(lit(&mut pair), (true, 0));
    pair.steps(8 * SECOND);
    assert_eq!(lit(&mut pair), (false, 1));
}

#[test]
fn complete_offerings_light_the_shrine_once() {
    let mut pair = players(2);
    let world = pair.server.world_mut();
    let shrine = world.query_filtered::<Entity, With<Shrine>>().single(world).unwrap();
    let at = world.get::<Position>(shrine).unwrap().0;
    place(&mut pair, 0, at - Vec2::Y);
    let shrine_id = *pair.server.world().get::<InventoryId>(shrine).unwrap();
    act(&mut pair, 0, move |mut actions: InventoryActions| {
        actions.open_by_id(shrine_id);
    });
    for (key, count) in [("plank", 40), ("iron_ingot", 4), ("star_fragment", 1)] {
        give(&mut pair, 0, key, count);
        act(
            &mut pair,
            0,
            move |mut actions: InventoryActions,
                  ids: Res<InventoryIds>,
                  mine: Single<(Entity, &Inventory), With<LocalInventory>>| {
                let (me, inventory) = *mine;
                let slot = Inventory::slot(inventory.find(ItemId::of(key)).unwrap());
                let to = ids.get(shrine_id).unwrap().into();
                actions.request(InventoryAction::QuickMove { from: (me, slot), to });
            },
        );
    }
    assert_eq!(count(&pair, 0, "plank"), 28, "it takes no more than it needs");
    let stage = pair.server.world().get::<Shrine>(shrine).unwrap().stage;
    assert_eq!(stage, Shrine::OFFERINGS);
    assert_eq!([0, 1].map(|client| count(&pair, client, "golden_apple")), [1, 1]);
    act(
        &mut pair,
        0,
        move |mut actions: InventoryActions,
              ids: Res<InventoryIds>,
              me: Single<Entity, With<LocalInventory>>| {
            let from = (ids.get(shrine_id).unwrap(), Offerings::slot(0));
            actions.request(InventoryAction::QuickMove { from, to: (*me).into() });
        },
    );
    assert_eq!(count(&pair, 0, "plank"), 28, "nothing can be taken out");
}

#[test]
fn work_makes_tired_and_food_helps() {
    let mut pair = players(1);
    let tree = map::tiles_with(map::Thing::Tree)
        .find(|tree| map::is_standable(map::middle_of(*tree - IVec2::Y)))
        .unwrap();
    place(&mut pair, 0, map::middle_of(tree - IVec2::Y));
    let me = avatar(&pair, 0);
    let energy = |pair: &Simulation| pair.server.world().get::<Energy>(me).unwrap().0;
    let use_slot = |slot: usize| {
        move |mut actions: InventoryActions, me: Single<Entity, With<LocalInventory>>| {
            actions.request(InventoryAction::Use { slot: (*me, Hotbar::slot(slot)) });
        }
    };
    act(&mut pair, 0, use_slot(2));
    assert_eq!(count(&pair, 0, "bread"), 2, "not hungry");
    for _ in 0..2 {
        act(&mut pair, 0, use_slot(0));
    }
    assert_eq!(energy(&pair), Energy::MAX - 1);
    assert!(count(&pair, 0, "wood") >= 2);
    act(&mut pair, 0, use_slot(2));
    assert_eq!((energy(&pair), count(&pair, 0, "bread")), (Energy::MAX, 1));
    *pair.server.world_mut().get_mut::<Energy>(me).unwrap() = Energy(0);
    let wood = count(&pair, 0, "wood");
    act(&mut pair, 0, use_slot(0));
    assert_eq!(count(&pair, 0, "wood"), wood, "too tired");
}

#[test]
fn all_players_see_what_a_player_wears() {
    let mut pair = players(2);
    give(&mut pair, 0, "iron_helmet", 1);
    act(&mut pair, 0, |mut actions: InventoryActions, me: Single<Entity, With<LocalInventory>>| {
        let to = ContainerRef::of::<Equipment>(*me);
        actions.request(InventoryAction::QuickMove { from: (*me, Inventory::slot(0)), to });
    });
    let world = pair.clients[1].app.world_mut();
    let seen = world.query::<&Worn>().iter(world).filter_map(|worn| worn.head).collect::<Vec<_>>();
    assert_eq!(seen, [ItemId::of("iron_helmet")]);
}
