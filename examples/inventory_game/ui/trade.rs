//! A trade with another player: what both offer, and whether they accept.

use bevy::prelude::*;
use bevy_inventory_sync::{prelude::*, ui::*};

use crate::{protocol::Offer, trade::LocalTrade};

use super::{Backpack, GOLD, letters, panels::TradeSpace};

/// The panel with the other player's offer.
#[derive(Component, Debug)]
struct OtherOffer(Entity);

/// The button that accepts a trade.
#[derive(Component, Debug)]
struct Accept;

/// The button that ends a trade.
#[derive(Component, Debug)]
struct End;

/// The line that says who has accepted.
#[derive(Component, Debug)]
struct Agreement;

pub fn plugin(app: &mut App) {
    app.add_systems(Update, (show, write.run_if(any_match_filter::<Changed<Offer>>), end).chain())
        .add_observer(clear)
        .add_observer(entitle)
        .add_observer(press);
}

/// Shows the own offer as what is opened, so that quick moves lead there, and the other one beside it.
fn show(
    offers: Query<(Entity, &Offer, &InView), Or<(Added<Offer>, Added<InView>)>>,
    space: Single<Entity, With<TradeSpace>>,
    mut opened: ResMut<OpenedInventories>,
    mut commands: Commands,
) {
    for (offer, Offer { by, .. }, view) in &offers {
        if view.rights.contains(Rights::PUT) {
            opened.show(offer);
            continue;
        }
        let panel = InventoryPanel::of(offer, format!("{by} offers"));
        commands.spawn((panel, OtherOffer(offer), ChildOf(*space))).with_children(|panel| {
            panel.spawn(InventoryGrid::of::<Inventory>(offer).columns(3));
            // Never empty, so that the panel does not grow under the pointer.
            panel.spawn((letters(" ", GOLD), Agreement));
            panel.spawn((TextButton("Accept".into()), Accept));
            panel.spawn((TextButton("End trade".into()), End));
        });
    }
}

fn clear(
    closed: On<InventoryClosed>,
    panels: Query<(Entity, &OtherOffer)>,
    mut opened: ResMut<OpenedInventories>,
    mut commands: Commands,
) {
    for (panel, _) in panels.iter().filter(|(_, offer)| offer.0 == closed.entity) {
        commands.entity(panel).despawn();
    }
    opened.hide(closed.entity);
}

fn entitle(mut event: On<DescribePanel>, offers: Query<(&Offer, &InView)>) {
    if let Ok((_, view)) = offers.get(event.inventory)
        && view.rights.contains(Rights::PUT)
    {
        event.title = "You offer".into();
    }
}

fn write(
    trade: LocalTrade,
    lines: Query<Entity, With<Agreement>>,
    buttons: Query<Entity, With<Accept>>,
    mut commands: Commands,
) {
    let accepted = |offer: Option<(Entity, &Offer)>| offer.is_some_and(|(_, offer)| offer.accepted);
    let label = if accepted(trade.mine()) { "Accepted" } else { "Accept" };
    for button in &buttons {
        commands.entity(button).insert(TextButton(label.into()));
    }
    let other = trade.theirs().filter(|(_, offer)| offer.accepted);
    let text = other.map_or(" ".into(), |(_, offer)| format!("{} accepts.", offer.by));
    for line in &lines {
        commands.entity(line).insert(Text(text.clone()));
    }
}

fn press(
    pressed: On<ButtonPressed>,
    buttons: Query<(Has<Accept>, Has<End>)>,
    mut trade: LocalTrade,
    mut actions: InventoryActions,
) {
    match buttons.get(pressed.entity) {
        Ok((true, _)) => {
            let accepts = trade.mine().is_some_and(|(_, offer)| !offer.accepted);
            trade.accept(accepts, &mut actions);
        }
        Ok((_, true)) => trade.end(),
        _ => {}
    }
}

/// Ends a trade when the player closes the panels.
fn end(backpack: Res<Backpack>, mut trade: LocalTrade) {
    if backpack.is_changed() && !backpack.open && trade.mine().is_some() {
        trade.end();
    }
}
