//! What is too much for one message: full copies cut into chunks, on a channel of their own, so that
//! nothing else waits behind them.
//!
//! ```text
//! content   = data:EG0 datum* opens:EG0 open*           as in a full message
//! transfer  = 0:8 content | 1:8 length:32 lz4           compressed, if that is shorter
//! chunk     = transfer:8 index:12 total-1:12 byte*      a piece of the bytes of a transfer
//! ```
//!
//! A client that has all chunks says so, and the server [hands over](Handover) what has stayed as it was
//! meanwhile: with that the views begin. The transfers of a client are numbered, one after the other.

use std::borrow::Cow;

use super::{
    DecodeError, Open, Part, Schema, VIEWS_MAX,
    bits::{BitReader, BitWriter},
    decode,
};

/// Bytes in every chunk of a transfer but the last, which may be shorter.
pub const CHUNK_BYTES: usize = 1000;

/// Most chunks of a transfer.
pub const CHUNKS_MAX: usize = 1 << CHUNK_BITS;

const CHUNK_BITS: u32 = 12;

/// Views that begin as they were sent in chunks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Handover {
    /// The number of the transfer.
    pub transfer: u8,
    /// The copies in it that are to be dropped, by their place, in rising order.
    pub dropped: Vec<usize>,
}

/// Where a chunk belongs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ChunkHead {
    /// The number of the transfer.
    pub transfer: u8,
    /// The number of the chunk, below `total`.
    pub index: usize,
    /// How many chunks there are, at most [`CHUNKS_MAX`].
    pub total: usize,
}

/// Largest content of a transfer, in bytes.
const CONTENT_BYTES_MAX: usize = CHUNKS_MAX * CHUNK_BYTES;

/// So short a content is not worth compressing, in bytes.
const CONTENT_BYTES_SHORT: usize = 1024;

const PLAIN: u8 = 0;
const COMPRESSED: u8 = 1;

/// Makes a transfer of its content.
#[must_use]
pub fn pack(content: &[u8]) -> Vec<u8> {
    if content.len() > CONTENT_BYTES_SHORT {
        let compressed = lz4_flex::block::compress_prepend_size(content);
        if compressed.len() < content.len() {
            return [&[COMPRESSED], compressed.as_slice()].concat();
        }
    }
    [&[PLAIN], content].concat()
}

/// The content of a whole transfer.
fn unpack(bytes: &[u8]) -> Result<Cow<'_, [u8]>, DecodeError> {
    let (form, bytes) = bytes.split_first().ok_or(DecodeError::Truncated)?;
    match *form {
        PLAIN => Ok(Cow::Borrowed(bytes)),
        COMPRESSED => {
            let (len, bytes) = bytes.split_first_chunk::<4>().ok_or(DecodeError::Truncated)?;
            let len = u32::from_le_bytes(*len) as usize;
            if len > CONTENT_BYTES_MAX {
                let (value, max) = (len as u64, CONTENT_BYTES_MAX as u64);
                return Err(DecodeError::OutOfRange {
                    what: "the length of a transfer",
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

/// Writes one chunk of a transfer. The head's index must be below its total.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "below CHUNKS_MAX")]
pub fn write_chunk(head: ChunkHead, transfer: &[u8]) -> Vec<u8> {
    let mut w = BitWriter::default();
    w.put(u32::from(head.transfer), 8);
    w.put(head.index as u32, CHUNK_BITS);
    w.put(head.total as u32 - 1, CHUNK_BITS);
    let start = head.index * CHUNK_BYTES;
    let end = transfer.len().min(start + CHUNK_BYTES);
    [w.finish(), &transfer[start..end]].concat()
}

/// Reads the head of a chunk; the rest are its bytes.
///
/// # Errors
///
/// [`DecodeError`], also if the rest has not the length of such a chunk.
pub fn read_chunk(bytes: &[u8]) -> Result<(ChunkHead, &[u8]), DecodeError> {
    let mut r = BitReader::new(bytes);
    let transfer = r.take(8)?.to_le_bytes()[0];
    let (index, total) = (r.take(CHUNK_BITS)? as usize, 1 + r.take(CHUNK_BITS)? as usize);
    if index >= total {
        let (value, max) = (index as u64, total as u64 - 1);
        return Err(DecodeError::OutOfRange { what: "a chunk", value, max });
    }
    let rest = &bytes[4..];
    let fits = if index + 1 < total {
        rest.len() == CHUNK_BYTES
    } else {
        (1..=CHUNK_BYTES).contains(&rest.len())
    };
    if !fits {
        let (value, max) = (rest.len() as u64, CHUNK_BYTES as u64);
        return Err(DecodeError::OutOfRange { what: "the length of a chunk", value, max });
    }
    Ok((ChunkHead { transfer, index, total }, rest))
}

/// Reads a whole transfer.
///
/// # Errors
///
/// [`DecodeError`].
pub fn read_transfer(bytes: &[u8], schema: Schema) -> Result<Part, DecodeError> {
    let content = unpack(bytes)?;
    let mut r = BitReader::new(&content);
    let mut part = Part::default();
    decode::all_data(&mut r, &mut part)?;
    decode::opens(&mut r, schema, &(), &mut part)?;
    r.end()?;
    Ok(part)
}

/// Reads the copies that are whole in the beginning of a transfer. One that is compressed has none.
#[must_use]
pub fn read_beginning(bytes: &[u8], schema: Schema) -> Vec<Open> {
    let mut part = Part::default();
    if let Some((&PLAIN, content)) = bytes.split_first() {
        let mut r = BitReader::new(content);
        if decode::all_data(&mut r, &mut part).is_ok() {
            decode::opens(&mut r, schema, &(), &mut part).ok();
        }
    }
    part.opens
}

pub(super) fn read_handover(r: &mut BitReader) -> Result<Option<Handover>, DecodeError> {
    if !r.flag()? {
        return Ok(None);
    }
    let transfer = r.take(8)?.to_le_bytes()[0];
    let len = decode::length(r, 0, "the number of dropped copies", r.left())?;
    let place = |r: &mut BitReader| decode::length(r, 4, "a copy", VIEWS_MAX);
    let dropped = (0..len).map(|_| place(r)).collect::<Result<_, _>>()?;
    Ok(Some(Handover { transfer, dropped }))
}
