//! The containers of this game, besides backpack and hotbar.

use bevy::prelude::*;
use bevy_inventory_sync::{features::progress::CraftingProgress, prelude::*};
use serde::{Deserialize, Serialize};

/// Makes a component with a single field a container.
macro_rules! container {
    ($container:ident, $name:literal, { $($item:item)* }) => {
        impl Container for $container {
            const NAME: &'static str = $name;
            $($item)*

            fn from_slots(slots: Slots) -> Self {
                Self(slots)
            }

            fn slots(&self) -> &Slots {
                &self.0
            }

            fn slots_mut(&mut self) -> &mut Slots {
                &mut self.0
            }
        }
    };
}

/// What a player wears: head, body, feet. Not in the backpack, and not filled by picking up items.
#[derive(Component, Clone, PartialEq, Eq, Debug)]
pub struct Equipment(pub Slots);

impl Default for Equipment {
    fn default() -> Self {
        Self(Slots::new(3))
    }
}

container!(Equipment, "equipment", {
    const AUTO_FILL: bool = false;

    fn accepts(slot: usize, item: &ItemDef) -> bool {
        ["head", "body", "feet"].get(slot).is_some_and(|tag| item.has_tag(tag))
    }
});

/// What all players see of a player's [`Equipment`].
#[derive(Component, Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Worn {
    pub head: Option<ItemId>,
    pub body: Option<ItemId>,
    pub feet: Option<ItemId>,
}

impl PublicView for Worn {
    type Source = Equipment;

    fn view(equipment: &Equipment) -> Self {
        let item = |slot| equipment.0.get(slot).map(|stack| stack.item);
        Self { head: item(0), body: item(1), feet: item(2) }
    }
}

/// What a vendor has been paid. It is not for sale.
#[derive(Component, Clone, PartialEq, Eq, Debug)]
pub struct Till(pub Slots);

container!(Till, "till", {
    const AUTO_FILL: bool = false;

    fn rights(_: usize) -> Rights {
        Rights::SEE
    }
});

/// What a furnace works on: two slots for materials, and one for fuel.
#[derive(Component, Clone, PartialEq, Eq, Debug)]
pub struct FurnaceInput(pub Slots);

impl Default for FurnaceInput {
    fn default() -> Self {
        Self(Slots::new(3))
    }
}

// Recipes name it as their station.
container!(FurnaceInput, "furnace", {
    fn accepts(slot: usize, item: &ItemDef) -> bool {
        item.has_tag(if slot < 2 { "smelts" } else { "fuel" })
    }
});

/// What a furnace has made. Players can only take from it.
#[derive(Component, Clone, PartialEq, Eq, Debug)]
pub struct FurnaceOutput(pub Slots);

impl Default for FurnaceOutput {
    fn default() -> Self {
        Self(Slots::new(2))
    }
}

container!(FurnaceOutput, "furnace_output", {
    const AUTO_FILL: bool = false;

    fn rights(_: usize) -> Rights {
        Rights::SEE | Rights::TAKE
    }
});

/// What players have offered to the shrine: one slot for each of [`Self::NEEDS`]. Players can only put into it.
#[derive(Component, Clone, PartialEq, Eq, Debug)]
pub struct Offerings(pub Slots);

impl Offerings {
    /// Item and count of each offering.
    pub const NEEDS: [(&str, u32); 3] = [("plank", 12), ("iron_ingot", 4), ("star_fragment", 1)];
}

impl Default for Offerings {
    fn default() -> Self {
        Self(Slots::new(Self::NEEDS.len()))
    }
}

container!(Offerings, "offerings", {
    fn accepts(slot: usize, item: &ItemDef) -> bool {
        Self::NEEDS.get(slot).is_some_and(|(key, _)| item.key == *key)
    }

    fn rights(_: usize) -> Rights {
        Rights::SEE | Rights::PUT
    }
});

pub fn plugin(app: &mut App) {
    app.add_equipment::<Equipment>()
        .add_public_view::<Worn>()
        .add_container::<Till>()
        .add_container::<FurnaceInput>()
        .add_container::<FurnaceOutput>()
        .add_container::<Offerings>()
        .add_container::<CraftingProgress>();
}
