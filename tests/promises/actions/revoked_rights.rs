//! A right that has been revoked does not count any more, not even for the rest of the same packet. A right that has
//! been granted counts as soon as the player has been sent the inventory.

use crate::common::*;
use bevy_inventory_sync::server::views::access::OpenedThrough;
use serde::{Deserialize, Serialize};

#[derive(Component)]
struct Locked;

/// Sells the house in which the chest is.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct SellHouse;

impl GameAction for SellHouse {
    const NAME: &'static str = "sell house";
    type Output = ();

    fn apply(&self, _: &mut Transaction) -> Result<(), Rejection> {
        Ok(())
    }
}

/// What selling the house does on the server: the client, the chest, and what the chest is opened through.
type Revoke = fn(&mut World, ClientId, Entity, Entity);

#[derive(Resource, Clone, Copy)]
struct OnSale(Revoke, ClientId, Entity, Entity);

fn set_up(app: &mut App) {
    setup(app);
    app.add_action::<SellHouse>()
        .add_rule::<With<Locked>, _>(|_: In<AccessRequest>| AccessDecision::Deny(Rejection::Locked))
        .add_observer(
            |_: On<ActionApplied<SellHouse>>, sale: Res<OnSale>, mut commands: Commands| {
                let OnSale(revoke, client, chest, via) = *sale;
                commands.queue(move |world: &mut World| revoke(world, client, chest, via));
            },
        );
}

/// How the player came to the right to take out of the chest.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Access {
    Owner,
    Viewer,
    Opened,
    OpenedThrough,
    /// Like `OpenedThrough`, and the player has opened the bank too.
    OpenedBank,
}

struct House {
    pair: Simulation,
    host: bool,
    client: ClientId,
    chest: Entity,
    bank: Entity,
}

impl House {
    fn new(host: bool, latency: u64, access: Access) -> Self {
        let mut pair = Simulation::new(1, set_up);
        let client = if host { ClientId::Server } else { pair.client_id(0) };
        let world = pair.server.world_mut();
        let body = (player(0), Inventory::new(9), Owner(client), ActingInventory);
        world.spawn(body);
        let mut bank = world.spawn((chest(2), Inventory::new(9)));
        match access {
            Access::OpenedBank => drop(bank.insert(Openable::default())),
            _ => drop(bank.insert(viewer(client, Rights::USE))),
        }
        let bank = bank.id();
        let mut there = world.spawn((chest(1), Inventory::new(9)));
        match access {
            Access::Owner => drop(there.insert(Owner(client))),
            Access::Viewer => drop(there.insert(viewer(client, Rights::USE))),
            Access::Opened => drop(there.insert(Openable::default())),
            Access::OpenedThrough | Access::OpenedBank => {
                there.insert(OpenedThrough { via: bank });
            }
        }
        let there = there.id();
        inventory(&mut pair, there).set(0, COIN.stack(1000)).unwrap();
        pair.settle(30);
        let mut house = Self { pair, host, client, chest: there, bank };
        if access == Access::OpenedBank {
            with_actions(house.app(), |actions| actions.open_by_id(chest(2)));
            house.pair.settle(30);
        }
        if matches!(access, Access::Opened | Access::OpenedThrough | Access::OpenedBank) {
            with_actions(house.app(), |actions| actions.open_by_id(chest(1)));
            house.pair.settle(30);
        }
        house.pair.network.latency_ticks = latency;
        house
    }

    fn app(&mut self) -> &mut App {
        if self.host { &mut self.pair.server } else { &mut self.pair.clients[0].app }
    }

    fn take_all(&mut self) -> InventoryAction {
        let ids = self.app().world().resource::<InventoryIds>();
        let [from, to] = [chest(1), player(0)].map(|id| ids.get(id).unwrap());
        InventoryAction::MoveAll { from: from.into(), to: to.into() }
    }

    fn left(&mut self) -> u64 {
        inventory(&mut self.pair, self.chest).count(COIN)
    }
}

#[test]
fn house_sold_in_the_same_packet_cannot_be_emptied() {
    use Access::*;
    let ways: [(&str, Access, Revoke); 16] = [
        ("no longer openable", Opened, |world, _, chest, _| {
            world.entity_mut(chest).remove::<Openable>();
        }),
        ("opened to be seen only", Opened, |world, _, chest, _| {
            world.entity_mut(chest).insert(Openable(Rights::SEE));
        }),
        ("owner removed", Owner, |world, _, chest, _| {
            world.entity_mut(chest).remove::<bevy_inventory_sync::prelude::Owner>();
        }),
        ("owner changed", Owner, |world, _, chest, _| {
            let other = ClientId::Client(world.spawn_empty().id());
            world.entity_mut(chest).insert(bevy_inventory_sync::prelude::Owner(other));
        }),
        ("viewer removed", Viewer, |world, client, chest, _| {
            world.get_mut::<Viewers>(chest).unwrap().remove(client);
        }),
        ("viewer may only see", Viewer, |world, client, chest, _| {
            world.get_mut::<Viewers>(chest).unwrap().add(client, Rights::SEE);
        }),
        ("viewer may only put in", Viewer, |world, client, chest, _| {
            world.get_mut::<Viewers>(chest).unwrap().add(client, Rights::PUT);
        }),
        ("viewers removed", Viewer, |world, _, chest, _| {
            world.entity_mut(chest).remove::<Viewers>();
        }),
        ("viewers replaced", Viewer, |world, _, chest, _| {
            world.entity_mut(chest).insert(Viewers::new());
        }),
        ("opened, viewers replaced", Opened, |world, _, chest, _| {
            world.entity_mut(chest).insert(Viewers::new());
        }),
        ("opened, locked", Opened, |world, _, chest, _| {
            world.entity_mut(chest).insert(Locked);
        }),
        ("opened through, locked", OpenedThrough, |world, _, chest, _| {
            world.entity_mut(chest).insert(Locked);
        }),
        ("bank no longer seen", OpenedThrough, |world, client, _, bank| {
            world.get_mut::<Viewers>(bank).unwrap().remove(client);
        }),
        ("bank may only be seen", OpenedThrough, |world, client, _, bank| {
            world.get_mut::<Viewers>(bank).unwrap().add(client, Rights::SEE);
        }),
        ("bank no longer openable", OpenedBank, |world, _, _, bank| {
            world.entity_mut(bank).remove::<Openable>();
        }),
        ("bank opened to be seen only", OpenedBank, |world, _, _, bank| {
            world.entity_mut(bank).insert(Openable(Rights::SEE));
        }),
    ];
    for (name, access, revoke) in ways {
        for (host, latency) in [(false, 0), (false, 6), (true, 0)] {
            let mut house = House::new(host, latency, access);
            let (client, chest, bank) = (house.client, house.chest, house.bank);
            house.pair.server.insert_resource(OnSale(revoke, client, chest, bank));
            let take_all = house.take_all();
            with_actions(house.app(), move |actions| {
                actions.request(SellHouse);
                actions.request(take_all);
            });
            house.pair.settle(40);
            assert_eq!(house.left(), 1000, "{name}, host: {host}, {latency} ticks");
            let log = house.app().world().resource::<EventLog>();
            assert_eq!(log.rejected.len(), 1, "{name}, host: {host}, {latency} ticks");
        }
    }
}

#[test]
fn chest_that_is_not_sold_can_be_emptied_in_the_same_packet() {
    use Access::*;
    for access in [Owner, Viewer, Opened, OpenedThrough, OpenedBank] {
        for host in [false, true] {
            let mut house = House::new(host, 3, access);
            let (client, chest, bank) = (house.client, house.chest, house.bank);
            house.pair.server.insert_resource(OnSale(|_, _, _, _| {}, client, chest, bank));
            let take_all = house.take_all();
            with_actions(house.app(), move |actions| {
                actions.request(SellHouse);
                actions.request(take_all);
            });
            house.pair.settle(40);
            assert_eq!(house.left(), 0, "{access:?}, host: {host}");
        }
    }
}

#[test]
fn player_that_becomes_the_owner_of_an_opened_chest_has_all_rights() {
    let mut house = House::new(false, 3, Access::Opened);
    let (owner, there) = (Owner(house.client), house.chest);
    house.pair.server.world_mut().entity_mut(there).insert(owner).remove::<Openable>();
    house.pair.settle(40);
    let take_all = house.take_all();
    with_actions(house.app(), move |actions| actions.request(take_all));
    house.pair.settle(40);
    assert_eq!(house.left(), 0);
}

#[test]
fn between_two_server_ticks_revoked_rights_do_not_count_and_granted_rights_not_yet() {
    let mut app = ticking_slowly(set_up);
    let body = (player(0), Inventory::new(9), Owner(ClientId::Server));
    let me = app.world_mut().spawn(body).id();
    let there = (chest(1), Inventory::new(9), Viewers::new());
    let there = app.world_mut().spawn(there).id();
    let mut coins = app.world_mut().get_mut::<Inventory>(there).unwrap();
    coins.set(0, COIN.stack(5)).unwrap();
    (0..20).for_each(|_| app.update());
    let take = |app: &mut App| {
        let (from, to) = (inv(there, 0), inv(me, 0));
        let take = InventoryAction::Move { from, to, count: Some(1) };
        with_actions(app, move |actions| actions.request(take));
        app.world().get::<Inventory>(me).unwrap().count(COIN)
    };
    let after_a_tick = |app: &mut App| {
        let commits = stats(app).commits;
        let stack = TORCH.stack(1 + u32::try_from(commits % 2).unwrap());
        app.world_mut().get_mut::<Inventory>(me).unwrap().set(7, stack).unwrap();
        while stats(app).commits == commits {
            app.update();
        }
    };
    after_a_tick(&mut app);
    app.world_mut().get_mut::<Viewers>(there).unwrap().add(ClientId::Server, Rights::USE);
    app.update();
    assert_eq!(take(&mut app), 0, "granted since the last tick");
    (0..20).for_each(|_| app.update());
    assert_eq!(take(&mut app), 1);
    after_a_tick(&mut app);
    app.world_mut().get_mut::<Viewers>(there).unwrap().remove(ClientId::Server);
    app.update();
    assert_eq!(take(&mut app), 1, "revoked since the last tick");
}

#[test]
fn rule_that_keeps_a_chest_open_is_asked_before_the_first_action_in_a_tick() {
    #[derive(Resource, Default)]
    struct Asked(u32);
    let mut house = House::new(false, 0, Access::Opened);
    house.pair.server.init_resource::<Asked>();
    house.pair.server.add_rule::<With<Openable>, _>(
        |In(ask): In<AccessRequest>, mut asked: ResMut<Asked>| {
            asked.0 += u32::from(matches!(ask.kind, AccessKind::KeepOpen));
            AccessDecision::Allow
        },
    );
    house.pair.steps(40);
    let before = house.pair.server.world().resource::<Asked>().0;
    let ids = house.app().world().resource::<InventoryIds>();
    let [from, to] = [chest(1), player(0)].map(|id| ids.get(id).unwrap());
    with_actions(house.app(), move |actions| {
        for slot in 0..5 {
            let (from, to) = (inv(from, 0), inv(to, slot));
            actions.request(InventoryAction::Move { from, to, count: Some(1) });
        }
    });
    house.pair.steps(2);
    assert_eq!(house.left(), 995);
    let asked = house.pair.server.world().resource::<Asked>().0 - before;
    assert!((1..=2).contains(&asked), "asked {asked} times for five actions in one tick");
}

#[test]
fn open_chests_are_reviewed_twice_a_second_at_any_tick_rate() {
    #[derive(Resource, Default)]
    struct Asked(u32);
    // A hundred frames per second and ten ticks per second.
    let mut app = ticking_slowly(|app| {
        set_up(app);
        app.init_resource::<Asked>().add_rule::<With<Openable>, _>(
            |In(ask): In<AccessRequest>, mut asked: ResMut<Asked>| {
                asked.0 += u32::from(matches!(ask.kind, AccessKind::KeepOpen));
                AccessDecision::Allow
            },
        );
    });
    app.world_mut().spawn((player(0), Inventory::new(9), Owner(ClientId::Server)));
    app.world_mut().spawn((chest(1), Inventory::new(9), Openable::default()));
    (0..20).for_each(|_| app.update());
    with_actions(&mut app, |actions| actions.open_by_id(chest(1)));
    (0..1000).for_each(|_| app.update());
    let asked = app.world().resource::<Asked>().0;
    assert!((18..=21).contains(&asked), "{asked} times in ten seconds");
}

#[test]
fn right_to_a_large_inventory_counts_once_the_client_has_been_sent_it() {
    use crate::common::forge::{forged, send, view};
    let Scene { mut pair, player_entity, .. } = Scene::clients(1).players(1).build();
    let client = pair.client_id(0);
    let there = (chest(1), noise(8192, 3), viewer(client, Rights::SEE));
    let there = pair.server.world_mut().spawn(there).id();
    pair.settle(600);
    pair.server.world_mut().get_mut::<Viewers>(there).unwrap().add(client, Rights::USE);
    let shown = shown_entity(&pair, 0, chest(1));
    let mut taken_before = 0;
    for number in 1..=60 {
        let take =
            InventoryAction::Move { from: inv(view(1), 7), to: inv(view(0), 3), count: Some(1) };
        let bytes = forged(&pair, number, Some(0), &take);
        send(&mut pair, 0, bytes);
        pair.step();
        let rights = pair.clients[0].app.world().get::<InView>(shown).unwrap().rights;
        let taken = inventory(&mut pair, player_entity).count(COIN);
        assert!(taken == taken_before || number > 5, "taken at request {number} with {rights:?}");
        taken_before = taken;
    }
    assert!(taken_before > 0, "it counts in the end");
}

#[test]
fn copied_list_of_viewers_does_not_keep_a_chest_open() {
    let mut house = House::new(false, 0, Access::Opened);
    let copy = house.pair.server.world().get::<Viewers>(house.chest).unwrap().clone();
    assert_eq!(copy.rights_of(house.client), Some(Rights::USE));
    let second = (chest(5), Inventory::new(3), copy, Openable::default());
    let second = house.pair.server.world_mut().spawn(second).id();
    house.pair.settle(30);
    // It was added by the game, so a player that closes it is told that it cannot.
    let there = shown_entity(&house.pair, 0, chest(5));
    let closed = with_actions(house.app(), move |actions| actions.close(there));
    house.pair.settle(30);
    assert_eq!(events(&mut house.pair, 0).rejected, [(closed, Rejection::NotInView)]);
    house.pair.server.world_mut().get_mut::<Viewers>(second).unwrap().remove(house.client);
    house.pair.settle(30);
    assert!(house.pair.shown::<Inventory>(0, chest(5)).is_none());
}
