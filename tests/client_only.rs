//! The client half follows a recorded server. It builds without the server half:
//! `cargo test --no-default-features --features client --test client_only`.

#![cfg(feature = "client")]
#![allow(clippy::unwrap_used, reason = "a test")]

mod recording;

use bevy_inventory_sync::prelude::*;
use recording::{COIN, Direction, RecordedClient, TICKS, TORCH, chest, player, recorded, sent_in};

#[test]
fn a_client_shows_what_a_recorded_server_sends() {
    let (session, mut client) = (recorded(), RecordedClient::new());
    for tick in 0..TICKS {
        let sent = client.tick(tick, sent_in(&session, Direction::Down, tick));
        let sent: Vec<_> = sent.into_iter().map(|sent| (sent.channel, sent.bytes)).collect();
        assert_eq!(sent, sent_in(&session, Direction::Up, tick), "requests in tick {tick}");
        if tick == 25 {
            let shown = client.shown(chest()).unwrap();
            assert_eq!(shown.iter().filter(|(_, stack)| stack.item == TORCH).count(), 20);
        }
    }
    let expected = [(0, TORCH.stack(1)), (4, COIN.stack(7)), (9, TORCH.stack(2))];
    assert_eq!(client.shown(player()).unwrap(), expected);
    assert_eq!(client.shown(chest()), None, "it was closed");
    assert_eq!(client.app.world().resource::<SyncState>(), &SyncState::Synced);
}
