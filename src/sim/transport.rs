//! A transport that breaks its guarantees.

use bevy::platform::collections::HashMap;
use bevy_replicon::bytes::Bytes;

use super::fault::Tampering;

/// Maximum number of earlier messages that can be delivered again, for each client and direction.
const KEPT_MESSAGES: usize = 64;

/// One direction of the connection to one client: the client, and whether messages go to the server.
pub(super) type Direction = (usize, bool);

/// What a broken transport is currently doing.
#[derive(Default)]
pub struct Transport {
    rules: HashMap<Direction, Vec<Rule>>,
    /// Messages that wait for the next one.
    waiting: HashMap<Direction, Vec<Bytes>>,
    /// Earlier messages by direction.
    kept: HashMap<Direction, Vec<(usize, Bytes)>>,
    random: fastrand::Rng,
    tick: u64,
    /// Number of messages that were tampered with, by kind.
    pub(super) acted: HashMap<&'static str, u64>,
}

#[derive(Clone, Copy)]
struct Rule {
    how: Tampering,
    percent: u8,
    until: u64,
}

impl Transport {
    pub(super) fn new(seed: u64) -> Self {
        Self { random: fastrand::Rng::with_seed(seed), ..Self::default() }
    }

    pub(super) fn begin_tick(&mut self, tick: u64) {
        self.tick = tick;
    }

    /// Does something to a share of the messages of a direction for some ticks.
    pub(super) fn start(&mut self, direction: Direction, how: Tampering, percent: u8, ticks: u64) {
        let rule = Rule { how, percent, until: self.tick + ticks };
        self.rules.entry(direction).or_default().push(rule);
    }

    /// Lets all messages pass from now on. Held-back messages are lost.
    pub(super) fn end(&mut self) {
        self.rules.clear();
        self.waiting.clear();
    }

    /// Forgets the messages of a connection that has ended. Another connection never delivers them.
    pub(super) fn disconnected(&mut self, client: usize) {
        for to_server in [false, true] {
            self.waiting.remove(&(client, to_server));
            self.kept.remove(&(client, to_server));
        }
    }

    /// Returns up to 23 random bytes.
    pub(super) fn random_bytes(&mut self) -> Bytes {
        (0..self.random.usize(0..24)).map(|_| self.random.u8(..)).collect()
    }

    /// Returns an earlier message of a direction.
    pub(super) fn earlier_message(&mut self, direction: Direction) -> Option<Bytes> {
        let sent = self.kept.get(&direction).filter(|sent| !sent.is_empty())?;
        Some(sent[self.random.usize(0..sent.len())].1.clone())
    }

    /// Returns an earlier message of a direction with one bit changed.
    pub(super) fn altered_message(&mut self, direction: Direction) -> Option<Bytes> {
        let earlier = self.earlier_message(direction)?;
        Some(self.altered(&earlier))
    }

    /// Returns the messages that arrive instead of one.
    pub(super) fn pass(
        &mut self,
        direction: Direction,
        channel: usize,
        bytes: Bytes,
    ) -> Vec<Bytes> {
        let kept = self.kept.entry(direction).or_default();
        if kept.len() == KEPT_MESSAGES {
            // The number of a request identifies it only among the latest ones.
            let (_, to_server) = direction;
            kept.remove(if to_server { 0 } else { self.random.usize(0..KEPT_MESSAGES) });
        }
        kept.push((channel, bytes.clone()));
        let mut arriving = vec![bytes];
        let rules = self.rules.get(&direction).cloned().unwrap_or_default();
        for rule in rules {
            if rule.until > self.tick && self.random.u8(0..100) < rule.percent {
                let before = arriving.clone();
                arriving = self.tamper(direction, channel, rule.how, arriving);
                let acted = u64::from(arriving != before);
                *self.acted.entry(rule.how.name()).or_default() += acted;
            }
        }
        let waiting = self.waiting.entry(direction).or_default();
        if !arriving.is_empty() {
            arriving.append(waiting);
        }
        arriving
    }

    fn tamper(
        &mut self,
        direction: Direction,
        channel: usize,
        how: Tampering,
        mut arriving: Vec<Bytes>,
    ) -> Vec<Bytes> {
        match how {
            Tampering::Drop => arriving.clear(),
            Tampering::Repeat => arriving.extend_from_within(..),
            Tampering::Reorder => self.waiting.entry(direction).or_default().append(&mut arriving),
            Tampering::Truncate => {
                for bytes in &mut arriving {
                    bytes.truncate(self.random.usize(0..=bytes.len()));
                }
            }
            Tampering::Alter => {
                for bytes in &mut arriving {
                    *bytes = self.altered(bytes);
                }
            }
            Tampering::Replay => {
                let kept = self.kept.get(&direction).into_iter().flatten();
                let same: Vec<&Bytes> =
                    kept.filter(|(on, _)| *on == channel).map(|(_, bytes)| bytes).collect();
                if !same.is_empty() {
                    arriving.push(same[self.random.usize(0..same.len())].clone());
                }
            }
        }
        arriving
    }

    fn altered(&mut self, bytes: &Bytes) -> Bytes {
        let mut altered = bytes.to_vec();
        if !altered.is_empty() {
            let at = self.random.usize(0..altered.len());
            altered[at] ^= 1 << self.random.u8(0..8);
        }
        altered.into()
    }
}

impl Tampering {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Drop => "dropped",
            Self::Repeat => "repeated",
            Self::Reorder => "reordered",
            Self::Truncate => "truncated",
            Self::Alter => "altered",
            Self::Replay => "replayed",
        }
    }
}
