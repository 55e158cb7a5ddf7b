//! Paints the slots that have changed.

use accesskit::Toggled;
use bevy::{
    a11y::AccessibilityNode,
    ecs::{entity::EntityHashSet, system::SystemParam},
    input_focus::{InputFocus, InputFocusVisible},
    platform::collections::HashSet,
    prelude::*,
};

use crate::{
    model::container::{Slot, SlotRef},
    params::reader::InventoryReader,
    shared::{
        actions::SlotPendingChanged,
        events::{InventoryClosed, InventoryOpened, SelectedChanged, SlotChanged},
    },
};

use super::{
    carry::Carried,
    cell::{DirtyCells, SlotCell, SlotCells, SlotLook, SlotParts},
    effects::Flash,
    icons::ItemIcons,
    press::GestureState,
    texts::InventoryUiTexts,
    theme::InventoryUiTheme,
};

/// A slot has been painted. Observe it to draw additional or different content: the node and its [parts](SlotParts) can
/// be changed.
#[derive(EntityEvent, Clone, Copy, Debug)]
pub struct SlotPainted {
    /// The node with [`SlotCell`] and [`SlotParts`].
    pub entity: Entity,
    /// What the slot shows.
    pub look: SlotLook,
}

/// The node under the mouse pointer.
#[derive(Resource, Default, Debug)]
pub(super) struct Hovered(pub(super) Option<Entity>);

/// The slots that are waiting for the server's answer.
#[derive(Resource, Default, Debug)]
pub(super) struct PendingSlots(HashSet<SlotRef>);

pub(super) fn observe(app: &mut App) {
    app.add_observer(follow_changes)
        .add_observer(follow_opened)
        .add_observer(follow_pending)
        .add_observer(follow_selected)
        .add_observer(forget_pending);
}

fn follow_changes(
    change: On<SlotChanged>,
    cells: Res<SlotCells>,
    theme: Res<InventoryUiTheme>,
    parts: Query<&SlotParts>,
    mut dirty: ResMut<DirtyCells>,
    mut commands: Commands,
) {
    for cell in cells.of((change.entity, change.slot)) {
        dirty.0.insert(cell);
        if let Ok(parts) = parts.get(cell)
            && theme.flash_seconds > 0.0
        {
            commands.entity(parts.flash).insert(Flash(theme.flash_seconds));
        }
    }
}

/// The same entity may have shown another inventory before.
fn follow_opened(
    opened: On<InventoryOpened>,
    cells: Res<SlotCells>,
    mut dirty: ResMut<DirtyCells>,
) {
    dirty.0.extend(cells.of_inventory(opened.entity));
}

fn follow_pending(
    change: On<SlotPendingChanged>,
    cells: Res<SlotCells>,
    mut pending: ResMut<PendingSlots>,
    mut dirty: ResMut<DirtyCells>,
) {
    let slot = (change.entity, change.slot);
    if change.pending {
        pending.0.insert(slot);
    } else {
        pending.0.remove(&slot);
    }
    dirty.0.extend(cells.of(slot));
}

fn forget_pending(closed: On<InventoryClosed>, mut pending: ResMut<PendingSlots>) {
    pending.0.retain(|(inventory, _)| *inventory != closed.entity);
}

fn follow_selected(
    change: On<SelectedChanged>,
    reader: InventoryReader,
    cells: Res<SlotCells>,
    mut dirty: ResMut<DirtyCells>,
) {
    let Some(selected) = reader.selected(change.entity) else { return };
    for index in [change.old, change.new] {
        let slot = Slot { index: index.into(), ..selected };
        dirty.0.extend(cells.of((change.entity, slot)));
    }
}

pub(super) fn is_dirty(dirty: Res<DirtyCells>) -> bool {
    !dirty.0.is_empty()
}

/// Determines what slots show.
#[derive(SystemParam)]
pub(super) struct Looks<'w, 's> {
    reader: InventoryReader<'w, 's>,
    carried: Res<'w, Carried>,
    gesture: Res<'w, GestureState>,
    hovered: Res<'w, Hovered>,
    pending: Res<'w, PendingSlots>,
    focus: Res<'w, InputFocus>,
    focus_visible: Res<'w, InputFocusVisible>,
}

impl Looks<'_, '_> {
    fn of(&self, node: Entity, slot: SlotRef) -> SlotLook {
        let mut stack = self.reader.get(slot);
        let mut spread = false;
        if let Some(carry) = self.carried.get() {
            let over = self.gesture.spread(carry).filter(|(over, _)| over.contains(&slot));
            if carry.from == slot {
                stack = carry.rest();
            } else if let Some((_, each)) = over {
                spread = true;
                let count = stack.map_or(0, |stack| stack.count()).saturating_add(each);
                let max = self.reader.max_stack(carry.source.item);
                stack = carry.source.with_count(count.min(max));
            }
        }
        SlotLook {
            stack,
            pending: self.pending.0.contains(&slot),
            hovered: spread || self.hovered.0 == Some(node),
            focused: self.focus_visible.0 && self.focus.get() == Some(node),
            selected: self.reader.selected(slot.0) == Some(slot.1),
            painted: true,
        }
    }
}

/// The components that make up the picture of a slot.
#[derive(SystemParam)]
pub(super) struct Painter<'w, 's> {
    theme: Res<'w, InventoryUiTheme>,
    texts: Res<'w, InventoryUiTexts>,
    icons: ItemIcons<'w>,
    images: Query<'w, 's, &'static mut ImageNode>,
    colors: Query<'w, 's, &'static mut BackgroundColor>,
    outlines: Query<'w, 's, &'static mut Outline>,
    visibilities: Query<'w, 's, &'static mut Visibility>,
    labels: Query<'w, 's, &'static mut Text>,
    nodes: Query<'w, 's, &'static mut Node>,
    access: Query<'w, 's, &'static mut AccessibilityNode>,
}

pub(super) fn paint(
    mut dirty: ResMut<DirtyCells>,
    looks: Looks,
    mut cells: Query<(&SlotCell, &SlotParts, &mut SlotLook)>,
    mut painter: Painter,
    mut commands: Commands,
) {
    let nodes: EntityHashSet = core::mem::take(&mut dirty.0);
    for entity in nodes {
        let Ok((cell, parts, mut look)) = cells.get_mut(entity) else { continue };
        let next = looks.of(entity, cell.place());
        if *look == next {
            continue;
        }
        painter.paint(entity, parts, &looks, next);
        *look = next;
        commands.trigger(SlotPainted { entity, look: next });
    }
}

impl Painter<'_, '_> {
    fn paint(&mut self, cell: Entity, parts: &SlotParts, looks: &Looks, look: SlotLook) {
        let alpha = if look.pending { self.theme.pending_alpha } else { 1.0 };
        let item = looks.reader.catalog().zip(look.stack);
        let item = item.and_then(|(catalog, stack)| catalog.get(stack.item));
        let (image, letters) = self.icons.picture(item);
        self.paint_plate(cell, parts, look);
        if let Ok(mut icon) = self.images.get_mut(parts.icon) {
            let color = Color::WHITE.with_alpha(alpha);
            if let Some(image) = image.as_ref().filter(|image| icon.image != **image) {
                icon.image = image.clone();
            }
            if icon.color != color {
                icon.color = color;
            }
        }
        self.show(parts.icon, image.is_some());
        self.write(parts.name, letters);
        let many = look.stack.map(|stack| stack.count()).filter(|count| *count > 1);
        self.write(parts.count, many.map(self.texts.count).unwrap_or_default());
        let wear = looks.reader.catalog().zip(look.stack);
        let left = wear.and_then(|(catalog, stack)| (self.theme.wear_left)(catalog, stack));
        self.paint_wear(parts, left);
        self.describe(cell, looks, look);
    }

    fn paint_plate(&mut self, cell: Entity, parts: &SlotParts, look: SlotLook) {
        let theme = &*self.theme;
        let image = theme.hover_image.as_ref().filter(|_| look.hovered);
        if let Ok(mut plate) = self.images.get_mut(parts.plate) {
            let image = image.or(theme.slot_image.as_ref());
            if let Some(image) = image.filter(|image| plate.image != image.image) {
                *plate = image.to_node();
            }
        } else if let Ok(mut color) = self.colors.get_mut(parts.plate) {
            let to = if look.hovered { theme.hover_color } else { theme.slot_color };
            color.set_if_neq(BackgroundColor(to));
        }
        if let Ok(mut outline) = self.outlines.get_mut(cell) {
            let color = if look.focused { theme.focus_color } else { Color::NONE };
            if outline.color != color {
                outline.color = color;
            }
        }
        self.show(parts.frame, look.selected);
    }

    fn paint_wear(&mut self, parts: &SlotParts, left: Option<f32>) {
        self.show(parts.wear, left.is_some());
        let Some(left) = left.map(|left| left.clamp(0.0, 1.0)) else { return };
        if let Ok(mut node) = self.nodes.get_mut(parts.wear_left) {
            let width = percent(100.0 * left);
            if node.width != width {
                node.width = width;
            }
        }
        if let Ok(mut color) = self.colors.get_mut(parts.wear_left) {
            color.set_if_neq(BackgroundColor(Color::hsl(120.0 * left, 0.75, 0.5)));
        }
    }

    /// Writes the label for screen readers.
    fn describe(&mut self, cell: Entity, looks: &Looks, look: SlotLook) {
        let Ok(mut node) = self.access.get_mut(cell) else { return };
        let named = looks.reader.catalog().zip(look.stack);
        let mut label = match named {
            Some((catalog, stack)) => (self.texts.stack)(catalog, stack),
            None => self.texts.empty.clone(),
        };
        if look.pending {
            label = format!("{label}, {}", self.texts.pending);
        }
        if node.label() != Some(&label) {
            node.set_label(label);
        }
        let toggled = look.selected.then_some(Toggled::True);
        if node.toggled() != toggled {
            match toggled {
                Some(toggled) => node.set_toggled(toggled),
                None => node.clear_toggled(),
            }
        }
    }

    fn write(&mut self, part: Entity, text: String) {
        if let Ok(mut label) = self.labels.get_mut(part) {
            label.set_if_neq(Text(text));
        }
    }

    fn show(&mut self, part: Entity, shown: bool) {
        if let Ok(mut visibility) = self.visibilities.get_mut(part) {
            let to = if shown { Visibility::Inherited } else { Visibility::Hidden };
            visibility.set_if_neq(to);
        }
    }
}
