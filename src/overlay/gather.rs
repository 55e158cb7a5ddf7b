//! Collects the data of the panels from the world, at the end of each frame in which the overlay is shown.

use core::time::Duration;

use bevy::{ecs::system::SystemParam, platform::collections::HashMap, prelude::*};
use bevy_replicon::prelude::*;

use crate::{
    client::{inspect::ClientInspect, transfers::TransferProgress},
    model::{catalog::Catalogue, id::InventoryId},
    server::{
        audit::ActionDecided,
        baseline::Baseline,
        client_stats::ClientSync,
        inspect::ServerInspect,
        pacing::{priority::Pace, quality::QualityPolicy},
        views::access::Owner,
    },
    shared::{
        actions::{ActionConfirmed, ActionRejected, Requested},
        authority::Authority,
        containers::Kinds,
        events::{Commit, SlotChanged},
        markers::InView,
        stats::InventoryStats,
    },
};

use super::{
    InventoryOverlay, OverlayPanel,
    cards::{Card, Cards, Entry},
    changes::Changes,
    clients::{ActionRates, OwnLink},
    describe::{Words, player, short},
    history::History,
    is_shown,
    journal::{Journal, Line},
    weigh,
};

/// Sampling interval of slowly changing data.
const PERIOD: Duration = Duration::from_millis(500);

/// Maximum number of cached names.
const NAMES_MAX: usize = 4096;

/// Maximum number of changes processed per frame.
const CHANGES_MAX: usize = 2048;

pub(super) fn plugin(app: &mut App) {
    app.init_resource::<Changes>()
        .init_resource::<Journal>()
        .init_resource::<History>()
        .init_resource::<Cards>()
        .init_resource::<ActionRates>()
        .init_resource::<OwnLink>()
        .init_resource::<QualityPolicy>()
        .add_message::<Commit>()
        .add_message::<SlotChanged>()
        .add_message::<ActionDecided>()
        .add_message::<ActionConfirmed>()
        .add_message::<ActionRejected>()
        .add_message::<TransferProgress>()
        .add_systems(
            Last,
            (
                gather_changes,
                weigh::weigh_full_copies.run_if(resource_exists::<Catalogue>),
                gather_actions,
                sample,
                gather_cards.run_if(|overlay: Res<InventoryOverlay>| {
                    overlay.panel == OverlayPanel::Inventories
                }),
            )
                .chain()
                .run_if(is_shown),
        );
}

/// Names of entities with inventories.
#[derive(SystemParam)]
pub(super) struct Names<'w, 's> {
    all: Query<'w, 's, (Option<&'static Name>, Option<&'static InventoryId>)>,
    owned: Query<'w, 's, (Entity, &'static Owner)>,
}

impl Names<'_, '_> {
    /// Lists the names of the inventories that a client owns.
    pub(super) fn owned_by(&self, client: Entity) -> String {
        let all = self.owned.iter().filter(|(_, owner)| owner.0 == ClientId::Client(client));
        all.map(|(entity, _)| self.of(entity)).collect::<Vec<_>>().join(", ")
    }

    pub(super) fn of(&self, entity: Entity) -> String {
        match self.all.get(entity) {
            Ok((Some(name), _)) => name.to_string(),
            Ok((None, Some(id))) => short(*id),
            _ => entity.to_string(),
        }
    }
}

fn gather_changes(
    authority: Authority,
    time: Res<Time<Real>>,
    mut commits: MessageReader<Commit>,
    mut changed: MessageReader<SlotChanged>,
    mut changes: ResMut<Changes>,
) {
    let now = time.elapsed();
    if authority.is_here() {
        commits.read().take(CHANGES_MAX).for_each(|commit| changes.commit(now, commit));
        changed.clear();
    } else {
        changed.read().take(CHANGES_MAX).for_each(|change| changes.changed(now, change));
    }
    commits.clear();
}

fn gather_actions(
    authority: Authority,
    time: Res<Time<Real>>,
    (kinds, catalogue): (Res<Kinds>, Option<Res<Catalogue>>),
    names: Names,
    named: Query<Entity, (With<InventoryId>, Or<(Added<InventoryId>, Changed<Name>)>)>,
    mut known: Local<HashMap<Entity, String>>,
    mut decided: MessageReader<ActionDecided>,
    mut confirmed: MessageReader<ActionConfirmed>,
    mut rejected: MessageReader<ActionRejected>,
    mut journal: ResMut<Journal>,
) {
    // An entity that was picked up is already despawned when its action is reported, so names are cached.
    if known.len() > NAMES_MAX {
        known.clear();
    }
    known.extend(named.iter().map(|entity| (entity, names.of(entity))));
    let name = |entity| known.get(&entity).cloned().unwrap_or_else(|| names.of(entity));
    let words = Words { kinds: kinds.as_slice(), catalogue: catalogue.as_deref(), name: &name };
    let at = time.elapsed();
    let mut write = |player: String, actor: Option<Entity>, what: &Requested, result| {
        let (what, entities) = words.requested(what);
        let mut inventories: Vec<String> = actor.into_iter().chain(entities).map(name).collect();
        inventories.dedup();
        let inventories = inventories.join(", ");
        journal.write(Line { at, player, inventories, what, result });
    };
    if authority.is_here() {
        for decided in decided.read() {
            let what = Requested::Action(decided.action.clone());
            let player = player(decided.client);
            let who =
                decided.actor.map_or(player.clone(), |actor| format!("{} {player}", name(actor)));
            write(who, decided.actor, &what, decided.result);
        }
        confirmed.clear();
        rejected.clear();
    } else {
        for confirmed in confirmed.read() {
            write("me".into(), None, &confirmed.what, Ok(()));
        }
        for rejected in rejected.read() {
            write("me".into(), None, &rejected.what, Err(rejected.reason));
        }
    }
    decided.clear();
}

fn sample(
    time: Res<Time<Real>>,
    stats: Res<InventoryStats>,
    clients: Query<(Entity, &ClientSync)>,
    (link, policy): (Option<Res<ClientStats>>, Res<QualityPolicy>),
    mut transfers: MessageReader<TransferProgress>,
    mut history: ResMut<History>,
    mut rates: ResMut<ActionRates>,
    mut own: ResMut<OwnLink>,
    mut next: Local<Duration>,
) {
    let now = time.elapsed();
    history.sample(now, &stats);
    if let Some(transfer) = transfers.read().last() {
        own.transfer = Some(*transfer);
    }
    if now < *next {
        return;
    }
    *next = now + PERIOD;
    for (client, sync) in &clients {
        rates.sample(client, now, sync.accepted + sync.refused);
    }
    rates.keep(|client| clients.contains(client));
    if let Some(link) = link {
        let rtt = Duration::try_from_secs_f64(link.rtt.max(0.0)).unwrap_or_default();
        #[expect(clippy::cast_possible_truncation, reason = "the value is a fraction")]
        own.quality.sample(rtt, link.packet_loss as f32, &policy);
    }
}

type There<'a> = (
    Entity,
    &'a InventoryId,
    Option<&'a Name>,
    Option<&'a Baseline>,
    Option<&'a Pace>,
    Has<InView>,
);

fn gather_cards(
    authority: Authority,
    time: Res<Time<Real>>,
    overlay: Res<InventoryOverlay>,
    units: Query<There>,
    server: ServerInspect,
    client: ClientInspect,
    mut cards: ResMut<Cards>,
    mut next: Local<Duration>,
) {
    let here = authority.is_here();
    if time.elapsed() >= *next {
        *next = time.elapsed() + PERIOD;
        let visible = units.iter().filter(|(.., baseline, _, in_view)| {
            if here { baseline.is_some_and(|there| there.version() > 0) } else { *in_view }
        });
        cards.list(
            visible.map(|(entity, id, name, ..)| Entry::new(entity, *id, name.map(Name::as_str))),
        );
    }
    let followed = overlay.followed.is_some();
    let mut drawn = Vec::new();
    for entry in cards.drawn(overlay.followed) {
        let entity = entry.entity;
        let Ok((.., baseline, pace, _)) = units.get(entity) else { continue };
        let card = if here {
            let Some(baseline) = baseline else { continue };
            let version = baseline.version();
            Card {
                entry,
                unit: baseline.unit().clone(),
                version,
                handle: server.handle(entity).unwrap_or(0),
                digest: followed.then(|| server.checksum(baseline)),
                expected: None,
                rights: None,
                pace: Some(pace.copied().unwrap_or_default()),
                told: server.sent_states(entity).collect(),
                seen_here: server.is_seen_locally(entity),
                full: 0,
            }
        } else {
            let Some(look) = client.copy(entity) else { continue };
            Card {
                entry,
                unit: look.shown.clone(),
                version: look.version,
                handle: look.handle,
                digest: followed.then(|| look.checksum()),
                expected: look.expected_checksum,
                rights: Some(look.rights),
                pace: None,
                told: Vec::new(),
                seen_here: true,
                full: 0,
            }
        };
        let full = card.unit.iter().flatten().count();
        drawn.push(Card { full, ..card });
    }
    cards.cards = drawn;
}
