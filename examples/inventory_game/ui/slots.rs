//! Slots on screen: each node shows one slot of an inventory, and is repainted when that slot changes.

use bevy::{ecs::system::SystemParam, prelude::*};
use bevy_inventory_sync::prelude::*;

use crate::{items::Props, view::Art};

use super::{focus::Focusable, letters};

/// Distance between adjacent slots, in pixel-art pixels.
pub const SLOT: f32 = 20.0;

/// How long a changed slot glows, in seconds.
const GLOW: f32 = 0.6;

/// Minimum fraction of the wear bar that is drawn: two pixel-art pixels.
const LEAST_LEFT: f32 = 0.15;

/// The slot that a node shows.
#[derive(Component, Clone, Copy, PartialEq, Eq, Debug)]
pub struct SlotView {
    pub inventory: Entity,
    pub slot: Slot,
}

impl SlotView {
    pub fn place(self) -> SlotRef {
        (self.inventory, self.slot)
    }
}

/// The child nodes of a slot.
#[derive(Component, Debug)]
pub struct SlotParts {
    pub icon: Entity,
    count: Entity,
    glow: Entity,
    /// Wear bar; its only child is the remaining part.
    wear: Entity,
}

/// The stack that was last painted.
#[derive(Component, Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Painted(pub Option<Stack>);

#[derive(Component, Debug)]
struct WearLeft;

/// Remaining seconds of the glow.
#[derive(Component, Default, Debug)]
struct Glow(f32);

/// The contents of the slots that the local player may see.
#[derive(SystemParam)]
pub struct Contents<'w, 's> {
    units: Query<'w, 's, (Option<&'static Inventory>, Option<&'static Hotbar>), With<InView>>,
    catalog: Res<'w, ItemCatalog>,
}

impl Contents<'_, '_> {
    pub fn get(&self, view: SlotView) -> Option<Stack> {
        let (inventory, hotbar) = self.units.get(view.inventory).ok()?;
        let inventory = || inventory?.get(view.slot.index_in::<Inventory>()?);
        let hotbar = || hotbar?.get(view.slot.index_in::<Hotbar>()?);
        inventory().or_else(hotbar)
    }

    pub fn key(&self, item: ItemId) -> &str {
        self.catalog.get(item).map_or("?", |def| &def.key)
    }
}

pub fn plugin(app: &mut App) {
    app.add_systems(Update, (paint_new, fade)).add_observer(repaint).add_observer(dim_pending);
}

/// Spawns a grid of slots of a container.
pub fn grid<C: Container>(parent: &mut ChildSpawnerCommands, art: &Art, of: Entity, len: usize) {
    let row =
        Node { flex_wrap: FlexWrap::Wrap, width: px(SLOT * 9.0), flex_shrink: 0.0, ..default() };
    parent.spawn((row, Pickable::IGNORE)).with_children(|grid| {
        for index in 0..len {
            spawn_slot(grid, art, SlotView { inventory: of, slot: C::slot(index) });
        }
    });
}

fn spawn_slot(grid: &mut ChildSpawnerCommands, art: &Art, view: SlotView) {
    let square = Node {
        width: px(SLOT),
        height: px(SLOT),
        align_items: AlignItems::Center,
        justify_content: JustifyContent::Center,
        flex_shrink: 0.0,
        ..default()
    };
    let picture = ImageNode::new(art.slot.clone());
    let mut slot = grid.spawn((square, picture, view, Focusable::Panel, Painted(None)));
    let over =
        |node: Node| (Node { position_type: PositionType::Absolute, ..node }, Pickable::IGNORE);
    let mut parts = SlotParts {
        icon: Entity::PLACEHOLDER,
        count: Entity::PLACEHOLDER,
        glow: Entity::PLACEHOLDER,
        wear: Entity::PLACEHOLDER,
    };
    slot.with_children(|slot| {
        let inset = Node { left: px(2), right: px(2), top: px(2), bottom: px(2), ..default() };
        let glow = (over(inset), BackgroundColor(Color::NONE), Glow::default());
        parts.glow = slot.spawn(glow).id();
        let icon = Node { width: px(16), height: px(16), ..default() };
        parts.icon =
            slot.spawn((icon, ImageNode::default(), Visibility::Hidden, Pickable::IGNORE)).id();
        let corner = over(Node { right: px(2), bottom: px(0.5), ..default() }).0;
        parts.count = slot.spawn((letters("", Color::WHITE), corner)).id();
        let bar = Node { left: px(3), bottom: px(2), width: px(14), height: px(2), ..default() };
        let dark = BackgroundColor(Color::srgb(0.1, 0.06, 0.1));
        let left = (Node { height: px(1), ..default() }, BackgroundColor(Color::WHITE), WearLeft);
        let mut wear = slot.spawn((over(bar), dark, Visibility::Hidden));
        parts.wear = wear.with_child((left, Pickable::IGNORE)).id();
    });
    slot.insert(parts);
}

/// Paints slots.
#[derive(SystemParam)]
struct Painter<'w, 's> {
    art: Res<'w, Art>,
    items: Res<'w, Items<Props>>,
    painted: Query<'w, 's, &'static mut Painted>,
    icons: Query<'w, 's, &'static mut ImageNode>,
    shown: Query<'w, 's, &'static mut Visibility>,
    counts: Query<'w, 's, &'static mut Text>,
    bars: Query<'w, 's, &'static Children>,
    left: Query<'w, 's, (&'static mut Node, &'static mut BackgroundColor), With<WearLeft>>,
}

impl Painter<'_, '_> {
    fn paint(&mut self, slot: Entity, parts: &SlotParts, stack: Option<Stack>) {
        if let Ok(mut painted) = self.painted.get_mut(slot) {
            painted.0 = stack;
        }
        if let Ok(mut icon) = self.icons.get_mut(parts.icon) {
            icon.image = stack.map(|stack| self.art.icon(stack.item)).unwrap_or_default();
        }
        self.show(parts.icon, stack.is_some());
        if let Ok(mut count) = self.counts.get_mut(parts.count) {
            let many = stack.filter(|stack| stack.count() > 1);
            count.0 = many.map(|stack| stack.count().to_string()).unwrap_or_default();
        }
        let left = stack.and_then(|stack| left_of(&self.items, stack)).filter(|left| *left < 1.0);
        self.show(parts.wear, left.is_some());
        let bar = self.bars.get(parts.wear).ok().and_then(|bar| bar.first());
        if let (Some(left), Some(bar)) = (left, bar)
            && let Ok((mut node, mut color)) = self.left.get_mut(*bar)
        {
            node.width = percent(100.0 * left.max(LEAST_LEFT));
            color.0 = Color::hsl(120.0 * left, 0.75, 0.5);
        }
    }

    fn show(&mut self, part: Entity, shown: bool) {
        if let Ok(mut visibility) = self.shown.get_mut(part) {
            let to = if shown { Visibility::Inherited } else { Visibility::Hidden };
            visibility.set_if_neq(to);
        }
    }
}

/// Returns the remaining fraction of a tool's uses; `None` if the item does not wear out.
fn left_of(items: &Items<Props>, stack: Stack) -> Option<f32> {
    let uses = items.props(stack.item).map(|props| props.uses).filter(|uses| *uses > 0)?;
    Some(f32::from(uses.saturating_sub(stack.wear)) / f32::from(uses))
}

fn paint_new(
    slots: Query<(Entity, &SlotView, &SlotParts), Added<SlotParts>>,
    contents: Contents,
    mut painter: Painter,
) {
    for (slot, view, parts) in &slots {
        painter.paint(slot, parts, contents.get(*view));
    }
}

/// Repaints a slot. The event is sent once per actual change, only for inventories in view.
fn repaint(
    change: On<SlotChanged>,
    slots: Query<(Entity, &SlotView, &SlotParts)>,
    mut glows: Query<&mut Glow>,
    mut painter: Painter,
) {
    let changed = SlotView { inventory: change.entity, slot: change.slot };
    for (slot, _, parts) in slots.iter().filter(|(_, view, _)| **view == changed) {
        painter.paint(slot, parts, change.new);
        if let Ok(mut glow) = glows.get_mut(parts.glow) {
            glow.0 = GLOW;
        }
    }
}

/// Dims predicted slots that await the server's answer.
fn dim_pending(
    event: On<SlotPendingChanged>,
    slots: Query<(&SlotView, &SlotParts)>,
    mut icons: Query<&mut ImageNode>,
) {
    let waiting = SlotView { inventory: event.entity, slot: event.slot };
    for (_, parts) in slots.iter().filter(|(view, _)| **view == waiting) {
        if let Ok(mut icon) = icons.get_mut(parts.icon) {
            icon.color.set_alpha(if event.pending { 0.6 } else { 1.0 });
        }
    }
}

fn fade(time: Res<Time>, mut glows: Query<(&mut Glow, &mut BackgroundColor)>) {
    for (mut glow, mut color) in &mut glows {
        if glow.0 > 0.0 {
            glow.0 = (glow.0 - time.delta_secs()).max(0.0);
            color.0 = Color::srgba(1.0, 0.88, 0.55, 0.55 * glow.0 / GLOW);
        }
    }
}
