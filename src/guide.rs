//! The chapters of the guide. Each one shows the code that a game writes; the code is compiled and run with the tests.
//!
//! Start with the [front page](crate). The chapters do not depend on each other.
//!
//! | chapter | topics |
//! |---|---|
//! | `ui` | with the feature `ui`: widgets, gestures, looks, translation, gamepads |
//! | [multiplayer] | from single player to hosting and dedicated servers: ports, authentication, versions, logs, shutdown |
//! | [equipment] | slots with a filter, equipping, what other players see, the stack on the cursor |
//! | [chests] | shared chests, locked chests, bags |
//! | [loot] | dropped items, loot tables, deaths, corpses |
//! | [items] | durability, instance data, stacks outside of inventories, tooltips |
//! | [trading] | two players, two offers, one exchange |
//! | [storing] | a store that keeps inventories through crashes and restarts |
//! | [servers] | several game servers with one store, and players that move between worlds |
//! | [gateway] | HTTP, live events, and a page for operators |
//! | [saving] | inventories as serde values, what a later build may change |
//! | [testing] | tests of the game's own rules and actions, with and without a network |
//! | [connections] | connection quality, renet, recovery from errors, monitoring, the debug overlay, shutting down a server |
//! | [administration] | administrator commands, who did what, inspecting inventories, following the history |
//! | [mods] | items and recipes of mods, the catalog on both sides, items that no longer exist |
//! | [limits] | what this crate is not for, what to use instead, numeric limits |
//! | [coming_from] | the concepts of Minecraft, Lyra and GLoot |
//! | [glossary] | the terms used in the guide and the code |
//! | [faq] | short answers about setup, limits, visibility, writing and events |
//! | [troubleshooting] | symptoms, causes and remedies |

use crate::prelude::*;

#[cfg(feature = "ui")]
#[doc = include_str!("guide/ui.md")]
/// ```no_run
#[doc = include_str!("../examples/ui.rs")]
/// ```
pub mod ui {}
#[cfg(all(feature = "client", feature = "server"))]
#[doc = include_str!("guide/multiplayer.md")]
pub mod multiplayer {}
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
#[cfg(all(feature = "client", feature = "server"))]
#[doc = include_str!("guide/storing.md")]
pub mod storing {}
#[cfg(all(feature = "client", feature = "server"))]
#[doc = include_str!("guide/servers.md")]
pub mod servers {}
#[cfg(all(feature = "client", feature = "server"))]
#[doc = include_str!("guide/gateway.md")]
pub mod gateway {}
#[doc = include_str!("guide/saving.md")]
pub mod saving {}
#[doc = include_str!("guide/testing.md")]
pub mod testing {}
#[doc = include_str!("guide/connections.md")]
pub mod connections {}
#[cfg(all(feature = "client", feature = "server"))]
#[doc = include_str!("guide/administration.md")]
pub mod administration {}
#[cfg(all(feature = "client", feature = "server"))]
#[doc = include_str!("guide/mods.md")]
pub mod mods {}
#[cfg(all(feature = "client", feature = "server"))]
#[doc = include_str!("guide/limits.md")]
pub mod limits {}
#[cfg(all(feature = "client", feature = "server"))]
#[doc = include_str!("guide/coming_from.md")]
pub mod coming_from {}
#[cfg(all(feature = "client", feature = "server"))]
#[doc = include_str!("guide/glossary.md")]
pub mod glossary {}
#[doc = include_str!("guide/faq.md")]
pub mod faq {}
#[doc = include_str!("guide/troubleshooting.md")]
pub mod troubleshooting {}
