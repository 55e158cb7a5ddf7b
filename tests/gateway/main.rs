//! The gateway shows callers what they may see, all of it, and nothing else.

#![cfg(feature = "gateway")]
#![allow(clippy::unwrap_used, reason = "a test")]

mod abuse;
mod audit;
mod bad_input;
mod canary;
mod commands;
mod common;
mod follow;
mod follower;
mod rights;
mod running;
mod state;
