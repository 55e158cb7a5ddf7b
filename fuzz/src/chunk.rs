//! Decodes chunked transfers. Input: what the bytes are, then the bytes: one chunk, a complete transfer or the beginning
//! of one, both without the check, or the content of a transfer before it is packed.

use super::{
    game::{SLOT_BYTES, schema},
    memory,
    message::without_sizes,
};
use bevy_inventory_sync::{
    model::limits::CLIENT_SLOTS_MAX,
    wire::{
        Open, Part, VIEWS_MAX,
        bits::BitWriter,
        encode::{self, OpenBody},
        stream::seal_transfer,
        transfer::{
            CHUNK_BYTES, CHUNKS_MAX, pack, read_beginning, read_chunk, read_transfer, write_chunk,
        },
    },
};

/// First byte of a transfer that is not compressed.
const PLAIN: u8 = 0;

/// Runs one input.
pub fn run(bytes: &[u8]) {
    let Some((what, bytes)) = bytes.split_first() else { return };
    match what % 4 {
        0 => chunk(bytes),
        1 => transfer(&seal_transfer(bytes.to_vec())),
        2 => {
            let bytes = &seal_transfer(bytes.to_vec());
            let opens = memory::within(cap(bytes), || read_beginning(bytes, schema()));
            match read_transfer(bytes, schema(), 0) {
                Ok(whole) if bytes[0] == PLAIN => assert_eq!(opens, whole.opens),
                // What is compressed cannot be read in part.
                Ok(_) => assert!(opens.is_empty()),
                Err(_) => {}
            }
        }
        _ => transfer(&pack(bytes)),
    }
}

/// Size of the views and slots that these bytes may decode to. Compressed bytes may be the longest content.
fn cap(bytes: &[u8]) -> usize {
    let content =
        if bytes.first() == Some(&PLAIN) { bytes.len() } else { CHUNKS_MAX * CHUNK_BYTES };
    CLIENT_SLOTS_MAX.min(8 * content) * SLOT_BYTES + VIEWS_MAX.min(content) * size_of::<Open>()
}

fn chunk(bytes: &[u8]) {
    let Ok((head, rest)) = memory::within(CHUNK_BYTES, || read_chunk(bytes)) else { return };
    assert!(head.index < head.total && head.total <= CHUNKS_MAX && rest.len() <= CHUNK_BYTES);
    let whole = [&vec![0; head.index * CHUNK_BYTES], rest].concat();
    assert_eq!(write_chunk(head, &whole), bytes);
}

fn transfer(bytes: &[u8]) {
    let part = memory::within(cap(bytes), || read_transfer(bytes, schema(), 0));
    let Ok(part) = part else { return };
    let slots: usize = part.opens.iter().map(|open| open.state.len()).sum();
    assert!(slots <= CLIENT_SLOTS_MAX);
    // What the client has received before counts, too.
    let (most, more) = (CLIENT_SLOTS_MAX - slots, CLIENT_SLOTS_MAX - slots + 1);
    assert!(read_transfer(bytes, schema(), most).is_ok());
    assert!(slots == 0 || read_transfer(bytes, schema(), more).is_err());
    let again = read_transfer(&pack(&content(&part)), schema(), 0);
    assert_eq!(again.map(without_sizes), Ok(without_sizes(part)));
}

fn content(part: &Part) -> Vec<u8> {
    let mut w = BitWriter::default();
    encode::data(&mut w, &part.forgotten, &part.data);
    encode::opens(&mut w, part.opens.len());
    let mut before = None;
    for open in &part.opens {
        let (mut copy, open) = (BitWriter::default(), (&open.head, &open.state));
        encode::copy(&mut copy, schema(), open.1);
        encode::open(&mut w, schema(), before.replace(open), open, OpenBody::Copy(&copy));
    }
    w.finish().to_vec()
}
