//! Whatever is lost, corrupted or interrupted converges again.

mod cached_copies;
mod checksums;
mod reconnect;
mod request_numbers;
mod resync;
mod transfers;
