//! A UDP relay between one client and its server, which delays and drops datagrams in both directions.

use core::{cmp::Reverse, net::IpAddr, time::Duration};
use std::{
    collections::BinaryHeap,
    io::{self, ErrorKind},
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Instant,
};

use bevy::prelude::*;
use bevy_inventory_sync::overlay::SimulatedLink;

/// Maximum number of datagrams in transit per direction. Further ones are dropped, as by a router.
const QUEUE_MAX: usize = 4096;

/// Maximum time until a thread notices that it must stop.
const POLL: Duration = Duration::from_millis(10);

/// Time for which the delay of a direction stays the same. Consecutive packets wait in the same queues of a network,
/// so their delays are similar. A jitter that changes with each packet would also vanish in renet's average.
const JITTER_PERIOD: Duration = Duration::from_millis(250);

/// Network conditions that can be changed while a relay runs.
pub type SharedLink = Arc<Mutex<SimulatedLink>>;

/// A running relay. It stops when it is dropped.
#[derive(Resource)]
pub struct Relay {
    /// The address to which the client connects.
    pub address: SocketAddr,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Relay {
    /// Starts a relay for the client at this port of this machine.
    pub fn start(client_port: u16, server: SocketAddr, link: &SharedLink) -> io::Result<Self> {
        let (localhost, any): (IpAddr, IpAddr) = match server {
            SocketAddr::V4(_) => (Ipv4Addr::LOCALHOST.into(), Ipv4Addr::UNSPECIFIED.into()),
            SocketAddr::V6(_) => (Ipv6Addr::LOCALHOST.into(), Ipv6Addr::UNSPECIFIED.into()),
        };
        let near = Arc::new(connected((localhost, 0).into(), (localhost, client_port).into())?);
        let far = Arc::new(connected((any, 0).into(), server)?);
        let address = near.local_addr()?;
        let stop = Arc::<AtomicBool>::default();
        let lane = |from: &Arc<UdpSocket>, to: &Arc<UdpSocket>| {
            let (from, to, link, stop) = (from.clone(), to.clone(), link.clone(), stop.clone());
            thread::spawn(move || Lane::new(link).carry(&from, &to, &stop))
        };
        let threads = vec![lane(&near, &far), lane(&far, &near)];
        Ok(Self { address, stop, threads })
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.join().ok();
        }
    }
}

fn connected(local: SocketAddr, remote: SocketAddr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(local)?;
    socket.connect(remote)?;
    Ok(socket)
}

/// A datagram in transit. The number keeps the order of datagrams that are due at the same time.
type InTransit = Reverse<(Instant, u64, Vec<u8>)>;

/// One direction.
struct Lane {
    link: SharedLink,
    queue: BinaryHeap<InTransit>,
    accepted: u64,
    /// The current deviation from the latency, from -1 to 1 times the jitter.
    deviation: f32,
    deviation_until: Instant,
}

impl Lane {
    fn new(link: SharedLink) -> Self {
        let queue = BinaryHeap::new();
        Self { link, queue, accepted: 0, deviation: 0.0, deviation_until: now() }
    }

    /// Forwards datagrams until `stop` is set. Those that are still in transit are then forwarded at once: the last
    /// one tells the server that the client has disconnected.
    fn carry(&mut self, from: &UdpSocket, to: &UdpSocket, stop: &AtomicBool) {
        let mut buffer = [0; 2048];
        loop {
            let stopping = stop.load(Ordering::Relaxed);
            from.set_read_timeout(Some(self.until_next())).ok();
            match from.recv(&mut buffer) {
                Ok(len) => self.accept(&buffer[..len]),
                Err(error) if is_timeout(&error) && stopping => break,
                Err(error) if is_timeout(&error) => {}
                // Nothing listens at the other end yet, or no longer.
                Err(_) => thread::sleep(Duration::from_millis(1)),
            }
            self.deliver(to, now());
        }
        while let Some(Reverse((_, _, bytes))) = self.queue.pop() {
            to.send(&bytes).ok();
        }
    }

    /// Returns the time until the next datagram is due, within limits.
    fn until_next(&self) -> Duration {
        let next = self.queue.peek();
        let next = next.map(|Reverse((due, ..))| due.saturating_duration_since(now()));
        next.unwrap_or(POLL).clamp(Duration::from_millis(1), POLL)
    }

    /// Drops a datagram, or queues it.
    fn accept(&mut self, bytes: &[u8]) {
        let link = *self.link.lock().unwrap_or_else(PoisonError::into_inner);
        if self.queue.len() >= QUEUE_MAX || fastrand::f32() < link.loss {
            return;
        }
        let now = now();
        if now >= self.deviation_until {
            self.deviation = fastrand::f32() * 2.0 - 1.0;
            self.deviation_until = now + JITTER_PERIOD;
        }
        let delay = link.latency.as_secs_f32() + link.jitter.as_secs_f32() * self.deviation;
        let due = now + Duration::from_secs_f32(delay.max(0.0));
        self.accepted += 1;
        self.queue.push(Reverse((due, self.accepted, bytes.to_vec())));
    }

    fn deliver(&mut self, to: &UdpSocket, now: Instant) {
        while self.queue.peek().is_some_and(|Reverse((due, ..))| *due <= now) {
            if let Some(Reverse((_, _, bytes))) = self.queue.pop() {
                to.send(&bytes).ok();
            }
        }
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

#[expect(clippy::disallowed_methods, reason = "delays datagrams on a real network")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends a datagram back and forth through a relay. Returns the duration, or `None` if it is lost.
    fn round_trip(localhost: IpAddr, link: SimulatedLink) -> Option<Duration> {
        let server = UdpSocket::bind((localhost, 0)).unwrap();
        let client = UdpSocket::bind((localhost, 0)).unwrap();
        let port = client.local_addr().unwrap().port();
        let link = Arc::new(Mutex::new(link));
        let relay = Relay::start(port, server.local_addr().unwrap(), &link).unwrap();
        for socket in [&server, &client] {
            socket.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        }
        let begin = now();
        let mut buffer = [0; 16];
        client.send_to(b"ping", relay.address).unwrap();
        let (len, from) = server.recv_from(&mut buffer).ok()?;
        assert_eq!(&buffer[..len], b"ping");
        server.send_to(b"pong", from).unwrap();
        let (len, from) = client.recv_from(&mut buffer).ok()?;
        assert_eq!((&buffer[..len], from), (&b"pong"[..], relay.address));
        Some(begin.elapsed())
    }

    #[test]
    fn latency_counts_once_per_direction() {
        let latency = Duration::from_millis(80);
        let link = SimulatedLink { latency, ..default() };
        let took = round_trip(Ipv4Addr::LOCALHOST.into(), link).unwrap();
        assert!(took >= 2 * latency, "{took:?}");
    }

    #[test]
    fn servers_may_have_ipv6_addresses() {
        // Some machines have none.
        if UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).is_ok() {
            let took = round_trip(Ipv6Addr::LOCALHOST.into(), SimulatedLink::default());
            assert!(took.is_some());
        }
    }

    #[test]
    fn lost_datagrams_never_arrive() {
        let link = SimulatedLink { loss: 1.0, ..default() };
        assert_eq!(round_trip(Ipv4Addr::LOCALHOST.into(), link), None);
    }

    #[test]
    fn datagrams_in_transit_arrive_when_the_relay_stops() {
        let server = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = client.local_addr().unwrap().port();
        let latency = Duration::from_secs(60);
        let link = Arc::new(Mutex::new(SimulatedLink { latency, ..default() }));
        let relay = Relay::start(port, server.local_addr().unwrap(), &link).unwrap();
        client.send_to(b"bye", relay.address).unwrap();
        drop(relay);
        server.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        assert_eq!(server.recv(&mut [0; 16]).ok(), Some(3));
    }
}
