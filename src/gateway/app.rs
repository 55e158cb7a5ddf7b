//! The state that all requests share.

use core::net::IpAddr;
use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use axum::http::HeaderValue;
use tokio::sync::watch;

use crate::shared::rate::Bucket;

use super::{
    clock, hub::Hub, limits::GatewayLimits, problem::Problem, reader::HistoryReader,
    tokens::GatewayTokens,
};

/// The state that all requests share.
pub(super) struct Gateway {
    pub(super) hub: Arc<Hub>,
    pub(super) tokens: GatewayTokens,
    pub(super) settings: Settings,
    pub(super) limits: GatewayLimits,
    /// Reads the game's store. `None` if there is no store.
    pub(super) reader: Option<HistoryReader>,
    pub(super) counters: Counters,
    /// Set when the game ends.
    pub(super) closing: watch::Receiver<bool>,
    addresses: Mutex<Addresses>,
    began: Instant,
}

/// The configuration of the gateway.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    pub(super) behind_proxy: bool,
    /// Allowed host names in lower case, in addition to those of the loopback address.
    pub(super) hosts: Vec<String>,
    /// Origins whose pages may read responses (CORS).
    pub(super) origins: Vec<HeaderValue>,
    /// The folder with the item icons.
    pub(super) icons: Option<PathBuf>,
}

impl Settings {
    /// Returns `true` if callers without a token see nothing.
    pub(super) fn needs_tokens(&self) -> bool {
        self.behind_proxy
    }
}

/// Counters of the gateway.
#[derive(Default, Debug)]
pub(super) struct Counters {
    pub(super) requests: AtomicU64,
    /// Requests answered with a status of 400 or above.
    pub(super) rejected: AtomicU64,
    pub(super) events: AtomicU64,
    pub(super) event_bytes: AtomicU64,
    /// Events that cover several ticks because their reader was slow.
    pub(super) merged_events: AtomicU64,
    /// Readers that were disconnected because they were too slow.
    pub(super) slow_readers: AtomicU64,
    /// Connections that were closed because there were too many.
    pub(super) connections_refused: AtomicU64,
    pub(super) connections: AtomicU64,
    pub(super) streams: AtomicU64,
    pub(super) world_responses: AtomicU64,
}

/// Adds to a counter.
pub(super) fn count(counter: &AtomicU64, more: u64) {
    counter.fetch_add(more, Ordering::Relaxed);
}

/// Maximum number of addresses that are tracked.
const ADDRESSES_MAX: usize = 10_000;

#[derive(Default)]
struct Addresses {
    buckets: HashMap<IpAddr, Bucket>,
    connections: HashMap<IpAddr, usize>,
    streams: HashMap<IpAddr, usize>,
    world_responses: HashMap<IpAddr, usize>,
}

impl Gateway {
    pub(super) fn new(
        hub: Arc<Hub>,
        tokens: GatewayTokens,
        settings: Settings,
        limits: GatewayLimits,
        reader: Option<HistoryReader>,
        closing: watch::Receiver<bool>,
    ) -> Self {
        Self {
            hub,
            tokens,
            settings,
            limits,
            reader,
            counters: Counters::default(),
            closing,
            addresses: Mutex::default(),
            began: clock::now(),
        }
    }

    fn addresses(&self) -> std::sync::MutexGuard<'_, Addresses> {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a request from an address.
    ///
    /// # Errors
    ///
    /// [`Problem`] if the address sends too many requests.
    pub(super) fn count_request(&self, address: IpAddr) -> Result<(), Problem> {
        let GatewayLimits { requests_per_second, request_burst, .. } = self.limits;
        let now = self.began.elapsed();
        let mut addresses = self.addresses();
        if addresses.buckets.len() >= ADDRESSES_MAX {
            addresses.buckets.retain(|_, bucket| !bucket.is_full(now));
        }
        let is_known = addresses.buckets.contains_key(&address);
        if (is_known || addresses.buckets.len() < ADDRESSES_MAX)
            && addresses.buckets.entry(address).or_default().take(
                now,
                requests_per_second,
                request_burst,
            )
        {
            return Ok(());
        }
        Err(Problem::too_many("too many requests from this address"))
    }

    /// Counts an open connection from an address until the result is dropped. Returns `None` if there are too many.
    pub(super) fn open_connection(self: &Arc<Self>, address: IpAddr) -> Option<Opened> {
        let GatewayLimits { connections, connections_per_address, .. } = self.limits;
        let each = if self.settings.behind_proxy { connections } else { connections_per_address };
        self.open(What::Connection, address, connections, each)
    }

    /// Counts an open stream from an address until the result is dropped. Returns `None` if there are too many.
    pub(super) fn open_stream(self: &Arc<Self>, address: IpAddr) -> Option<Opened> {
        let GatewayLimits { streams, streams_per_address, .. } = self.limits;
        self.open(What::Stream, address, streams, streams_per_address)
    }

    /// Counts a response with the whole world until the result is dropped. Returns `None` if there are too many. One
    /// address gets half of them.
    pub(super) fn open_world_response(self: &Arc<Self>, address: IpAddr) -> Option<Opened> {
        let all = self.limits.world_responses;
        self.open(What::WorldResponse, address, all, all.div_ceil(2))
    }

    fn open(
        self: &Arc<Self>,
        what: What,
        address: IpAddr,
        all_max: usize,
        each_max: usize,
    ) -> Option<Opened> {
        let mut addresses = self.addresses();
        let (open, counter) = what.of(&mut addresses, &self.counters);
        let all: usize = usize::try_from(counter.load(Ordering::Relaxed)).unwrap_or(usize::MAX);
        let each = open.get(&address).copied().unwrap_or(0);
        if all >= all_max || each >= each_max {
            return None;
        }
        open.insert(address, each + 1);
        count(counter, 1);
        Some(Opened { gateway: self.clone(), what, address })
    }
}

#[derive(Clone, Copy)]
enum What {
    Connection,
    Stream,
    WorldResponse,
}

impl What {
    fn of<'a>(
        self,
        addresses: &'a mut Addresses,
        counters: &'a Counters,
    ) -> (&'a mut HashMap<IpAddr, usize>, &'a AtomicU64) {
        match self {
            Self::Connection => (&mut addresses.connections, &counters.connections),
            Self::Stream => (&mut addresses.streams, &counters.streams),
            Self::WorldResponse => (&mut addresses.world_responses, &counters.world_responses),
        }
    }
}

/// An open connection or stream.
pub(super) struct Opened {
    gateway: Arc<Gateway>,
    what: What,
    address: IpAddr,
}

impl Opened {
    pub(super) fn limits(&self) -> GatewayLimits {
        self.gateway.limits
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        let mut addresses = self.gateway.addresses();
        let (open, counter) = self.what.of(&mut addresses, &self.gateway.counters);
        counter.fetch_sub(1, Ordering::Relaxed);
        match open.get_mut(&self.address) {
            Some(more) if *more > 1 => *more -= 1,
            _ => drop(open.remove(&self.address)),
        }
    }
}

/// Returns the part of an address that identifies a caller: all of an IPv4 address, or the first 64 bits of an IPv6
/// address.
pub(super) fn of_caller(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        address @ IpAddr::V4(_) => address,
    }
}
