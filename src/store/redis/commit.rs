//! Commits batches.

use std::sync::LazyLock;

use ::redis::Script;

use crate::store::{
    batch::{Batch, Change, Fenced, Rejected, Union},
    error::StoreError,
    ticket::Departure,
};

use super::{
    RedisSettings, RedisStore, history,
    keys::{field, id_of},
    millis, record, unexpected, worlds,
};

static COMMIT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("commit.lua")));

impl RedisStore {
    /// Commits a batch with one script.
    pub(super) fn commit_batch(&mut self, batch: &Batch) -> Result<Vec<Rejected>, StoreError> {
        let mut commit = COMMIT.key(&self.keys.owner);
        commit.key(&self.keys.full_state).key(&self.keys.latest_tick).key(&self.keys.servers);
        commit.key(&self.keys.ticks).key(&self.keys.batches);
        commit.key(self.keys.snapshot(batch.tick)).key(&self.keys.snapshots);
        commit.key(&self.keys.history_from);
        let RedisSettings { server, history_ttl, .. } = self.link.settings();
        commit.arg(server).arg(self.number).arg(batch.tick);
        commit.arg(self.tick).arg(batch.id).arg(history::first_tick(batch));
        commit
            .arg(millis(*history_ttl))
            .arg(history::encode_gap(batch.gap)?)
            .arg(batch.unions.len());
        let mut tickets = 0;
        for union in &batch.unions {
            let departures = departures(union);
            commit.arg(union.writes.len()).arg(departures.len());
            commit.arg(history::encode(&union.history)?);
            for write in &union.writes {
                let (kind, record, to) = match &write.change {
                    Change::Save { stored, .. } => ("s", Some(stored), ""),
                    Change::Depart { stored, departure } => ("l", Some(stored), &*departure.to),
                    Change::Delete => ("d", None, ""),
                };
                let record = record.map(|stored| record::encode(write.id, write.version, stored));
                commit.arg(field(write.id)).arg(write.fence.0).arg(write.version);
                commit.arg(kind).arg(record.transpose()?.unwrap_or_default()).arg(to);
            }
            for departure in departures {
                let (key, value) = worlds::issued(&self.keys, departure)?;
                tickets += 1;
                commit.key(key).arg(tickets).arg(departure.valid_for.as_secs().max(1)).arg(value);
            }
        }
        let (lost, rejected): (bool, Vec<(usize, String, String, u64)>) =
            self.link.script(&commit)?;
        self.lost_commits |= lost;
        self.link.wait_for_replicas(&self.keys.owner)?;
        self.tick = self.tick.max(batch.tick);
        let rejected = rejected.into_iter().map(|(union, field, reason, stored)| {
            let id = id_of(&field)?;
            let reason = match reason.as_str() {
                "not owned" | "unreadable" => Fenced::NotOwned,
                "deleted" => Fenced::Deleted,
                "moved" => Fenced::Moved,
                "superseded" => Fenced::Superseded { stored },
                "rolled back" => Fenced::RolledBack { stored },
                _ => return Err(unexpected(&reason)),
            };
            Ok(Rejected { union, id, reason })
        });
        rejected.collect()
    }
}

/// Returns the departures in a union, each once.
fn departures(union: &Union) -> Vec<&Departure> {
    let mut departures: Vec<&Departure> = Vec::new();
    for write in &union.writes {
        if let Change::Depart { departure, .. } = &write.change
            && !departures.contains(&&**departure)
        {
            departures.push(departure);
        }
    }
    departures
}
