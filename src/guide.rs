//! The longer chapters of the guide: what a game writes, compiled and run with the tests.
//!
//! The [front page](crate) comes first. Each chapter stands by itself.
//!
//! | chapter | about |
//! |---|---|
//! | [equipment] | slots with a filter, being dressed, what others see, the stack on the cursor |
//! | [chests] | shared chests, locked chests, bags |
//! | [loot] | on the ground, loot tables, deaths, corpses |
//! | [items] | tools that wear out, instance data, tooltips |
//! | [trading] | two players, two offers, one exchange |
//! | [saving] | when somebody leaves and joins, what a later build may change |
//! | [testing] | tests of the game's own rules and actions, with and without a network |
//! | [connections] | quality of links, renet, what heals, how to watch it, stopping a server |
//! | [faq] | short questions |
//! | [troubleshooting] | what one sees, where to look, what helps |

use crate::prelude::*;

#[doc = include_str!("guide/equipment.md")]
pub mod equipment {}
#[doc = include_str!("guide/chests.md")]
pub mod chests {}
#[doc = include_str!("guide/loot.md")]
pub mod loot {}
#[doc = include_str!("guide/items.md")]
pub mod items {}
#[doc = include_str!("guide/trading.md")]
pub mod trading {}
#[doc = include_str!("guide/saving.md")]
pub mod saving {}
#[doc = include_str!("guide/testing.md")]
pub mod testing {}
#[doc = include_str!("guide/connections.md")]
pub mod connections {}
#[doc = include_str!("guide/faq.md")]
pub mod faq {}
#[doc = include_str!("guide/troubleshooting.md")]
pub mod troubleshooting {}
