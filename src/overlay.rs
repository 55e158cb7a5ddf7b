//! A window in the game that shows what the sync does, at the press of a key.
//!
//! ```no_run
//! use bevy::prelude::*;
//! use bevy_inventory_sync::{overlay::InventoryOverlayPlugin, prelude::*};
//! use bevy_replicon::prelude::*;
//!
//! App::new()
//!     .add_plugins((MinimalPlugins, RepliconPlugins, InventoryPlugins))
//!     .add_plugins(InventoryOverlayPlugin::default());
//! ```
//!
//! It works wherever there is a window and a camera: on a client, a listen server, in single player. While it is
//! hidden none of its systems run, so it knows only what has happened since it was last opened.
//!
//! A game that reads mouse and keys by itself lets bevy_egui have those that are meant for the overlay:
//! `my_system.run_if(not(egui_wants_any_input))`.

mod steps;
mod history;
mod changes;
mod journal;
mod describe;
mod cards;
mod clients;
mod gather;
mod weigh;
mod look;
mod window;
mod panels;

use core::time::Duration;

use bevy::{input::InputSystems, prelude::*};
use bevy_egui::{EguiPlugin, EguiPrimaryContextPass};

use crate::model::id::InventoryId;

/// Adds the overlay. Add it after `InventoryPlugins`, and after `EguiPlugin` if the game adds that itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InventoryOverlayPlugin {
    /// Shows and hides it.
    pub key: KeyCode,
}

impl Default for InventoryOverlayPlugin {
    fn default() -> Self {
        Self { key: KeyCode::F3 }
    }
}

impl Plugin for InventoryOverlayPlugin {
    fn build(&self, app: &mut App) {
        if !app.is_plugin_added::<EguiPlugin>() {
            app.add_plugins(EguiPlugin::default());
        }
        let key = self.key;
        let toggle = move |keys: Option<Res<ButtonInput<KeyCode>>>,
                           mut overlay: ResMut<InventoryOverlay>| {
            if keys.is_some_and(|keys| keys.just_pressed(key)) {
                overlay.shown = !overlay.shown;
            }
        };
        app.init_resource::<InventoryOverlay>()
            .add_systems(PreUpdate, toggle.after(InputSystems))
            .add_plugins((steps::plugin, gather::plugin))
            .init_resource::<window::Choices>()
            .add_systems(EguiPrimaryContextPass, window::draw_overlay.run_if(is_shown));
    }
}

/// What the overlay shows. A game may open it by itself.
#[derive(Resource, Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct InventoryOverlay {
    /// Whether it is there at all.
    pub shown: bool,
    /// The panel on top.
    pub panel: OverlayPanel,
    /// The inventory that is followed; `None` for all.
    pub followed: Option<InventoryId>,
}

/// One tab of the overlay.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum OverlayPanel {
    /// Every inventory as its grid; slots flash when they change.
    #[default]
    Inventories,
    /// The steps of a slot change: how much, and how long it takes.
    Walk,
    /// Bytes and messages, against the budget and against full copies.
    Traffic,
    /// The links: of each client on a server, the own one on a client.
    Clients,
    /// The last actions, and why some were refused.
    Journal,
    /// What can be changed while the game runs.
    Levers,
}

impl OverlayPanel {
    /// All of them, in order.
    pub const ALL: [Self; 6] =
        [Self::Inventories, Self::Walk, Self::Traffic, Self::Clients, Self::Journal, Self::Levers];

    /// What is written on its tab.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Inventories => "Inventories",
            Self::Walk => "The walk",
            Self::Traffic => "Traffic",
            Self::Clients => "Clients",
            Self::Journal => "Journal",
            Self::Levers => "Levers",
        }
    }
}

/// A bad connection, to be simulated by whoever can: the overlay has sliders for it if the game has inserted it.
/// Nothing in this crate reads it.
#[derive(Resource, Clone, Copy, PartialEq, Default, Debug)]
pub struct SimulatedLink {
    /// How long messages are held up, one way.
    pub latency: Duration,
    /// By how much that varies, up and down.
    pub jitter: Duration,
    /// The share of messages that get lost, from 0 to 1.
    pub loss: f32,
}

fn is_shown(overlay: Res<InventoryOverlay>) -> bool {
    overlay.shown
}
