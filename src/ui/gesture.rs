//! What players do with slots, with any device: pressing, moving over other slots, releasing.
//!
//! Pointers, keyboard and gamepads call [`Gestures`], which requests actions.

mod destinations;

use core::time::Duration;

use bevy::{ecs::system::SystemParam, prelude::*};

use crate::{
    model::{
        action::InventoryAction,
        container::{ContainerRef, Slot, SlotRef},
        limits::{ACTION_AREAS_MAX, ACTION_PLACES_MAX},
        stack::Stack,
    },
    params::actions::InventoryActions,
};

use super::{
    carry::{Carried, Carry},
    cell::{DirtyCells, SlotCell, SlotCells},
    press::{Button, GestureState, HotbarLocked, Press},
    request::request,
    source::Sources,
};

/// Maximum time between the two presses of a double click.
const DOUBLE_CLICK: Duration = Duration::from_millis(350);

/// Returns `true` if Shift is held down.
pub(super) fn is_shift(keys: &ButtonInput<KeyCode>) -> bool {
    keys.any_pressed([KeyCode::ShiftLeft, KeyCode::ShiftRight])
}

/// Where a gesture ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Target {
    Slot(SlotRef),
    /// On a panel, but not on a slot.
    Area(ContainerRef),
    /// Outside all panels.
    Outside,
    /// On something else.
    Nothing,
}

/// Turns gestures into actions.
#[derive(SystemParam)]
pub(super) struct Gestures<'w, 's> {
    state: ResMut<'w, GestureState>,
    carried: ResMut<'w, Carried>,
    cells: Res<'w, SlotCells>,
    nodes: Query<'w, 's, &'static SlotCell>,
    dirty: ResMut<'w, DirtyCells>,
    locked: Option<Res<'w, HotbarLocked>>,
    sources: Sources<'w, 's>,
    actions: InventoryActions<'w, 's>,
    time: Res<'w, Time<Real>>,
    commands: Commands<'w, 's>,
}

impl Gestures<'_, '_> {
    /// Returns the slot that a node shows.
    pub(super) fn slot(&self, node: Entity) -> Option<SlotRef> {
        self.nodes.get(node).ok().map(|cell| cell.place())
    }

    pub(super) fn stack(&self, slot: SlotRef) -> Option<Stack> {
        self.sources.reader.get(slot)
    }

    /// Returns the slot of the carried stack, or else the pressed slot.
    pub(super) fn source(&self) -> Option<SlotRef> {
        let carried = self.carried.get().map(|carry| carry.from);
        carried.or_else(|| self.state.press.as_ref().map(|press| press.on))
    }

    pub(super) fn is_carrying(&self) -> bool {
        self.carried.get().is_some()
    }

    pub(super) fn is_pressed(&self) -> bool {
        self.state.is_pressed()
    }

    /// Returns `true` if the slot is in the player's hotbar.
    pub(super) fn is_selectable(&self, (inventory, slot): SlotRef) -> bool {
        let reader = &self.sources.reader;
        reader.is_own(inventory)
            && reader.selected(inventory).is_some_and(|it| it.container == slot.container)
    }

    /// Returns `true` if the slot can only be selected.
    pub(super) fn is_locked(&self, slot: SlotRef) -> bool {
        self.locked.is_some() && self.is_selectable(slot)
    }

    /// Begins a gesture on a slot. With `quick`, it quick-moves.
    pub(super) fn press(&mut self, on: SlotRef, button: Button, quick: bool) {
        if self.is_locked(on) {
            return self.select(on.1.index);
        }
        // A gesture with another button ends here.
        self.redraw_spread();
        let carries = self.is_carrying();
        let quick = quick && !carries;
        self.state.press =
            Some(Press { on, button, carries, quick, held: false, over: Vec::new() });
        self.enter(on);
    }

    /// Moves over a slot while pressed.
    pub(super) fn enter(&mut self, slot: SlotRef) {
        let carry = self.carried.get().copied();
        let Some(press) = &mut self.state.press else { return };
        if press.over.contains(&slot) {
            return;
        }
        if press.quick {
            press.over.push(slot);
            return self.quick_move(slot);
        }
        let Some(carry) = carry.filter(|_| press.carries) else { return };
        let current = self.sources.reader.get(slot);
        let matches = current.is_none_or(|current| current.stacks_with(&carry.source));
        let room = press.over.len() < ACTION_PLACES_MAX;
        let enough = carry.count() as usize > press.over.len();
        if matches && room && enough && slot != carry.from {
            press.over.push(slot);
            self.redraw_spread();
        }
    }

    /// Picks up the pressed stack when the pointer has moved away from where it was pressed.
    pub(super) fn drag(&mut self, at: Option<Vec2>) {
        let press = self.state.press.as_ref();
        let Some(press) = press.filter(|press| !press.carries && !press.quick) else { return };
        let (on, button) = (press.on, press.button);
        if !self.is_carrying() {
            self.pick_up(on, button, at);
        }
    }

    /// Treats a long press like a press of the other button. The picked-up stack can then be dragged.
    pub(super) fn long_press(&mut self, at: Option<Vec2>) {
        let carrying = self.is_carrying();
        let Some(press) = &mut self.state.press else { return };
        let (on, carries) = (press.on, press.carries);
        if press.quick || press.spreads() {
            return;
        }
        press.button = Button::Some;
        if carries {
            self.state.press = None;
            self.click(on, Button::Some, at);
        } else if !carrying {
            press.held = true;
            self.pick_up(on, Button::Some, at);
        }
    }

    /// Ends a gesture. A stack that was dragged is put down or put back.
    pub(super) fn release(&mut self, target: Target, at: Option<Vec2>) {
        self.redraw_spread();
        let Some(press) = self.state.press.take() else { return };
        let dragged = !press.carries && self.is_carrying();
        if press.held && target == Target::Slot(press.on) {
            return;
        }
        match target {
            _ if press.quick => {}
            _ if press.spreads() => self.spread(press),
            Target::Slot(slot) if slot == press.on && !dragged => {
                self.click(slot, press.button, at);
            }
            Target::Slot(slot) if dragged => self.put_down(slot, None),
            Target::Area(area) if dragged => self.put_away(area),
            Target::Outside if dragged => self.drop_carried(None),
            _ => {}
        }
        if dragged {
            self.cancel();
        }
    }

    /// Cancels a gesture, and puts the carried stack back.
    pub(super) fn cancel(&mut self) {
        self.redraw_spread();
        self.state.press = None;
        self.carry(None);
    }

    fn click(&mut self, slot: SlotRef, button: Button, at: Option<Vec2>) {
        let now = self.time.elapsed();
        let twice = button == Button::All
            && self.state.last_click.is_some_and(|(last, then)| {
                last == slot && now.saturating_sub(then) < DOUBLE_CLICK
            });
        self.state.last_click = (button == Button::All && !twice).then_some((slot, now));
        match (self.carried.get(), button) {
            (Some(carry), _) if twice && carry.from == slot => self.collect(slot),
            (None, _) => self.pick_up(slot, button, at),
            (Some(_), Button::All) => self.put_down(slot, None),
            (Some(_), Button::Some) => self.put_down(slot, Some(1)),
        }
    }

    fn pick_up(&mut self, from: SlotRef, button: Button, at: Option<Vec2>) {
        let Some(source) = self.stack(from) else { return };
        let count = match button {
            Button::Some if source.count() > 1 => Some(source.count().div_ceil(2)),
            _ => None,
        };
        self.carry(Some(Carry { from, source, count, at }));
    }

    /// Moves `count` of the carried items, or all of them, to a slot. What does not fit stays carried, and so does the
    /// other stack after a swap.
    fn put_down(&mut self, to: SlotRef, count: Option<u32>) {
        let Some(carry) = self.carried.get().copied() else { return };
        if to == carry.from {
            let left = carry.count() - count.unwrap_or(carry.count()).min(carry.count());
            return self.carry((left > 0).then_some(Carry { count: Some(left), ..carry }));
        }
        let moved = count.unwrap_or(carry.count()).min(carry.count());
        let current = self.stack(to);
        let matches = current.is_none_or(|current| current.stacks_with(&carry.source));
        let whole = moved == carry.source.count();
        let action =
            InventoryAction::Move { from: carry.from, to, count: (!whole).then_some(moved) };
        let possible = self.actions.check(&action).is_ok();
        request(&mut self.commands, action);
        if !possible {
            // The rejection says why.
            return;
        }
        let max = self.sources.reader.max_stack(carry.source.item);
        let room = current.map_or(max, |current| max.saturating_sub(current.count()));
        let left = carry.count() - moved.min(room);
        let next = match current {
            Some(other) if !matches => Some(Carry { source: other, count: None, ..carry }),
            _ if left == 0 => None,
            _ => Some(Carry { count: carry.count.map(|_| left), ..carry }),
        };
        self.carry(next);
    }

    /// Spreads the carried stack over the slots of a gesture.
    fn spread(&mut self, press: Press) {
        let Some(carry) = self.carried.get().copied() else { return };
        let (each, left) = (press.share(&carry), press.left(&carry));
        let onto = press.over;
        let action = InventoryAction::Spread { from: carry.from, onto, each: Some(each) };
        let possible = self.actions.check(&action).is_ok();
        request(&mut self.commands, action);
        if possible {
            let count = carry.count.map(|_| left);
            self.carry((left > 0).then_some(Carry { count, ..carry }));
        }
    }

    /// Drops `count` of the carried items, or all of them.
    pub(super) fn drop_carried(&mut self, count: Option<u32>) {
        let Some(carry) = self.carried.get().copied() else { return };
        let dropped = count.unwrap_or(carry.count()).min(carry.count());
        let whole = dropped == carry.source.count();
        self.drop(carry.from, (!whole).then_some(dropped));
        let left = carry.count() - dropped;
        let count = carry.count.map(|_| left);
        self.carry((left > 0).then_some(Carry { count, ..carry }));
    }

    /// Drops `count` items of the selected slot of the hotbar, or all of them.
    pub(super) fn drop_selected(&mut self, count: Option<u32>) {
        let reader = &self.sources.reader;
        if let Some(own) = reader.own()
            && let Some(slot) = reader.selected(own)
        {
            self.drop((own, slot), count);
        }
    }

    /// Drops `count` items of a slot, or all of them.
    pub(super) fn drop(&mut self, from: SlotRef, count: Option<u32>) {
        request(&mut self.commands, InventoryAction::Drop { from, count });
    }

    /// Swaps a slot with the slot of the hotbar at this index.
    pub(super) fn swap_with_hotbar(&mut self, a: SlotRef, index: u16) {
        let Some(b) = self.hotbar_slot(index).filter(|b| *b != a) else { return };
        self.cancel();
        request(&mut self.commands, InventoryAction::Swap { a, b });
    }

    /// Swaps a slot with the selected slot of the hotbar.
    pub(super) fn swap_with_selected(&mut self, a: SlotRef) {
        let reader = &self.sources.reader;
        if let Some(selected) = reader.own().and_then(|own| reader.selected(own)) {
            self.swap_with_hotbar(a, selected.index);
        }
    }

    /// Selects the slot of the hotbar at this index.
    pub(super) fn select(&mut self, index: u16) {
        if let Some(slot) = self.hotbar_slot(index) {
            request(&mut self.commands, InventoryAction::Select { slot });
        }
    }

    fn hotbar_slot(&self, index: u16) -> Option<SlotRef> {
        let own = self.sources.reader.own()?;
        let container = self.sources.reader.selected(own)?.container;
        let len = self.sources.reader.len(own, container)?;
        (usize::from(index) < len).then_some((own, Slot { container, index }))
    }

    /// Selects the slot of the hotbar that is this many slots to the right. Wraps around.
    pub(super) fn select_next(&mut self, step: i32) {
        let Some(own) = self.sources.reader.own() else { return };
        let Some(selected) = self.sources.reader.selected(own) else { return };
        let len = self.sources.reader.len(own, selected.container).unwrap_or_default();
        let len = i32::try_from(len).unwrap_or(i32::MAX).max(1);
        let index = (i32::from(selected.index) + step).rem_euclid(len);
        self.select(u16::try_from(index).unwrap_or_default());
    }

    /// Collects matching stacks from everything on screen onto a slot, and keeps carrying its stack.
    pub(super) fn collect(&mut self, onto: SlotRef) {
        let areas = self.sources.reader.own().into_iter().chain(self.sources.opened());
        let from: Vec<_> = areas.take(ACTION_AREAS_MAX).map(ContainerRef::all).collect();
        let action = InventoryAction::Collect { onto, from };
        // Nothing is added to some slots, such as the output of a furnace.
        if self.actions.check(&action).is_err() {
            return;
        }
        request(&mut self.commands, action);
        if let Some(carry) = self.carried.get().copied().filter(|carry| carry.from == onto) {
            self.carry(Some(Carry { count: None, ..carry }));
        }
    }

    fn carry(&mut self, carry: Option<Carry>) {
        if self.carried.get() != carry.as_ref() {
            self.carried.set(carry, &self.cells, &mut self.dirty);
        }
    }

    fn redraw_spread(&mut self) {
        let over = self.state.press.iter().flat_map(|press| &press.over);
        self.dirty.0.extend(over.flat_map(|slot| self.cells.of(*slot)));
    }
}
