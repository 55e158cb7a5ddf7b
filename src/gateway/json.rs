//! Response bodies.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// Everything that the caller sees.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct WorldInit {
    /// Changes when the server restarts.
    pub epoch: String,
    /// The current tick.
    pub tick: u64,
    /// When the tick was received from the game, in milliseconds since the Unix epoch.
    pub time: u64,
    /// To receive the changes after this state, send this id as `Last-Event-ID` to `/events`.
    pub event: String,
    /// The scope of the caller's token: `spectator`, `player` or `operator`.
    pub scope: String,
    /// The inventories whose contents the caller sees, in ascending order of ids.
    pub inventories: Vec<InventoryState>,
    /// The public views.
    pub views: Vec<ViewState>,
    /// The last of the recent ticks with changes that the caller sees. `null` for players, because it is not known what
    /// they saw then.
    pub latest: Option<TickEvent>,
}

/// The contents of an inventory.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct InventoryState {
    /// Its id: 16 hexadecimal digits, or a decimal number if the id is valid only until the server stops.
    pub id: String,
    /// The name of its entity. Only for operators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub name: Option<String>,
    /// The client of the player who owns it. Only for operators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub owner: Option<String>,
    /// The selected slot of its hotbar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub selected: Option<u8>,
    /// Its containers, in the order of registration.
    pub containers: Vec<ContainerContents>,
}

/// The contents of a container.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ContainerContents {
    /// Its name.
    pub name: String,
    /// Number of slots.
    pub size: usize,
    /// The slots that are not empty.
    pub slots: Vec<SlotContents>,
}

/// A slot that is not empty.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct SlotContents {
    /// Index of the slot.
    pub slot: u16,
    /// Its contents.
    #[serde(flatten)]
    pub stack: StackContents,
}

/// A stack of items.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct StackContents {
    /// Item key.
    pub item: String,
    /// Number of items.
    #[schema(minimum = 1)]
    pub count: u32,
    /// Wear, as defined by the game. Zero if missing.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub wear: u16,
    /// Instance data, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub data: Option<ItemDataValue>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(wear: &u16) -> bool {
    *wear == 0
}

/// The instance data of a stack.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ItemDataValue {
    /// Name of the game's type.
    #[serde(rename = "type")]
    pub kind: String,
    /// The value as JSON. `null` if it cannot be converted.
    pub value: Value,
}

/// A public view.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ViewState {
    /// Id of the inventory that the view belongs to.
    pub inventory: String,
    /// Name of the view.
    pub view: String,
    /// The value as JSON.
    pub value: Value,
    /// Whether the view was removed. Occurs only in changes.
    #[serde(default, skip_serializing_if = "is_false")]
    pub removed: bool,
}

/// The changes of a tick. To apply them: if `replace` is set, remove everything. Then remove `removed`, replace
/// `inventories`, and set `slots`, `selected` and `views`.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct TickEvent {
    /// Changes when the server restarts.
    pub epoch: String,
    /// The first tick. Lower than `tick` if several ticks were merged.
    pub first: u64,
    /// The last tick.
    pub tick: u64,
    /// When the tick was received from the game, in milliseconds since the Unix epoch.
    pub time: u64,
    /// Whether `inventories` contains everything that the caller sees.
    #[serde(default, skip_serializing_if = "is_false")]
    pub replace: bool,
    /// The ids of inventories that no longer exist or that the caller no longer sees.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<String>,
    /// Inventories that are new, or whose changes are not limited to slots.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inventories: Vec<InventoryState>,
    /// The changed slots.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slots: Vec<SlotChanged>,
    /// The changed selected slots.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub selected: Vec<SelectedChanged>,
    /// The changed public views.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub views: Vec<ViewState>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// A changed slot.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct SlotChanged {
    /// Id of the inventory.
    pub inventory: String,
    /// Name of the container.
    pub container: String,
    /// Index of the slot.
    pub slot: u16,
    /// Contents before the change. `null` if the slot was empty.
    pub old: Option<StackContents>,
    /// Contents after the change. `null` if the slot is empty.
    pub new: Option<StackContents>,
    /// Cause of the change, such as `acted` for a player action.
    pub cause: String,
    /// Id of the inventory of the player who caused the change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub actor: Option<String>,
}

/// A changed selected slot.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct SelectedChanged {
    /// Id of the inventory.
    pub inventory: String,
    /// The selected slot of its hotbar. `null` if it no longer has a hotbar.
    pub selected: Option<u8>,
}

/// The changes of a range of ticks.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Snapshots {
    /// Changes when the server restarts.
    pub epoch: String,
    /// The earliest tick whose changes are kept.
    pub earliest: u64,
    /// The current tick.
    pub tick: u64,
    /// The ticks with changes that the caller sees, in ascending order.
    pub snapshots: Vec<TickEvent>,
    /// The tick to request next. `null` if this response reaches the end of the range.
    pub next: Option<u64>,
}

/// One inventory.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct InventoryFound {
    /// Changes when the server restarts.
    pub epoch: String,
    /// The current tick.
    pub tick: u64,
    /// Its contents. Missing if the caller sees only its public views.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub inventory: Option<InventoryState>,
    /// Its public views.
    pub views: Vec<ViewState>,
}

/// One player.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct PlayerFound {
    /// Changes when the server restarts.
    pub epoch: String,
    /// The current tick.
    pub tick: u64,
    /// Id of the inventory that identifies the player.
    pub id: String,
    /// The name of its entity. Only for operators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub name: Option<String>,
    /// The ids of the inventories that the player owns.
    pub inventories: Vec<String>,
    /// The ids of the inventories that the player's client sees.
    pub sees: Vec<String>,
}

/// The items of the game.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Items {
    /// The items, in catalog order.
    pub items: Vec<ItemInfo>,
}

/// An item of the game.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ItemInfo {
    /// Its key.
    pub key: String,
    /// Its display name.
    pub name: String,
    /// URL path of its icon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub icon: Option<String>,
    /// Maximum number of items in one slot.
    pub max_stack: u32,
}

/// A part of the history.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Audit {
    /// `store` if the changes come from the game's store, whose tick numbers continue after a restart. `memory` if they
    /// come from the gateway's memory.
    pub source: String,
    /// The ticks with matching changes or notes, in ascending order.
    pub ticks: Vec<AuditTick>,
    /// Ticks that were not recorded.
    pub gaps: Vec<AuditGap>,
    /// The earliest tick that is kept.
    pub earliest: u64,
    /// The last tick.
    pub latest: u64,
    /// The tick to request next. `null` if this response reaches the end of the range.
    pub next: Option<u64>,
}

/// The changes of a tick.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct AuditTick {
    /// Number of the tick.
    pub tick: u64,
    /// When the tick was committed, in milliseconds since the Unix epoch.
    pub time: u64,
    /// The changed slots.
    pub changes: Vec<SlotChanged>,
    /// Notes written by the game.
    pub notes: Vec<AuditNote>,
}

/// A note written by the game.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct AuditNote {
    /// Id of the inventory that the note belongs to.
    pub inventory: String,
    /// The text.
    pub note: String,
}

/// Ticks that were not recorded.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct AuditGap {
    /// The first tick.
    pub from: u64,
    /// The last tick.
    pub to: u64,
}

/// The game servers that share a store.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Servers {
    /// The servers, in ascending order of names.
    pub servers: Vec<ServerInfo>,
}

/// A game server.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ServerInfo {
    /// Its name.
    pub name: String,
    /// Number of inventories that it owns.
    pub total: usize,
    /// The ids of the first 1,000 of them.
    pub inventories: Vec<String>,
}

/// The health of the server.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// `healthy`, `degraded` (late, or only some clients are affected), `failing`, or `down`.
    pub status: String,
    /// The reasons why it is not healthy.
    pub reasons: Vec<HealthProblem>,
    /// The current tick.
    pub tick: u64,
    /// Time since the tick was received from the game, in milliseconds.
    pub age_ms: u64,
}

/// A reason why the server is not healthy.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct HealthProblem {
    /// A short name, such as `store_failing`.
    pub code: String,
    /// A human-readable description.
    pub detail: String,
}
