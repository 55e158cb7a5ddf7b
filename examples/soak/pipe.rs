//! What the processes say to each other, one line of JSON each: orders on standard input, reports on standard output.

use core::hash::{Hash, Hasher};
use std::{
    collections::BTreeMap,
    hash::DefaultHasher,
    io::{BufRead, Write},
    net::SocketAddr,
    sync::{Mutex, mpsc},
    thread,
};

use bevy::prelude::*;
use serde::{Deserialize, Serialize};

/// From the parent to a process.
#[derive(Message, Serialize, Deserialize, Clone, Copy, Debug)]
pub enum Order {
    /// Play until the next [`Pause`](Self::Pause).
    Play,
    /// Make no more changes.
    Pause,
    /// Report all inventories in view, with the number of this order; as text if `in_full`.
    Show { number: u64, in_full: bool },
    /// A client: end the connection, with or without telling the server, and connect again.
    Rejoin { politely: bool },
    /// End.
    Quit,
}

/// From a process to the parent.
#[derive(Serialize, Deserialize, Debug)]
pub enum Report {
    /// The server is ready at this address.
    Listening(SocketAddr),
    /// The client's counters, about once a second.
    Client(ClientStats),
    /// The server's counters, about once a second.
    Server(ServerStats),
    /// Answer to [`Order::Show`].
    Shown(Shown),
}

/// The inventories that each account sees, by account.
pub type Views = BTreeMap<u32, BTreeMap<u64, View>>;

#[derive(Serialize, Deserialize, Default, Debug)]
pub struct Shown {
    /// Number of the order.
    pub number: u64,
    /// Whether the process waits for nothing: a client is synced and has no pending requests.
    pub settled: bool,
    pub views: Views,
}

/// One inventory as one account sees it.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct View {
    hash: u64,
    /// What the hash was computed from, if the order asked for it.
    pub text: Option<String>,
}

impl View {
    pub fn new(text: String, in_full: bool) -> Self {
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        Self { hash: hasher.finish(), text: in_full.then_some(text) }
    }
}

/// Counters of one client process since its start.
#[derive(Resource, Serialize, Deserialize, Clone, Default, Debug)]
pub struct ClientStats {
    pub requests: u64,
    pub confirmed: u64,
    /// Rejected requests by reason, including those that the client rejected itself.
    pub rejected: BTreeMap<String, u64>,
    pub resyncs: u64,
    pub repairs: u64,
    /// Copies that were compared with a checksum of the server.
    pub checksums: u64,
    /// How often the client became synced.
    pub joins: u64,
    /// Connections that ended although neither side wanted it.
    pub lost: u64,
    /// Time in which the client was synced.
    pub synced_millis: u64,
}

/// Counters of the server process.
#[derive(Resource, Serialize, Deserialize, Clone, Default, Debug)]
pub struct ServerStats {
    pub accepted: u64,
    pub rejected: u64,
    pub resyncs: u64,
    pub repairs: u64,
    /// Slots that were committed.
    pub slots: u64,
    /// Full updates that opened or repaired a view.
    pub opened: u64,
    /// Of those, the ones that contained only what had changed since the client's cached copy.
    pub cached: u64,
    /// Chunks of large full updates.
    pub chunks: u64,
    /// How often the items of the world were counted.
    pub counts: u64,
    /// Items in the world at the last count.
    pub items: u64,
    /// The first counts that differed from what was created and destroyed.
    pub wrong_counts: Vec<String>,
}

/// Writes a report to the parent. A parent that is gone is noticed by [`hear`].
pub fn tell(report: &Report) {
    if let Ok(line) = serde_json::to_string(report) {
        writeln!(std::io::stdout(), "{line}").ok();
    }
}

#[derive(Resource)]
struct Orders(Mutex<mpsc::Receiver<Order>>);

/// Reads the parent's orders, and ends the app with [`Order::Quit`] or with the parent.
pub fn plugin(app: &mut App) {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let Ok(order) = serde_json::from_str(&line) else { break };
            if sender.send(order).is_err() {
                break;
            }
        }
        sender.send(Order::Quit).ok();
    });
    app.insert_resource(Orders(Mutex::new(receiver)))
        .init_resource::<Playing>()
        .add_message::<Order>()
        .add_systems(PreUpdate, hear);
}

/// Whether the game is still running.
#[derive(Resource, Default, PartialEq, Eq)]
pub struct Playing(pub bool);

pub fn is_playing(playing: Res<Playing>) -> bool {
    playing.0
}

fn hear(
    orders: Res<Orders>,
    mut playing: ResMut<Playing>,
    mut heard: MessageWriter<Order>,
    mut exit: MessageWriter<AppExit>,
) {
    let Ok(orders) = orders.0.lock() else { return };
    for order in orders.try_iter() {
        match order {
            Order::Play => playing.0 = true,
            Order::Pause => playing.0 = false,
            Order::Quit => drop(exit.write(AppExit::Success)),
            _ => drop(heard.write(order)),
        }
    }
}
