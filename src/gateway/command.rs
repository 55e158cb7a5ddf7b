//! Commands of operators, which a game registers.

use std::sync::Arc;

use bevy::{ecs::system::SystemId, platform::collections::HashMap, prelude::*};
use bytes::Bytes;
use log::info;
use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::oneshot;

use crate::{server::inspect::run_as_operator, shared::sealed::Sealed};

/// Extends [`App`] with the registration of commands for operators.
pub trait GatewayAppExt: Sealed {
    /// Registers a command that operators can run with `POST /commands/NAME` and a JSON body, which becomes a `C`. The
    /// system runs at the start of a frame. What it changes through [`Inventories`](crate::prelude::Inventories) has the
    /// cause [`Cause::Operator`](crate::prelude::Cause::Operator). Its result is the response; its error is one that
    /// names no secret, because it is sent to the operator.
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

/// The registered commands by name.
#[derive(Resource, Default)]
struct GatewayCommands(HashMap<&'static str, Arc<RunCommand>>);

/// What a command has returned.
pub(super) type CommandResult = Result<serde_json::Value, CommandError>;

/// Why a command was not carried out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum CommandError {
    /// No command has this name.
    Unknown,
    /// The body is not what the command takes.
    Malformed(String),
    /// The game has rejected it.
    Rejected(String),
    Failed(String),
}

/// A command that an operator has sent.
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
            // The operator has been told that it was not carried out.
            return;
        }
        let commands = world.get_resource::<GatewayCommands>();
        let result = match commands.and_then(|commands| commands.0.get(name.as_str())).cloned() {
            Some(run) => run(world, &body),
            None => Err(CommandError::Unknown),
        };
        let outcome = if result.is_ok() { "carried out" } else { "rejected" };
        info!("the command `{name}` of the operator with the token {by} was {outcome}");
        drop(reply.send(result));
    }
}
