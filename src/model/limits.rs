//! The limits of the crate in one place. Whatever a peer or a game sends is checked against them.

/// Maximum size of an instance data value, in bytes.
pub const DATA_BYTES_MAX: usize = 1 << 16;

/// Maximum number of slots of an inventory, all containers together. An inventory with more is a
/// [fault](crate::server::faults::InventoryFault) and is not synced.
pub const INVENTORY_SLOTS_MAX: usize = 8192;

/// Maximum number of slots of all inventories that one client sees, together. The server does not show a client more
/// ([`InventoryFault`](crate::server::faults::InventoryFault)), and a client drops a message with which it would see
/// more. It also limits the chunked transfers that a client has received and that have not been opened, together.
pub const CLIENT_SLOTS_MAX: usize = 1 << 20;

/// Maximum number of container types that a game may register.
pub const CONTAINERS_MAX: usize = 64;

/// Maximum number of items in a catalog.
pub const ITEMS_MAX: usize = 1 << 16;

/// Maximum number of slots that one action may name.
pub const ACTION_PLACES_MAX: usize = 256;

/// Maximum number of areas that one action may name.
pub const ACTION_AREAS_MAX: usize = 8;
