//! The pages of a bank are stored like any inventory.

use super::*;

fn bank() -> InventoryId {
    InventoryId::named("bank", 1)
}

/// A world with a bank of three pages.
fn world_with_bank(store: &MemoryStore, slots: u16) -> App {
    let mut app = Simulation::app(|app| {
        setup(app);
        set_up_store(app, store, Durability::EveryTick);
        app.add_pages().add_observer(|page: On<Insert, PageOf>, mut commands: Commands| {
            commands.entity(page.entity).insert(Persist);
        });
    });
    let tabs = Tabs::new((0..3).map(|n| Tab::new(format!("Tab {n}"), COIN, slots)));
    app.world_mut().spawn((bank(), tabs));
    updates(&mut app, 4);
    app
}

fn page(app: &mut App, number: u32) -> Entity {
    let mut pages = app.world_mut().query::<(Entity, &PageOf)>();
    let pages = pages.iter(app.world());
    pages.into_iter().find(|(_, of)| of.page == number).expect("it was spawned").0
}

#[test]
fn pages_of_a_bank_are_there_after_a_restart() {
    let store = MemoryStore::default();
    let mut app = world_with_bank(&store, 4);
    for number in 0..3 {
        let page = page(&mut app, number);
        let mut slots = app.world_mut().get_mut::<Inventory>(page).expect("it is loaded");
        slots.set(1, COIN.stack(7 + number)).expect("there are four slots");
    }
    updates(&mut app, 3);
    core::mem::forget(app);
    store.end_claims();

    // The tabs have become larger meanwhile. What is stored decides.
    let mut app = world_with_bank(&store, 8);
    for number in 0..3 {
        let page = page(&mut app, number);
        assert_eq!(coins(&app, page), Some(7 + u64::from(number)));
        assert_eq!(app.world().get::<Inventory>(page).map(|slots| slots.len()), Some(4));
    }
    let mut banks = app.world_mut().query::<&Tabs>();
    let tabs: Vec<_> = banks.single(app.world()).unwrap().iter().map(|tab| tab.slots()).collect();
    assert_eq!(tabs, [4, 4, 4], "the list shows what the pages have");
    assert_eq!(totals(&store)["coin"], 24);
}
