//! Which inventory a widget shows.

use core::time::Duration;

use bevy::{
    ecs::{entity_disabling::Disabled, query::Allow, system::SystemParam},
    prelude::*,
};

use crate::{
    model::id::ContainerKey,
    params::reader::InventoryReader,
    shared::{
        actions::{ActionConfirmed, RequestId, Requested},
        events::{CloseReason, InventoryClosed, InventoryOpened, InventoryResized},
        ids::InventoryIds,
        markers::InView,
    },
    wire::request::Target,
};

use super::theme::InventoryUiTheme;

/// The inventory that a widget shows.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Source {
    /// The inventory that the local player acts from.
    #[default]
    Local,
    /// The inventory that the player has opened: a chest, a page of a bank. If there are several, the one that was
    /// opened last and has the container in question. See [`OpenedInventories`].
    Opened,
    /// The inventory of this entity, while it is in view.
    Entity(Entity),
}

/// Maximum time for which the contents of an inventory are awaited after the server has allowed to open it. The server
/// may close it before it has sent them, of which it does not inform the client.
const ARRIVAL_MAX: Duration = Duration::from_secs(10);

/// What the local player has opened, in order.
///
/// The widgets follow requests to [open](crate::prelude::InventoryActions::open) and to close an inventory. A game in
/// which the server opens chests itself, with [`Viewers`](crate::prelude::Viewers), calls [`Self::show`] for
/// [`InventoryOpened`], because the widgets cannot tell a chest from other inventories in view.
#[derive(Resource, Default, Debug)]
pub struct OpenedInventories(Vec<OpenedInventory>);

#[derive(Clone, Copy, Debug)]
struct OpenedInventory {
    target: Target,
    /// The request that opened it; `None` if the game did.
    request: Option<RequestId>,
    /// Time until which its contents are awaited; `None` if they are not.
    awaited_until: Option<Duration>,
}

impl OpenedInventories {
    /// Shows an inventory as the one that was opened last.
    pub fn show(&mut self, inventory: Entity) {
        let target = Target::Entity(inventory);
        self.push(OpenedInventory { target, request: None, awaited_until: None });
    }

    /// Stops showing an inventory as opened.
    pub fn hide(&mut self, inventory: Entity) {
        self.0.retain(|opened| opened.target != Target::Entity(inventory));
    }

    fn push(&mut self, opened: OpenedInventory) {
        self.0.retain(|known| known.target != opened.target);
        self.0.push(opened);
    }

    /// No longer awaits the contents of inventories for which the condition returns `true`.
    fn end_waits(&mut self, condition: impl Fn(&OpenedInventory, Duration) -> bool) {
        for opened in &mut self.0 {
            if opened.awaited_until.is_some_and(|until| condition(opened, until)) {
                opened.awaited_until = None;
            }
        }
    }
}

fn target_entity(target: Target, ids: &InventoryIds) -> Option<Entity> {
    match target {
        Target::Entity(entity) => Some(entity),
        Target::Id(id) => ids.get(id),
    }
}

/// Finds the inventories that widgets show.
#[derive(SystemParam)]
pub(super) struct Sources<'w, 's> {
    pub(super) reader: InventoryReader<'w, 's>,
    opened: Res<'w, OpenedInventories>,
    ids: Res<'w, InventoryIds>,
}

impl Sources<'_, '_> {
    /// Returns the inventory of a source that has this container, or any.
    pub(super) fn find(&self, source: Source, container: Option<ContainerKey>) -> Option<Entity> {
        let has = |inventory: &Entity| match container {
            Some(container) => self.reader.len(*inventory, container).is_some(),
            None => self.reader.view(*inventory).is_some(),
        };
        match source {
            Source::Local => self.reader.own().filter(has),
            Source::Opened => self.opened().find(has),
            Source::Entity(inventory) => Some(inventory).filter(has),
        }
    }

    /// Iterates over the inventories that the player has opened and that are in view, the last one first.
    pub(super) fn opened(&self) -> impl Iterator<Item = Entity> {
        self.opened.0.iter().rev().filter_map(|opened| self.in_view(opened))
    }

    /// Returns the entity of an opened inventory if it is in view.
    fn in_view(&self, opened: &OpenedInventory) -> Option<Entity> {
        let entity = target_entity(opened.target, &self.ids);
        entity.filter(|entity| self.reader.view(*entity).is_some())
    }

    /// Returns `true` if the player has been allowed to open an inventory whose contents are awaited.
    pub(super) fn is_opening(&self) -> bool {
        let mut awaited = self.opened.0.iter().filter(|opened| opened.awaited_until.is_some());
        awaited.any(|opened| self.in_view(opened).is_none())
    }
}

pub(super) fn is_awaiting(opened: Res<OpenedInventories>) -> bool {
    opened.0.iter().any(|opened| opened.awaited_until.is_some())
}

/// No longer awaits what has not arrived in time.
pub(super) fn end_waits(time: Res<Time<Real>>, mut opened: ResMut<OpenedInventories>) {
    let now = time.elapsed();
    if opened.0.iter().any(|opened| opened.awaited_until.is_some_and(|until| until <= now)) {
        opened.end_waits(|_, until| until <= now);
    }
}

/// Whether a widget may have to show a different inventory or a different number of slots.
#[derive(Resource, Debug)]
pub(super) struct SourcesChanged(pub(super) bool);

impl Default for SourcesChanged {
    fn default() -> Self {
        Self(true)
    }
}

pub(super) fn sources_changed(
    changed: Res<SourcesChanged>,
    opened: Res<OpenedInventories>,
    theme: Res<InventoryUiTheme>,
) -> bool {
    changed.0 || opened.is_changed() || theme.is_changed()
}

/// Resets the flag, after all widgets have been arranged.
pub(super) fn reset(mut changed: ResMut<SourcesChanged>) {
    changed.0 = false;
}

/// Observer: a widget was spawned or changed.
pub(super) fn mark_inserted<C: Component>(_: On<Insert, C>, mut changed: ResMut<SourcesChanged>) {
    changed.0 = true;
}

pub(super) fn observe(app: &mut App) {
    app.add_observer(|_: On<InventoryResized>, mut changed: ResMut<SourcesChanged>| {
        changed.0 = true;
    })
    .add_observer(follow_opened)
    .add_observer(follow_closed)
    .add_observer(follow_confirmed);
}

fn follow_opened(
    event: On<InventoryOpened>,
    mut opened: ResMut<OpenedInventories>,
    mut changed: ResMut<SourcesChanged>,
) {
    changed.0 = true;
    let targets = [Target::Entity(event.entity), Target::Id(event.inventory)];
    opened.end_waits(|opened, _| targets.contains(&opened.target));
}

fn follow_closed(
    closed: On<InventoryClosed>,
    mut opened: ResMut<OpenedInventories>,
    mut changed: ResMut<SourcesChanged>,
) {
    changed.0 = true;
    if closed.reason == CloseReason::Disconnected {
        opened.0.clear();
    }
    let targets = [Target::Entity(closed.entity), Target::Id(closed.inventory)];
    opened.0.retain(|known| !targets.contains(&known.target));
    // With a bank, the server also closes its pages that it has not sent.
    opened.end_waits(|_, _| true);
}

fn follow_confirmed(
    confirmed: On<ActionConfirmed>,
    seen: Query<(), (With<InView>, Allow<Disabled>)>,
    ids: Res<InventoryIds>,
    time: Res<Time<Real>>,
    mut opened: ResMut<OpenedInventories>,
) {
    match confirmed.request {
        Requested::Open(target) => {
            let in_view = target_entity(target, &ids).is_some_and(|entity| seen.contains(entity));
            let awaited_until = (!in_view).then(|| time.elapsed() + ARRIVAL_MAX);
            opened.push(OpenedInventory { target, request: Some(confirmed.id), awaited_until });
        }
        Requested::Close(entity) => opened.hide(entity),
        Requested::Cancel(request) => {
            opened.0.retain(|known| known.request != Some(request));
        }
        Requested::Action(_) => {}
    }
}
