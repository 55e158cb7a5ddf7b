//! Writes the inputs that the corpus begins with: real messages, saves, catalogs, recordings and scripts.

use std::{error::Error, fs, path::Path};

use bevy::prelude::Entity;
use bevy_inventory_sync::{
    model::saved::{SavedContainer, SavedData, SavedInventory, SavedStack},
    sim::{self, script::Script},
    wire::{
        bits::BitWriter,
        decode, encode,
        handshake::{ControlRequest, Handshake, KnownCopies, write_rejection, write_request},
        request::{RequestBody, Target, write_body, write_payload},
        transfer::{ChunkHead, pack, write_chunk},
    },
};
use bevy_inventory_sync_fuzz::{
    game::{Client, ITEMS, schema},
    ops,
};
use bincode::{config, serde::encode_to_vec};

const WIRE: &str = include_str!("../../../tests/golden/wire.txt");
const REQUESTS: &str = include_str!("../../../tests/golden/requests.txt");
const SESSION: &str = include_str!("../../../tests/golden/session.txt");
const RECORDING: &str = include_str!("../../../tests/data/made_up.csv");

type Seeds = Vec<Vec<u8>>;

fn main() -> Result<(), Box<dyn Error>> {
    let corpus = std::env::args().nth(1).ok_or("the path of the corpus is missing")?;
    let write = |target: &str, seeds: Seeds| {
        let folder = Path::new(&corpus).join(target);
        fs::create_dir_all(&folder)?;
        let mut all = (0..).zip(seeds);
        all.try_for_each(|(n, seed): (u32, _)| fs::write(folder.join(format!("seed{n}")), seed))
    };
    write("message", messages())?;
    write("request", requests())?;
    write("chunk", chunks())?;
    write("handshake", handshakes()?)?;
    write("saved", saves()?)?;
    write("catalog", vec![ITEMS.into(), sim::game::ITEMS.into(), CATALOG.into()])?;
    write("recording", recordings())?;
    write("apps", scripts()?)?;
    Ok(())
}

fn with(first: u8, bytes: &[u8]) -> Vec<u8> {
    [&[first], bytes].concat()
}

fn unhex(hex: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("the file is hexadecimal");
    (0..hex.len()).step_by(2).map(byte).collect()
}

/// Returns the last word of each line that starts with `start`.
fn last_words(text: &'static str, start: &str) -> Vec<Vec<u8>> {
    let lines = text.lines().filter(|line| line.starts_with(start));
    lines.filter_map(|line| line.rsplit(' ').next()).map(unhex).collect()
}

/// Each message with the version of the copies that it was made for.
fn messages() -> Seeds {
    let all = [last_words(WIRE, ""), last_words(SESSION, "down ")].concat();
    let version = |bytes: &[u8]| {
        let fits = |v: &u8| decode::message(bytes, schema(), &Client::new(*v)).is_ok();
        (0..40).find(fits).unwrap_or(0)
    };
    all.iter().map(|bytes| with(version(bytes), bytes)).collect()
}

fn requests() -> Seeds {
    let all = [last_words(REQUESTS, ""), last_words(SESSION, "up ")].concat();
    let mut seeds: Seeds = all.iter().map(|bytes| with(1, bytes)).collect();
    let mut w = BitWriter::default();
    write_body(&mut w, 1, &RequestBody::Act { actor: Some(0), witness: 2, kind: 1 }, 3);
    write_payload(&mut w, b"payload");
    seeds.push(with(3, w.finish()));
    w.clear();
    let target = Target::Entity(Entity::from_raw_u32(9).unwrap_or(Entity::PLACEHOLDER));
    write_body(&mut w, 1, &RequestBody::Open { target, actor: Some(3) }, 1);
    seeds.push(with(1, w.finish()));
    seeds
}

fn chunks() -> Seeds {
    let transfer = last_words(WIRE, "transfer ").concat();
    let long = vec![7; 2500];
    let chunk = |index, total, of: &[u8]| write_chunk(ChunkHead { transfer: 3, index, total }, of);
    vec![
        with(0, &chunk(0, 1, &transfer)),
        with(0, &chunk(1, 3, &long)),
        with(0, &chunk(2, 3, &long)),
        with(1, unsealed(&transfer)),
        with(2, unsealed(&transfer)),
        with(3, &unsealed(&transfer)[1..]),
        with(1, unsealed(&pack(&many_values()))),
        with(1, unsealed(&pack(&many_containers()))),
    ]
}

/// Content that is short when it is compressed, and has many values.
fn many_values() -> Vec<u8> {
    let mut w = BitWriter::default();
    let values = 1 << 18;
    w.golomb(values, 0);
    for _ in 0..values {
        // Id, not removed, type, length. Two bits more align them to bytes.
        w.golomb(2, 4);
        w.flag(false);
        w.golomb(0, 0);
        w.golomb(0, 6);
    }
    encode::opens(&mut w, 0);
    w.finish().to_vec()
}

/// Content that is short when it is compressed, and has many inventories without slots.
fn many_containers() -> Vec<u8> {
    let mut w = BitWriter::default();
    encode::data(&mut w, &[], &[]);
    let opens: u32 = 1 << 15;
    w.golomb(opens.into(), 0);
    for view in 0..opens {
        if view > 0 {
            // Follows the view before, with the id after it.
            w.put(0b11, 2);
        } else {
            // View, handle, id, owner, rights.
            w.golomb(0, 0);
            w.golomb(0, 0);
            w.put(0, 1);
            w.golomb(1, 4);
            w.put(0, 5);
        }
        // Version, no entity, a whole copy.
        w.golomb(1, 4);
        w.put(0, 2);
        if view == 0 {
            w.golomb(2, 0);
            for kind in 0..2 {
                w.put(kind, 1);
                w.golomb(0, 5);
            }
        }
        // Nothing selected, and the form of the stacks.
        w.put(0, 4);
    }
    w.finish().to_vec()
}

fn handshakes() -> Result<Seeds, Box<dyn Error>> {
    let ours = Handshake {
        protocol: 1,
        item_count: 4,
        catalog_hash: u64::MAX / 3,
        container_count: 2,
        containers_hash: u64::MAX / 5,
        types_hash: u64::MAX / 7,
    };
    let copies = vec![(1, 2), (1 << 63 | 5, 300)];
    let known = KnownCopies { epoch: 1 << 40, copies, transfer: Some((3, 500)) };
    let requests = [
        ControlRequest::Handshake(ours, KnownCopies::default()),
        ControlRequest::Handshake(ours, known.clone()),
        ControlRequest::Resync(known),
        ControlRequest::Received(7),
        ControlRequest::Repair(vec![(0, 1), (300, 70_000)]),
    ];
    let mut seeds = vec![with(1, &write_rejection(&ours)?)];
    for request in &requests {
        seeds.push(with(0, &write_request(request)?));
    }
    Ok(seeds)
}

fn saves() -> Result<Seeds, Box<dyn Error>> {
    let stack = |slot, item: &str, count| {
        let data = (slot == 2).then(|| SavedData { name: "label".into(), bytes: vec![2, 65, 66] });
        SavedStack { slot, item: item.into(), count, wear: slot * 300, data }
    };
    let slots = vec![stack(0, "torch", 5), stack(2, "axe", 1), stack(3, "unknown", 2)];
    let container =
        |name: &str, len| SavedContainer { name: name.into(), len, slots: slots.clone() };
    let containers = vec![container("inventory", 27), container("hotbar", 3), container("old", 9)];
    let returned = vec![stack(2, "coin", 70)];
    let full = SavedInventory { containers, selected: Some(3), returned, lost_data: vec![] };
    let mut seeds = Seeds::new();
    for saved in [SavedInventory::default(), full] {
        seeds.push(with(0, &encode_to_vec(&saved, config::standard())?));
        seeds.push(with(1, ron::to_string(&saved)?.as_bytes()));
    }
    Ok(seeds)
}

const CATALOG: &str = r#"(items: [
    (key: "torch", name: "Torch", icon: "t.png", max_stack: 64, tags: ["light"], props: (burns_for: 60)),
], recipes: [(key: "burn", takes: [], gives: [("torch", 1)], at: "furnace", millis: 9)])"#;

fn recordings() -> Seeds {
    let lines: Vec<&str> = RECORDING.lines().collect();
    let parts = [1, 2, 9].map(|rows| lines[..=rows].join("\n").into_bytes());
    let metadata = [lines[0], "a,b,1,2,3,c,4,,0,,d,5,6:7f", "a,b,1,2,3,c,4,d,5,6:7f,,0,"];
    [&parts[..], &[metadata.join("\r\n").into_bytes()]].concat()
}

fn scripts() -> Result<Seeds, Box<dyn Error>> {
    let mut seeds = Seeds::new();
    for file in fs::read_dir("../tests/data/scripts")? {
        let script: Script = fs::read_to_string(file?.path())?.parse()?;
        seeds.push(ops::to_bytes(&script));
    }
    for seed in 0..30 {
        let mut script = Script::random(seed, 2, 1);
        let from = u32::try_from(seed)? * 100;
        script.events.retain(|event| (from..from + 40).contains(&event.tick));
        seeds.push(ops::to_bytes(&script));
    }
    Ok(seeds)
}

/// Returns a transfer without its check.
fn unsealed(transfer: &[u8]) -> &[u8] {
    &transfer[..transfer.len() - 3]
}
