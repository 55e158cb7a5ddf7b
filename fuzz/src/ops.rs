//! Scripts of the simulation as bytes.

use bevy_inventory_sync::sim::{
    fault::{Fault, FaultClass},
    op::{GameOp, Goods, Op, PlayerOp},
    script::{Event, Script},
};
use bincode::{config, serde::encode_to_vec};

use super::loose;

/// Maximum tick of an operation.
const TICKS_MAX: u32 = 16;

/// Maximum number of operations.
const OPS_MAX: usize = 32;

/// Makes a script of any bytes: the seed, the number of players, then operations, each after a pause.
pub fn from_bytes(mut bytes: &[u8]) -> Option<Script> {
    let (seed, players) = loose::take::<(u8, u8)>(&mut bytes)?;
    let mut events = begin();
    let (mut tick, mut class) = (0, FaultClass::Network);
    while events.len() < OPS_MAX {
        let Some((pause, op)) = loose::take::<(u8, Op)>(&mut bytes) else { break };
        tick += u32::from(pause % 4);
        if tick > TICKS_MAX {
            break;
        }
        if let Op::Fault(fault) = &op
            && fault.class() == FaultClass::Broken
        {
            class = FaultClass::Broken;
        }
        events.push(Event { tick, op: moderate(op) });
    }
    Some(Script { seed: seed.into(), players: 1 + players % 2, class, stored: false, events })
}

/// Writes operations in the form that [`from_bytes`] reads.
pub fn to_bytes(script: &Script) -> Vec<u8> {
    let encode = |op: &Op| encode_to_vec(op, config::standard()).expect("it can be encoded");
    let mut bytes = vec![script.seed.to_le_bytes()[0], script.players.wrapping_sub(1)];
    let mut before = script.events.first().map_or(0, |event| event.tick);
    for Event { tick, op } in &script.events {
        bytes.push((tick - before).min(3).to_le_bytes()[0]);
        bytes.extend(encode(op));
        before = *tick;
    }
    bytes
}

/// Fills the inventories, so that there is something to move.
fn begin() -> Vec<Event> {
    let goods = |item| Goods { item, count: 40, wear: item.into(), label: item % 3 == 0 };
    let fill = |place| Op::Game(GameOp::Rewrite { place, share: 100, goods: goods(place) });
    (0..8).map(|place| Event { tick: 0, op: fill(place) }).collect()
}

/// Limits the duration and the size of an operation, since a script is short.
fn moderate(op: Op) -> Op {
    match op {
        Op::Fault(fault) => Op::Fault(moderate_fault(fault)),
        Op::Player(client, PlayerOp::Burst { requests }) => {
            Op::Player(client, PlayerOp::Burst { requests: requests % 40 })
        }
        Op::Player(client, PlayerOp::Craft { recipe, times, from, to, at }) => {
            Op::Player(client, PlayerOp::Craft { recipe, times: times % 4, from, to, at })
        }
        Op::Game(GameOp::Resize { place, len }) => {
            Op::Game(GameOp::Resize { place, len: len % 60 })
        }
        op => op,
    }
}

fn moderate_fault(fault: Fault) -> Fault {
    match fault {
        Fault::Network { latency, jitter, loss } => {
            Fault::Network { latency: latency % 8, jitter: jitter % 4, loss: loss % 30 }
        }
        Fault::Partition { client, ticks } => Fault::Partition { client, ticks: 1 + ticks % 30 },
        Fault::Reconnect { client, ticks } => Fault::Reconnect { client, ticks: ticks % 30 },
        Fault::Freeze { client, ticks } => Fault::Freeze { client, ticks: 1 + ticks % 30 },
        Fault::Overrun { ticks } => Fault::Overrun { ticks: 1 + ticks % 10 },
        Fault::Tamper { client, to_server, how, percent, ticks } => {
            let (percent, ticks) = (1 + percent % 60, 1 + ticks % 40);
            Fault::Tamper { client, to_server, how, percent, ticks }
        }
        Fault::RandomRequests { client, messages } => {
            Fault::RandomRequests { client, messages: messages % 30 }
        }
        Fault::AlteredRequests { client, messages } => {
            Fault::AlteredRequests { client, messages: messages % 30 }
        }
        Fault::Flood { client, messages } => Fault::Flood { client, messages: messages % 600 },
        fault => fault,
    }
}
