//! Decodes requests of a client. Input: the number of action types, then a request.

use super::{game::schema, memory};
use bevy::prelude::Entity;
use bevy_inventory_sync::{
    model::transaction::Seen,
    prelude::InventoryAction,
    wire::{
        DecodeError,
        bits::{BitReader, BitWriter},
        handshake::{CONTROL, read_request, write_request},
        request::{
            ActionReader, ActionWriter, REQUEST_BYTES_MAX, RequestBody, read_body, read_payload,
            write_body, write_payload,
        },
        witness::{read_seen, write_seen},
    },
};

/// A request, and what its type adds to it.
#[derive(PartialEq, Debug)]
struct Request {
    number: u8,
    body: RequestBody,
    action: Option<InventoryAction>,
    payload: Option<Vec<u8>>,
    seen: Option<Seen>,
}

/// Runs one input.
pub fn run(bytes: &[u8]) {
    let Some((types, bytes)) = bytes.split_first() else { return };
    // The server refuses longer requests unread.
    if bytes.len() > REQUEST_BYTES_MAX {
        return;
    }
    if bytes.first() == Some(&CONTROL) {
        if let Ok(request) = memory::within(REQUEST_BYTES_MAX, || read_request(bytes)) {
            let again = write_request(&request).and_then(|bytes| read_request(&bytes));
            assert_eq!(again, Ok(request));
        }
        return;
    }
    let types = usize::from(*types % 4);
    if let Ok(request) = memory::within(REQUEST_BYTES_MAX, || read(bytes, types)) {
        assert_eq!(read(&write(&request, types), types), Ok(request));
    }
}

/// Reads a request. The first type of action is built in, the others have a payload.
fn read(bytes: &[u8], types: usize) -> Result<Request, DecodeError> {
    let mut r = BitReader::new(bytes);
    let (number, body) = read_body(&mut r, types)?;
    let mut request = Request { number, body, action: None, payload: None, seen: None };
    if let RequestBody::Act { kind, .. } = body {
        // Some views are closed.
        let entity = |view| Entity::from_raw_u32(view).filter(|_| view < 1000);
        match kind {
            0 => {
                let mut reader = ActionReader { r: &mut r, schema: schema(), entity: &entity };
                request.action = Some(reader.action()?);
            }
            _ => request.payload = Some(read_payload(&mut r)?),
        }
        request.seen = read_seen(&mut r, schema())?;
    }
    r.end()?;
    Ok(request)
}

fn write(request: &Request, types: usize) -> Vec<u8> {
    let mut w = BitWriter::default();
    write_body(&mut w, request.number, &request.body, types);
    let view = |entity: Entity| Some(entity.index_u32()).filter(|view| *view < 1000);
    if let Some(action) = &request.action {
        ActionWriter { w: &mut w, schema: schema(), view: &view }.action(action);
    }
    request.payload.iter().for_each(|payload| write_payload(&mut w, payload));
    if let Some(seen) = &request.seen {
        write_seen(&mut w, schema(), seen).expect("the items are in the catalog");
    }
    w.finish().to_vec()
}
