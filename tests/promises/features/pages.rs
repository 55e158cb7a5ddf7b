//! A bank of many slots in tabs sends the list of tabs first, then one page at a time, to its viewers only.

use crate::common::*;

const TABS: u32 = 50;
const SLOTS: u16 = 100;

fn bank(n: u64) -> InventoryId {
    InventoryId::named("bank", n)
}

fn page(page: u32) -> InventoryId {
    InventoryId::page(bank(1), page)
}

fn tabs() -> Tabs {
    Tabs::new((0..TABS).map(|n| Tab::new(format!("Tab {n}"), COIN, SLOTS)))
}

/// A server with pages, and clients with a backpack each.
fn clients_with_pages(clients: usize) -> Simulation {
    let setup = |app: &mut App| {
        setup(app);
        app.add_pages();
    };
    Scene::with_setup(clients, setup).players(clients).build().pair
}

/// A bank of 5,000 slots, all of them full and no two alike, that these clients may use.
fn spawn_bank(pair: &mut Simulation, viewers: &[usize]) -> Entity {
    let mut list = Viewers::new();
    for client in viewers {
        list.add(pair.client_id(*client), Rights::USE);
    }
    let entity = pair.server.world_mut().spawn((bank(1), tabs(), list)).id();
    for n in 0..TABS {
        let full = (0..SLOTS).map(|slot| COIN.stack(1 + n * u32::from(SLOTS) + u32::from(slot)));
        let there = on_server(pair, page(n));
        *inventory(pair, there) = Inventory(full.map(Some).collect());
    }
    entity
}

fn open(pair: &mut Simulation, client: usize, n: u32) -> RequestId {
    let there = shown_entity(pair, client, bank(1));
    let id = with_pages(&mut pair.clients[client].app, move |pages| pages.open(there, n));
    pair.settle(60);
    id
}

/// The pages that a client shows.
fn open_pages(pair: &Simulation, client: usize) -> Vec<u32> {
    (0..TABS).filter(|n| pair.shown::<Inventory>(client, page(*n)).is_some()).collect()
}

/// The tabs in a client's list: name, number of slots, whether the page is open.
fn listed(app: &mut App) -> Vec<(String, u16, bool)> {
    let there = app.world().resource::<InventoryIds>().get(bank(1));
    let Some(there) = there else { return vec![] };
    with_pages(app, move |pages| {
        let tabs = pages.tabs(there);
        tabs.map(|(tab, page)| (tab.name().into(), tab.slots(), page.is_some())).collect()
    })
}

fn bank_viewers(pair: &mut Simulation, entity: Entity) -> Mut<'_, Viewers> {
    pair.server.world_mut().get_mut::<Viewers>(entity).unwrap()
}

fn server_tabs(pair: &mut Simulation, entity: Entity) -> Mut<'_, Tabs> {
    pair.server.world_mut().get_mut::<Tabs>(entity).unwrap()
}

#[test]
fn tabs_are_listed_first_and_a_page_is_sent_when_opened() {
    let mut pair = clients_with_pages(1);
    pair.clients[0].app.add_observer(|opened: On<InventoryOpened>, tabs: Query<&Tabs>| {
        if let Ok(tabs) = tabs.get(opened.entity) {
            assert_eq!(tabs.len(), TABS as usize, "they exist when the opening is emitted");
        }
    });
    let before = bytes_down(&pair, 0);
    spawn_bank(&mut pair, &[0]);
    pair.settle(100);
    let structure = bytes_down(&pair, 0) - before;
    assert!(structure <= 700, "50 names, icons and sizes in {structure} bytes");
    let list = listed(&mut pair.clients[0].app);
    assert_eq!((list.len(), list[49].clone()), (50, ("Tab 49".into(), 100, false)));
    assert_eq!(open_pages(&pair, 0), [0_u32; 0]);
    let before = bytes_down(&pair, 0);
    open(&mut pair, 0, 7);
    let one = bytes_down(&pair, 0) - before;
    assert!(one <= 300, "a page of 100 full slots in {one} bytes");
    assert_eq!(open_pages(&pair, 0), [7]);
    assert_same(&pair, 0, page(7));
    assert!(listed(&mut pair.clients[0].app).iter().enumerate().all(|(n, tab)| tab.2 == (n == 7)));
    // A closed page costs nothing, whatever changes in it.
    let before = bytes_down(&pair, 0);
    let there = on_server(&pair, page(8));
    inventory(&mut pair, there).set(0, AXE.stack(1)).unwrap();
    pair.settle(60);
    assert_eq!(bytes_down(&pair, 0), before);
}

#[test]
fn each_viewer_has_one_page_open() {
    let mut pair = clients_with_pages(2);
    spawn_bank(&mut pair, &[0, 1]);
    pair.settle(100);
    open(&mut pair, 0, 3);
    open(&mut pair, 1, 3);
    let id = open(&mut pair, 1, 4);
    assert_eq!((open_pages(&pair, 0), open_pages(&pair, 1)), (vec![3], vec![4]));
    assert!(events(&mut pair, 1).confirmed.contains(&id));
    let closed = events(&mut pair, 1).closed.clone();
    assert_eq!(closed.iter().map(|c| c.inventory).collect::<Vec<_>>(), [page(3)]);
    // The same page again: nothing closes.
    open(&mut pair, 1, 4);
    assert_eq!(events(&mut pair, 1).closed.len(), 1);
    let there = shown_entity(&pair, 1, page(4));
    with_actions(&mut pair.clients[1].app, move |actions| actions.close(there));
    pair.settle(60);
    assert_eq!((open_pages(&pair, 0), open_pages(&pair, 1)), (vec![3], vec![]));
    assert_eq!(listed(&mut pair.clients[1].app).len(), 50, "the bank itself stays");
    assert_same(&pair, 0, page(3));
}

#[test]
fn page_closes_in_the_tick_the_bank_is_lost() {
    type Loss = fn(&mut Simulation, Entity);
    let losses: [Loss; 5] = [
        |pair, bank| {
            let client = pair.client_id(0);
            bank_viewers(pair, bank).remove(client);
        },
        |pair, bank| _ = pair.server.world_mut().entity_mut(bank).remove::<Viewers>(),
        |pair, bank| _ = pair.server.world_mut().entity_mut(bank).insert(Viewers::new()),
        |pair, entity| _ = pair.server.world_mut().despawn(entity),
        |pair, bank| _ = pair.server.world_mut().entity_mut(bank).insert(Unsynced),
    ];
    for loss in losses {
        let mut pair = clients_with_pages(1);
        let entity = spawn_bank(&mut pair, &[0]);
        pair.settle(100);
        open(&mut pair, 0, 5);
        assert_eq!(open_pages(&pair, 0), [5]);
        loss(&mut pair, entity);
        pair.steps(2);
        assert_eq!(open_pages(&pair, 0), [0_u32; 0]);
        assert_eq!(listed(&mut pair.clients[0].app), []);
        assert_eq!(events(&mut pair, 0).closed.len(), 2);
    }
}

#[test]
fn page_closes_when_the_bank_is_transferred_or_closed() {
    let mut pair = clients_with_pages(2);
    let entity = spawn_bank(&mut pair, &[]);
    for client in 0..2 {
        let body = on_server(&pair, player(client));
        pair.server.world_mut().entity_mut(body).insert(ActingInventory);
    }
    let [first, second] = [0, 1].map(|client| Owner(pair.client_id(client)));
    pair.server.world_mut().entity_mut(entity).insert(first);
    pair.settle(100);
    open(&mut pair, 0, 5);
    let there = shown_entity(&pair, 0, page(5));
    let world = pair.clients[0].app.world();
    assert_eq!(world.get::<InView>(there).unwrap().rights, Rights::all());
    assert!(world.get::<LocalInventory>(there).is_none());
    pair.server.world_mut().entity_mut(entity).insert(second);
    pair.settle(100);
    assert_eq!((open_pages(&pair, 0), listed(&mut pair.clients[1].app).len()), (vec![], 50));
    pair.server.world_mut().entity_mut(entity).remove::<Owner>().insert(Openable::default());
    pair.settle(100);
    assert_eq!(listed(&mut pair.clients[1].app), []);
    // A player may open the bank, then a page, and close the bank.
    with_actions(&mut pair.clients[1].app, move |actions| actions.open_by_id(bank(1)));
    pair.settle(100);
    open(&mut pair, 1, 9);
    assert_eq!(open_pages(&pair, 1), [9]);
    let there = shown_entity(&pair, 1, bank(1));
    with_actions(&mut pair.clients[1].app, move |actions| actions.close(there));
    pair.settle(100);
    assert_eq!((open_pages(&pair, 1), listed(&mut pair.clients[1].app)), (vec![], vec![]));
}

#[test]
fn page_of_a_hidden_bank_looks_like_a_missing_one() {
    let mut pair = clients_with_pages(2);
    spawn_bank(&mut pair, &[0]);
    pair.settle(100);
    let nothing = InventoryId::named("nothing", 1);
    let asked = [page(3), nothing].map(|id| {
        let id = with_actions(&mut pair.clients[1].app, move |actions| actions.open_by_id(id));
        pair.settle(60);
        id
    });
    let rejected = events(&mut pair, 1).rejected.clone();
    assert_eq!(rejected, asked.map(|id| (id, Rejection::NotInView)));
    assert_eq!(open_pages(&pair, 1), [0_u32; 0]);
    // What the client itself can reject is not sent.
    let up = [0, 1].map(|client| bytes_up(&pair, client));
    let missing = open(&mut pair, 0, TABS);
    let me = shown_entity(&pair, 1, player(1));
    let no_bank = with_pages(&mut pair.clients[1].app, move |pages| pages.open(me, 0));
    pair.settle(60);
    assert_eq!(events(&mut pair, 0).rejected, [(missing, Rejection::NoSuchSlot)]);
    assert_eq!(events(&mut pair, 1).rejected.last(), Some(&(no_bank, Rejection::NotInView)));
    assert_eq!([0, 1].map(|client| bytes_up(&pair, client)), up);
}

#[test]
fn closed_page_never_reaches_a_client() {
    let mut pair = clients_with_pages(3);
    pair.record = true;
    spawn_bank(&mut pair, &[0, 1]);
    let there = on_server(&pair, page(2));
    *inventory(&mut pair, there) = Inventory::from_slots(canary().into_iter().collect());
    pair.settle(100);
    open(&mut pair, 0, 2);
    open(&mut pair, 1, 3);
    for n in 0..10 {
        let _ = inventory(&mut pair, there).swap(n % 4, (n + 1) % 4);
        pair.steps(2);
    }
    let received_canary = |pair: &Simulation, client: usize| {
        pair.clients[client].record.iter().any(|(_, bytes)| contains_canary(bytes))
    };
    assert!(received_canary(&pair, 0), "the viewer of the page receives it");
    assert!(!received_canary(&pair, 1) && !received_canary(&pair, 2));
    pair.clients[0].record.clear();
    open(&mut pair, 0, 3);
    pair.clients[0].record.clear();
    for n in 0..10 {
        let _ = inventory(&mut pair, there).swap(n % 4, (n + 1) % 4);
        pair.steps(2);
    }
    assert!(!received_canary(&pair, 0), "and no longer when another page is open");
}

#[test]
fn tabs_are_renamed_added_resized_and_removed_at_run_time() {
    let mut pair = clients_with_pages(1);
    let entity = spawn_bank(&mut pair, &[0]);
    pair.settle(100);
    open(&mut pair, 0, 2);
    let before = bytes_down(&pair, 0);
    assert!(server_tabs(&mut pair, entity).rename(2, "Ores"));
    assert!(!server_tabs(&mut pair, entity).rename(TABS, "Nothing"));
    pair.settle(60);
    assert_eq!(listed(&mut pair.clients[0].app)[2], ("Ores".into(), 100, true));
    let renamed = bytes_down(&pair, 0) - before;
    assert!(renamed <= 20, "a name of four bytes in {renamed}");
    // The page grows, and its tab shows the new size.
    let there = on_server(&pair, page(2));
    assert!(inventory(&mut pair, there).resize(120).is_empty());
    pair.settle(60);
    assert_eq!(listed(&mut pair.clients[0].app)[2].1, 120);
    assert_same(&pair, 0, page(2));
    // A removed tab takes its page along; the numbers of the others stay.
    assert!(server_tabs(&mut pair, entity).remove(2).is_some());
    pair.settle(60);
    let list = listed(&mut pair.clients[0].app);
    assert_eq!((list.len(), list[2].0.as_str()), (49, "Tab 3"));
    assert_eq!(events(&mut pair, 0).closed.last().unwrap().reason, CloseReason::Despawned);
    assert!(pair.server.world().resource::<InventoryIds>().get(page(2)).is_none());
    open(&mut pair, 0, 3);
    assert_same(&pair, 0, page(3));
    assert_eq!(server_tabs(&mut pair, entity).add(Tab::new("Gems", AXE, 10)), TABS);
    assert!(server_tabs(&mut pair, entity).set_icon(TABS, BOOTS));
    pair.settle(60);
    assert_eq!(listed(&mut pair.clients[0].app)[49], ("Gems".into(), 10, false));
    open(&mut pair, 0, TABS);
    assert_eq!(pair.shown::<Inventory>(0, page(TABS)).unwrap().len(), 10);
    let shown = shown_entity(&pair, 0, bank(1));
    let tabs = pair.clients[0].app.world().get::<Tabs>(shown).unwrap();
    assert_eq!(tabs.get(TABS).unwrap().icon(), BOOTS);
    // A new id of the bank gives each page a new id.
    pair.server.world_mut().entity_mut(entity).insert(bank(2));
    pair.settle(60);
    assert!(pair.server.world().resource::<InventoryIds>().get(page(3)).is_none());
    let there = on_server(&pair, InventoryId::page(bank(2), 3));
    assert_eq!(inventory(&mut pair, there).get(0), Some(COIN.stack(301)));
}

#[test]
fn page_acts_like_a_chest_and_icons_are_not_items() {
    let mut pair = clients_with_pages(1);
    pair.server
        .init_resource::<Unaccounted>()
        .add_systems(
            Last,
            |mut wrong: MessageReader<UnaccountedItems>, mut all: ResMut<Unaccounted>| {
                all.0.extend(wrong.read().copied());
            },
        )
        .insert_resource(ItemAudit::Strict);
    let entity = spawn_bank(&mut pair, &[0]);
    pair.settle(100);
    open(&mut pair, 0, 1);
    let [me, shown, bank] = [player(0), page(1), bank(1)].map(|id| shown_entity(&pair, 0, id));
    let from = inv(shown, 4);
    ask(&mut pair, 0, InventoryAction::QuickMove { from, to: me.into() });
    ask(&mut pair, 0, InventoryAction::Move { from: inv(me, 0), to: from, count: Some(5) });
    pair.settle(60);
    assert_eq!(events(&mut pair, 0).rejected, []);
    assert_same(&pair, 0, page(1));
    assert_same(&pair, 0, player(0));
    assert_eq!(pair.shown::<Inventory>(0, player(0)).unwrap().count(COIN), 100);
    // The icons are coins as well, and the bank itself holds no items.
    for action in [
        InventoryAction::QuickMove { from: (bank, Tabs::slot(0)), to: me.into() },
        InventoryAction::QuickMove { from: inv(me, 0), to: bank.into() },
        InventoryAction::Swap { a: (bank, Tabs::slot(0)), b: inv(me, 5) },
        InventoryAction::Drop { from: (bank, Tabs::slot(0)), count: None },
    ] {
        ask(&mut pair, 0, action);
        pair.settle(60);
    }
    assert_eq!(events(&mut pair, 0).rejected.len(), 4);
    server_tabs(&mut pair, entity).add(Tab::new("Gems", AXE, 10));
    server_tabs(&mut pair, entity).remove(0);
    server_tabs(&mut pair, entity).rename(1, "Ores");
    pair.settle(60);
    assert_eq!(pair.server.world().resource::<Unaccounted>().0, []);
    let stats = stats(&pair.clients[0].app);
    assert_eq!((stats.resyncs_requested, stats.slots_reverted), (0, 0));
}

#[derive(Resource, Default)]
struct Unaccounted(Vec<UnaccountedItems>);

#[derive(Component)]
struct Locked;

#[test]
fn page_rights_follow_the_bank_and_may_be_narrower() {
    let mut pair = Simulation::new(1, |app| {
        setup(app);
        app.add_pages().add_rule::<With<Locked>, _>(|_: In<AccessRequest>| {
            AccessDecision::Deny(Rejection::Locked)
        });
    });
    let entity = spawn_bank(&mut pair, &[0]);
    let [locked, looked_at] = [1, 2].map(|n| on_server(&pair, page(n)));
    pair.server.world_mut().entity_mut(locked).insert(Locked);
    pair.server.world_mut().entity_mut(looked_at).insert(Openable(Rights::SEE));
    pair.settle(100);
    open(&mut pair, 0, 5);
    let id = open(&mut pair, 0, 1);
    assert_eq!(events(&mut pair, 0).rejected, [(id, Rejection::Locked)]);
    assert_eq!(open_pages(&pair, 0), [5], "what was open stays");
    let rights = |pair: &Simulation, n: u32| {
        let there = shown_entity(pair, 0, page(n));
        pair.clients[0].app.world().get::<InView>(there).unwrap().rights
    };
    assert_eq!(rights(&pair, 5), Rights::USE);
    let client = pair.client_id(0);
    bank_viewers(&mut pair, entity).add(client, Rights::SEE | Rights::PUT);
    pair.settle(100);
    assert_eq!(rights(&pair, 5), Rights::SEE | Rights::PUT);
    open(&mut pair, 0, 2);
    assert_eq!(rights(&pair, 2), Rights::SEE);
    // A rule that denies access later closes the page.
    pair.server.world_mut().entity_mut(looked_at).insert(Locked);
    pair.steps(40);
    assert_eq!(open_pages(&pair, 0), [0_u32; 0]);
    // A page that the game has opened is closed only by the game.
    let by_game = viewer(client, Rights::SEE);
    pair.server.world_mut().entity_mut(locked).insert(by_game);
    pair.settle(60);
    open(&mut pair, 0, 5);
    assert_eq!(open_pages(&pair, 0), [1, 5]);
    bank_viewers(&mut pair, entity).remove(client);
    pair.settle(60);
    assert_eq!(open_pages(&pair, 0), [1]);
}

#[test]
fn despawned_bank_and_disconnected_client_leave_nothing() {
    let mut pair = clients_with_pages(2);
    let entity = spawn_bank(&mut pair, &[0, 1]);
    pair.settle(100);
    open(&mut pair, 0, 1);
    open(&mut pair, 1, 2);
    pair.disconnect(1);
    pair.settle(60);
    let there = on_server(&pair, page(2));
    assert!(pair.server.world().get::<Viewers>(there).unwrap().is_empty());
    pair.server.world_mut().despawn(entity);
    pair.settle(60);
    let world = pair.server.world_mut();
    assert_eq!(world.query::<&PageOf>().iter(world).count(), 0);
    assert_eq!(world.query::<&Inventory>().iter(world).count(), 2, "the backpacks");
    let closed: Vec<_> = events(&mut pair, 0).closed.iter().map(|c| c.reason).collect();
    assert_eq!(closed, [CloseReason::Despawned; 2]);
    let left = pair.server_views();
    for id in [bank(1), page(1), page(2)] {
        assert!(!left.contains(&id.to_string()), "{left}");
    }
}

#[test]
fn bank_is_saved_by_id_and_emptied_slots_remove_no_tab() {
    let mut pair = clients_with_pages(1);
    let entity = spawn_bank(&mut pair, &[0]);
    server_tabs(&mut pair, entity).rename(4, "Ores");
    server_tabs(&mut pair, entity).remove(5);
    pair.settle(100);
    let there = on_server(&pair, page(4));
    let saved = with_inventories(&mut pair.server, move |inv| {
        [entity, there].map(|entity| inv.save(entity).unwrap())
    });
    pair.server.world_mut().despawn(entity);
    // A new bank with the saved tabs only.
    let viewers = viewer(pair.client_id(0), Rights::USE);
    let entity = pair.server.world_mut().spawn((bank(1), Tabs::default(), viewers)).id();
    let [of_bank, of_page] = saved;
    with_inventories(&mut pair.server, move |inv| inv.load(entity, &of_bank).unwrap());
    pair.step();
    let there = on_server(&pair, page(4));
    with_inventories(&mut pair.server, move |inv| inv.load(there, &of_page).unwrap());
    pair.settle(100);
    assert_eq!(listed(&mut pair.clients[0].app).len(), 49);
    open(&mut pair, 0, 4);
    assert_eq!(pair.shown::<Inventory>(0, page(4)).unwrap().get(0), Some(COIN.stack(401)));
    assert_eq!(server_tabs(&mut pair, entity).add(Tab::new("Gems", AXE, 10)), TABS);
    pair.settle(60);
    // Server code that empties all slots removes icons, not pages.
    with_inventories(&mut pair.server, move |inv| _ = inv.take_if(entity, |_| true).unwrap());
    pair.settle(60);
    assert_eq!(listed(&mut pair.clients[0].app).len(), 50);
    assert_eq!(open_pages(&pair, 0), [4]);
    assert_eq!(inventory(&mut pair, there).get(0), Some(COIN.stack(401)));
}

/// What a player at the authority does, and what it sees.
fn play_at_the_authority(app: &mut App, mut step: impl FnMut(&mut App)) {
    let me = (player(9), Inventory::default(), Hotbar::default(), Owner(ClientId::Server));
    let me = app.world_mut().spawn(me).id();
    let viewers = viewer(ClientId::Server, Rights::USE);
    let entity = app.world_mut().spawn((bank(1), tabs(), viewers)).id();
    let page_entity =
        |app: &App, n: u32| app.world().resource::<InventoryIds>().get(page(n)).unwrap();
    let [first, second] = [0, 1].map(|n| page_entity(app, n));
    app.world_mut().get_mut::<Inventory>(first).unwrap().set(0, TORCH.stack(5)).unwrap();
    step(app);
    let list = listed(app);
    assert_eq!((list.len(), list[1].clone()), (50, ("Tab 1".into(), 100, false)));
    with_pages(app, move |pages| pages.open(entity, 0));
    step(app);
    assert!(listed(app)[0].2 && app.world().get::<InView>(first).is_some());
    let from = (first, Inventory::slot(0));
    with_actions(app, move |actions| {
        actions.request(InventoryAction::QuickMove { from, to: me.into() })
    });
    step(app);
    assert_eq!(app.world().get::<Inventory>(me).unwrap().count(TORCH), 5);
    with_pages(app, move |pages| pages.open(entity, 1));
    step(app);
    assert!(app.world().get::<InView>(first).is_none());
    assert!(app.world().get::<InView>(second).is_some());
    let missing = with_pages(app, move |pages| pages.open(entity, TABS));
    assert_eq!(app.world().resource::<EventLog>().rejected, [(missing, Rejection::NoSuchSlot)]);
    app.world_mut().get_mut::<Tabs>(entity).unwrap().rename(0, "Ores");
    step(app);
    assert_eq!(listed(app)[0].0, "Ores");
    app.world_mut().get_mut::<Viewers>(entity).unwrap().remove(ClientId::Server);
    step(app);
    assert!(app.world().get::<InView>(second).is_none());
    assert!(app.world().get::<InView>(entity).is_none());
    app.world_mut().despawn(entity);
    step(app);
    assert_eq!(app.world_mut().query::<&PageOf>().iter(app.world()).count(), 0);
}

#[test]
fn pages_work_on_a_host_and_in_single_player() {
    let mut app = Simulation::app(|app| {
        setup(app);
        app.add_pages();
    });
    play_at_the_authority(&mut app, App::update);
    let mut pair = clients_with_pages(1);
    let before = bytes_down(&pair, 0);
    play_at_the_authority(&mut pair.server, |app| {
        app.update();
        app.update();
    });
    pair.settle(60);
    assert_eq!(bytes_down(&pair, 0), before, "a guest that does not see the bank receives nothing");
}
