//! The server half answers a recorded client. It builds without the client half:
//! `cargo test --no-default-features --features server --test server_only`.

#![cfg(feature = "server")]
#![allow(clippy::unwrap_used, reason = "a test")]

mod recording;

use recording::{Direction, RecordedServer, TICKS, recorded, sent_in};

#[test]
fn a_server_sends_a_recorded_client_the_same_bytes() {
    let (session, mut server) = (recorded(), RecordedServer::new());
    for tick in 0..TICKS {
        // A message of one tick arrives in the next.
        let before = tick.checked_sub(1);
        let received = before.map(|before| sent_in(&session, Direction::Up, before));
        let sent = server.tick(tick, received.unwrap_or_default());
        let sent: Vec<_> = sent.into_iter().map(|sent| (sent.channel, sent.bytes)).collect();
        assert_eq!(sent, sent_in(&session, Direction::Down, tick), "tick {tick}");
    }
}
