//! The system parameter for requests of the local player.

use core::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

use bevy::{
    ecs::{entity_disabling::Disabled, query::Allow, system::SystemParam},
    prelude::*,
};

use crate::{
    app::InventoryAppExt,
    model::{
        action::InventoryAction,
        catalog::ItemCatalog,
        data::DataPool,
        id::InventoryId,
        rejection::Rejection,
        transaction::{Player, Side, Transaction},
    },
    shared::{
        actions::{
            ActionConfirmed, ActionRejected, ActionTypes, AnyAction, RegisteredAction, RequestId,
            Requested, SlotPendingChanged, emit_answer,
        },
        containers::ContainerRegistry,
        ids::InventoryIds,
        markers::{ActingInventory, InView, LocalInventory},
    },
    wire::request::Target,
};

use super::query::{ContainersRef, acting};
#[cfg(feature = "client")]
use crate::client::predict;
#[cfg(feature = "server")]
use crate::{
    server::{
        requests::{
            act,
            open::{self, OpenRequest},
        },
        views::subscriptions::Subscriptions,
    },
    shared::authority::Authority,
};
#[cfg(feature = "server")]
use bevy_replicon::prelude::ClientId;

/// Counter for the ids of the local player's requests.
#[derive(Resource, Default, Debug)]
struct RequestIds(AtomicU64);

pub(crate) fn plugin(app: &mut App) {
    app.init_resource::<RequestIds>()
        .init_resource::<ActionTypes>()
        .add_message::<ActionConfirmed>()
        .add_message::<ActionRejected>()
        .add_message::<SlotPendingChanged>()
        .register_action::<InventoryAction>();
}

/// Sends requests of the local player. Works the same on a client, on a host and in single player.
///
/// ```
/// use bevy::prelude::*;
/// use bevy_inventory_sync::prelude::*;
///
/// # #[derive(Component)] struct Chest;
/// /// Moves the first slot of an open chest to the hotbar.
/// fn click(
///     mut actions: InventoryActions,
///     me: Single<Entity, With<LocalInventory>>,
///     chest: Single<Entity, (With<InView>, With<Chest>)>, // dropped stacks are also in view
/// ) {
///     let from = (*chest, Inventory::slot(0));
///     actions.request(InventoryAction::Move { from, to: (*me, Hotbar::slot(3)), count: None });
/// }
///
/// fn rejected(rejected: On<ActionRejected>) {
///     info!("{}", rejected.reason); // the prediction has been reverted
/// }
/// # bevy::ecs::system::assert_is_system(click);
/// ```
///
/// A request is predicted at the next sync point, in the same frame, and decided by the server.
/// Every request is answered with [`ActionConfirmed`] or [`ActionRejected`].
#[derive(SystemParam)]
pub struct InventoryActions<'w, 's> {
    states: ContainersRef<'w, 's>,
    seen: Query<'w, 's, (&'static InView, &'static InventoryId), Allow<Disabled>>,
    own: Query<'w, 's, (Entity, Has<ActingInventory>), (With<LocalInventory>, Allow<Disabled>)>,
    catalog: Option<Res<'w, ItemCatalog>>,
    registry: Res<'w, ContainerRegistry>,
    ids: Res<'w, InventoryIds>,
    pool: Res<'w, DataPool>,
    requests: Res<'w, RequestIds>,
    commands: Commands<'w, 's>,
}

impl InventoryActions<'_, '_> {
    /// Requests an action with the player's own inventory as the actor. If the player owns several, the first one
    /// with [`ActingInventory`] is used.
    pub fn request<A: RegisteredAction>(&mut self, action: A) -> RequestId {
        self.request_any(None, AnyAction(Arc::new(action)))
    }

    /// Like [`Self::request`], with `actor` as the acting inventory, for a player with several bodies.
    pub fn request_as<A: RegisteredAction>(&mut self, actor: Entity, action: A) -> RequestId {
        self.request_any(Some(actor), AnyAction(Arc::new(action)))
    }

    fn request_any(&mut self, actor: Option<Entity>, action: AnyAction) -> RequestId {
        let actor = actor.or_else(|| self.actor());
        self.queue(Requested::Action(action), actor)
    }

    fn next_id(&self) -> RequestId {
        RequestId(self.requests.0.fetch_add(1, Ordering::Relaxed))
    }

    fn queue(&mut self, what: Requested, actor: Option<Entity>) -> RequestId {
        let id = self.next_id();
        self.commands.queue(move |world: &mut World| submit(world, id, actor, what));
        id
    }

    /// Requests to open an inventory on a replicated entity, which must have
    /// [`Openable`](crate::prelude::Openable) on the server. If the request is granted, the
    /// inventory comes into view.
    pub fn open(&mut self, entity: Entity) -> RequestId {
        let actor = self.actor();
        self.queue(Requested::Open(Target::Entity(entity)), actor)
    }

    /// Like [`Self::open`], for an inventory without a replicated entity, such as a guild bank.
    pub fn open_by_id(&mut self, id: InventoryId) -> RequestId {
        let actor = self.actor();
        self.queue(Requested::Open(Target::Id(id)), actor)
    }

    /// Like [`Self::open`], from a body of a player with several.
    pub fn open_as(&mut self, actor: Entity, entity: Entity) -> RequestId {
        self.queue(Requested::Open(Target::Entity(entity)), Some(actor))
    }

    /// Like [`Self::open_by_id`], from a body of a player with several.
    pub fn open_by_id_as(&mut self, actor: Entity, id: InventoryId) -> RequestId {
        self.queue(Requested::Open(Target::Id(id)), Some(actor))
    }

    /// Answers a request with a rejection, without asking the server.
    pub(crate) fn reject(&mut self, what: Requested, reason: Rejection) -> RequestId {
        let id = self.next_id();
        self.commands.queue(move |world: &mut World| emit_answer(world, id, what, Err(reason)));
        id
    }

    /// Closes an inventory that the player had opened. The inventory leaves the view. If the request to open it has
    /// not been answered, it is closed as soon as it opens.
    pub fn close(&mut self, entity: Entity) -> RequestId {
        let actor = self.actor();
        self.queue(Requested::Close(entity), actor)
    }

    /// Closes the inventory that a request opened, or will open: the request to open it and this one are both
    /// answered, and the inventory is closed afterwards. Does nothing if it is not open.
    pub fn cancel(&mut self, open: RequestId) -> RequestId {
        let actor = self.actor();
        self.queue(Requested::Cancel(open), actor)
    }

    /// Checks whether an action is valid on the slots shown, without applying it. Use it to gray
    /// out a button. The rules on the server may still reject the action.
    ///
    /// # Errors
    ///
    /// The [`Rejection`] with which the action would be rejected; [`Rejection::NotConnected`] if no
    /// catalog is loaded.
    pub fn check<A: RegisteredAction>(&self, action: &A) -> Result<(), Rejection> {
        let catalog = self.catalog.as_deref().ok_or(Rejection::NotConnected)?;
        let load = |entity| {
            self.seen.get(entity).ok().and_then(|_| self.states.read(&self.registry, entity))
        };
        let entity_of = |id| self.ids.get(id).filter(|entity| self.seen.contains(*entity));
        let id_of = |entity| self.seen.get(entity).ok().map(|(_, id)| *id);
        let side = Side::Predicts { version: &|_| Ok(0), again: None };
        let player =
            Player { actor: self.actor(), entity_of: &entity_of, id_of: &id_of, side, limits: &[] };
        let pool = Some(&*self.pool);
        let mut tx = Transaction::new(catalog, self.registry.as_slice(), &load, pool, Some(player));
        match action.run(&mut tx) {
            Ok(_) | Err(Rejection::ServerOnly) => {}
            Err(reason) => return Err(reason),
        }
        tx.check_rights(|entity| self.seen.get(entity).ok().map(|(view, _)| view.rights))
    }

    fn actor(&self) -> Option<Entity> {
        acting(self.own.iter())
    }
}

/// Executes a request on the authority, or sends it to the server.
fn submit(world: &mut World, request: RequestId, actor: Option<Entity>, what: Requested) {
    #[cfg(feature = "server")]
    if Authority::is_in(world) && world.contains_resource::<Subscriptions>() {
        let result = decide(world, request, actor, &what);
        return emit_answer(world, request, what, result);
    }
    #[cfg(feature = "client")]
    predict::request(world, request, actor, what);
    #[cfg(not(feature = "client"))]
    emit_answer(world, request, what, Err(Rejection::NotConnected));
}

#[cfg(feature = "server")]
fn decide(
    world: &mut World,
    RequestId(request): RequestId,
    actor: Option<Entity>,
    what: &Requested,
) -> Result<(), Rejection> {
    match what {
        Requested::Action(action) => act::act(world, ClientId::Server, actor, action, None)
            .map_err(|rejected| rejected.reason),
        Requested::Open(target) => {
            let open = OpenRequest { actor, target: *target, request };
            open::open(world, ClientId::Server, open)
        }
        Requested::Close(entity) => open::close(world, ClientId::Server, *entity),
        Requested::Cancel(RequestId(open)) => {
            open::cancel(world, ClientId::Server, *open);
            Ok(())
        }
    }
}
