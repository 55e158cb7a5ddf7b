//! The simulated network: how long messages take, and how many are lost.

/// The simulated network between the apps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Network {
    /// Latency of a message in ticks, each way; 0 by default.
    pub latency_ticks: u64,
    /// Maximum number of ticks by which a message takes longer, at random; 0 by default.
    pub jitter_ticks: u64,
    /// Probability that a message is lost, from 0 up to but excluding 1; 0 by default. Reliable messages arrive
    /// late instead.
    pub loss: f32,
    /// Number of ticks after which a lost reliable message is retransmitted. Later messages on an
    /// ordered channel wait for it. 7 by default.
    pub resend_ticks: u64,
}

impl Default for Network {
    fn default() -> Self {
        Self { latency_ticks: 0, jitter_ticks: 0, loss: 0.0, resend_ticks: 7 }
    }
}

/// What the network did to messages so far, in both directions.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct NetworkCounts {
    /// Messages that arrived at least two ticks later than [`Network::latency_ticks`].
    pub late: u64,
    /// Transmissions that were lost. Reliable messages are retransmitted.
    pub lost: u64,
}
