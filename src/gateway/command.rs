//! Operator commands that a game registers.

use std::sync::Arc;

use bevy::{ecs::system::SystemId, platform::collections::HashMap, prelude::*};
use bytes::Bytes;
use log::info;
use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::oneshot;

use crate::{
    server::inspect::run_as_operator,
    shared::{authority::Authority, sealed::Sealed},
};

/// Extends [`App`] with the registration of operator commands.
pub trait GatewayAppExt: Sealed {
    /// Registers a command that operators can run with `POST /commands/NAME`. The JSON body is deserialized into a `C`.
    /// The system runs at the start of a frame. Changes that it makes through
    /// [`Inventories`](crate::prelude::Inventories) have the cause
    /// [`Cause::Operator`](crate::prelude::Cause::Operator). The returned value is the response. An error is sent to
    /// the operator, so it must not contain secrets.
    ///
    /// ```
    /// # use bevy::prelude::*;
    /// # use bevy_inventory_sync::{gateway::GatewayAppExt, prelude::*};
    /// # use serde::Deserialize;
    /// #[derive(Deserialize)]
    /// struct Give { to: InventoryId, item: String, count: u32 }
    ///
    /// fn give(
    ///     In(Give { to, item, count }): In<Give>,
    ///     ids: Res<InventoryIds>,
    ///     mut inventories: Inventories,
    /// ) -> Result<(), String> {
    ///     let player = ids.get(to).ok_or("there is no such inventory")?;
    ///     let stack = Stack::new(ItemId::of(&item), count).ok_or("the count is zero")?;
    ///     inventories.insert(player, stack).map_err(|error| error.to_string())
    /// }
    ///
    /// # let mut app = App::new();
    /// app.add_gateway_command("give", give);
    /// ```
    ///
    /// # Panics
    ///
    /// If another command has the same name.
    fn add_gateway_command<C, R, M>(
        &mut self,
        name: &'static str,
        system: impl IntoSystem<In<C>, Result<R, String>, M> + 'static,
    ) -> &mut Self
    where
        C: DeserializeOwned + Send + 'static,
        R: Serialize + 'static;
}

impl GatewayAppExt for App {
    fn add_gateway_command<C, R, M>(
        &mut self,
        name: &'static str,
        system: impl IntoSystem<In<C>, Result<R, String>, M> + 'static,
    ) -> &mut Self
    where
        C: DeserializeOwned + Send + 'static,
        R: Serialize + 'static,
    {
        let system: SystemId<In<C>, Result<R, String>> = self.world_mut().register_system(system);
        let run = move |world: &mut World, body: &[u8]| {
            let command = serde_json::from_slice(body)
                .map_err(|error| CommandError::Malformed(error.to_string()))?;
            let result = run_as_operator(world, |world| world.run_system_with(system, command));
            let result = result.map_err(|error| CommandError::Failed(error.to_string()))?;
            let result = result.map_err(CommandError::Rejected)?;
            serde_json::to_value(result).map_err(|error| CommandError::Failed(error.to_string()))
        };
        let mut commands = self.world_mut().get_resource_or_init::<GatewayCommands>();
        let before = commands.0.insert(name, Arc::new(run));
        assert!(before.is_none(), "the command `{name}` is registered twice");
        self
    }
}

type RunCommand = dyn Fn(&mut World, &[u8]) -> CommandResult + Send + Sync;

/// The registered commands, by name.
#[derive(Resource, Default)]
struct GatewayCommands(HashMap<&'static str, Arc<RunCommand>>);

/// The result of a command.
pub(super) type CommandResult = Result<serde_json::Value, CommandError>;

/// Why a command did not succeed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum CommandError {
    /// There is no command with this name.
    Unknown,
    /// The body cannot be deserialized.
    Malformed(String),
    /// This app is not the authority, so changes would not last.
    NotRunning,
    /// The game rejected it.
    Rejected(String),
    Failed(String),
}

/// A command sent by an operator.
pub(super) struct Order {
    pub(super) name: String,
    pub(super) body: Bytes,
    /// Name of the operator's token.
    pub(super) by: String,
    pub(super) reply: oneshot::Sender<CommandResult>,
}

impl Order {
    pub(super) fn run(self, world: &mut World) {
        let Self { name, body, by, reply } = self;
        if reply.is_closed() {
            // The request has timed out.
            return;
        }
        let commands = world.get_resource::<GatewayCommands>();
        let result = match commands.and_then(|commands| commands.0.get(name.as_str())).cloned() {
            Some(_) if !Authority::is_in(world) => Err(CommandError::NotRunning),
            Some(run) => run(world, &body),
            None => Err(CommandError::Unknown),
        };
        let outcome = if result.is_ok() { "carried out" } else { "rejected" };
        info!("the command `{name}` of the operator with the token {by} was {outcome}");
        drop(reply.send(result));
    }
}
