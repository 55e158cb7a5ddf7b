//! Collects the data of the panels from the world at the end of each frame. What has happened is recorded from the
//! start; what is there now is only collected while it is shown.

use core::time::Duration;

use bevy::{prelude::*, time::common_conditions::on_real_timer};
use bevy_egui::EguiUserTextures;
use bevy_replicon::prelude::*;

use crate::{
    client::{inspect::ClientInspect, transfers::TransferProgressed},
    model::{catalog::ItemCatalog, id::InventoryId},
    server::{
        audit::ActionResolved,
        baseline::Baseline,
        client_stats::ClientSyncStats,
        inspect::ServerInspect,
        pacing::{priority::SyncPriority, quality::QualityPolicy},
    },
    shared::{
        actions::{ActionConfirmed, ActionRejected, Requested},
        authority::Authority,
        containers::ContainerRegistry,
        events::{Commit, SlotChanged},
        markers::InView,
        stats::InventoryStats,
    },
};

use super::{
    InventoryOverlay, OverlayPanel,
    action_log::{ActionLog, ActionLogEntry},
    cards::{Card, CardEntry, Cards},
    changes::Changes,
    clients::{ActionRates, OwnLink},
    describe::{Words, player},
    history::History,
    icons::{Icons, load_icons},
    measure,
    names::{FormerNames, Names, remember_name},
};

/// Sampling interval of slowly changing data.
const PERIOD: Duration = Duration::from_millis(500);

/// Interval at which icons are loaded.
const ICONS_PERIOD: Duration = Duration::from_millis(100);

/// Maximum number of changes processed per frame.
const CHANGES_MAX: usize = 2048;

pub(super) fn plugin(app: &mut App) {
    app.init_resource::<Changes>()
        .init_resource::<ActionLog>()
        .init_resource::<History>()
        .init_resource::<Cards>()
        .init_resource::<ActionRates>()
        .init_resource::<OwnLink>()
        .init_resource::<QualityPolicy>()
        .init_resource::<Icons>()
        .init_resource::<FormerNames>()
        .add_observer(remember_name)
        .add_message::<Commit>()
        .add_message::<SlotChanged>()
        .add_message::<ActionResolved>()
        .add_message::<ActionConfirmed>()
        .add_message::<ActionRejected>()
        .add_message::<TransferProgressed>()
        .add_systems(
            Last,
            (
                gather_changes,
                measure::measure_full_updates.run_if(resource_exists::<ItemCatalog>),
                gather_actions,
                sample,
            )
                .chain(),
        )
        .add_systems(
            Last,
            (
                gather_cards,
                load_icons
                    .run_if(resource_exists::<ItemCatalog>)
                    .run_if(resource_exists::<AssetServer>)
                    .run_if(resource_exists::<EguiUserTextures>)
                    .run_if(on_real_timer(ICONS_PERIOD)),
            )
                .chain()
                .run_if(shows_inventories),
        );
}

fn shows_inventories(overlay: Res<InventoryOverlay>) -> bool {
    overlay.shown && overlay.panel == OverlayPanel::Inventories
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
    registry: Res<ContainerRegistry>,
    catalog: Option<Res<ItemCatalog>>,
    names: Names,
    former: Res<FormerNames>,
    mut decided: MessageReader<ActionResolved>,
    mut confirmed: MessageReader<ActionConfirmed>,
    mut rejected: MessageReader<ActionRejected>,
    mut action_log: ResMut<ActionLog>,
) {
    let name = |entity| former.of(entity, &names);
    let words = Words { kinds: registry.as_slice(), catalog: catalog.as_deref(), name: &name };
    let at = time.elapsed();
    let mut write = |player: String, actor: Option<Entity>, what: &Requested, result| {
        let (what, entities) = words.requested(what);
        let mut inventories: Vec<String> = actor.into_iter().chain(entities).map(name).collect();
        inventories.dedup();
        let inventories = inventories.join(", ");
        action_log.write(ActionLogEntry { at, player, inventories, what, result });
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
            write("me".into(), None, &confirmed.request, Ok(()));
        }
        for rejected in rejected.read() {
            write("me".into(), None, &rejected.request, Err(rejected.reason));
        }
    }
    decided.clear();
}

fn sample(
    time: Res<Time<Real>>,
    stats: Res<InventoryStats>,
    clients: Query<(Entity, &ClientSyncStats)>,
    link: Option<Res<ClientStats>>,
    policy: Res<QualityPolicy>,
    mut transfers: MessageReader<TransferProgressed>,
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
        rates.sample(client, now, sync.accepted + sync.rejected);
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
    Option<&'a SyncPriority>,
    Has<InView>,
);

fn gather_cards(
    authority: Authority,
    time: Res<Time<Real>>,
    overlay: Res<InventoryOverlay>,
    states: Query<There>,
    server: ServerInspect,
    client: ClientInspect,
    mut cards: ResMut<Cards>,
    mut next: Local<Duration>,
) {
    let here = authority.is_here();
    if time.elapsed() >= *next {
        *next = time.elapsed() + PERIOD;
        let visible = states.iter().filter(|(.., baseline, _, in_view)| {
            if here { baseline.is_some_and(|baseline| baseline.version() > 0) } else { *in_view }
        });
        cards.list(visible.map(|(entity, id, name, baseline, ..)| {
            let slots = if here {
                baseline.map_or(0, |baseline| baseline.state().len())
            } else {
                client.copy(entity).map_or(0, |copy| copy.shown.len())
            };
            CardEntry::new(entity, *id, name.map(Name::as_str), slots)
        }));
    }
    let followed = overlay.followed.is_some();
    let mut drawn = Vec::new();
    for entry in cards.drawn(overlay.followed) {
        let entity = entry.entity;
        let Ok((.., baseline, priority, _)) = states.get(entity) else { continue };
        let card = if here {
            let Some(baseline) = baseline else { continue };
            let version = baseline.version();
            Card {
                entry,
                state: baseline.state().clone(),
                version,
                handle: server.handle(entity).unwrap_or(0),
                checksum: followed.then(|| server.checksum(baseline)),
                expected: None,
                rights: None,
                priority: Some(priority.copied().unwrap_or_default()),
                sent: server.sent_states(entity).collect(),
                seen_here: server.is_seen_locally(entity),
                full: 0,
            }
        } else {
            let Some(look) = client.copy(entity) else { continue };
            Card {
                entry,
                state: look.shown.clone(),
                version: look.version,
                handle: look.handle,
                checksum: followed.then(|| look.checksum()),
                expected: look.expected_checksum,
                rights: Some(look.rights),
                priority: None,
                sent: Vec::new(),
                seen_here: true,
                full: 0,
            }
        };
        let full = card.state.iter().flatten().count();
        drawn.push(Card { full, ..card });
    }
    cards.cards = drawn;
}
