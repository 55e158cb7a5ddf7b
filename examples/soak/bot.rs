//! The player of a client: sees what the client shows, and requests what a player may request.

use core::time::Duration;

use bevy::{ecs::system::SystemParam, prelude::*};
use bevy_inventory_sync::{
    features::tabs::{PageActions, Tabs},
    prelude::*,
};

use crate::{
    game::{self, Chest, Dice, Eat, Engrave, RECIPES, STASHES},
    pipe::{self, ClientStats},
};

/// Mean time between two requests.
const PAUSE: Duration = Duration::from_millis(333);

pub fn plugin(app: &mut App) {
    app.add_systems(Update, play.run_if(pipe::is_playing));
}

type Own = (With<InView>, With<LocalInventory>);

/// Open inventories, without the player's own and without the bank.
type Other = (With<InView>, Without<LocalInventory>, Without<Tabs>);

/// What the player sees.
#[derive(SystemParam)]
struct Eyes<'w, 's> {
    own: Query<'w, 's, (Entity, &'static Inventory, &'static Hotbar), Own>,
    other: Query<'w, 's, (Entity, &'static Inventory), Other>,
    chests: Query<'w, 's, Entity, With<Chest>>,
    banks: Query<'w, 's, Entity, (With<Tabs>, With<InView>)>,
    dice: ResMut<'w, Dice>,
}

impl Eyes<'_, '_> {
    /// Returns all slots that the player may use, and the stacks in them: the player's own, and those of one open
    /// inventory.
    fn slots(&mut self) -> (Vec<SlotRef>, Vec<(SlotRef, Stack)>) {
        let (mut all, mut filled) = (Vec::new(), Vec::new());
        let mut add = |entity: Entity, slots: &Slots, at: fn(usize) -> Slot| {
            all.extend((0..slots.len()).map(|index| (entity, at(index))));
            filled.extend(slots.iter().map(|(index, stack)| ((entity, at(index)), stack)));
        };
        for (entity, inventory, hotbar) in &self.own {
            add(entity, inventory, Inventory::slot);
            add(entity, hotbar, Hotbar::slot);
        }
        let open: Vec<_> = self.other.iter().collect();
        if let Some((entity, inventory)) = self.dice.pick(&open) {
            add(entity, inventory, Inventory::slot);
        }
        (all, filled)
    }

    /// Returns a random slot of the player's own with one of these items.
    fn own_slot(&mut self, items: [&str; 2]) -> Option<Slot> {
        let items = items.map(ItemId::of);
        let (_, inventory, _) = self.own.single().ok()?;
        let slots = inventory.iter().filter(|(_, stack)| items.contains(&stack.item));
        let slots: Vec<Slot> = slots.map(|(index, _)| Inventory::slot(index)).collect();
        self.dice.pick(&slots)
    }

    /// Returns an open inventory that is not the player's own.
    fn open(&mut self) -> Option<Entity> {
        let open: Vec<Entity> = self.other.iter().map(|(entity, _)| entity).collect();
        self.dice.pick(&open)
    }

    /// Returns a stack on the ground: an inventory of one slot.
    fn on_the_ground(&mut self) -> Option<Entity> {
        let ground = self.other.iter().filter(|(_, inventory)| inventory.len() == 1);
        let ground: Vec<Entity> = ground.map(|(entity, _)| entity).collect();
        self.dice.pick(&ground)
    }

    /// Returns a random action on the player's own inventory and the open ones.
    fn action(&mut self) -> Option<InventoryAction> {
        let me = self.own.single().ok()?.0;
        let (all, filled) = self.slots();
        let ((from, stack), to) = (self.dice.pick(&filled)?, self.dice.pick(&all)?);
        let count = self.dice.0.bool().then(|| self.dice.0.u32(1..=stack.count()));
        let area = self.open().unwrap_or(me);
        let (area, other) = if self.dice.0.bool() { (area, me) } else { (me, area) };
        Some(match self.dice.0.u8(..100) {
            0..35 => InventoryAction::Move { from, to, count },
            35..45 => InventoryAction::Swap { a: from, b: to },
            45..57 => InventoryAction::QuickMove { from, to: other.into() },
            57..62 => InventoryAction::Collect { onto: from, from: vec![me.into(), area.into()] },
            62..67 => {
                let onto = (0..3).filter_map(|_| self.dice.pick(&all)).collect();
                InventoryAction::Spread { from, onto, each: count }
            }
            67..69 => InventoryAction::MoveAll { from: area.into(), to: other.into() },
            69..76 => InventoryAction::Drop { from, count },
            76..85 => InventoryAction::pick_up(self.on_the_ground()?, me),
            85..90 => InventoryAction::craft(self.dice.pick(&RECIPES)?, me),
            90..95 => InventoryAction::Select { slot: (me, Hotbar::slot(self.dice.0.usize(..9))) },
            95..97 => InventoryAction::Use { slot: from },
            _ => {
                let slot = Inventory::slot(0);
                InventoryAction::Sort { entity: area, container: slot.container }
            }
        })
    }
}

fn play(
    time: Res<Time<Real>>,
    mut next: Local<Duration>,
    mut eyes: Eyes,
    mut hands: ParamSet<(InventoryActions, PageActions)>,
    sync: Res<SyncState>,
    mut stats: ResMut<ClientStats>,
) {
    let now = time.elapsed();
    if now < *next || *sync != SyncState::Synced {
        return;
    }
    *next = now + PAUSE.mul_f32(0.25 + 1.5 * eyes.dice.0.f32());
    let requested = match eyes.dice.0.u8(..100) {
        0..80 => eyes.action().map(|action| hands.p0().request(action)),
        80..84 => eyes.own_slot(["apple", "bread"]).map(|slot| hands.p0().request(Eat(slot))),
        84..88 => {
            let text = format!("by a player, number {}", eyes.dice.0.u16(..1000));
            let slot = eyes.own_slot(["ring", "sword"]);
            slot.map(|slot| hands.p0().request(Engrave { slot, text }))
        }
        88..92 => {
            let chests: Vec<Entity> = eyes.chests.iter().collect();
            eyes.dice.pick(&chests).map(|chest| hands.p0().open(chest))
        }
        92..94 => {
            let mut ids: Vec<InventoryId> = (0..STASHES).map(game::stash).collect();
            ids.push(game::WAREHOUSE);
            eyes.dice.pick(&ids).map(|id| hands.p0().open_by_id(id))
        }
        94..96 => {
            let bank = eyes.banks.single().ok();
            bank.map(|bank| hands.p1().open(bank, eyes.dice.0.u32(..4)))
        }
        96 => {
            let open = hands.p0().open_by_id(game::stash(0));
            stats.requests += 1;
            Some(hands.p0().cancel(open))
        }
        _ => eyes.open().map(|open| hands.p0().close(open)),
    };
    stats.requests += u64::from(requested.is_some());
}
