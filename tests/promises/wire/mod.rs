//! The bytes themselves.

mod corpora;
mod malformed;
mod messages;
mod requests;
