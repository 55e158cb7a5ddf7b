//! Entity names for the overlay.

use bevy::prelude::*;
use bevy_inventory_sync::{
    features::{pages::PageOf, tabs::Tabs},
    prelude::*,
};

use crate::{
    protocol::{Avatar, Chest, Furnace, GroundItem, Offer, Position, Shrine},
    server::VaultOf,
};

pub fn plugin(app: &mut App) {
    app.add_systems(Update, (name_things, name_banks));
}

/// Names banks and their pages after their players.
fn name_banks(
    banks: Query<(Entity, &VaultOf), Without<Name>>,
    pages: Query<(Entity, &PageOf), Without<Name>>,
    owners: Query<(&VaultOf, &Tabs)>,
    avatars: Query<&Avatar>,
    mut commands: Commands,
) {
    let name = |bank: &VaultOf| avatars.get(bank.0).map_or("?", |avatar| &avatar.name);
    for (entity, bank) in &banks {
        commands.entity(entity).try_insert(Name::new(format!("bank of {}", name(bank))));
    }
    for (entity, page) in &pages {
        let Ok((bank, tabs)) = owners.get(page.bank) else { continue };
        let tab = tabs.get(page.page).map_or("?", |tab| tab.name());
        commands.entity(entity).try_insert(Name::new(format!("bank of {}, {tab}", name(bank))));
    }
}

type Other = (Entity, Has<Furnace>, Has<Shrine>, Option<&'static Offer>);

fn name_things(
    avatars: Query<(Entity, &Avatar), (With<InventoryId>, Without<Name>)>,
    chests: Query<(Entity, &Chest, &Position), (With<InventoryId>, Without<Name>)>,
    others: Query<Other, (With<InventoryId>, Without<Name>)>,
    ground: Query<Entity, (With<GroundItem>, Without<Name>)>,
    mut commands: Commands,
) {
    for (entity, avatar) in &avatars {
        commands.entity(entity).try_insert(Name::new(avatar.name.clone()));
    }
    for (entity, chest, Position(at)) in &chests {
        let name = format!("chest {:.0}/{:.0} ({:?})", at.x.floor(), at.y.floor(), chest.kind);
        let name = name.to_lowercase();
        commands.entity(entity).try_insert(Name::new(name));
    }
    for (entity, furnace, shrine, offer) in &others {
        let name = match (furnace, shrine, offer) {
            (true, ..) => "furnace".into(),
            (_, true, _) => "shrine".into(),
            (.., Some(offer)) => format!("offer of {}", offer.by),
            _ => continue,
        };
        commands.entity(entity).try_insert(Name::new(name));
    }
    for entity in &ground {
        commands.entity(entity).try_insert(Name::new(format!("on the ground {entity}")));
    }
}
