//! Bounds on bytes and work, whatever clients do.

mod byte_budgets;
mod crowds;
mod hostile_clients;
mod request_work;
mod throttling;
mod unused_data;
