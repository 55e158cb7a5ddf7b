//! The system parameter with which players act.

use core::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

use bevy::{
    ecs::{entity_disabling::Disabled, query::Allow, system::SystemParam},
    prelude::*,
};
use bevy_replicon::prelude::*;

use crate::{
    app::InventoryAppExt,
    authority::Authority,
    client::predict,
    containers::Kinds,
    events::{InView, LocalInventory},
    ids::InventoryIds,
    inventories::ReadUnits,
    model::{
        action::Action,
        data::DataPool,
        id::InventoryId,
        items::Catalogue,
        reason::Reason,
        tx::{Player, Tx},
    },
    pages::{Tab, Tabs},
    server::{act, open, views::Views},
    wire::request::Target,
};

use super::{
    ActionConfirmed, ActionRejected, ActionTypes, AnyAction, InventoryAction, RequestId, Requested,
    SlotPending, tell_answer,
};

/// Numbers the local player's requests.
#[derive(Resource, Default, Debug)]
pub(crate) struct RequestIds(AtomicU64);

pub(crate) fn plugin(app: &mut App) {
    app.init_resource::<RequestIds>()
        .init_resource::<ActionTypes>()
        .add_message::<ActionConfirmed>()
        .add_message::<ActionRejected>()
        .add_message::<SlotPending>()
        .register_action::<Action>();
}

/// How players act, on a client, a host and in single player alike.
///
/// ```
/// use bevy::prelude::*;
/// use bevy_inventory_sync::prelude::*;
///
/// # #[derive(Component)] struct Chest;
/// /// Puts the first slot of an open chest into the hotbar.
/// fn click(
///     mut actions: InventoryActions,
///     me: Single<Entity, With<LocalInventory>>,
///     chest: Single<Entity, (With<InView>, With<Chest>)>, // stacks on the ground are in view, too
/// ) {
///     let from = (*chest, Inventory::slot(0));
///     actions.request(Action::Move { from, to: (*me, Hotbar::slot(3)), count: None });
/// }
///
/// fn refused(rejected: On<ActionRejected>) {
///     info!("{}", rejected.reason); // what was shown ahead is back where it was
/// }
/// # bevy::ecs::system::assert_is_system(click);
/// ```
///
/// A request is shown at the next sync point, in the same frame, and decided by the server. Every one is
/// answered: [`ActionConfirmed`] or [`ActionRejected`].
#[derive(SystemParam)]
pub struct InventoryActions<'w, 's> {
    units: ReadUnits<'w, 's>,
    seen: Query<'w, 's, (&'static InView, &'static InventoryId), Allow<Disabled>>,
    own: Query<'w, 's, Entity, (With<LocalInventory>, Allow<Disabled>)>,
    banks: Query<'w, 's, (&'static Tabs, &'static InventoryId), (With<InView>, Allow<Disabled>)>,
    catalogue: Option<Res<'w, Catalogue>>,
    kinds: Res<'w, Kinds>,
    ids: Res<'w, InventoryIds>,
    pool: Res<'w, DataPool>,
    requests: Res<'w, RequestIds>,
    commands: Commands<'w, 's>,
}

impl InventoryActions<'_, '_> {
    /// Asks for an action of the player's own inventory; of several that of the lowest entity.
    pub fn request<A: InventoryAction>(&mut self, action: A) -> RequestId {
        self.request_any(None, AnyAction(Arc::new(action)))
    }

    /// Asks for an action of one of several inventories that the player owns.
    pub fn request_as<A: InventoryAction>(&mut self, actor: Entity, action: A) -> RequestId {
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

    /// Asks to open an inventory on a replicated entity, one with [`Openable`](crate::prelude::Openable)
    /// on the server. If it is granted the inventory comes into view.
    pub fn open(&mut self, entity: Entity) -> RequestId {
        let actor = self.actor();
        self.queue(Requested::Open(Target::Entity(entity)), actor)
    }

    /// As [`Self::open`], for an inventory that has no replicated entity: a guild's bank.
    pub fn open_id(&mut self, id: InventoryId) -> RequestId {
        let actor = self.actor();
        self.queue(Requested::Open(Target::Id(id)), actor)
    }

    /// Asks to open a page of a bank that is in view, by the number that its [`Tab`] has. If it is granted
    /// the page comes into view, and the one that the player had open before is closed.
    ///
    /// It shows as an opening by id. Without asking the server it is refused with
    /// [`Reason::NotInView`] if no such bank is in view, and [`Reason::NoSuchSlot`] if there is no such
    /// tab; what was requested is then said to be an opening of the bank's entity.
    pub fn open_page(&mut self, bank: Entity, page: u32) -> RequestId {
        let reason = match self.banks.get(bank) {
            Ok((tabs, id)) if tabs.get(page).is_some() => {
                return self.open_id(InventoryId::page(*id, page));
            }
            Ok(_) => Reason::NoSuchSlot,
            Err(_) => Reason::NotInView,
        };
        let id = self.next_id();
        self.commands.queue(move |world: &mut World| {
            tell_answer(world, id, Requested::Open(Target::Entity(bank)), Err(reason));
        });
        id
    }

    /// The tabs of a bank in view, in order, each with the entity of its page if that is open. None if no
    /// such bank is in view.
    pub fn tabs(&self, bank: Entity) -> impl Iterator<Item = (&Tab, Option<Entity>)> + '_ {
        let there = self.banks.get(bank).ok();
        there.into_iter().flat_map(|(tabs, id)| {
            tabs.iter().map(|tab| {
                let page = self.ids.get(InventoryId::page(*id, tab.page()));
                (tab, page.filter(|page| self.seen.contains(*page)))
            })
        })
    }

    /// Says that the player has closed an inventory that it had opened. It leaves the view.
    pub fn close(&mut self, entity: Entity) -> RequestId {
        let actor = self.actor();
        self.queue(Requested::Close(entity), actor)
    }

    /// Whether an action would be lawful on what is shown, without doing it: to grey a button. The
    /// server's rules may still refuse it.
    ///
    /// # Errors
    ///
    /// Why not.
    pub fn check<A: InventoryAction>(&self, action: &A) -> Result<(), Reason> {
        let catalogue = self.catalogue.as_deref().ok_or(Reason::NotConnected)?;
        let load =
            |entity| self.seen.get(entity).ok().and_then(|_| self.units.read(&self.kinds, entity));
        let find = |id| self.ids.get(id).filter(|entity| self.seen.contains(*entity));
        let name = |entity| self.seen.get(entity).ok().map(|(_, id)| *id);
        let player =
            Player { actor: self.actor(), find: &find, name: &name, decides: false, limits: &[] };
        let pool = Some(&*self.pool);
        let mut tx = Tx::new(catalogue, self.kinds.as_slice(), &load, pool, Some(player));
        match action.run(&mut tx) {
            Ok(_) | Err(Reason::Unpredictable) => {}
            Err(reason) => return Err(reason),
        }
        tx.check_rights(|entity| self.seen.get(entity).ok().map(|(view, _)| view.rights))
    }

    fn actor(&self) -> Option<Entity> {
        self.own.iter().min()
    }
}

/// Carries a request out, or sends it to who can.
fn submit(world: &mut World, request: RequestId, actor: Option<Entity>, what: Requested) {
    if !Authority::is_in(world) || !world.contains_resource::<Views>() {
        predict::request(world, request, actor, what);
        return;
    }
    let result = match &what {
        Requested::Action(action) => {
            act::act(world, ClientId::Server, actor, action, None).map_err(|refused| refused.reason)
        }
        Requested::Open(target) => open::open(world, ClientId::Server, actor, *target),
        Requested::Close(entity) => open::close(world, ClientId::Server, *entity),
    };
    tell_answer(world, request, what, result);
}
