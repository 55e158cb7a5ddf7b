//! Chunked transfers: full updates that are too large for one message are cut into chunks and sent
//! on a separate channel, so that no other messages wait behind them.
//!
//! ```text
//! content   = data:EG0 datum* opens:EG0 open*           as in a full message
//! transfer  = (0:8 content | 1:8 length:32 lz4) check:24    compressed if shorter; CRC-32 of the bytes before
//! chunk     = transfer:8 index:12 total-1:12 byte*      a piece of the bytes of a transfer
//! ```
//!
//! A client that has all chunks reports it, and the server [hands over](super::Handover) the copies that
//! have not changed in the meantime: this opens the views. The transfers of a client are numbered
//! in sequence.

use std::borrow::Cow;

use super::{
    DecodeError, Open, Part, Schema,
    bits::{BitReader, BitWriter, low_byte},
    decode::{self, slot_count::SlotCount},
    stream::{seal_transfer, verify_transfer},
};

/// Number of bytes in every chunk of a transfer except the last, which may be shorter.
pub const CHUNK_BYTES: usize = 1000;

/// Maximum number of chunks of a transfer.
pub const CHUNKS_MAX: usize = 1 << CHUNK_BITS;

const CHUNK_BITS: u32 = 12;

/// Header of a chunk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ChunkHead {
    /// Number of the transfer.
    pub transfer: u8,
    /// Index of the chunk, below `total`.
    pub index: usize,
    /// Number of chunks, at most [`CHUNKS_MAX`].
    pub total: usize,
}

/// Maximum size of the content of a transfer, in bytes.
const CONTENT_BYTES_MAX: usize = CHUNKS_MAX * CHUNK_BYTES;

/// Maximum size of content that is not worth compressing, in bytes.
const CONTENT_BYTES_SHORT: usize = 1024;

const PLAIN: u8 = 0;
const COMPRESSED: u8 = 1;

/// Packs content into a transfer.
#[must_use]
pub fn pack(content: &[u8]) -> Vec<u8> {
    if content.len() > CONTENT_BYTES_SHORT {
        let compressed = lz4_flex::block::compress_prepend_size(content);
        if compressed.len() < content.len() {
            return seal_transfer([&[COMPRESSED], compressed.as_slice()].concat());
        }
    }
    seal_transfer([&[PLAIN], content].concat())
}

/// Returns the content of a complete transfer.
fn unpack(bytes: &[u8]) -> Result<Cow<'_, [u8]>, DecodeError> {
    let (form, bytes) = verify_transfer(bytes)?.split_first().ok_or(DecodeError::Truncated)?;
    match *form {
        PLAIN => Ok(Cow::Borrowed(bytes)),
        COMPRESSED => {
            let (len, bytes) = bytes.split_first_chunk::<4>().ok_or(DecodeError::Truncated)?;
            let len = u32::from_le_bytes(*len) as usize;
            if len > CONTENT_BYTES_MAX {
                let (value, max) = (len as u64, CONTENT_BYTES_MAX as u64);
                return Err(DecodeError::OutOfRange {
                    what: "uncompressed transfer length",
                    value,
                    max,
                });
            }
            let content = lz4_flex::block::decompress(bytes, len);
            content
                .ok()
                .filter(|content| content.len() == len)
                .map(Cow::Owned)
                .ok_or(DecodeError::Compression)
        }
        _ => Err(DecodeError::Reserved),
    }
}

/// Writes one chunk of a transfer. The index in `head` must be below the total.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "index and total are at most CHUNKS_MAX")]
pub fn write_chunk(head: ChunkHead, transfer: &[u8]) -> Vec<u8> {
    let mut w = BitWriter::default();
    w.put(u32::from(head.transfer), 8);
    w.put(head.index as u32, CHUNK_BITS);
    w.put(head.total as u32 - 1, CHUNK_BITS);
    let start = head.index * CHUNK_BYTES;
    let end = transfer.len().min(start + CHUNK_BYTES);
    [w.finish(), &transfer[start..end]].concat()
}

/// Reads the header of a chunk and returns it with the remaining bytes.
///
/// # Errors
///
/// [`DecodeError`], also if the remaining bytes do not have the length of such a chunk.
pub fn read_chunk(bytes: &[u8]) -> Result<(ChunkHead, &[u8]), DecodeError> {
    let mut r = BitReader::new(bytes);
    let transfer = low_byte(r.take(8)?);
    let (index, total) = (r.take(CHUNK_BITS)? as usize, 1 + r.take(CHUNK_BITS)? as usize);
    if index >= total {
        let (value, max) = (index as u64, total as u64 - 1);
        return Err(DecodeError::OutOfRange { what: "chunk index", value, max });
    }
    let rest = &bytes[4..];
    let fits = if index + 1 < total {
        rest.len() == CHUNK_BYTES
    } else {
        (1..=CHUNK_BYTES).contains(&rest.len())
    };
    if !fits {
        let (value, max) = (rest.len() as u64, CHUNK_BYTES as u64);
        return Err(DecodeError::OutOfRange { what: "chunk length", value, max });
    }
    Ok((ChunkHead { transfer, index, total }, rest))
}

/// Reads a complete transfer. `slots` is the number of slots of the transfers that the client has received and that
/// have not been opened.
///
/// # Errors
///
/// [`DecodeError`] if the bytes are invalid, or if the slots of all these transfers are too many.
pub fn read_transfer(bytes: &[u8], schema: Schema, slots: usize) -> Result<Part, DecodeError> {
    let content = unpack(bytes)?;
    let mut r = BitReader::new(&content);
    let mut part = Part::default();
    decode::read_all_data(&mut r, &mut part)?;
    decode::read_opens(&mut r, schema, &(), &mut SlotCount::new(slots), &mut part)?;
    r.end()?;
    Ok(part)
}

/// Reads the complete copies at the start of a partial transfer. Returns none if the transfer is
/// compressed.
#[must_use]
pub fn read_beginning(bytes: &[u8], schema: Schema) -> Vec<Open> {
    let mut part = Part::default();
    if let Some((&PLAIN, content)) = bytes.split_first() {
        let mut r = BitReader::new(content);
        if decode::read_all_data(&mut r, &mut part).is_ok() {
            decode::read_opens(&mut r, schema, &(), &mut SlotCount::new(0), &mut part).ok();
        }
    }
    part.opens
}
