//! Records what each tick has changed, for stores, audits and tools that follow a world without being clients.
//!
//! Add [`ChangeTrackerPlugin`], and read [`ChangeTracker`] after
//! [`InventoryServerSystems::Last`](crate::prelude::InventoryServerSystems::Last). The changes are the
//! [`Commit`](crate::prelude::Commit)s of the tick:
//!
//! ```
//! use bevy::prelude::*;
//! use bevy_inventory_sync::{changes::{ChangeTracker, ChangeTrackerPlugin}, prelude::*};
//!
//! fn follow(tracker: Res<ChangeTracker>, mut next: Local<u64>) {
//!     match tracker.records(*next, tracker.tick()) {
//!         Ok(records) => {
//!             for change in records.flat_map(|record| &record.slots) {
//!                 info!("{}: {:?} -> {:?}", change.inventory, change.old, change.new);
//!             }
//!         }
//!         // This reader has missed too much, and starts again from the current contents.
//!         Err(gone) => warn!("{gone}"),
//!     }
//!     *next = tracker.tick() + 1;
//! }
//!
//! # let mut app = App::new();
//! app.add_plugins(ChangeTrackerPlugin::default()).add_systems(PostUpdate, follow.after(InventoryServerSystems::Last));
//! ```
//!
//! A record has two projections. [`TickRecord::slots`] and the lists beside it have everything, for stores and
//! operators. [`TickRecord::public`] has only what [public views](crate::features::public_view) show to everyone.

#[cfg(feature = "gateway")]
mod appeared;
mod collect;
pub(crate) mod public;
pub mod record;
mod tracker;

#[cfg(feature = "gateway")]
pub(crate) use appeared::appeared;
pub(crate) use collect::ChangeSystems;
pub use collect::ChangeTrackerPlugin;
pub use record::TickRecord;
pub use tracker::{ChangeTracker, TicksGone};
