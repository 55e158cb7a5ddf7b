//! Keeps the pages of a bank in step with its tabs, and lets only viewers of the bank open them.

use crate::{
    model::{builtin::Inventory, data::DataPool, id::InventoryId},
    server::{inspect, views::access::OpenedThrough},
    shared::{
        authority::{Authority, authority_is_here},
        schedule::InventoryServerSystems,
    },
};

use super::tabs::Tabs;
use bevy::{
    ecs::{entity_disabling::Disabled, lifecycle::Insert, query::Allow},
    prelude::*,
};

/// Authority: marks an inventory as a page of a bank. Observe its insertion to load the page's contents.
///
/// A client that sees the bank may open its pages, one at a time, with the rights that it has to the bank. An
/// [`Openable`](crate::prelude::Openable) on the page restricts these rights, and rules may reject the opening.
#[derive(Component, Clone, PartialEq, Eq, Debug)]
#[relationship(relationship_target = Pages)]
pub struct PageOf {
    /// The entity with the [`Tabs`].
    #[relationship]
    pub bank: Entity,
    /// Number of the page, which [`Tabs::add`] assigned.
    pub page: u32,
}

/// Authority: the pages of a bank, in no particular order. They are despawned with the bank.
#[derive(Component, Debug)]
#[relationship_target(relationship = PageOf, linked_spawn)]
pub struct Pages(Vec<Entity>);

pub(super) fn register(app: &mut App) {
    app.add_observer(follow_inserted).add_systems(
        PostUpdate,
        (follow_tabs, follow_resized)
            .in_set(InventoryServerSystems::Features)
            .run_if(authority_is_here)
            // A client can omit the server half.
            .run_if(inspect::server_is_present),
    );
}

fn follow_inserted(insert: On<Insert, Tabs>, authority: Authority, mut commands: Commands) {
    let bank = insert.entity;
    if authority.is_here() {
        commands.queue(move |world: &mut World| follow(world, bank));
    }
}

type Retabbed = (With<Tabs>, Or<(Changed<Tabs>, Changed<InventoryId>)>, Allow<Disabled>);

fn follow_tabs(changed: Query<Entity, Retabbed>, mut commands: Commands) {
    for bank in &changed {
        commands.queue(move |world: &mut World| follow(world, bank));
    }
}

/// Updates the tab of a page that the game has resized.
fn follow_resized(
    pages: Query<(&PageOf, &Inventory), (Changed<Inventory>, Allow<Disabled>)>,
    banks: Query<&Tabs, Allow<Disabled>>,
    mut commands: Commands,
) {
    let is_resized = |(of, inventory): &(&PageOf, &Inventory)| {
        let tab = banks.get(of.bank).ok().and_then(|tabs| tabs.get(of.page));
        tab.is_some_and(|tab| usize::from(tab.slots()) != inventory.len())
    };
    let mut banks: Vec<_> = pages.iter().filter(is_resized).map(|(of, _)| of.bank).collect();
    banks.sort_unstable();
    banks.dedup();
    for bank in banks {
        commands.queue(move |world: &mut World| follow(world, bank));
    }
}

/// Updates a bank's slots from its tabs. Spawns missing pages, updates ids, and despawns pages without a tab.
fn follow(world: &mut World, bank: Entity) {
    let Some(id) = world.get::<InventoryId>(bank).copied() else { return };
    let pages = pages_of(world, bank);
    let len = |page: Entity| u16::try_from(world.get::<Inventory>(page)?.len()).ok();
    let lens = pages.iter().filter_map(|(page, number)| Some((*number, len(*page)?)));
    let lens: Vec<_> = lens.collect();
    let Some(tabs) = write_tabs(world, bank, &lens) else { return };
    for (page, number) in &pages {
        if !tabs.iter().any(|(tab, _)| tab == number) {
            world.try_despawn(*page).ok();
        } else if world.get(*page) != Some(&InventoryId::page(id, *number))
            && let Ok(mut page) = world.get_entity_mut(*page)
        {
            page.insert(InventoryId::page(id, *number));
        }
    }
    for (page, slots) in tabs {
        if world.get_entity(bank).is_ok() && !pages.iter().any(|(_, number)| *number == page) {
            let inventory = Inventory::new(usize::from(slots));
            let page_of = PageOf { bank, page };
            world.spawn((
                InventoryId::page(id, page),
                inventory,
                page_of,
                OpenedThrough { via: bank },
            ));
        }
    }
}

/// Returns the pages of a bank with their numbers.
fn pages_of(world: &World, bank: Entity) -> Vec<(Entity, u32)> {
    let number = |page: Entity| world.get::<PageOf>(page).map(|of| (page, of.page));
    let pages = world.get::<Pages>(bank).map(|pages| pages.iter().filter_map(number));
    pages.into_iter().flatten().collect()
}

/// Writes the tabs to the bank's slots. Returns the page numbers with the number of slots of each page.
fn write_tabs(world: &mut World, bank: Entity, lens: &[(u32, u16)]) -> Option<Vec<(u32, u16)>> {
    world.resource_scope(|world, mut pool: Mut<DataPool>| {
        let mut tabs = world.get_mut::<Tabs>(bank)?;
        if tabs.bypass_change_detection().write(&mut pool, lens) {
            tabs.set_changed();
        }
        Some(tabs.iter().map(|tab| (tab.page(), tab.slots())).collect())
    })
}
