//! Random sequences of everything, compared with a model or with the server.

mod actions;
mod cached_copies;
mod checksums;
mod network;
mod priorities;
mod seeds;
mod simulation;
mod throttling;
mod viewers;
mod worn;
