//! Keeps the open views equal to what [`Owner`] and [`Viewers`] say, and clean of whoever has gone.

use bevy::{
    ecs::{
        entity_disabling::Disabled,
        lifecycle::{Add, Insert, Remove},
        query::Allow,
    },
    prelude::*,
};
use bevy_replicon::prelude::*;
use smallvec::SmallVec;

#[cfg(debug_assertions)]
use crate::systems::InventorySystems;
use crate::{
    authority::Authority,
    events::CloseReason,
    model::{id::InventoryId, rights::Rights},
};

use super::{
    access::{Owner, Viewers},
    baseline::Baseline,
    faults::Unsynced,
    local::{close_local, mark_local, open_local},
    pace::Pace,
    quality::QualityChanged,
    sessions::Sessions,
    views::{Access, Views},
};
#[cfg(debug_assertions)]
use super::{batch::batch_changes, views::check_waiting};

pub(super) fn plugin(app: &mut App) {
    app.add_observer(enter_client)
        .add_observer(note_grade)
        .add_observer(leave_client)
        .add_observer(forget_unit)
        .add_observer(forget_pace)
        .add_observer(look_at::<Add, Baseline>)
        .add_observer(look_at::<Insert, Owner>)
        .add_observer(look_at::<Remove, Owner>)
        .add_observer(look_at::<Remove, Viewers>)
        .add_observer(look_at::<Insert, Unsynced>)
        .add_observer(look_at::<Remove, Unsynced>)
        .add_systems(OnExit(ServerState::Running), stop)
        .add_systems(OnEnter(ClientState::Disconnected), look_at_all)
        .add_systems(OnExit(ClientState::Disconnected), close_all_local);
    #[cfg(debug_assertions)]
    app.add_systems(PostUpdate, check_waiting.after(batch_changes).in_set(InventorySystems::Batch));
}

fn look_at<E: EntityEvent, C: Component>(
    event: On<E, C>,
    authority: Authority,
    mut views: ResMut<Views>,
) {
    if authority.is_here() {
        views.look_at(event.event_target());
    }
}

/// What came to be while this app followed a server is its own from now on.
fn look_at_all(units: Query<Entity, (With<Baseline>, Allow<Disabled>)>, mut views: ResMut<Views>) {
    units.iter().for_each(|unit| views.look_at(unit));
}

/// A game may have named the client before the backend said that it is connected.
fn enter_client(
    add: On<Add, ConnectedClient>,
    owners: Query<(Entity, &Owner), Allow<Disabled>>,
    viewed: Query<(Entity, &Viewers), Allow<Disabled>>,
    mut views: ResMut<Views>,
    mut sessions: ResMut<Sessions>,
) {
    views.enter(add.entity);
    sessions.enter(add.entity);
    let client = ClientId::Client(add.entity);
    for (unit, _) in owners.iter().filter(|(_, owner)| owner.0 == client) {
        views.look_at(unit);
    }
    for (unit, _) in viewed.iter().filter(|(_, viewers)| viewers.rights_of(client).is_some()) {
        views.look_at(unit);
    }
}

fn note_grade(changed: On<QualityChanged>, mut views: ResMut<Views>) {
    views.set_grade(changed.client, changed.to);
}

/// Leaves no entry of a client that has gone, also not in what the game wrote down.
fn leave_client(
    remove: On<Remove, ConnectedClient>,
    mut views: ResMut<Views>,
    mut sessions: ResMut<Sessions>,
    owners: Query<(Entity, &Owner), Allow<Disabled>>,
    mut viewed: Query<&mut Viewers, Allow<Disabled>>,
    mut commands: Commands,
) {
    let client = ClientId::Client(remove.entity);
    views.leave(remove.entity);
    sessions.leave(remove.entity);
    for (unit, _) in owners.iter().filter(|(_, owner)| owner.0 == client) {
        commands.entity(unit).try_remove::<Owner>();
    }
    for mut viewers in &mut viewed {
        if viewers.rights_of(client).is_some() {
            viewers.remove(client);
        }
    }
}

fn forget_unit(remove: On<Remove, Baseline>, mut views: ResMut<Views>, mut commands: Commands) {
    let unit = remove.entity;
    if let Some((watched, _)) = views.unit(unit).and_then(|watched| Some((watched, watched.local?)))
    {
        close_local(&mut commands, unit, watched.id, CloseReason::Despawned);
    }
    views.forget_unit(unit);
}

/// What becomes critical so may stand in line with what is not.
fn forget_pace(remove: On<Remove, Pace>, mut views: ResMut<Views>) {
    views.wait(remove.entity);
}

/// A server that stops tells nobody; the connections end.
fn stop(mut views: ResMut<Views>) {
    views.leave_all();
}

/// A player who joins a server leaves the own world: its inventories are not what is in view now.
fn close_all_local(mut views: ResMut<Views>, mut commands: Commands) {
    for (unit, id) in views.leave_local() {
        close_local(&mut commands, unit, id, CloseReason::Hidden);
    }
}

type Unit<'w> = (&'w InventoryId, Option<&'w Owner>, Option<&'w Viewers>, Has<Unsynced>);

/// Opens and closes what the game let be seen or hid since the last tick.
pub(super) fn update_views(
    changed: Query<Entity, (Changed<Viewers>, With<Baseline>, Allow<Disabled>)>,
    units: Query<Unit, (With<Baseline>, Allow<Disabled>)>,
    mut views: ResMut<Views>,
    mut commands: Commands,
) {
    let mut stale = views.take_stale();
    stale.extend(&changed);
    for unit in stale.iter().copied() {
        let Ok((id, owner, viewers, unsynced)) = units.get(unit) else { continue };
        let mut wanted: SmallVec<[(ClientId, Access, Option<Pace>); 2]> = SmallVec::new();
        if !unsynced {
            let owned = Access { rights: Rights::all(), owner: true };
            wanted.extend(owner.map(|owner| (owner.0, owned, None)));
            for (client, rights, pace) in viewers.into_iter().flat_map(Viewers::iter_with_pace) {
                if owner != Some(&Owner(client)) {
                    wanted.push((client, Access { rights, owner: false }, pace));
                }
            }
        }
        if wanted.is_empty() && views.unit(unit).is_none() {
            continue;
        }
        if let Some(renamed) = views.unit(unit).filter(|watched| watched.id != *id) {
            if renamed.local.is_some() {
                close_local(&mut commands, unit, renamed.id, CloseReason::Hidden);
            }
            views.forget_unit(unit);
        }
        views.update_unit(unit, *id, &wanted);
        let local =
            wanted.iter().find(|(client, ..)| *client == ClientId::Server).map(|(_, a, _)| *a);
        update_local(&mut views, unit, *id, local, &mut commands);
        views.tidy(unit);
    }
    views.looked_at(stale);
    views.resync_those_due();
}

fn update_local(
    views: &mut Views,
    unit: Entity,
    id: InventoryId,
    local: Option<Access>,
    commands: &mut Commands,
) {
    let Some(watched) = views.unit_mut(unit) else { return };
    match (watched.local, local) {
        (before, after) if before == after => {}
        (before, Some(access)) => {
            mark_local(commands, unit, access);
            if before.is_none() {
                open_local(commands, unit, id, access);
            }
        }
        (_, None) => close_local(commands, unit, id, CloseReason::Hidden),
    }
    watched.local = local;
    views.local |= local.is_some();
}
