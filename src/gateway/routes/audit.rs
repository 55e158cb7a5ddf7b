//! The history: what changed, when, why, and by whom.

use std::sync::Arc;

use axum::{Extension, Json, extract::State};

use crate::{
    gateway::{
        app::Gateway,
        caller::Caller,
        hub::Known,
        json::{Audit, AuditGap, AuditNote, AuditTick, SlotChanged, StackContents},
        params::{INVENTORY_ID, Params, check_range},
        problem::Problem,
        reader::HistoryReader,
    },
    model::{
        id::{InventoryId, ItemId},
        saved::SavedStack,
    },
    store::{
        error::StoreError,
        history::{History, HistoryQuery, StoredChange},
    },
};

/// Default and maximum number of changes and notes in a response.
const LIMIT_DEFAULT: usize = 1000;
const LIMIT_MAX: usize = 10_000;

/// Maximum length of an item key, in bytes.
const KEY_MAX: usize = 256;

/// What the caller requests.
#[derive(Clone)]
struct Wanted {
    item: Option<String>,
    inventory: Option<InventoryId>,
    player: Option<InventoryId>,
    from: Option<u64>,
    to: u64,
    limit: usize,
}

impl Wanted {
    /// Returns `true` if a change of this inventory by this player matches the request.
    fn matches(&self, inventory: InventoryId, actor: Option<InventoryId>) -> bool {
        self.inventory.is_none_or(|wanted| wanted == inventory)
            && self.player.is_none_or(|wanted| wanted == inventory || actor == Some(wanted))
    }
}

/// The history
///
/// Returns which slots changed, why, and by whom. Reads the game's store or, if there is none, the changes that the
/// gateway keeps in memory. Operators only.
#[utoipa::path(
    get, path = "/audit", tag = "operators",
    params(
        ("item" = Option<String>, Query, description = "Only slots that contained this item key before or after.",
            min_length = 1, max_length = 256),
        ("inventory" = Option<String>, Query, description = "Only changes to this inventory.",
            pattern = "^(0|[1-9][0-9]{0,17}|[89a-f][0-9a-f]{15})$"),
        ("player" = Option<String>, Query, description = "Only changes to this inventory, or caused by its player.",
            pattern = "^(0|[1-9][0-9]{0,17}|[89a-f][0-9a-f]{15})$"),
        ("from" = Option<u64>, Query, description = "The first tick. Default: the earliest kept tick."),
        ("to" = Option<u64>, Query, description = "The last tick. Default: the latest tick."),
        ("limit" = Option<usize>, Query, minimum = 1, maximum = 10_000,
            description = "The response ends with the tick that reaches this many changes and notes. Default: 1000."),
    ),
    responses(
        (status = 200, body = Audit),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(in crate::gateway) async fn audit(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Extension<Caller>,
    mut params: Params,
) -> Result<Json<Audit>, Problem> {
    caller.must_be_operator()?;
    let wanted = Wanted {
        item: params.text("item")?,
        inventory: params.parsed("inventory", INVENTORY_ID)?,
        player: params.parsed("player", INVENTORY_ID)?,
        from: params.tick("from")?,
        to: params.tick("to")?.unwrap_or(u64::MAX),
        limit: params.limit(LIMIT_DEFAULT, LIMIT_MAX)?,
    };
    params.finish()?;
    if wanted.item.as_ref().is_some_and(|item| item.is_empty() || item.len() > KEY_MAX) {
        return Err(Problem::field("item", format!("it must have 1 to {KEY_MAX} bytes")));
    }
    check_range(wanted.from.unwrap_or(0), wanted.to)?;
    let audit = match &gateway.reader {
        Some(reader) => from_store(&gateway, reader, wanted).await?,
        None => from_memory(&gateway.hub.known(), &wanted)?,
    };
    Ok(Json(audit))
}

fn from_memory(known: &Known, wanted: &Wanted) -> Result<Audit, Problem> {
    let earliest = known.earliest;
    let from = wanted.from.unwrap_or(earliest);
    if from < earliest {
        return Err(Problem::gone("the ticks are no longer kept", earliest));
    }
    let item = wanted.item.as_deref().map(ItemId::of);
    let (mut ticks, mut next, mut number) = (Vec::new(), None, 0);
    for entry in known.window().filter(|entry| (from..=wanted.to).contains(&entry.tick)) {
        if number >= wanted.limit {
            next = Some(entry.tick);
            break;
        }
        let changes = entry.slots.iter().filter(|slot| wanted.matches(slot.inventory, slot.actor));
        let changes = changes.filter(|slot| {
            let mut stacks = [&slot.old, &slot.new].into_iter().flatten();
            item.is_none_or(|item| stacks.any(|stack| stack.item == item))
        });
        let changes: Vec<_> = changes.map(|slot| known.slot(slot)).collect();
        if !changes.is_empty() {
            number += changes.len();
            ticks.push(AuditTick {
                tick: entry.tick,
                time: entry.time,
                changes,
                notes: Vec::new(),
            });
        }
    }
    let (source, gaps, latest) = ("memory".into(), Vec::new(), known.copy.tick);
    Ok(Audit { source, ticks, gaps, earliest, latest, next })
}

async fn from_store(
    gateway: &Gateway,
    reader: &HistoryReader,
    wanted: Wanted,
) -> Result<Audit, Problem> {
    let query = HistoryQuery {
        from: wanted.from.unwrap_or(0),
        to: wanted.to,
        inventory: wanted.player.or(wanted.inventory),
        item: wanted.item.clone(),
        limit: wanted.limit,
    };
    let any_start = wanted.from.is_none();
    let read = reader.read(move |store| {
        let latest = store.latest_tick()?;
        let (history, earliest) = match store.history(&query) {
            Err(StoreError::Gone { earliest }) if any_start => {
                let query = HistoryQuery { from: earliest, ..query };
                // All requested ticks may have been removed.
                if query.from > query.to {
                    (History::default(), earliest)
                } else {
                    (store.history(&query)?, earliest)
                }
            }
            other => (other?, query.from),
        };
        Ok((history, earliest, latest))
    });
    let (history, earliest, latest) = read.await.map_err(|error| match error {
        StoreError::Gone { earliest } => Problem::gone("the ticks are no longer kept", earliest),
        other => Problem::unavailable(format!("the store cannot be read: {other}")),
    })?;
    let known = gateway.hub.known();
    let History { ticks, gaps, next } = history;
    let ticks = ticks.into_iter().map(|tick| {
        let changes = tick.changes.iter().filter(|it| wanted.matches(it.inventory, it.actor));
        let notes = tick.notes.into_iter().filter(|it| wanted.matches(it.inventory, None));
        AuditTick {
            tick: tick.tick,
            time: tick.time,
            changes: changes.map(|change| stored(&known, change)).collect(),
            notes: notes
                .map(|it| AuditNote { inventory: it.inventory.to_string(), note: it.note })
                .collect(),
        }
    });
    let ticks = ticks.filter(|tick| !tick.changes.is_empty() || !tick.notes.is_empty()).collect();
    let gaps = gaps.into_iter().map(|gap| AuditGap { from: gap.from, to: gap.to }).collect();
    Ok(Audit { source: "store".into(), ticks, gaps, earliest, latest, next })
}

fn stored(known: &Known, change: &StoredChange) -> SlotChanged {
    let StoredChange { inventory, container, slot, old, new, cause, actor } = change;
    let stack = |stack: &Option<SavedStack>| {
        let SavedStack { item, count, wear, data, .. } = stack.as_ref()?;
        let data = data.as_ref().map(|data| known.item_data(&data.name, &data.bytes));
        Some(StackContents { item: item.clone(), count: *count, wear: *wear, data })
    };
    SlotChanged {
        inventory: inventory.to_string(),
        container: container.clone(),
        slot: *slot,
        old: stack(old),
        new: stack(new),
        cause: cause.to_string(),
        actor: actor.map(|actor| actor.to_string()),
    }
}
