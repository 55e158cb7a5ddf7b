//! Keeps the extension traits of [`App`] from being implemented for other types.

use bevy::app::App;

/// Implemented for [`App`] only.
pub trait Sealed {}

impl Sealed for App {}
