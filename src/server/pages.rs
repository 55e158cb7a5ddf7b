//! Keeps the pages of a bank equal to its tabs, and open only to those who see the bank.

use bevy::{
    ecs::{
        entity_disabling::Disabled,
        lifecycle::{Insert, Remove},
        query::Allow,
    },
    platform::collections::HashMap,
    prelude::*,
};
use bevy_replicon::prelude::*;

use crate::{
    authority::{Authority, authority_is_here},
    model::{
        container::{Container, Inventory},
        data::DataPool,
        id::InventoryId,
        rights::Rights,
        slots::Slots,
    },
    pages::Tabs,
    systems::InventorySystems,
};

use super::{
    GameSystems,
    access::{Openable, Owner, Viewers},
    audit::Books,
    baseline::Baseline,
    faults::Unsynced,
    mark::{MarkSystems, Marked},
    open,
    views::Views,
};

/// Authority: an inventory that is a page of a bank. Observe its insertion to load what is in it.
///
/// Whoever sees the bank may open it, one of the bank's pages at a time, and has the rights that it has to the
/// bank. An [`Openable`] beside it allows less, and rules may refuse.
#[derive(Component, Clone, PartialEq, Eq, Debug)]
#[relationship(relationship_target = Pages)]
pub struct PageOf {
    /// The entity with the [`Tabs`].
    #[relationship]
    pub bank: Entity,
    /// The number of the page.
    pub page: u32,
}

/// Authority: the pages of a bank, in no order. They are despawned with it.
#[derive(Component, Debug)]
#[relationship_target(relationship = PageOf, linked_spawn)]
pub struct Pages(Vec<Entity>);

pub(crate) fn register(app: &mut App) {
    app.add_observer(follow_inserted)
        .add_observer(review_bank::<Remove, Viewers>)
        .add_observer(review_bank::<Remove, Owner>)
        .add_observer(review_bank::<Insert, Unsynced>)
        .add_systems(
            PostUpdate,
            (
                (follow_tabs, review_banks).in_set(GameSystems).run_if(authority_is_here),
                follow_resized.in_set(InventorySystems::Mark).after(MarkSystems::Slots),
            )
                // A client may leave the server half out.
                .run_if(resource_exists::<Views>),
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

/// A page that the game has resized is said to have other slots.
fn follow_resized(
    marked: Res<Marked>,
    pages: Query<(&PageOf, &Baseline), Allow<Disabled>>,
    mut commands: Commands,
) {
    let resized = pages.iter_many(marked.units()).filter(|(_, page)| page.is_restructured());
    let mut banks: Vec<_> = resized.map(|(page, _)| page.bank).collect();
    banks.sort_unstable();
    banks.dedup();
    for bank in banks {
        commands.queue(move |world: &mut World| follow(world, bank));
    }
}

/// Has a bank show its tabs, and have the pages that they say.
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
            world.spawn((InventoryId::page(id, page), inventory, PageOf { bank, page }));
        }
    }
}

/// The pages of a bank with their numbers.
fn pages_of(world: &World, bank: Entity) -> Vec<(Entity, u32)> {
    let number = |page: Entity| world.get::<PageOf>(page).map(|of| (page, of.page));
    let pages = world.get::<Pages>(bank).map(|pages| pages.iter().filter_map(number));
    pages.into_iter().flatten().collect()
}

/// Writes the icons, and gives the numbers of the pages with how many slots they have.
fn write_tabs(world: &mut World, bank: Entity, lens: &[(u32, u16)]) -> Option<Vec<(u32, u16)>> {
    let (tabs, before, now) = world.resource_scope(|world, mut pool: Mut<DataPool>| {
        let mut there = world.get_mut::<Tabs>(bank)?;
        let before = there.bypass_change_detection().write(&mut pool, lens);
        if before.is_some() {
            there.set_changed();
        }
        let tabs = there.iter().map(|tab| (tab.page(), tab.slots())).collect();
        Some((tabs, before, there.slots().clone()))
    })?;
    if let (Some(before), Some(mut books)) = (before, world.get_resource_mut::<Books>()) {
        let net = |slots: &Slots, sign: i64, books: &mut Books| {
            for (_, stack) in slots.iter() {
                books.exempt(bank, stack.item, sign * i64::from(stack.count()));
            }
        };
        net(&before, -1, &mut books);
        net(&now, 1, &mut books);
    }
    Some(tabs)
}

/// What a player may do with the pages of a bank, if it sees the bank.
pub(super) fn rights_to(world: &World, bank: Entity, client: ClientId) -> Option<Rights> {
    let there = world.get_entity(bank).ok().filter(|there| !there.contains::<Unsynced>())?;
    if there.get::<Owner>() == Some(&Owner(client)) {
        return Some(Rights::all());
    }
    there.get::<Viewers>()?.rights_of(client)
}

/// Closes the other pages of a bank that a player has opened.
pub(super) fn close_others(world: &mut World, page: Entity, client: ClientId) {
    let Some(bank) = world.get::<PageOf>(page).map(|of| of.bank) else { return };
    for (other, _) in pages_of(world, bank) {
        let open = world.get::<Viewers>(other).is_some_and(|viewers| viewers.has_asked(client));
        if other != page && open {
            open::close(world, client, other).ok();
        }
    }
}

fn review_bank<E: EntityEvent, C: Component>(
    event: On<E, C>,
    banks: Query<(), (With<Pages>, Allow<Disabled>)>,
    authority: Authority,
    mut commands: Commands,
) {
    let bank = event.event_target();
    if authority.is_here() && banks.contains(bank) {
        commands.queue(move |world: &mut World| review(world, bank));
    }
}

type Reviewed = (With<Pages>, Or<(Changed<Viewers>, Changed<Owner>)>, Allow<Disabled>);

fn review_banks(changed: Query<Entity, Reviewed>, mut commands: Commands) {
    for bank in &changed {
        commands.queue(move |world: &mut World| review(world, bank));
    }
}

/// Takes pages away from those who do not see the bank any more, and has the rights to them follow.
fn review(world: &mut World, bank: Entity) {
    let Ok(there) = world.get_entity(bank) else { return };
    let viewers = there.get::<Viewers>().into_iter().flat_map(Viewers::iter);
    let owner = there.get::<Owner>().map(|owner| (owner.0, Rights::all()));
    let mut allowed: HashMap<ClientId, Rights> = viewers.chain(owner).collect();
    if there.contains::<Unsynced>() {
        allowed.clear();
    }
    for (page, _) in pages_of(world, bank) {
        let most = world.get::<Openable>(page).map_or(Rights::all(), |openable| openable.0);
        let Some(viewers) = world.get::<Viewers>(page) else { continue };
        let opened = viewers.iter().filter(|(client, _)| viewers.has_asked(*client));
        let opened: Vec<_> = opened.collect();
        for (client, before) in opened {
            let now = allowed.get(&client).map(|rights| *rights & most | Rights::SEE);
            match (now, world.get_mut::<Viewers>(page)) {
                (Some(now), Some(mut viewers)) if now != before => viewers.add_asked(client, now),
                (None, _) => {
                    open::close(world, client, page).ok();
                }
                _ => {}
            }
        }
    }
}
