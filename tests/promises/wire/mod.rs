//! The bytes themselves.

mod malformed;
mod messages;
mod requests;
