//! What the panels draw from.

use crate::{
    client::{inspect::ClientInspect, predictions::ActionLatency, state::SyncState},
    model::{catalog::ItemCatalog, data::DataPool},
    server::{
        client_stats::ClientSyncStats,
        health::{RejectionCounts, SyncHealth},
        pacing::{quality::ConnectionQuality, settings::SyncSettings},
    },
    shared::{authority::Authority, containers::ContainerRegistry, stats::InventoryStats},
};

use super::{
    InventoryOverlay, SimulatedLink,
    action_log::{ActionFilter, ActionLog},
    cards::Cards,
    changes::Changes,
    clients::{ActionRates, OwnLink},
    faults::Faults,
    history::History,
    icons::Icons,
    names::Names,
    steps::StepTimes,
};
use bevy::ecs::system::SystemParam;

use bevy::prelude::*;
use bevy_replicon::prelude::*;

/// Selections made in the panels.
#[derive(Resource, Default, Debug)]
pub(super) struct Choices {
    pub(super) client: Option<Entity>,
    pub(super) filter: ActionFilter,
    /// Inventory and flat index of the slot whose menu is open.
    pub(super) menu_slot: Option<(Entity, usize)>,
    /// Flat index of the slot to corrupt.
    pub(super) corrupt_slot: usize,
    /// Whether the list beside the grids is hidden.
    pub(super) without_list: bool,
    /// Smoothed drawing time, in microseconds.
    pub(super) drawing: f64,
}

/// All data that the panels read and change.
#[derive(SystemParam)]
pub(super) struct PanelContext<'w, 's> {
    pub(super) overlay: ResMut<'w, InventoryOverlay>,
    pub(super) choices: ResMut<'w, Choices>,
    pub(super) time: Res<'w, Time<Real>>,
    pub(super) authority: Authority<'w>,
    pub(super) serving: Option<Res<'w, State<ServerState>>>,
    pub(super) stats: Res<'w, InventoryStats>,
    pub(super) catalog: Option<Res<'w, ItemCatalog>>,
    pub(super) registry: Res<'w, ContainerRegistry>,
    pub(super) pool: Option<Res<'w, DataPool>>,
    pub(super) names: Names<'w, 's>,
    pub(super) steps: ResMut<'w, StepTimes>,
    pub(super) history: Res<'w, History>,
    pub(super) changes: Res<'w, Changes>,
    pub(super) cards: ResMut<'w, Cards>,
    pub(super) action_log: ResMut<'w, ActionLog>,
    pub(super) rates: Res<'w, ActionRates>,
    pub(super) own: Res<'w, OwnLink>,
    pub(super) faults: Res<'w, Faults>,
    pub(super) icons: Res<'w, Icons>,
    pub(super) clients:
        Query<'w, 's, (Entity, &'static ClientSyncStats, &'static ConnectionQuality)>,
    pub(super) settings: Option<ResMut<'w, SyncSettings>>,
    pub(super) health: Option<Res<'w, SyncHealth>>,
    pub(super) rejections: Option<Res<'w, RejectionCounts>>,
    pub(super) state: Option<Res<'w, SyncState>>,
    pub(super) times: Option<Res<'w, ActionLatency>>,
    pub(super) copies: ClientInspect<'w>,
    pub(super) commands: Commands<'w, 's>,
    pub(super) link: Option<ResMut<'w, SimulatedLink>>,
}

impl PanelContext<'_, '_> {
    pub(super) fn is_serving(&self) -> bool {
        self.serving.as_ref().is_some_and(|state| ***state == ServerState::Running)
    }

    pub(super) fn role(&self) -> &'static str {
        match (self.authority.is_here(), self.is_serving()) {
            (true, true) => "server",
            (true, false) => "single player",
            (false, _) => "client",
        }
    }
}
