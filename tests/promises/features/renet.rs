//! The renet channel configuration retransmits sooner.

use crate::common::*;
use bevy_inventory_sync::renet::{RenetSettings, connection_config};
use bevy_replicon_renet::{RenetChannelsExt, renet::SendType};
use core::time::Duration;

#[test]
fn reliable_channels_retransmit_sooner_and_nothing_else_changes() {
    let pair = pair(0);
    let channels = pair.server.world().resource::<RepliconChannels>();
    let config = connection_config(channels, RenetSettings::default());
    let ways = [
        (config.server_channels_config, channels.server_configs(), 5 * 1024 * 1024),
        (config.client_channels_config, channels.client_configs(), 1024 * 1024),
    ];
    for (ours, plain, bytes_max) in ways {
        assert_eq!(ours.len(), plain.len());
        for (ours, plain) in ours.into_iter().zip(plain) {
            assert_eq!(ours.channel_id, plain.channel_id);
            assert_eq!(ours.max_memory_usage_bytes, bytes_max);
            let (kind, resend_time) = kind(&ours.send_type);
            assert_eq!(kind, self::kind(&plain.send_type).0);
            assert_eq!(resend_time, (kind > 0).then_some(Duration::from_millis(120)));
        }
    }
}

#[test]
fn resend_time_is_configurable() {
    let resend_time = Duration::from_millis(45);
    let settings = RenetSettings { resend_time, up_bytes_max: 7, ..default() };
    let pair = pair(0);
    let config = connection_config(pair.server.world().resource(), settings);
    let channel = &config.server_channels_config[pair.sync_channel()];
    assert_eq!(kind(&channel.send_type).1, Some(resend_time));
    assert_eq!(config.client_channels_config[pair.request_channel()].max_memory_usage_bytes, 7);
}

fn kind(send_type: &SendType) -> (u8, Option<Duration>) {
    match send_type {
        SendType::Unreliable => (0, None),
        SendType::ReliableOrdered { resend_time } => (1, Some(*resend_time)),
        SendType::ReliableUnordered { resend_time } => (2, Some(*resend_time)),
    }
}
