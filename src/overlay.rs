//! Debug overlay: an in-game window that shows what the sync does, toggled with a key.
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
//! It works wherever there is a window and a camera: on a client, on a listen server, in single player. It records
//! changes, actions and traffic from the start, in bounded memory. While it is hidden, it draws nothing and does not
//! time the pipeline.
//!
//! A game that reads mouse and keyboard input directly must leave input that is meant for the overlay to
//! bevy_egui: `my_system.run_if(not(egui_wants_any_input))`.

mod steps;
mod history;
mod changes;
mod action_log;
mod describe;
mod cards;
mod clients;
mod context;
mod faults;
mod gather;
mod icons;
mod measure;
mod names;
mod style;
mod window;
mod plot;
mod panels;

use core::time::Duration;

use bevy::{input::InputSystems, prelude::*};
use bevy_egui::{EguiPlugin, EguiPrimaryContextPass};

use crate::model::id::InventoryId;

/// Adds the debug overlay. Add it after `InventoryPlugins`, and after `EguiPlugin` if the game adds that itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InventoryOverlayPlugin {
    /// Key that shows and hides the overlay. Defaults to F3.
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
            .add_plugins((steps::plugin, gather::plugin, faults::plugin))
            .init_resource::<context::Choices>()
            .add_systems(EguiPrimaryContextPass, window::draw_overlay.run_if(is_shown));
    }
}

/// State of the overlay. A game may change it, for example to open the overlay.
#[derive(Resource, Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct InventoryOverlay {
    /// Whether the overlay is visible.
    pub shown: bool,
    /// The selected panel.
    pub panel: OverlayPanel,
    /// The followed inventory; `None` shows all.
    pub followed: Option<InventoryId>,
}

/// One tab of the overlay.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum OverlayPanel {
    /// The grid of every inventory. Slots flash when they change.
    #[default]
    Inventories,
    /// The pipeline steps of a slot change, with counts and timings.
    Pipeline,
    /// Bytes and messages, compared with the budget and with full updates.
    Traffic,
    /// Connection quality: of each client on a server. On a client, the quality of its own link.
    Clients,
    /// The latest actions, with the reasons for rejections.
    Actions,
    /// Settings that can be changed while the game runs.
    Settings,
}

impl OverlayPanel {
    /// All panels, in tab order.
    pub const ALL: [Self; 6] = [
        Self::Inventories,
        Self::Pipeline,
        Self::Traffic,
        Self::Clients,
        Self::Actions,
        Self::Settings,
    ];

    /// Returns the label of the panel's tab.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Inventories => "Inventories",
            Self::Pipeline => "Pipeline",
            Self::Traffic => "Traffic",
            Self::Clients => "Clients",
            Self::Actions => "Actions",
            Self::Settings => "Settings",
        }
    }
}

/// Network conditions for the game to simulate. The overlay shows sliders for them if the game has inserted this
/// resource. Nothing else in this crate reads it.
#[derive(Resource, Clone, Copy, PartialEq, Default, Debug)]
pub struct SimulatedLink {
    /// One-way delay of packets.
    pub latency: Duration,
    /// Maximum deviation from the latency, in either direction.
    pub jitter: Duration,
    /// Fraction of packets that are lost, from 0 to 1.
    pub loss: f32,
}

fn is_shown(overlay: Res<InventoryOverlay>) -> bool {
    overlay.shown
}
