//! Who sees an inventory, from when on, and on which entity.

mod attachment;
mod privacy;
mod viewers;
