//! The history in Redis.

use crate::{
    model::codec,
    store::{
        batch::Batch,
        error::StoreError,
        history::{Gap, History, HistoryQuery, StoredTick},
    },
};

use super::{RedisStore, parse, unexpected};

/// Version of the values in a snapshot.
const FORMAT: u8 = 1;

/// Encodes the history of a union. It is length-prefixed because the script concatenates the unions of a batch. Empty if
/// there is none.
pub(super) fn encode(ticks: &[StoredTick]) -> Result<Vec<u8>, StoreError> {
    if ticks.is_empty() {
        return Ok(Vec::new());
    }
    let bytes = to_bytes(&ticks)?;
    let len = u32::try_from(bytes.len());
    let len = len.map_err(|_| StoreError::Failed("the history: it is too large".into()))?;
    Ok([&len.to_le_bytes(), bytes.as_slice()].concat())
}

/// Reads the histories of the unions in a batch.
fn decode(mut bytes: &[u8]) -> Result<Vec<StoredTick>, StoreError> {
    let mut ticks = Vec::new();
    while let Some((len, rest)) = bytes.split_first_chunk() {
        let len = u32::from_le_bytes(*len) as usize;
        let Some((union, rest)) = rest.split_at_checked(len) else { break };
        ticks.append(&mut from_bytes(union)?);
        bytes = rest;
    }
    if bytes.is_empty() { Ok(ticks) } else { Err(damaged("it is truncated")) }
}

/// Writes a gap. Empty if there is none.
pub(super) fn encode_gap(gap: Option<Gap>) -> Result<Vec<u8>, StoreError> {
    gap.map_or(Ok(Vec::new()), |gap| to_bytes(&gap))
}

/// Returns the first tick that a batch has changes of.
pub(super) fn first_tick(batch: &Batch) -> u64 {
    let ticks = batch.unions.iter().flat_map(|union| &union.history).map(|tick| tick.tick);
    ticks.chain(batch.gap.map(|gap| gap.from)).fold(batch.from, u64::min)
}

fn to_bytes<T: serde::Serialize>(value: &T) -> Result<Vec<u8>, StoreError> {
    let body = codec::to_record(value);
    let body = body.map_err(|error| StoreError::Failed(format!("the history: {error}")))?;
    Ok([&[FORMAT], body.as_slice()].concat())
}

fn from_bytes<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, StoreError> {
    match bytes.split_first() {
        Some((&FORMAT, body)) => {
            codec::from_record(body).map_err(|error| damaged(&error.to_string()))
        }
        Some((format, _)) => Err(damaged(&format!("it has format {format}"))),
        None => Err(damaged("it is empty")),
    }
}

fn damaged(what: &str) -> StoreError {
    StoreError::DamagedHistory { what: format!("a snapshot: {what}") }
}

impl RedisStore {
    /// Reads the snapshots of a range.
    pub(super) fn read_history(&mut self, query: &HistoryQuery) -> Result<History, StoreError> {
        let mut list = ::redis::cmd("ZRANGEBYSCORE");
        list.arg(&self.keys.snapshots).arg(query.from).arg("+inf");
        let entries: Vec<String> = self.link.command(&list)?;
        let mut wanted = Vec::new();
        for entry in &entries {
            let mut words = entry.split(' ');
            let mut number = || -> Result<u64, StoreError> {
                parse(words.next().ok_or_else(|| unexpected(entry))?)
            };
            let (from, to) = (number()?, number()?);
            if from <= query.to {
                wanted.push((from, to));
            }
        }
        let (mut ticks, mut gaps, mut entries) = (Vec::new(), Vec::new(), 0);
        let mut read = query.clone();
        let mut next = None;
        for (at, (_, tick)) in wanted.iter().enumerate() {
            // Several servers may have committed the same last tick. All of them are in one snapshot.
            if at > 0 && wanted[at - 1].1 == *tick {
                continue;
            }
            // Snapshots of several servers overlap, so the rest may begin before the end of what was read.
            let rest = wanted[at..].iter().map(|(from, _)| *from).min();
            next = rest.filter(|rest| entries > query.limit && *rest > query.from);
            if let Some(next) = next {
                read.to = next - 1;
                break;
            }
            entries += self.read_snapshot(*tick, query, (&mut ticks, &mut gaps))?;
        }
        // What has expired meanwhile is missing.
        let get = ::redis::cmd("GET").arg(&self.keys.history_from).clone();
        let earliest: Option<u64> = self.link.command(&get)?;
        if let Some(earliest) = earliest.filter(|earliest| query.from < *earliest) {
            return Err(StoreError::Gone { earliest });
        }
        let history = read.select(ticks);
        Ok(History { gaps, next: history.next.or(next), ..history })
    }

    /// Reads the snapshot of a commit. Returns the number of changes and notes.
    fn read_snapshot(
        &mut self,
        tick: u64,
        query: &HistoryQuery,
        (ticks, gaps): (&mut Vec<StoredTick>, &mut Vec<Gap>),
    ) -> Result<usize, StoreError> {
        let get = ::redis::cmd("HGETALL").arg(self.keys.snapshot(tick)).clone();
        let fields: Vec<(String, Vec<u8>)> = self.link.command(&get)?;
        if fields.is_empty() {
            // It has expired, and is removed from the list by a later commit.
            return Err(StoreError::Gone { earliest: tick + 1 });
        }
        let mut entries = 0;
        for (name, value) in fields {
            if name.ends_with(" gap") {
                let gap: Gap = from_bytes(&value)?;
                gaps.extend(Some(gap).filter(|gap| gap.overlaps(query)));
                continue;
            }
            for stored in decode(&value)? {
                entries += stored.changes.len() + stored.notes.len();
                ticks.push(stored);
            }
        }
        Ok(entries)
    }
}
