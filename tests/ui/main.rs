//! The widgets: what players do with a mouse, keys, a gamepad or a finger, and what they see.
//!
//! Each test runs a server and a client in one process. Input arrives as the messages that a windowing library sends,
//! and what is drawn is read from the nodes of the user interface. Nothing is rendered.

#![allow(clippy::unwrap_used, clippy::cast_precision_loss, reason = "tests")]

mod access;
mod cost;
mod devices;
mod gestures;
mod layout;
mod stage;
mod widgets;
