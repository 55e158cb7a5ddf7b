//! Sends the changes of each tick from the game to the gateway's thread, and the gateway's requests to the game.

use core::net::SocketAddr;
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread::JoinHandle,
};

use bevy::{
    ecs::{entity_disabling::Disabled, query::Allow},
    platform::collections::HashMap,
    prelude::*,
};
use bevy_replicon::shared::client_id::ClientId;
use log::error;
use tokio::sync::{mpsc::UnboundedSender, watch};

use crate::{
    changes::{self, ChangeSystems, ChangeTracker, TickRecord, public::PublicViews},
    model::{
        catalog::ItemCatalog,
        data::{DataPool, ToJsonByName},
        id::{ContainerKey, InventoryId},
    },
    server::{
        health::{HealthReason, SyncHealth},
        inspect,
        views::access::Owner,
    },
    shared::{
        authority::authority_is_here, containers::ContainerRegistry, ids::InventoryIds,
        markers::InView, schedule::InventoryServerSystems, stats::InventoryStats,
        storing::StoreHealth,
    },
};

use super::{
    error::GatewayError,
    labels::{self, IsInventory, Label, Labels},
};

/// Maximum size of the messages queued for the gateway, in bytes. If the gateway falls further behind, it restarts with
/// the whole world.
const BACKLOG_MAX: usize = 64 << 20;

/// Whether the gateway is running.
#[derive(Resource, Clone, PartialEq, Eq, Debug)]
pub enum GatewayStatus {
    /// The address is bound. Requests are answered once the app has finished building.
    Starting(SocketAddr),
    /// The gateway listens on this address. If the configured port is 0, the operating system has chosen the port.
    Listening(SocketAddr),
    /// The gateway is not running.
    Failed(GatewayError),
}

/// A message from the game to the gateway.
pub(super) enum Feed {
    /// The whole world. The gateway discards its previous state.
    Start(Box<Start>),
    Tick(Box<Tick>),
    /// This app is no longer the authority.
    Stop,
}

/// The whole world at the end of a tick.
pub(super) struct Start {
    pub(super) record: TickRecord,
    pub(super) labels: Vec<(Entity, Label)>,
    pub(super) containers: HashMap<ContainerKey, &'static str>,
    pub(super) data: ToJsonByName,
    pub(super) views: ToJsonByName,
}

/// The changes of a tick.
pub(super) struct Tick {
    pub(super) tick: u64,
    /// `None` if nothing was committed.
    pub(super) record: Option<Arc<TickRecord>>,
    pub(super) labels: Vec<(Entity, Label)>,
    /// The items. `None` if they have not changed.
    pub(super) catalog: Option<ItemCatalog>,
    /// What watched players see. Contains only the players for whom it has changed.
    pub(super) players: Vec<PlayerReport>,
    pub(super) report: Report,
}

/// The state of the sync.
#[derive(Clone, Default)]
pub(super) struct Report {
    pub(super) stats: InventoryStats,
    pub(super) clients: usize,
    pub(super) reasons: Vec<HealthReason>,
}

/// What a player's client owns and sees. Both lists are sorted.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct PlayerView {
    pub(super) owned: Vec<Entity>,
    pub(super) seen: Vec<Entity>,
}

impl PlayerView {
    pub(super) fn sees(&self, entity: Entity) -> bool {
        self.seen.binary_search(&entity).is_ok()
    }
}

/// What a watched player sees.
pub(super) struct PlayerReport {
    pub(super) player: InventoryId,
    /// Number of the watch.
    pub(super) watch: u64,
    /// `None` if the player is not in the world.
    pub(super) view: Option<Arc<PlayerView>>,
}

/// A request from the gateway to the game.
pub(super) enum Ask {
    /// Start reporting what a player sees. The number identifies the watch.
    Watch(InventoryId, u64),
    Unwatch(u64),
    /// Run a command.
    Run(super::command::Order),
}

/// The game's end of the connection to the gateway's thread. The thread ends when it is dropped.
#[derive(Resource)]
pub(super) struct FeedLink {
    feed: UnboundedSender<Feed>,
    /// Size of the messages queued for the gateway, in bytes.
    backlog: Arc<AtomicUsize>,
    asks: Mutex<mpsc::Receiver<Ask>>,
    /// Whether the gateway has received the world and follows its ticks.
    follows: bool,
    /// Signals the gateway's thread to end.
    closing: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for FeedLink {
    fn drop(&mut self) {
        self.closing.send_replace(true);
        // Waits until the gateway has sent the reason to its readers.
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

impl FeedLink {
    pub(super) fn new(
        feed: UnboundedSender<Feed>,
        backlog: Arc<AtomicUsize>,
        asks: mpsc::Receiver<Ask>,
        closing: watch::Sender<bool>,
        thread: JoinHandle<()>,
    ) -> Self {
        let (asks, thread) = (Mutex::new(asks), Some(thread));
        Self { feed, backlog, asks, follows: false, closing, thread }
    }

    fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    fn next_ask(&mut self) -> Option<Ask> {
        let asks = self.asks.get_mut().unwrap_or_else(PoisonError::into_inner);
        asks.try_recv().ok()
    }

    /// Sends a message. Does nothing if the gateway's thread has ended.
    fn send(&self, message: Feed) {
        self.backlog.fetch_add(message.size(), Ordering::Relaxed);
        drop(self.feed.send(message));
    }
}

impl Feed {
    /// Returns the approximate size, in bytes.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Start(start) => start.record.size(),
            Self::Tick(tick) => {
                size_of::<Tick>() + tick.record.as_ref().map_or(0, |record| record.size())
            }
            Self::Stop => 0,
        }
    }
}

/// The watched players, with their last reported views.
#[derive(Resource, Default)]
struct Watched(Vec<WatchedPlayer>);

struct WatchedPlayer {
    player: InventoryId,
    watch: u64,
    reported: ReportedView,
}

/// What the game has reported of a watched player.
#[derive(Clone, Default)]
pub(super) enum ReportedView {
    /// Nothing yet.
    #[default]
    Pending,
    /// What the player sees. `None` if the player is not in the world.
    Known(Option<Arc<PlayerView>>),
}

impl ReportedView {
    pub(super) fn is_known(&self) -> bool {
        matches!(self, Self::Known(_))
    }
}

impl Watched {
    /// Reports all views again.
    fn repeat(&mut self) {
        self.0.iter_mut().for_each(|player| player.reported = ReportedView::Pending);
    }
}

pub(super) fn plugin(app: &mut App) {
    app.init_resource::<Watched>()
        .add_plugins(labels::plugin)
        .add_systems(First, take_asks.run_if(resource_exists::<FeedLink>))
        .add_systems(
            PostUpdate,
            (
                pass_tick.after(ChangeSystems::Record).in_set(InventoryServerSystems::Last),
                stop.run_if(not(authority_is_here)),
            )
                .run_if(resource_exists::<FeedLink>),
        );
}

/// Handles the requests of the gateway.
fn take_asks(world: &mut World) {
    if world.resource::<FeedLink>().has_ended() {
        let error = GatewayError::Thread("it has ended unexpectedly".into());
        error!("the gateway has stopped: {error}");
        world.insert_resource(GatewayStatus::Failed(error));
        world.remove_resource::<FeedLink>();
        return;
    }
    while let Some(ask) = world.resource_mut::<FeedLink>().next_ask() {
        match ask {
            Ask::Watch(player, watch) => {
                let new = WatchedPlayer { player, watch, reported: ReportedView::Pending };
                world.resource_mut::<Watched>().0.push(new);
            }
            Ask::Unwatch(watch) => {
                world.resource_mut::<Watched>().0.retain(|watched| watched.watch != watch);
            }
            Ask::Run(order) => order.run(world),
        }
    }
}

/// Sends a tick to the gateway.
fn pass_tick(
    world: &mut World,
    labelled: &mut QueryState<(Entity, Option<&Name>, Option<&Owner>), IsInventory>,
) {
    let labels = core::mem::take(&mut world.resource_mut::<Labels>().0);
    let mut link = world.resource_mut::<FeedLink>();
    if link.backlog.load(Ordering::Relaxed) > BACKLOG_MAX {
        link.follows = false;
        return;
    }
    if !link.follows {
        let start = Start {
            labels: labelled.iter(world).flat_map(labels::of).collect(),
            containers: containers(world),
            data: world.resource::<DataPool>().json().clone(),
            views: world
                .get_resource::<PublicViews>()
                .map(|it| it.json().clone())
                .unwrap_or_default(),
            record: changes::appeared(world),
        };
        let mut link = world.resource_mut::<FeedLink>();
        link.follows = true;
        link.send(Feed::Start(Box::new(start)));
        // The next tick reports the views of all watched players again.
        world.resource_mut::<Watched>().repeat();
        return;
    }
    let record = world.resource::<ChangeTracker>().last().cloned();
    let catalog = world.get_resource_ref::<ItemCatalog>().filter(|catalog| catalog.is_changed());
    let catalog = catalog.map(|catalog| ItemCatalog::clone(&catalog));
    let tick = Tick {
        tick: inspect::tick(world),
        record,
        labels,
        catalog,
        players: report_players(world),
        report: report(world),
    };
    world.resource::<FeedLink>().send(Feed::Tick(Box::new(tick)));
}

fn containers(world: &World) -> HashMap<ContainerKey, &'static str> {
    let registry = world.resource::<ContainerRegistry>().as_slice();
    registry.iter().map(|container| (container.key, container.name)).collect()
}

fn report(world: &World) -> Report {
    let mut reasons: Vec<_> = world
        .get_resource::<SyncHealth>()
        .map(|health| health.reasons().to_vec())
        .unwrap_or_default();
    let store_fails = world.get_resource::<StoreHealth>().is_some_and(|store| store.failing);
    if store_fails && !reasons.contains(&HealthReason::StoreFailing) {
        reasons.push(HealthReason::StoreFailing);
    }
    let stats = *world.resource::<InventoryStats>();
    Report { stats, clients: inspect::clients(world), reasons }
}

/// Returns what watched players see. Contains only the players for whom it has changed.
fn report_players(world: &mut World) -> Vec<PlayerReport> {
    let mut watched = core::mem::take(&mut world.resource_mut::<Watched>().0);
    let mut changed = Vec::new();
    for WatchedPlayer { player, watch, reported } in &mut watched {
        let view = player_view(world, *player);
        let is_reported =
            matches!(reported, ReportedView::Known(known) if known.as_deref() == view.as_ref());
        if !is_reported {
            let view = view.map(Arc::new);
            *reported = ReportedView::Known(view.clone());
            changed.push(PlayerReport { player: *player, watch: *watch, view });
        }
    }
    world.resource_mut::<Watched>().0 = watched;
    changed
}

/// Returns what the client of the inventory's owner sees. Returns `None` if nobody owns the inventory.
fn player_view(world: &mut World, id: InventoryId) -> Option<PlayerView> {
    let entity = world.resource::<InventoryIds>().get(id)?;
    let Owner(client) = *world.get::<Owner>(entity)?;
    let mut owned = inspect::owned_by(world, client).to_vec();
    let mut seen: Vec<_> = match client {
        ClientId::Client(client) => inspect::seen_by(world, client).collect(),
        ClientId::Server => {
            let mut seen = world.query_filtered::<Entity, (With<InView>, Allow<Disabled>)>();
            seen.iter(world).collect()
        }
    };
    owned.sort_unstable();
    seen.sort_unstable();
    Some(PlayerView { owned, seen })
}

/// Notifies the gateway that this app is no longer the authority.
fn stop(mut link: ResMut<FeedLink>, mut watched: ResMut<Watched>, mut labels: ResMut<Labels>) {
    labels.0.clear();
    if link.follows {
        link.follows = false;
        link.send(Feed::Stop);
        watched.repeat();
    }
}
