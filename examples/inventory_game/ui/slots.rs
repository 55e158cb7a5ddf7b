//! Slots on screen: each shows one slot of one inventory, and is painted again when that slot changes.

use bevy::{ecs::system::SystemParam, prelude::*};
use bevy_inventory_sync::prelude::*;

use crate::view::Art;

use super::letters;

/// Pixels of art from one slot to the next.
pub const SLOT: f32 = 20.0;

/// How long a changed slot glows, in seconds.
const GLOW: f32 = 0.6;

/// Which slot a node shows.
#[derive(Component, Clone, Copy, PartialEq, Eq, Debug)]
pub struct SlotView {
    pub inventory: Entity,
    pub slot: Slot,
}

impl SlotView {
    pub fn place(self) -> Place {
        (self.inventory, self.slot)
    }
}

/// The nodes of which a slot is made.
#[derive(Component, Debug)]
pub struct SlotParts {
    pub icon: Entity,
    count: Entity,
    glow: Entity,
}

/// Seconds that are left of it.
#[derive(Component, Default, Debug)]
struct Glow(f32);

/// What lies in the slots that the local player may see.
#[derive(SystemParam)]
pub struct Contents<'w, 's> {
    units: Query<'w, 's, (Option<&'static Inventory>, Option<&'static Hotbar>), With<InView>>,
}

impl Contents<'_, '_> {
    pub fn get(&self, view: SlotView) -> Option<Stack> {
        let (inventory, hotbar) = self.units.get(view.inventory).ok()?;
        let inventory = || inventory?.get(view.slot.index_in::<Inventory>()?);
        let hotbar = || hotbar?.get(view.slot.index_in::<Hotbar>()?);
        inventory().or_else(hotbar)
    }
}

pub fn plugin(app: &mut App) {
    app.add_systems(Update, (paint_new, fade)).add_observer(repaint).add_observer(dim_pending);
}

/// A grid of slots of one container.
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
    let mut slot = grid.spawn((square, ImageNode::new(art.slot.clone()), view));
    let over =
        |node: Node| (Node { position_type: PositionType::Absolute, ..node }, Pickable::IGNORE);
    let mut parts = SlotParts {
        icon: Entity::PLACEHOLDER,
        count: Entity::PLACEHOLDER,
        glow: Entity::PLACEHOLDER,
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
    });
    slot.insert(parts);
}

/// Paints slots.
#[derive(SystemParam)]
struct Painter<'w, 's> {
    art: Res<'w, Art>,
    icons: Query<'w, 's, (&'static mut ImageNode, &'static mut Visibility)>,
    counts: Query<'w, 's, &'static mut Text>,
}

impl Painter<'_, '_> {
    fn paint(&mut self, parts: &SlotParts, stack: Option<Stack>) {
        if let Ok((mut icon, mut visibility)) = self.icons.get_mut(parts.icon) {
            icon.image = stack.map(|stack| self.art.icon(stack.item)).unwrap_or_default();
            visibility.set_if_neq(match stack {
                Some(_) => Visibility::Inherited,
                None => Visibility::Hidden,
            });
        }
        if let Ok(mut count) = self.counts.get_mut(parts.count) {
            let many = stack.filter(|stack| stack.count() > 1);
            count.0 = many.map(|stack| stack.count().to_string()).unwrap_or_default();
        }
    }
}

fn paint_new(
    slots: Query<(&SlotView, &SlotParts), Added<SlotParts>>,
    contents: Contents,
    mut painter: Painter,
) {
    for (view, parts) in &slots {
        painter.paint(parts, contents.get(*view));
    }
}

/// Raised once per real change, for inventories in view only.
fn repaint(
    change: On<SlotChanged>,
    slots: Query<(&SlotView, &SlotParts)>,
    mut glows: Query<&mut Glow>,
    mut painter: Painter,
) {
    let changed = SlotView { inventory: change.entity, slot: change.slot };
    for (_, parts) in slots.iter().filter(|(view, _)| **view == changed) {
        painter.paint(parts, change.new);
        if let Ok(mut glow) = glows.get_mut(parts.glow) {
            glow.0 = GLOW;
        }
    }
}

/// What waits for the server is shown already, but not quite as bright.
fn dim_pending(
    event: On<SlotPending>,
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
