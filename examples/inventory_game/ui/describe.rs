//! What the widgets say about items and rejections of this game.

use bevy::prelude::*;
use bevy_inventory_sync::{
    prelude::*,
    shared::actions::Requested,
    ui::{DescribeRejection, DescribeStack, InventoryUiTexts},
};

use crate::{
    containers::Offerings,
    items::{self, Props},
    protocol::{Avatar, Chest, ChestKind, Energy, Engraving, Users},
    shop,
    trade::AcceptTrade,
};

pub fn plugin(app: &mut App) {
    app.insert_resource(InventoryUiTexts {
        rejection: |reason| {
            shop::text_of(reason).map_or_else(|| reason.to_string().into(), Into::into)
        },
        ..default()
    })
    .add_observer(describe_stack)
    .add_observer(describe_rejection);
}

fn describe_stack(
    mut event: On<DescribeStack>,
    chests: Query<&Chest, With<InView>>,
    items: Res<Items<Props>>,
    pool: Res<DataPool>,
) {
    let stack = event.stack;
    let Some(props) = items.props(stack.item) else { return };
    event.lines.push(props.line.clone());
    if let Some(written) = stack.data.and_then(|data| pool.get::<Engraving>(data)) {
        let line = format!("Engraved: {}", written.text);
        event.lines.push(line);
    }
    if props.uses > 0 {
        let left = props.uses.saturating_sub(stack.wear);
        event.lines.push(format!("{left} of {} uses left", props.uses));
    }
    match props.food {
        0 => {}
        Energy::MAX.. => event.lines.push("Restores all hearts".into()),
        food => event.lines.push(format!("Restores {} hearts", f32::from(food) / 2.0)),
    }
    if props.haste > 0 {
        event.lines.push(format!("Makes you faster for {} s", props.haste));
    }
    let in_shop = chests.get(event.slot.0).is_ok_and(|chest| chest.kind == ChestKind::Vendor);
    if let Some(line) = price_line(props, stack.count(), in_shop, chests.iter()) {
        event.lines.push(line);
    }
}

/// Returns the price of an item in a shop, or what an open shop pays for it.
fn price_line<'a>(
    props: &Props,
    count: u32,
    in_shop: bool,
    mut opened: impl Iterator<Item = &'a Chest>,
) -> Option<String> {
    let shop_is_open = opened.any(|chest| chest.kind == ChestKind::Vendor);
    let each = if count > 1 { " each" } else { "" };
    match (in_shop, items::price(props), items::sale_price(props)) {
        (true, 0, _) => Some("Not for sale".into()),
        (true, price, _) => Some(format!("Price: {price} gold{each}")),
        (false, _, 0) if shop_is_open => Some("The shop does not buy this".into()),
        (false, _, paid) if shop_is_open => Some(format!("The shop pays {paid} gold{each}")),
        _ => None,
    }
}

/// Names who was faster, and what is missing.
fn describe_rejection(
    mut event: On<DescribeRejection>,
    me: Query<&Avatar, With<LocalInventory>>,
    opened: Query<&Users, With<InView>>,
    shrines: Query<(), With<Offerings>>,
) {
    let rejected = &event.rejected;
    let opens = matches!(rejected.request, Requested::Open(_));
    let action = rejected.request.action::<InventoryAction>();
    let picks_up = matches!(action, Some(InventoryAction::MoveAll { .. }));
    let takes_offering = match action {
        Some(InventoryAction::Move { from, .. } | InventoryAction::QuickMove { from, .. }) => {
            shrines.contains(from.0)
        }
        _ => false,
    };
    let text = match rejected.reason {
        // The menu says why the connection was lost.
        Rejection::NotConnected => String::new(),
        Rejection::NotInView if picks_up => "Somebody was faster".into(),
        Rejection::Stale if rejected.request.action::<AcceptTrade>().is_some() => {
            "The offers have changed".into()
        }
        Rejection::NotAllowed if takes_offering => "Offerings stay in the shrine".into(),
        Rejection::Locked if opens => "Locked: needs a brass key".to_owned(),
        Rejection::Stale => {
            let my_name = me.single().map_or("", |me| &me.name);
            let mut users = opened.iter().flat_map(|users| &users.0);
            match users.find(|name| *name != my_name) {
                Some(other) => format!("{other} was faster"),
                None => return,
            }
        }
        _ => return,
    };
    event.text = text;
}
