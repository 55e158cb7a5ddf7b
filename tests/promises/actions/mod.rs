//! What players do: predicted by the client, decided by the server.

mod built_in;
pub mod custom;
mod drops;
mod in_flight;
mod prediction;
mod reentrancy;
mod rule_coverage;
mod rules;
mod transactions;
