//! Short texts and effects for players.

use bevy::{ecs::system::SystemParam, prelude::*};
use bevy_replicon::prelude::*;

use crate::protocol::{Effect, EffectKind, Notice};

#[derive(SystemParam)]
pub struct News<'w> {
    notices: MessageWriter<'w, ToClients<Notice>>,
    effects: MessageWriter<'w, ToClients<Effect>>,
}

impl News<'_> {
    /// Shows a text to one player.
    pub fn tell(&mut self, client: ClientId, text: impl Into<String>) {
        let (targets, message) = (SendTargets::Single(client), Notice(text.into()));
        self.notices.write(ToClients { targets, message });
    }

    /// Shows a text to all players but one.
    pub fn tell_others(&mut self, client: ClientId, text: impl Into<String>) {
        let (targets, message) = (SendTargets::AllExcept(client), Notice(text.into()));
        self.notices.write(ToClients { targets, message });
    }

    /// Shows an effect to all players.
    pub fn effect(&mut self, kind: EffectKind, at: Vec2) {
        self.effects.write(ToClients { targets: SendTargets::All, message: Effect { kind, at } });
    }
}
