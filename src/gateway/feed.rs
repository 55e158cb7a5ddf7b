//! Passes the changes of each tick from the game to the gateway's thread, and its requests to the game.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread::JoinHandle,
};

use bevy::{
    ecs::{
        entity_disabling::Disabled,
        lifecycle::{Discard, Insert},
        query::Allow,
    },
    platform::collections::HashMap,
    prelude::*,
};
use bevy_replicon::shared::client_id::ClientId;
use tokio::sync::mpsc::UnboundedSender;

use crate::{
    changes::{self, ChangeSystems, ChangeTracker, TickRecord, public::PublicViews},
    model::{
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

/// Size of what may wait for the gateway, in bytes. If it does not keep up, it starts again with the whole world.
const BACKLOG_MAX: usize = 64 << 20;

/// What the game passes to the gateway.
pub(super) enum Feed {
    /// The whole world. The gateway forgets everything before it.
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

/// What has changed in a tick.
pub(super) struct Tick {
    pub(super) tick: u64,
    /// `None` if nothing was committed.
    pub(super) record: Option<Arc<TickRecord>>,
    pub(super) labels: Vec<(Entity, Label)>,
    /// What watched players see, for those for whom it has changed.
    pub(super) players: Vec<(InventoryId, Option<Arc<PlayerView>>)>,
    pub(super) report: Report,
}

/// The state of the sync.
#[derive(Clone, Default)]
pub(super) struct Report {
    pub(super) stats: InventoryStats,
    pub(super) clients: usize,
    pub(super) reasons: Vec<HealthReason>,
}

/// A label of an entity, for operators.
#[derive(Clone, Debug)]
pub(super) enum Label {
    /// Its [`Name`].
    Name(Option<Arc<str>>),
    /// Its [`Owner`].
    Owner(Option<ClientId>),
}

/// What the client of a player owns and sees. Both lists are sorted.
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

/// What the gateway asks of the game.
pub(super) enum Ask {
    /// Report what a player sees, from now on.
    Watch(InventoryId),
    Unwatch(InventoryId),
    /// Runs a command.
    Run(super::command::Order),
}

/// The game's end of the connection to the gateway's thread. The thread ends when it is dropped.
#[derive(Resource)]
pub(super) struct FeedLink {
    /// `None` while it is dropped.
    feed: Option<UnboundedSender<Feed>>,
    /// Size of what waits for the gateway, in bytes.
    backlog: Arc<AtomicUsize>,
    asks: Mutex<mpsc::Receiver<Ask>>,
    /// Whether the gateway follows the world.
    follows: bool,
    thread: Option<JoinHandle<()>>,
}

impl Drop for FeedLink {
    fn drop(&mut self) {
        self.feed = None;
        // It takes a moment to send its readers the reason.
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
        thread: JoinHandle<()>,
    ) -> Self {
        let (feed, thread) = (Some(feed), Some(thread));
        Self { feed, backlog, asks: Mutex::new(asks), follows: false, thread }
    }

    fn next_ask(&mut self) -> Option<Ask> {
        let asks = self.asks.get_mut().unwrap_or_else(PoisonError::into_inner);
        asks.try_recv().ok()
    }

    /// Passes on a message. Does nothing if the gateway's thread has ended.
    fn send(&self, message: Feed) {
        self.backlog.fetch_add(message.size(), Ordering::Relaxed);
        if let Some(feed) = &self.feed {
            drop(feed.send(message));
        }
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

/// The players that are watched, with what was last reported.
#[derive(Resource, Default)]
struct Watched(Vec<(InventoryId, Option<Option<Arc<PlayerView>>>)>);

/// The labels that have changed since the last tick.
#[derive(Resource, Default)]
struct Labels(Vec<(Entity, Label)>);

pub(super) fn plugin(app: &mut App) {
    app.init_resource::<Watched>()
        .init_resource::<Labels>()
        .add_observer(record_name)
        .add_observer(record_no_name)
        .add_observer(record_owner)
        .add_observer(record_no_owner)
        .add_observer(record_identified)
        .add_systems(First, take_asks)
        .add_systems(
            PostUpdate,
            (
                pass_tick.after(ChangeSystems::Record).in_set(InventoryServerSystems::Last),
                stop.run_if(not(authority_is_here)),
            ),
        );
}

type IsInventory = (With<InventoryId>, Allow<Disabled>);

fn record_name(
    insert: On<Insert, Name>,
    names: Query<&Name, Allow<Disabled>>,
    mut labels: ResMut<Labels>,
) {
    let name = names.get(insert.entity).ok().map(|name| name.as_str().into());
    labels.0.push((insert.entity, Label::Name(name)));
}

fn record_no_name(discard: On<Discard, Name>, mut labels: ResMut<Labels>) {
    labels.0.push((discard.entity, Label::Name(None)));
}

fn record_owner(
    insert: On<Insert, Owner>,
    owners: Query<&Owner, Allow<Disabled>>,
    mut labels: ResMut<Labels>,
) {
    let owner = owners.get(insert.entity).ok().map(|owner| owner.0);
    labels.0.push((insert.entity, Label::Owner(owner)));
}

fn record_no_owner(discard: On<Discard, Owner>, mut labels: ResMut<Labels>) {
    labels.0.push((discard.entity, Label::Owner(None)));
}

/// The entity may have had its labels before it became an inventory.
fn record_identified(
    insert: On<Insert, InventoryId>,
    labelled: Query<(Option<&Name>, Option<&Owner>), Allow<Disabled>>,
    mut labels: ResMut<Labels>,
) {
    let Ok((name, owner)) = labelled.get(insert.entity) else { return };
    let name = name.map(|name| Label::Name(Some(name.as_str().into())));
    let owner = owner.map(|owner| Label::Owner(Some(owner.0)));
    labels.0.extend(name.into_iter().chain(owner).map(|label| (insert.entity, label)));
}

/// Carries out what the gateway asks for.
fn take_asks(world: &mut World) {
    while let Some(ask) = world.resource_mut::<FeedLink>().next_ask() {
        match ask {
            Ask::Watch(id) => world.resource_mut::<Watched>().0.push((id, None)),
            Ask::Unwatch(id) => world.resource_mut::<Watched>().0.retain(|(there, _)| *there != id),
            Ask::Run(order) => order.run(world),
        }
    }
}

/// Passes a tick to the gateway.
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
        let labels = labelled.iter(world).flat_map(|(entity, name, owner)| {
            let name = name.map(|name| Label::Name(Some(name.as_str().into())));
            let owner = owner.map(|owner| Label::Owner(Some(owner.0)));
            name.into_iter().chain(owner).map(move |label| (entity, label))
        });
        let start = Start {
            labels: labels.collect(),
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
        // What the watched players see is reported again with the next tick.
        world.resource_mut::<Watched>().0.iter_mut().for_each(|(_, last)| *last = None);
        return;
    }
    let record = world.resource::<ChangeTracker>().last().cloned();
    // Other entities may have names, too.
    let labels = labels.into_iter().filter(|(entity, _)| {
        world.get_entity(*entity).is_ok_and(|entity| entity.contains::<InventoryId>())
    });
    let tick = Tick {
        tick: inspect::tick(world),
        record,
        labels: labels.collect(),
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

/// Returns what watched players see, for those for whom it has changed.
fn report_players(world: &mut World) -> Vec<(InventoryId, Option<Arc<PlayerView>>)> {
    let mut watched = core::mem::take(&mut world.resource_mut::<Watched>().0);
    let mut changed = Vec::new();
    for (id, last) in &mut watched {
        let view = player_view(world, *id);
        let same = last.as_ref().is_some_and(|last| last.as_deref() == view.as_ref());
        if !same {
            let view = view.map(Arc::new);
            *last = Some(view.clone());
            changed.push((*id, view));
        }
    }
    world.resource_mut::<Watched>().0 = watched;
    changed
}

/// Returns what the client of the player with an inventory sees. `None` if nobody owns it.
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

/// Tells the gateway that this app is no longer the authority.
fn stop(mut link: ResMut<FeedLink>, mut watched: ResMut<Watched>, mut labels: ResMut<Labels>) {
    labels.0.clear();
    if link.follows {
        link.follows = false;
        link.send(Feed::Stop);
        watched.0.iter_mut().for_each(|(_, last)| *last = None);
    }
}
