//! What the game does on the server in a simulated game. Everything is done twice: to the server and to the oracle.

use bevy::{ecs::system::RunSystemOnce, prelude::*};

use crate::{
    model::{
        builtin::{Hotbar, Inventory},
        container::Container,
        id::{ContainerKey, ItemId},
        slots::Slots,
        stack::Stack,
    },
    params::inventories::Inventories,
    shared::markers::Loading,
};

use super::{
    game::{self, BREAD, ITEM_KEYS, Label, SWORD, Worn},
    op::{GameOp, Goods},
    places::PlaceKind,
    plain::{PlainContainer, PlainStack, add},
    scene::Scene,
};

impl Scene {
    /// Performs what the game does. Returns `false` if it was not possible.
    pub(super) fn game_does(&mut self, op: &GameOp) -> bool {
        if self.is_reverting() {
            return false;
        }
        match op {
            GameOp::Set { place, slot, goods } => self.set(*place, *slot, *goods).is_some(),
            GameOp::Flicker { place, slot, goods } => self.flicker(*place, *slot, *goods).is_some(),
            GameOp::Rewrite { place, share, goods } => {
                self.rewrite(*place, *share, *goods).is_some()
            }
            GameOp::Insert { place, goods } => self.insert(*place, *goods).is_some(),
            GameOp::Take { place, item, count } => self.take(*place, *item, *count).is_some(),
            GameOp::Transact { from, to, item, count } => {
                self.transact([*from, *to], *item, *count).is_some()
            }
            GameOp::DropAt { place, goods } => self.drop_at(*place, *goods).is_some(),
            GameOp::Hold { place, slot } => self.hold(*place, *slot).is_some(),
            GameOp::Select { place, slot } => self.select(*place, *slot).is_some(),
            GameOp::Resize { place, len } => self.resize(*place, *len).is_some(),
            GameOp::ToggleContainer { place, container } => {
                self.toggle_container(*place, *container).is_some()
            }
            other => self.game_administers(other).is_some(),
        }
    }

    pub(super) fn place(&self, place: u8) -> usize {
        usize::from(place) % self.places.len()
    }

    /// Returns an inventory that holds items and that the game writes to.
    pub(super) fn target(&self, place: u8) -> Option<(usize, Entity)> {
        let place = self.place(place);
        let world = self.sim.server.world();
        let there = self.entity(place).filter(|entity| world.get::<Loading>(*entity).is_none());
        let holds_items = self.places[place].kind != PlaceKind::Bank;
        there.filter(|_| holds_items).map(|entity| (place, entity))
    }

    /// Creates a stack, for the server and for the oracle.
    fn create(&mut self, goods: Goods) -> (Stack, PlainStack) {
        let mut stack = game::stack(goods.item.into(), goods.count.into(), goods.wear);
        // Most stacks have at most the maximum, but not all.
        let max = self.oracle.max_stack(stack.item);
        if let Some(fitting) =
            stack.with_count(max).filter(|_| stack.count() > max && goods.count < 200)
        {
            stack = fitting;
        }
        let mut label = None;
        if goods.label && (stack.item == SWORD || stack.item == BREAD) {
            let new = Label::numbered(self.next_label());
            stack = stack.with_data(self.insert_label(new));
            label = Some(new);
        }
        (stack, PlainStack { item: stack.item, count: stack.count(), wear: stack.wear, label })
    }

    /// Returns one slot of an inventory: container type and index.
    fn pick(&self, entity: Entity, slot: u16) -> Option<(u8, usize)> {
        let there = self.oracle.inventories.get(&entity)?;
        let slots = |c: &PlainContainer| {
            let kind = c.kind;
            (0..c.cells.len()).map(move |index| (kind, index))
        };
        let slots: Vec<(u8, usize)> = there.containers.iter().flat_map(slots).collect();
        slots.get(usize::from(slot).checked_rem(slots.len())?).copied()
    }

    fn set(&mut self, place: u8, slot: u16, goods: Option<Goods>) -> Option<()> {
        let (_, entity) = self.target(place)?;
        let (kind, index) = self.pick(entity, slot)?;
        let (stack, plain) = goods.map(|goods| self.create(goods)).unzip();
        self.slots_mut(entity, kind)?.set(index, stack).ok()?;
        self.oracle.set((entity, kind, index), plain);
        Some(())
    }

    fn flicker(&mut self, place: u8, slot: u16, goods: Goods) -> Option<()> {
        let (_, entity) = self.target(place)?;
        let (kind, index) = self.pick(entity, slot)?;
        let (stack, _) = self.create(goods);
        let mut slots = self.slots_mut(entity, kind)?;
        let before = slots.set(index, stack).ok()?;
        slots.set(index, before).ok()?;
        Some(())
    }

    fn rewrite(&mut self, place: u8, share: u8, goods: Goods) -> Option<()> {
        let (_, entity) = self.target(place)?;
        let there = self.oracle.inventories.get(&entity)?.clone();
        let mut random = fastrand::Rng::with_seed(u64::from(share) << 16 | u64::from(goods.count));
        for container in there.containers {
            for index in 0..container.cells.len() {
                if random.u8(..) >= share {
                    continue;
                }
                let item = goods.item.wrapping_add(random.u8(..));
                let goods = Goods { item, count: 1 + random.u16(0..=goods.count), ..goods };
                let (stack, plain) = self.create(goods);
                self.slots_mut(entity, container.kind)?.set(index, stack).ok()?;
                self.oracle.set((entity, container.kind, index), Some(plain));
            }
        }
        Some(())
    }

    /// Runs a system with access to all inventories.
    fn with_inventories<T: 'static>(
        &mut self,
        run: impl FnOnce(&mut Inventories) -> T + Send + Sync + 'static,
    ) -> T {
        let mut run = Some(run);
        let system = move |mut inventories: Inventories| run.take().map(|f| f(&mut inventories));
        let result = self.sim.server.world_mut().run_system_once(system);
        result.ok().flatten().expect("the parameters exist, and the system runs once")
    }

    /// Records that server and oracle disagree about what an operation of the game did.
    fn compare<T: PartialEq + core::fmt::Debug>(&mut self, what: &str, server: &T, oracle: &T) {
        if server != oracle {
            self.disagreements.push(format!("{what}: the server has {server:?}, not {oracle:?}"));
        }
    }

    fn insert(&mut self, place: u8, goods: Goods) -> Option<()> {
        let (_, entity) = self.target(place)?;
        let (stack, plain) = self.create(goods);
        let rest = self.with_inventories(move |all| all.insert_up_to(entity, stack).into_stack());
        let expected = self.oracle.game_inserts(entity, plain);
        let rest = rest.map_or(0, |rest| rest.count());
        self.compare("rest of an insertion", &rest, &expected.map_or(0, |rest| rest.count));
        Some(())
    }

    fn take(&mut self, place: u8, item: u8, count: u16) -> Option<()> {
        let (_, entity) = self.target(place)?;
        let (item, count) = (item_of(item), u32::from(count));
        let taken = self.with_inventories(move |all| all.take(entity, item, count).is_ok());
        let expected = self.oracle.game_takes(entity, item, count);
        self.compare("items taken", &taken, &expected);
        Some(())
    }

    fn transact(&mut self, places: [u8; 2], item: u8, count: u16) -> Option<()> {
        let [(_, from), (_, to)] = [self.target(places[0])?, self.target(places[1])?];
        let (item, count) = (item_of(item), u32::from(count).max(1));
        if item == SWORD || item == BREAD {
            return None;
        }
        let moved = self.with_inventories(move |all| {
            let moved = all.transact(|tx| {
                tx.take(from, item, count)?;
                tx.insert(to, item.stack(count))
            });
            moved.is_ok()
        });
        let expected = self.oracle.game_transfers(from, to, item, count);
        self.compare("items transferred", &moved, &expected);
        Some(())
    }

    fn drop_at(&mut self, place: u8, goods: Goods) -> Option<()> {
        let (_, entity) = self.target(place)?;
        let (stack, plain) = self.create(goods);
        self.with_inventories(move |all| all.drop_at(entity, stack));
        add(&mut self.oracle.ground, [&plain]);
        Some(())
    }

    fn hold(&mut self, place: u8, slot: u16) -> Option<()> {
        let (_, entity) = self.target(place)?;
        if let Some((held, plain)) = self.held.pop() {
            let rest = self.with_inventories(move |all| {
                let stack = all.release(held).ok()?;
                let rest = all.insert_up_to(entity, stack).into_stack();
                all.drop_at(entity, rest);
                Some(rest.map_or(0, |rest| rest.count()))
            });
            let expected = self.oracle.game_inserts(entity, plain);
            add(&mut self.oracle.ground, &expected);
            self.compare("rest", &rest, &Some(expected.map_or(0, |rest| rest.count)));
            return Some(());
        }
        let (kind, index) = self.pick(entity, slot)?;
        let stack = self.slots_mut(entity, kind)?.set(index, None).ok()??;
        let plain = self.oracle.inventories.get_mut(&entity)?.cell_mut(kind, index)?.take()?;
        let held = self.with_inventories(move |all| all.hold(stack).ok())?;
        self.held.push((held, plain));
        Some(())
    }

    fn select(&mut self, place: u8, slot: u8) -> Option<()> {
        let (_, entity) = self.target(place)?;
        let mut hotbar = self.sim.server.world_mut().get_mut::<Hotbar>(entity)?;
        hotbar.select(slot);
        let kind = self.oracle.kind_of(ContainerKey::of(Hotbar::NAME))?;
        let there = self.oracle.inventories.get_mut(&entity)?;
        if usize::from(slot) < there.cells(kind)?.len() {
            there.selected = Some(slot);
        }
        Some(())
    }

    fn resize(&mut self, place: u8, len: u8) -> Option<()> {
        let (place, entity) = self.target(place)?;
        let PlaceKind::Chest(_) = self.places[place].kind else { return None };
        let len = usize::from(len);
        let kind = self.oracle.kind_of(ContainerKey::of(Inventory::NAME))?;
        drop(self.slots_mut(entity, kind)?.resize(len));
        let there = self.oracle.inventories.get_mut(&entity)?;
        let container = there.containers.iter_mut().find(|there| there.kind == kind)?;
        container.cells.resize(len, None);
        Some(())
    }

    fn toggle_container(&mut self, place: u8, container: u8) -> Option<()> {
        let (place, entity) = self.target(place)?;
        let (PlaceKind::Chest(_) | PlaceKind::Player(_)) = self.places[place].kind else {
            return None;
        };
        let name = if container.is_multiple_of(2) { Hotbar::NAME } else { Worn::NAME };
        let kind = self.oracle.kind_of(ContainerKey::of(name))?;
        let there = self.oracle.inventories.get_mut(&entity)?;
        let mut on_server = self.sim.server.world_mut().entity_mut(entity);
        if let Some(at) = there.containers.iter().position(|there| there.kind == kind) {
            there.containers.remove(at);
            match name {
                Hotbar::NAME => {
                    there.selected = None;
                    on_server.remove::<Hotbar>();
                }
                _ => drop(on_server.remove::<Worn>()),
            }
        } else {
            let len = if name == Hotbar::NAME {
                there.selected = Some(0);
                on_server.insert(Hotbar::default());
                Hotbar::DEFAULT_LEN
            } else {
                on_server.insert(Worn(Slots::new(2)));
                2
            };
            let at = there.containers.partition_point(|there| there.kind < kind);
            there.containers.insert(at, PlainContainer { kind, cells: vec![None; len] });
        }
        Some(())
    }

    pub(super) fn client(&self, client: u8) -> usize {
        usize::from(client) % self.players
    }
}

fn item_of(item: u8) -> ItemId {
    ItemId::of(ITEM_KEYS[usize::from(item) % ITEM_KEYS.len()])
}
