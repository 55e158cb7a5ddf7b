//! Requests of players: the registered action types and the events about their outcome.

use core::{
    any::{Any, TypeId},
    fmt::Debug,
};
use std::sync::Arc;

use bevy::prelude::*;
use bevy_replicon::prelude::*;
use xxhash_rust::xxh3::Xxh3;

use crate::{
    model::{
        action::{GameAction, InventoryAction},
        codec,
        container::Slot,
        rejection::Rejection,
        stack::Stack,
        transaction::Transaction,
    },
    wire::{
        DecodeError,
        request::{ActionReader, ActionWriter, Target, read_payload, write_payload},
    },
};

use super::events::emit;

/// All actions that can be requested: [`InventoryAction`] and every [`GameAction`].
pub trait RegisteredAction: sealed::Sealed + Clone + Debug + Send + Sync + Sized + 'static {
    /// Unique name among all actions.
    const NAME: &'static str;

    /// Result that the game on the server receives.
    type Output: Send + Sync + 'static;

    #[doc(hidden)]
    fn run(&self, tx: &mut Transaction) -> Result<Self::Output, Rejection>;

    #[doc(hidden)]
    fn write(&self, w: &mut ActionWriter) -> Result<(), Rejection>;

    #[doc(hidden)]
    fn read(r: &mut ActionReader) -> Result<Self, DecodeError>;
}

mod sealed {
    pub trait Sealed {}
}

impl sealed::Sealed for InventoryAction {}
impl<A: GameAction> sealed::Sealed for A {}

impl RegisteredAction for InventoryAction {
    const NAME: &'static str = "action";

    /// The affected stacks: those moved as a whole area or quick-moved, dropped, used or crafted.
    type Output = Vec<Stack>;

    fn run(&self, tx: &mut Transaction) -> Result<Vec<Stack>, Rejection> {
        self.apply(tx)
    }

    fn write(&self, w: &mut ActionWriter) -> Result<(), Rejection> {
        w.action(self);
        Ok(())
    }

    fn read(r: &mut ActionReader) -> Result<Self, DecodeError> {
        r.action()
    }
}

impl<A: GameAction> RegisteredAction for A {
    const NAME: &'static str = A::NAME;

    type Output = A::Output;

    fn run(&self, tx: &mut Transaction) -> Result<A::Output, Rejection> {
        self.apply(tx)
    }

    fn write(&self, w: &mut ActionWriter) -> Result<(), Rejection> {
        let payload = codec::to_bytes(self).map_err(|_| Rejection::Invalid)?;
        write_payload(w.w, &payload);
        Ok(())
    }

    fn read(r: &mut ActionReader) -> Result<Self, DecodeError> {
        let payload = read_payload(r.r)?;
        codec::from_bytes(&payload).map_err(|_| DecodeError::Payload { action: Self::NAME })
    }
}

/// An action of any registered type.
#[derive(Clone, Debug)]
pub struct AnyAction(pub(crate) Arc<dyn Erased>);

impl AnyAction {
    /// Returns the action if it is of this type: `any.get::<InventoryAction>()`.
    #[must_use]
    pub fn get<A: RegisteredAction>(&self) -> Option<&A> {
        (self.0.as_ref() as &dyn Any).downcast_ref()
    }

    /// Returns the name of the action's type.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.0.name()
    }
}

/// Type-erased operations of an action.
pub(crate) trait Erased: Any + Debug + Send + Sync {
    fn name(&self) -> &'static str;
    fn run(&self, tx: &mut Transaction) -> Result<Box<dyn Any + Send + Sync>, Rejection>;
    fn write(&self, w: &mut ActionWriter) -> Result<(), Rejection>;
    fn accept(&self, world: &mut World, head: AppliedHead, output: Box<dyn Any + Send + Sync>);
}

/// The client and the acting inventory, for [`ActionApplied`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct AppliedHead {
    pub(crate) client: ClientId,
    pub(crate) actor: Option<Entity>,
}

impl<A: RegisteredAction> Erased for A {
    fn name(&self) -> &'static str {
        A::NAME
    }

    fn run(&self, tx: &mut Transaction) -> Result<Box<dyn Any + Send + Sync>, Rejection> {
        Ok(Box::new(RegisteredAction::run(self, tx)?))
    }

    fn write(&self, w: &mut ActionWriter) -> Result<(), Rejection> {
        RegisteredAction::write(self, w)
    }

    fn accept(&self, world: &mut World, head: AppliedHead, output: Box<dyn Any + Send + Sync>) {
        let Ok(output) = output.downcast::<A::Output>() else { return };
        let AppliedHead { client, actor } = head;
        let mut accepted = ActionApplied { client, actor, action: self.clone(), output: *output };
        world.trigger_ref(&mut accepted);
        world.write_message(accepted);
    }
}

/// The registered action types. The built-in one comes first, then others sorted by name.
#[derive(Resource, Clone, Default)]
pub(crate) struct ActionTypes(Arc<Vec<ActionType>>);

#[derive(Clone, Copy)]
struct ActionType {
    name: &'static str,
    id: TypeId,
    read: fn(&mut ActionReader) -> Result<AnyAction, DecodeError>,
}

impl ActionTypes {
    /// Registers an action type.
    ///
    /// # Panics
    ///
    /// If an action type of that name is registered.
    pub(crate) fn add<A: RegisteredAction>(&mut self) {
        let is_registered = self.0.iter().any(|known| known.name == A::NAME);
        assert!(!is_registered, "action `{}` is registered twice", A::NAME);
        // The built-in action first, then sorted by name, so that both sides number them alike.
        let key = |name: &'static str| (name != <InventoryAction as RegisteredAction>::NAME, name);
        let at = self.0.partition_point(|known| key(known.name) < key(A::NAME));
        Arc::make_mut(&mut self.0).insert(
            at,
            ActionType {
                name: A::NAME,
                id: TypeId::of::<A>(),
                read: |r| Ok(AnyAction(Arc::new(<A as RegisteredAction>::read(r)?))),
            },
        );
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the index of an action's type, if it is registered.
    pub(crate) fn kind_of(&self, action: &AnyAction) -> Option<u32> {
        let id = (action.0.as_ref() as &dyn Any).type_id();
        (0..).zip(self.0.iter()).find(|(_, known)| known.id == id).map(|(kind, _)| kind)
    }

    pub(crate) fn read(&self, kind: u32, r: &mut ActionReader) -> Result<AnyAction, DecodeError> {
        (self.0[kind as usize].read)(r)
    }

    pub(crate) fn hash_names(&self, hasher: &mut Xxh3) {
        for known in self.0.iter() {
            hasher.update(known.name.as_bytes());
            hasher.update(&[0xFF]);
        }
    }
}

/// Id of a request of the local player.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Reflect)]
pub struct RequestId(pub(crate) u64);

/// What a player requested.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Requested {
    /// Apply an action.
    Action(AnyAction),
    /// Open an inventory.
    Open(Target),
    /// Close an inventory.
    Close(Entity),
    /// Close what an earlier request opened or will open.
    Cancel(RequestId),
}

impl Requested {
    /// Returns the action if the request is one of this type.
    #[must_use]
    pub fn action<A: RegisteredAction>(&self) -> Option<&A> {
        match self {
            Self::Action(action) => action.get(),
            _ => None,
        }
    }
}

/// Authority: a player's action was applied.
#[derive(Event, Message, Clone, Debug)]
pub struct ActionApplied<A: RegisteredAction> {
    /// The player.
    pub client: ClientId,
    /// The acting inventory, if the player has one.
    pub actor: Option<Entity>,
    /// The action.
    pub action: A,
    /// The result of the action's `apply`.
    pub output: A::Output,
}

/// Player's side: the server applied a request. Its changes are already shown.
#[derive(Event, Message, Clone, Debug)]
pub struct ActionConfirmed {
    /// Id of the request.
    pub id: RequestId,
    /// The request.
    pub request: Requested,
}

/// Player's side: a request was rejected. Its prediction has been reverted.
#[derive(Event, Message, Clone, Debug)]
pub struct ActionRejected {
    /// Id of the request.
    pub id: RequestId,
    /// The request.
    pub request: Requested,
    /// Why it was rejected.
    pub reason: Rejection,
}

/// Player's side: a slot started or stopped waiting for the server's answer to a request.
#[derive(EntityEvent, Message, Clone, Copy, PartialEq, Eq, Debug)]
pub struct SlotPendingChanged {
    /// The entity with the container.
    pub entity: Entity,
    /// The slot.
    pub slot: Slot,
    /// Whether the slot waits for an answer.
    pub pending: bool,
}

/// Notifies the local player of the outcome of a request.
pub(crate) fn emit_answer(
    world: &mut World,
    id: RequestId,
    request: Requested,
    result: Result<(), Rejection>,
) {
    match result {
        Ok(()) => emit(world, ActionConfirmed { id, request }),
        Err(reason) => emit(world, ActionRejected { id, request, reason }),
    }
}
