//! What players do: predicted by the client, decided by the server.

mod automatic_containers;
mod bodies;
mod built_in;
mod carrying_limits;
mod closing;
mod created_data;
pub mod custom;
mod drops;
mod in_flight;
mod predicted_kinds;
mod prediction;
mod reentrancy;
mod revoked_rights;
mod rule_coverage;
mod rules;
mod transactions;
