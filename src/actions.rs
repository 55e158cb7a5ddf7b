//! What players ask for: the registered types of actions, and what is heard of them.

mod param;

use core::{
    any::{Any, TypeId},
    fmt::Debug,
};
use std::sync::Arc;

use bevy::prelude::*;
use bevy_replicon::prelude::*;
use xxhash_rust::xxh3::Xxh3;

use crate::{
    codec,
    events::tell,
    model::{
        action::{Action, GameAction},
        container::Slot,
        reason::Reason,
        stack::Stack,
        tx::Tx,
    },
    wire::{
        DecodeError,
        request::{ActionReader, ActionWriter, Target, read_payload, write_payload},
    },
};

pub use param::InventoryActions;
pub(crate) use param::plugin;

/// [`Action`] and every [`GameAction`]: what can be requested.
pub trait InventoryAction: Clone + Debug + Send + Sync + Sized + 'static {
    /// Unique among all actions.
    const NAME: &'static str;

    /// What the server's game hears of it.
    type Output: Send + Sync + 'static;

    #[doc(hidden)]
    fn run(&self, tx: &mut Tx) -> Result<Self::Output, Reason>;

    #[doc(hidden)]
    fn write(&self, w: &mut ActionWriter) -> Result<(), Reason>;

    #[doc(hidden)]
    fn read(r: &mut ActionReader) -> Result<Self, DecodeError>;
}

impl InventoryAction for Action {
    const NAME: &'static str = "action";

    /// The stacks that it was about: what moved at once, was dropped, used or made.
    type Output = Vec<Stack>;

    fn run(&self, tx: &mut Tx) -> Result<Vec<Stack>, Reason> {
        self.apply(tx)
    }

    fn write(&self, w: &mut ActionWriter) -> Result<(), Reason> {
        w.action(self);
        Ok(())
    }

    fn read(r: &mut ActionReader) -> Result<Self, DecodeError> {
        r.action()
    }
}

impl<A: GameAction> InventoryAction for A {
    const NAME: &'static str = A::NAME;

    type Output = A::Output;

    fn run(&self, tx: &mut Tx) -> Result<A::Output, Reason> {
        self.apply(tx)
    }

    fn write(&self, w: &mut ActionWriter) -> Result<(), Reason> {
        let payload = codec::to_bytes(self).map_err(|_| Reason::Invalid)?;
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
    /// The action, if it is of this type: `any.get::<Action>()`.
    #[must_use]
    pub fn get<A: InventoryAction>(&self) -> Option<&A> {
        (self.0.as_ref() as &dyn Any).downcast_ref()
    }

    /// What its type is called.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.0.name()
    }
}

/// What it takes of an action of any type.
pub(crate) trait Erased: Any + Debug + Send + Sync {
    fn name(&self) -> &'static str;
    fn run(&self, tx: &mut Tx) -> Result<Box<dyn Any + Send + Sync>, Reason>;
    fn write(&self, w: &mut ActionWriter) -> Result<(), Reason>;
    fn accept(&self, world: &mut World, head: AcceptedHead, output: Box<dyn Any + Send + Sync>);
}

/// Who acted, for [`Accepted`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct AcceptedHead {
    pub(crate) client: ClientId,
    pub(crate) actor: Option<Entity>,
}

impl<A: InventoryAction> Erased for A {
    fn name(&self) -> &'static str {
        A::NAME
    }

    fn run(&self, tx: &mut Tx) -> Result<Box<dyn Any + Send + Sync>, Reason> {
        Ok(Box::new(InventoryAction::run(self, tx)?))
    }

    fn write(&self, w: &mut ActionWriter) -> Result<(), Reason> {
        InventoryAction::write(self, w)
    }

    fn accept(&self, world: &mut World, head: AcceptedHead, output: Box<dyn Any + Send + Sync>) {
        let Ok(output) = output.downcast::<A::Output>() else { return };
        let AcceptedHead { client, actor } = head;
        let mut accepted = Accepted { client, actor, action: self.clone(), output: *output };
        world.trigger_ref(&mut accepted);
        world.write_message(accepted);
    }
}

/// The registered types of actions. Their order is part of the protocol.
#[derive(Resource, Clone, Default)]
pub(crate) struct ActionTypes(Arc<Vec<ActionType>>);

#[derive(Clone, Copy)]
struct ActionType {
    name: &'static str,
    id: TypeId,
    read: fn(&mut ActionReader) -> Result<AnyAction, DecodeError>,
}

impl ActionTypes {
    /// Adds a type.
    ///
    /// # Panics
    ///
    /// If there is one of that name.
    pub(crate) fn add<A: InventoryAction>(&mut self) {
        let there = self.0.iter().any(|known| known.name == A::NAME);
        assert!(!there, "action `{}` is registered twice", A::NAME);
        Arc::make_mut(&mut self.0).push(ActionType {
            name: A::NAME,
            id: TypeId::of::<A>(),
            read: |r| Ok(AnyAction(Arc::new(<A as InventoryAction>::read(r)?))),
        });
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The rank of an action's type, if it is registered.
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

/// Names one request of the local player.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Reflect)]
pub struct RequestId(pub(crate) u64);

/// What was requested.
#[derive(Clone, Debug)]
pub enum Requested {
    /// To do something.
    Action(AnyAction),
    /// To open an inventory.
    Open(Target),
    /// To close one.
    Close(Entity),
}

impl Requested {
    /// The action, if it is one of this type.
    #[must_use]
    pub fn action<A: InventoryAction>(&self) -> Option<&A> {
        match self {
            Self::Action(action) => action.get(),
            _ => None,
        }
    }
}

/// Authority: a player's action was done.
#[derive(Event, Message, Clone, Debug)]
pub struct Accepted<A: InventoryAction> {
    /// Whose.
    pub client: ClientId,
    /// The inventory that acted, if the player has one.
    pub actor: Option<Entity>,
    /// The action.
    pub action: A,
    /// What its `apply` gave.
    pub output: A::Output,
}

/// The player's side: the server did what was requested. What it changed is shown.
#[derive(Event, Message, Clone, Debug)]
pub struct ActionConfirmed {
    /// Which request.
    pub request: RequestId,
    /// What it was.
    pub what: Requested,
}

/// The player's side: a request was refused. What was shown ahead has been taken back.
#[derive(Event, Message, Clone, Debug)]
pub struct ActionRejected {
    /// Which request.
    pub request: RequestId,
    /// What it was.
    pub what: Requested,
    /// Why.
    pub reason: Reason,
}

/// The player's side: a slot takes part in a request that has no answer yet, or does so no more.
#[derive(EntityEvent, Message, Clone, Copy, PartialEq, Eq, Debug)]
pub struct SlotPending {
    /// The entity with the container.
    pub entity: Entity,
    /// Which slot.
    pub slot: Slot,
    /// Whether an answer is awaited.
    pub pending: bool,
}

/// Tells the local player what became of a request.
pub(crate) fn tell_answer(
    world: &mut World,
    request: RequestId,
    what: Requested,
    result: Result<(), Reason>,
) {
    match result {
        Ok(()) => tell(world, ActionConfirmed { request, what }),
        Err(reason) => tell(world, ActionRejected { request, what, reason }),
    }
}
