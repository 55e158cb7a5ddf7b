//! Rules measure from the body of the player, which the game marks. A client cannot name another inventory that it owns,
//! and what was opened from a body closes when the player leaves that body.

use crate::common::*;
use bevy_inventory_sync::features::tabs::{Tab, Tabs};
use serde::{Deserialize, Serialize};

#[derive(Component, Clone, Copy, Serialize, Deserialize)]
struct At(i32);

fn near(In(ask): In<AccessRequest>, positions: Query<&At>) -> AccessDecision {
    let at = |entity: Option<Entity>| positions.get(entity?).ok().map(|at| at.0);
    match (at(ask.actor), at(Some(ask.inventory))) {
        (Some(a), Some(b)) if (a - b).abs() <= 2 => AccessDecision::Allow,
        _ => AccessDecision::Deny(Rejection::TooFar),
    }
}

fn set_up(app: &mut App) {
    setup(app);
    app.add_rule::<(With<Openable>, With<At>), _>(near);
}

/// A player at a client or at the authority, and a chest at 0 that may be opened.
struct Site {
    pair: Simulation,
    host: bool,
    chest: Entity,
}

impl Site {
    fn new(host: bool) -> Self {
        let mut pair = Simulation::new(1, set_up);
        let inside = (chest(1), Inventory::new(9), Openable::default(), At(0));
        let chest = pair.server.world_mut().spawn(inside).id();
        inventory(&mut pair, chest).set(0, TORCH.stack(9)).unwrap();
        pair.settle(30);
        pair.network.latency_ticks = 2;
        Self { pair, host, chest }
    }

    /// A body of the player with this id, marked or not.
    fn spawn(&mut self, n: u64, at: i32, acts: bool) -> Entity {
        let client = if self.host { ClientId::Server } else { self.pair.client_id(0) };
        let body = (player(n), Inventory::new(9), Owner(client), At(at));
        let mut body = self.pair.server.world_mut().spawn(body);
        if acts {
            body.insert(ActingInventory);
        }
        let body = body.id();
        self.pair.settle(30);
        body
    }

    fn app(&mut self) -> &mut App {
        if self.host { &mut self.pair.server } else { &mut self.pair.clients[0].app }
    }

    fn request(
        &mut self,
        request: impl FnOnce(&mut InventoryActions) -> RequestId + Send + Sync + 'static,
    ) -> Option<Rejection> {
        let app = self.app();
        app.world_mut().resource_mut::<EventLog>().clear();
        with_actions(app, request);
        self.pair.settle(30);
        let log = self.app().world().resource::<EventLog>();
        assert_eq!(log.rejected.len() + log.confirmed.len(), 1, "each request is answered");
        log.rejected.first().map(|(_, reason)| *reason)
    }

    fn open(&mut self) -> Option<Rejection> {
        self.request(|actions| actions.open_by_id(chest(1)))
    }

    /// Makes the player a viewer of the chest.
    fn show_chest(&mut self) {
        let client = if self.host { ClientId::Server } else { self.pair.client_id(0) };
        let viewers = viewer(client, Rights::USE);
        self.pair.server.world_mut().entity_mut(self.chest).insert(viewers);
        self.pair.settle(30);
    }

    fn is_open(&self) -> bool {
        let viewers = self.pair.server.world().get::<Viewers>(self.chest);
        viewers.is_some_and(|viewers| !viewers.is_empty())
    }

    /// The player's entity for one of its inventories.
    fn seen(&mut self, id: InventoryId) -> Entity {
        self.app().world().resource::<InventoryIds>().get(id).unwrap()
    }

    /// Takes a torch out of the chest, as the body of this number.
    fn take_as(&mut self, n: u64) -> Option<Rejection> {
        let (body, there) = (self.seen(player(n)), self.seen(chest(1)));
        let (from, to) = (inv(there, 0), inv(body, 0));
        let take = InventoryAction::Move { from, to, count: Some(1) };
        self.request(move |actions| actions.request_as(body, take))
    }
}

#[test]
fn chest_opened_from_the_old_body_closes_after_a_respawn() {
    // The corpse stays beside the chest. It has lost its owner, or is still owned and no longer a body.
    for host in [false, true] {
        for keeps_corpse in [false, true] {
            let mut site = Site::new(host);
            let old = site.spawn(0, 1, true);
            assert_eq!(site.open(), None);
            let world = site.pair.server.world_mut();
            if keeps_corpse {
                world.entity_mut(old).remove::<ActingInventory>();
            } else {
                world.entity_mut(old).remove::<Owner>();
            }
            site.spawn(1, 500, true);
            site.pair.steps(3);
            assert!(!site.is_open(), "host: {host}, keeps its corpse: {keeps_corpse}");
            assert_eq!(site.open(), Some(Rejection::TooFar));
        }
    }
}

#[test]
fn chest_stays_open_if_the_new_body_is_near_too() {
    for host in [false, true] {
        let mut site = Site::new(host);
        let old = site.spawn(0, 1, true);
        assert_eq!(site.open(), None);
        let new = site.spawn(1, -1, false);
        let world = site.pair.server.world_mut();
        world.entity_mut(old).remove::<ActingInventory>();
        world.entity_mut(new).insert(ActingInventory);
        site.pair.steps(60);
        assert!(site.is_open());
        assert_eq!(site.take_as(1), None);
        site.pair.server.world_mut().entity_mut(new).insert(At(90));
        assert_eq!(site.take_as(1), Some(Rejection::TooFar));
    }
}

#[test]
fn opening_is_checked_again_when_its_body_is_lost() {
    type Lose = fn(&mut World, Entity);
    let ways: [(&str, Lose); 4] = [
        ("despawned", |world, body| assert!(world.despawn(body))),
        ("unmarked", |world, body| {
            world.entity_mut(body).remove::<ActingInventory>();
        }),
        ("without an owner", |world, body| {
            world.entity_mut(body).remove::<Owner>();
        }),
        ("given away", |world, body| {
            let other = world.spawn_empty().id();
            world.entity_mut(body).insert(Owner(ClientId::Client(other)));
        }),
    ];
    for host in [false, true] {
        for (name, lose) in ways {
            let mut site = Site::new(host);
            let body = site.spawn(0, 1, true);
            site.spawn(1, 500, true);
            let near = site.seen(player(0));
            let open = move |actions: &mut InventoryActions| actions.open_by_id_as(near, chest(1));
            assert_eq!(site.request(open), None);
            assert!(site.is_open());
            lose(site.pair.server.world_mut(), body);
            site.pair.steps(2);
            assert!(!site.is_open(), "{name}, host: {host}");
        }
    }
}

#[test]
fn client_cannot_act_from_a_corpse_that_it_owns() {
    for host in [false, true] {
        let mut site = Site::new(host);
        site.spawn(0, 1, false);
        site.spawn(1, 500, true);
        site.show_chest();
        assert_eq!(site.take_as(0), Some(Rejection::NotAllowed), "the corpse is near");
        assert_eq!(site.take_as(1), Some(Rejection::TooFar), "the body is far");
        assert_eq!(site.open(), None, "already open");
    }
}

#[test]
fn single_inventory_needs_no_mark_and_several_do() {
    for host in [false, true] {
        let mut site = Site::new(host);
        site.spawn(0, 1, false);
        assert_eq!(site.open(), None);
        site.show_chest();
        assert_eq!(site.take_as(0), None);
        let second = site.spawn(1, 1, false);
        assert_eq!(site.take_as(0), Some(Rejection::NotAllowed));
        assert_eq!(site.take_as(1), Some(Rejection::NotAllowed));
        site.pair.server.world_mut().entity_mut(second).insert(ActingInventory);
        site.pair.settle(30);
        let me = site.seen(player(1));
        assert_eq!(site.app().world().get::<ActingInventory>(me), Some(&ActingInventory));
        assert_eq!(site.take_as(1), None);
        assert_eq!(site.take_as(0), Some(Rejection::NotAllowed));
    }
}

#[test]
fn player_with_two_bodies_acts_and_opens_from_either() {
    for host in [false, true] {
        let mut site = Site::new(host);
        site.spawn(0, 500, true);
        site.spawn(1, 1, true);
        let [far, near] = [player(0), player(1)].map(|id| site.seen(id));
        let open_far = move |actions: &mut InventoryActions| actions.open_by_id_as(far, chest(1));
        assert_eq!(site.request(open_far), Some(Rejection::TooFar));
        let open_near = move |actions: &mut InventoryActions| actions.open_by_id_as(near, chest(1));
        assert_eq!(site.request(open_near), None);
        assert!(site.is_open());
        site.pair.steps(60);
        assert!(site.is_open(), "it is still measured from that body");
        assert_eq!(site.take_as(1), None);
    }
}

#[test]
fn client_cannot_name_an_inventory_that_it_only_views() {
    let mut site = Site::new(false);
    site.spawn(0, 500, true);
    let stranger = (player(7), Inventory::new(9), At(1), ActingInventory);
    let stranger = site.pair.server.world_mut().spawn(stranger).id();
    let seen = viewer(site.pair.client_id(0), Rights::USE);
    site.pair.server.world_mut().entity_mut(stranger).insert(seen);
    site.pair.settle(30);
    let seen = site.seen(player(7));
    let open = move |actions: &mut InventoryActions| actions.open_by_id_as(seen, chest(1));
    assert!(site.request(open).is_some());
    assert!(!site.is_open());
}

#[test]
fn player_that_lost_its_body_does_not_act_from_an_inventory_that_is_not_marked() {
    for host in [false, true] {
        let mut site = Site::new(host);
        let body = site.spawn(0, 500, true);
        site.spawn(1, 1, false);
        assert_eq!(site.open(), Some(Rejection::TooFar));
        site.pair.server.world_mut().entity_mut(body).remove::<Owner>();
        site.pair.settle(30);
        assert!(site.open().is_some(), "the stash is near, and is no body");
        assert!(!site.is_open());
    }
}

#[test]
fn body_of_a_disabled_entity_is_forgotten_when_it_is_given_away() {
    use bevy::ecs::entity_disabling::Disabled;
    let mut site = Site::new(false);
    let first = site.spawn(0, 1, false);
    site.pair.server.world_mut().entity_mut(first).insert(Disabled);
    site.pair.server.world_mut().entity_mut(first).remove::<Owner>();
    site.spawn(1, 1, false);
    assert_eq!(site.open(), None, "it is the only one");
}

#[test]
fn rules_are_told_the_body_of_a_client_that_names_none() {
    use crate::common::forge::{forged, send, view};
    #[derive(Resource, Default)]
    struct Told(Vec<Option<Entity>>);
    let Scene { mut pair, player_entity, .. } =
        Scene::clients(1).players(1).chest([0]).stored(0, COIN.stack(5)).build();
    pair.server.init_resource::<Told>();
    pair.server.add_rule::<Without<Hotbar>, _>(
        |In(ask): In<AccessRequest>, mut told: ResMut<Told>| {
            told.0.push(ask.actor);
            AccessDecision::Allow
        },
    );
    let (from, to) = (inv(view(1), 0), inv(view(0), 0));
    let take = InventoryAction::Move { from, to, count: None };
    let bytes = forged(&pair, 1, None, &take);
    send(&mut pair, 0, bytes);
    pair.step();
    assert_eq!(pair.server.world().resource::<Told>().0, [Some(player_entity)]);
}

#[test]
fn page_cannot_be_used_once_the_rule_closes_its_bank() {
    let set_up = |app: &mut App| {
        setup(app);
        app.add_pages().add_rule::<With<Tabs>, _>(near);
    };
    let mut pair = Simulation::new(1, set_up);
    let owner = Owner(pair.client_id(0));
    let bank = InventoryId::named("bank", 1);
    let tabs = Tabs::new((0..2).map(|n| Tab::new(format!("Tab {n}"), COIN, 9)));
    let world = pair.server.world_mut();
    let body = world.spawn((player(0), Inventory::new(9), owner, At(0))).id();
    world.spawn((bank, tabs, At(0), Openable::default()));
    pair.settle(30);
    let page = InventoryId::page(bank, 0);
    let entity = on_server(&pair, page);
    inventory(&mut pair, entity).set(0, COIN.stack(50)).unwrap();
    with_actions(&mut pair.clients[0].app, move |actions| actions.open_by_id(bank));
    pair.settle(30);
    let there = shown_entity(&pair, 0, bank);
    with_pages(&mut pair.clients[0].app, move |pages| pages.open(there, 0));
    pair.settle(30);
    let (from, to) = (shown_entity(&pair, 0, page), shown_entity(&pair, 0, player(0)));
    *pair.server.world_mut().get_mut::<At>(body).unwrap() = At(900);
    let (from, to) = (inv(from, 0), inv(to, 0));
    ask(&mut pair, 0, InventoryAction::Move { from, to, count: Some(1) });
    pair.steps(3);
    assert_eq!(inventory(&mut pair, body).count(COIN), 0);
}
