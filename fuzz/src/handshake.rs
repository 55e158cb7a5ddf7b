//! Decodes the handshake. Input: the direction, then the bytes of a control request, or of a rejection.

use super::memory;
use bevy_inventory_sync::wire::{
    COPIES_MAX,
    handshake::{
        CONTROL_BYTES_MAX, ControlRequest, Handshake, ProtocolMismatch, REPAIRS_MAX,
        read_rejection, read_request, write_rejection, write_request,
    },
};

/// Runs one input.
pub fn run(bytes: &[u8]) {
    match bytes.split_first() {
        Some((direction, bytes)) if direction % 2 == 0 => to_server(bytes),
        Some((_, bytes)) => to_client(bytes),
        None => {}
    }
}

fn to_server(bytes: &[u8]) {
    let read = memory::within(CONTROL_BYTES_MAX, || read_request(bytes));
    let Ok(request) = read else { return };
    match &request {
        ControlRequest::Handshake(_, known) | ControlRequest::Resync(known) => {
            assert!(known.copies.len() <= COPIES_MAX);
        }
        ControlRequest::Repair(views) => assert!(views.len() <= REPAIRS_MAX),
        ControlRequest::Received(_) => {}
    }
    let again = write_request(&request).and_then(|bytes| read_request(&bytes));
    assert_eq!(again, Ok(request));
}

fn to_client(bytes: &[u8]) {
    let read = memory::within(CONTROL_BYTES_MAX, || read_rejection(bytes));
    let Ok(server) = read else { return };
    assert_eq!(write_rejection(&server).and_then(|bytes| read_rejection(&bytes)), Ok(server));
    let client = Handshake { protocol: 1, ..server };
    for client in [client, Handshake { catalog_hash: 0, ..client }] {
        assert!(ProtocolMismatch { server, client }.to_string().contains("mismatch"));
    }
}
