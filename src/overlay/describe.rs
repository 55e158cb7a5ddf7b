//! Describes actions, slots and stacks as text.

use bevy::prelude::*;
use bevy_replicon::shared::client_id::ClientId;

use crate::{
    model::{
        action::InventoryAction,
        catalog::ItemCatalog,
        container::{ContainerInfo, ContainerRef, Slot, SlotRef},
        data::DataPool,
        id::{ContainerKey, InventoryId},
        stack::Stack,
    },
    shared::actions::{AnyAction, Requested},
    wire::request::Target,
};

/// Maximum length of the description of a custom action, in characters.
const TEXT_MAX: usize = 120;

/// Names of containers, items and entities.
pub(super) struct Words<'a> {
    pub(super) kinds: &'a [ContainerInfo],
    pub(super) catalog: Option<&'a ItemCatalog>,
    /// Returns the name of an entity with an inventory.
    pub(super) name: &'a dyn Fn(Entity) -> String,
}

impl Words<'_> {
    pub(super) fn container(&self, key: ContainerKey) -> &'static str {
        self.kinds.iter().find(|kind| kind.key == key).map_or("?", |kind| kind.name)
    }

    pub(super) fn slot(&self, slot: Slot) -> String {
        format!("{}[{}]", self.container(slot.container), slot.index)
    }

    fn place(&self, (entity, slot): SlotRef) -> String {
        format!("{} {}", (self.name)(entity), self.slot(slot))
    }

    fn area(&self, area: ContainerRef) -> String {
        match area.container {
            Some(key) => format!("{} {}", (self.name)(area.entity), self.container(key)),
            None => (self.name)(area.entity),
        }
    }

    /// Describes a request, and lists the inventories that it refers to.
    pub(super) fn requested(&self, what: &Requested) -> (String, Vec<Entity>) {
        match what {
            Requested::Action(action) => self.action(action),
            Requested::Open(Target::Entity(entity)) => {
                (format!("open {}", (self.name)(*entity)), vec![*entity])
            }
            Requested::Open(Target::Id(id)) => (format!("open {}", short(*id)), Vec::new()),
            Requested::Close(entity) => (format!("close {}", (self.name)(*entity)), vec![*entity]),
            Requested::Cancel(_) => (String::from("cancel an opening"), vec![]),
        }
    }

    pub(super) fn action(&self, action: &AnyAction) -> (String, Vec<Entity>) {
        match action.get::<InventoryAction>() {
            Some(action) => self.built_in(action),
            None => {
                let debug = format!("{:?}", action.0);
                let cut: String = debug.chars().take(TEXT_MAX).collect();
                (format!("{}: {cut}", action.name()), Vec::new())
            }
        }
    }

    fn built_in(&self, action: &InventoryAction) -> (String, Vec<Entity>) {
        let amount =
            |count: &Option<u32>| count.map_or(String::new(), |count| format!(" x{count}"));
        match action {
            InventoryAction::Move { from, to, count } => {
                let (a, b) = (self.place(*from), self.place(*to));
                (format!("move {a} -> {b}{}", amount(count)), vec![from.0, to.0])
            }
            InventoryAction::Swap { a, b } => {
                (format!("swap {} <-> {}", self.place(*a), self.place(*b)), vec![a.0, b.0])
            }
            InventoryAction::QuickMove { from, to } => {
                let (a, b) = (self.place(*from), self.area(*to));
                (format!("quick move {a} -> {b}"), vec![from.0, to.entity])
            }
            InventoryAction::Collect { onto, from } => {
                let all = core::iter::once(onto.0).chain(from.iter().map(|area| area.entity));
                (format!("collect onto {}", self.place(*onto)), all.collect())
            }
            InventoryAction::Spread { from, onto, each } => {
                let all = core::iter::once(from.0).chain(onto.iter().map(|place| place.0));
                let (a, n) = (self.place(*from), onto.len());
                (format!("spread {a} over {n} slots{}", amount(each)), all.collect())
            }
            InventoryAction::MoveAll { from, to } => {
                let (a, b) = (self.area(*from), self.area(*to));
                (format!("move all {a} -> {b}"), vec![from.entity, to.entity])
            }
            InventoryAction::Drop { from, count } => {
                (format!("drop {}{}", self.place(*from), amount(count)), vec![from.0])
            }
            InventoryAction::DropAll { from } => {
                (format!("drop all of {}", self.area(*from)), vec![from.entity])
            }
            InventoryAction::Select { slot } => {
                (format!("select {}", self.place(*slot)), vec![slot.0])
            }
            InventoryAction::Use { slot } => (format!("use {}", self.place(*slot)), vec![slot.0]),
            InventoryAction::Sort { entity, container } => {
                let what = (self.name)(*entity);
                (format!("sort {what} {}", self.container(*container)), vec![*entity])
            }
            InventoryAction::Craft { recipe, times, to, .. } => {
                let recipes = self.catalog.and_then(|items| items.recipe(*recipe));
                let key = recipes.map_or_else(|| format!("{recipe:?}"), |made| made.key.clone());
                (format!("craft {key} x{times} -> {}", self.area(*to)), vec![to.entity])
            }
        }
    }

    /// Returns the name of an item.
    pub(super) fn item(&self, stack: &Stack) -> String {
        let def = self.catalog.and_then(|items| items.get(stack.item));
        def.map_or_else(|| stack.item.to_string(), |def| def.name.clone())
    }

    /// Describes a stack, or an empty slot.
    pub(super) fn stack(&self, stack: Option<Stack>) -> String {
        let Some(stack) = stack else { return "empty".into() };
        let mut text = format!("{} x{}", self.item(&stack), stack.count());
        if stack.wear > 0 {
            text += &format!(", wear {}", stack.wear);
        }
        if let Some(data) = stack.data {
            text += &format!(", data {}", data.0);
        }
        text
    }
}

/// Cuts a text to a number of letters, the last of which is then an ellipsis.
pub(super) fn cut(text: &str, letters: usize) -> String {
    if text.chars().count() <= letters {
        return text.into();
    }
    text.chars().take(letters.saturating_sub(1)).chain(['…']).collect()
}

/// Returns the first eight characters of an id.
pub(super) fn short(id: InventoryId) -> String {
    let full = id.to_string();
    if full.len() > 8 { full[..8].to_owned() } else { full }
}

/// Returns the name of the player behind a client id.
pub(super) fn player(client: ClientId) -> String {
    match client {
        ClientId::Server => "host".into(),
        ClientId::Client(client) => client.to_string(),
    }
}

/// Describes a stack's instance data: type, length and the first 24 bytes.
pub(super) fn data(pool: &DataPool, stack: &Stack) -> Option<String> {
    let (kind, bytes) = pool.raw(stack.data?)?;
    let hex: Vec<String> = bytes.iter().take(24).map(|byte| format!("{byte:02x}")).collect();
    let more = if bytes.len() > 24 { " ..." } else { "" };
    Some(format!("{kind}, {} B: {}{more}", bytes.len(), hex.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        builtin::{Hotbar, Inventory},
        container::Container,
    };

    #[test]
    fn long_texts_end_with_an_ellipsis() {
        assert_eq!(cut("Torch", 5), "Torch");
        assert_eq!(cut("Iron axe", 5), "Iron…");
        assert_eq!(cut("", 5), "");
    }

    #[test]
    fn actions_are_described() {
        let kinds = [ContainerInfo::of::<Inventory>(), ContainerInfo::of::<Hotbar>()];
        let (chest, player) = (Entity::from_bits(1 << 32 | 1), Entity::from_bits(1 << 32 | 2));
        let name = |entity| if entity == chest { "chest".to_owned() } else { "me".to_owned() };
        let words = Words { kinds: &kinds, catalog: None, name: &name };
        let (from, to) = ((chest, Inventory::slot(3)), (player, Hotbar::slot(0)));
        let said = words.built_in(&InventoryAction::Move { from, to, count: Some(5) });
        assert_eq!(said.0, "move chest inventory[3] -> me hotbar[0] x5");
        assert_eq!(said.1, [chest, player]);
    }
}
