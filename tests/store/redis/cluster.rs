//! Redis Cluster, and replicas that are promoted.

use std::{path::Path, process::Command, thread::sleep, time::Duration};

use bevy_inventory_sync::store::{
    Store,
    batch::Fenced,
    error::StoreError,
    redis::{RedisSettings, RedisStore},
    worlds::{Presence, claim},
};

use super::server::RedisServer;
use crate::common::*;

/// A cluster of three nodes, each with a third of the hash slots.
struct Cluster {
    nodes: Vec<RedisServer>,
}

impl Cluster {
    fn start() -> Option<Self> {
        let arguments =
            ["--cluster-enabled", "yes", "--appendonly", "yes", "--appendfsync", "always"];
        let nodes: Vec<_> = (0..3).map_while(|_| RedisServer::start_with(&arguments)).collect();
        let [first, ..] = nodes.as_slice() else { return None };
        let slots = [("0", "5460"), ("5461", "10922"), ("10923", "16383")];
        for (node, (from, to)) in nodes.iter().zip(slots) {
            let _: String = node.command(&["CLUSTER", "ADDSLOTSRANGE", from, to]);
            let port = node.port().to_string();
            let _: String = first.command(&["CLUSTER", "MEET", "127.0.0.1", &port]);
        }
        let cluster = Self { nodes };
        cluster.wait_until_ready();
        Some(cluster)
    }

    fn wait_until_ready(&self) {
        for _ in 0..2000 {
            let is_ready = |node: &RedisServer| {
                let info: String = node.command(&["CLUSTER", "INFO"]);
                info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")
            };
            if self.nodes.iter().all(is_ready) {
                return;
            }
            sleep(Duration::from_millis(10));
        }
        panic!("the cluster is not ready");
    }

    fn open(&self, world: &str) -> RedisStore {
        let urls = self.nodes.iter().map(RedisServer::url).collect();
        let timeout = Duration::from_secs(20);
        let names = (world.to_owned(), world.to_owned());
        let settings = RedisSettings {
            urls,
            world: names.0,
            server: names.1,
            timeout,
            ..RedisSettings::default()
        };
        RedisStore::open(settings).unwrap()
    }

    /// Returns the index of the node with the keys that have a tag.
    fn index_of(&self, tag: &str) -> usize {
        let slot: u16 = self.nodes[0].command(&["CLUSTER", "KEYSLOT", &format!("{{{tag}}}")]);
        usize::from(slot / 5461).min(2)
    }
}

fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-r").arg(from).arg(to).status().unwrap().success());
}

#[test]
fn players_move_between_worlds_on_different_nodes() {
    let Some(cluster) = Cluster::start() else { return };
    assert_ne!(cluster.index_of("north"), cluster.index_of("south"));
    let (mut north, mut south) = (cluster.open("north"), cluster.open("south"));
    let fence = create(&mut north, player(1), &inventory(vec![]));
    let ticket = send(&mut north, player(1), (fence, 2));
    assert_eq!(south.worlds().unwrap().redeem(&ticket, "ada").unwrap().inventories, [player(1)]);
    let there = claim(&mut south, player(1)).unwrap();
    assert_eq!(there.found, Some(everything()));
    let presence = south.worlds().unwrap().presence("north", player(1));
    assert_eq!(presence, Ok(Presence::Absent));
    assert_eq!(commit(&mut south, 3, vec![write(player(1), there.fence, 3, &everything())]), []);
    assert!(south.heartbeat().is_ok() && south.is_alive("south").unwrap());
}

#[test]
fn node_that_has_lost_a_departure_does_not_bring_the_player_back() {
    let Some(mut cluster) = Cluster::start() else { return };
    let (mut north, mut south) = (cluster.open("north"), cluster.open("south"));
    let at = cluster.index_of("north");
    // The node has not lost in which world the player was seen last.
    let id = (0..100)
        .map(player)
        .find(|id| cluster.index_of(&format!("{:016x}", id.to_bits())) != at)
        .unwrap();
    let fence = create(&mut north, id, &everything());
    let backup = tempfile::TempDir::new().unwrap();
    let node = &mut cluster.nodes[at];
    copy(&node.folder().join("appendonlydir"), backup.path());
    send(&mut north, id, (fence, 2));
    claim(&mut south, id).unwrap();
    let node = &mut cluster.nodes[at];
    node.kill();
    std::fs::remove_dir_all(node.folder().join("appendonlydir")).unwrap();
    copy(&backup.path().join("appendonlydir"), node.folder());
    assert!(node.run());
    cluster.wait_until_ready();
    let mut north = cluster.open("north");
    let elsewhere = StoreError::Elsewhere { id, world: "south".into() };
    assert_eq!(claim(&mut north, id), Err(elsewhere));
}

#[test]
fn commit_that_did_not_reach_the_promoted_replica_is_noticed() {
    let Some(mut primary) = RedisServer::start() else { return };
    let replica = RedisServer::start().unwrap();
    let _: String = replica.command(&["REPLICAOF", "127.0.0.1", &primary.port().to_string()]);
    let mut store =
        RedisStore::open(RedisSettings { replicas: 1, ..primary.settings("a") }).unwrap();
    let mut fence = None;
    for _ in 0..200 {
        // Until the replica has connected.
        match store.claim(player(1)) {
            Ok(claim) => fence = Some(claim.fence),
            Err(error) => panic!("{error}"),
        }
        let info: String = primary.command(&["INFO", "replication"]);
        if info.contains("state=online") {
            break;
        }
        sleep(Duration::from_millis(20));
    }
    let fence = fence.unwrap();
    assert_eq!(commit(&mut store, 1, vec![write(player(1), fence, 1, &everything())]), []);
    // It is promoted before the next commit reaches it.
    let _: String = replica.command(&["REPLICAOF", "NO", "ONE"]);
    let mut careless = RedisStore::open(primary.settings("b")).unwrap();
    let other = careless.claim(player(2)).unwrap().fence;
    let acknowledged = commit(&mut careless, 2, vec![write(player(2), other, 1, &everything())]);
    assert_eq!(acknowledged, []);
    primary.fail_over(replica);
    // What the replica had received is there, and the rest is reported as lost.
    assert!(store.heartbeat().is_err(), "the connection was closed");
    assert!(!store.heartbeat().unwrap().lost_commits);
    assert_eq!(store.load(player(1)).unwrap(), Some(everything()));
    assert!(careless.heartbeat().is_err());
    assert!(careless.heartbeat().unwrap().lost_commits);
    let late = commit(&mut careless, 3, vec![write(player(2), other, 2, &everything())]);
    assert_eq!(late[0].reason, Fenced::RolledBack { stored: 0 });
}
