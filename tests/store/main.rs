//! Stores keep what was committed, through crashes and beside other servers.

#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;
mod contract;
mod damage;
mod golden;
mod history;
mod kill;
mod ownership;
mod readers;
mod records;
#[cfg(feature = "redis")]
mod redis;
