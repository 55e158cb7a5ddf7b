//! The bytes themselves.

mod corpora;
mod malformed;
mod messages;
mod requests;

use bevy_inventory_sync::wire::bits::BitWriter;

/// Writes the first view of a message by hand, up to its containers: neither owner nor rights, no entity, a whole copy.
fn begin_first_view(w: &mut BitWriter) {
    // View, handle, id, owner, rights, version, entity, copy.
    w.golomb(0, 0);
    w.golomb(0, 0);
    w.flag(false);
    w.golomb(1, 4);
    w.put(0, 5);
    w.golomb(1, 4);
    w.put(0, 2);
}
