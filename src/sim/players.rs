//! What players do in a simulated game.

use bevy::{ecs::system::RunSystemOnce, prelude::*};

use crate::{
    client::confirmed::ConfirmedInventories,
    features::tabs::PageActions,
    model::{
        action::InventoryAction,
        builtin::{Hotbar, Inventory},
        container::{Container, ContainerRef, Slot, SlotRef},
        id::{ContainerKey, InventoryId},
        recipe::RecipeId,
    },
    params::actions::InventoryActions,
    shared::{
        actions::{RegisteredAction, RequestId},
        containers::ContainerRegistry,
        ids::InventoryIds,
    },
};

use super::{
    game::{Engrave, Misuse, RECIPE_KEYS, Tally, Trade, WearOut},
    op::{Area, Pick, PlayerOp},
    places::PlaceKind,
    scene::Scene,
};

impl Scene {
    /// Performs what a player does. Returns the requests; `None` if it was not possible.
    pub(super) fn player_does(&mut self, client: usize, op: &PlayerOp) -> Option<Vec<RequestId>> {
        let action = match op {
            PlayerOp::Move { from, to, count } => InventoryAction::Move {
                from: self.slot(client, *from)?,
                to: self.slot(client, *to)?,
                count: count.map(u32::from),
            },
            PlayerOp::Swap { a, b } => {
                InventoryAction::Swap { a: self.slot(client, *a)?, b: self.slot(client, *b)? }
            }
            PlayerOp::QuickMove { from, to } => InventoryAction::QuickMove {
                from: self.slot(client, *from)?,
                to: self.area(client, *to)?,
            },
            PlayerOp::Collect { onto, from } => InventoryAction::Collect {
                onto: self.slot(client, *onto)?,
                from: self.areas(client, from)?,
            },
            PlayerOp::Spread { from, onto, each } => InventoryAction::Spread {
                from: self.slot(client, *from)?,
                onto: onto.iter().map(|pick| self.slot(client, *pick)).collect::<Option<_>>()?,
                each: each.map(u32::from),
            },
            PlayerOp::MoveAll { from, to } => InventoryAction::MoveAll {
                from: self.area(client, *from)?,
                to: self.area(client, *to)?,
            },
            PlayerOp::Drop { from, count } => InventoryAction::Drop {
                from: self.slot(client, *from)?,
                count: count.map(u32::from),
            },
            PlayerOp::DropAll { from } => {
                InventoryAction::DropAll { from: self.area(client, *from)? }
            }
            PlayerOp::PickUp { loot } => {
                let known = |id: &InventoryId| self.places.iter().any(|place| place.id == *id);
                let mut loots = self.in_view(client);
                loots.retain(|(id, _)| !known(id));
                let (_, from) = *loots.get(usize::from(*loot).checked_rem(loots.len())?)?;
                InventoryAction::pick_up(from, self.body(client)?)
            }
            PlayerOp::Select { slot } => {
                let slot = Hotbar::slot(usize::from(*slot) % 10);
                InventoryAction::Select { slot: (self.body(client)?, slot) }
            }
            PlayerOp::Use { slot } => InventoryAction::Use { slot: self.slot(client, *slot)? },
            PlayerOp::Sort { area } => {
                let ContainerRef { entity, container } = self.area(client, *area)?;
                let container = container.unwrap_or(ContainerKey::of(Inventory::NAME));
                InventoryAction::Sort { entity, container }
            }
            PlayerOp::Craft { recipe, times, from, to, at } => InventoryAction::Craft {
                recipe: RecipeId::of(RECIPE_KEYS[usize::from(*recipe) % RECIPE_KEYS.len()]),
                times: u32::from(*times),
                from: self.areas(client, from)?,
                to: self.area(client, *to)?,
                at: match at {
                    Some(at) => {
                        Some(self.area(client, Area { inventory: *at, container: None })?.entity)
                    }
                    None => None,
                },
            },
            PlayerOp::Beyond { inventory } => {
                let entity = self.area(client, Area { inventory: *inventory, container: None })?;
                let slot = (entity.entity, Inventory::slot(5000));
                InventoryAction::Use { slot }
            }
            other => return self.player_does_more(client, other),
        };
        Some(vec![self.request(client, action)])
    }

    fn player_does_more(&mut self, client: usize, op: &PlayerOp) -> Option<Vec<RequestId>> {
        let request = match op {
            PlayerOp::Tally => self.tally(client),
            PlayerOp::Burst { requests } => {
                return Some((0..*requests).map(|_| self.tally(client)).collect());
            }
            PlayerOp::Engrave { slot } => {
                let slot = self.own_slot(client, *slot)?;
                let label = self.next_label();
                self.request(client, Engrave { slot, label })
            }
            PlayerOp::WearOut { slot } => {
                let slot = self.own_slot(client, *slot)?;
                self.request(client, WearOut { slot })
            }
            PlayerOp::Trade { with } => {
                let with = usize::from(*with) % self.players;
                let offer = |client| {
                    let kind = PlaceKind::Offer(client);
                    self.places.iter().find(|place| place.kind == kind).map(|place| place.id)
                };
                let (mine, theirs) = (offer(client)?, offer(with)?);
                if mine == theirs {
                    return None;
                }
                self.request(client, Trade { mine, theirs })
            }
            PlayerOp::Conjure => self.request(client, Misuse::UnknownItem),
            PlayerOp::Refuse { number } => self.request(client, Misuse::Refused(*number)),
            PlayerOp::Open { place } => {
                let id = self.places[usize::from(*place) % self.places.len()].id;
                self.ask(client, move |actions| actions.open_by_id(id))
            }
            PlayerOp::Cancel { place } => {
                let id = self.places[usize::from(*place) % self.places.len()].id;
                let open = self.ask(client, move |actions| actions.open_by_id(id));
                return Some(vec![open, self.ask(client, move |actions| actions.cancel(open))]);
            }
            PlayerOp::Close { inventory } => {
                let area = self.area(client, Area { inventory: *inventory, container: None })?;
                self.ask(client, move |actions| actions.close(area.entity))
            }
            PlayerOp::TurnPage { page } => {
                let bank = self.places.iter().find(|place| place.kind == PlaceKind::Bank)?.id;
                let world = self.sim.clients[client].app.world_mut();
                let bank = world.resource::<InventoryIds>().get(bank)?;
                let page = u32::from(*page) % (super::places::PAGES + 1);
                let open = move |mut pages: PageActions| pages.open(bank, page);
                world.run_system_once(open).ok()?
            }
            PlayerOp::Scribble { slot } => {
                let (entity, slot) = self.slot(client, *slot)?;
                let world = self.sim.clients[client].app.world_mut();
                let mut there = world.get_mut::<Inventory>(entity)?;
                let stack = super::game::stack(0, 7, 0);
                there.set(usize::from(slot.index), stack).ok()?;
                return Some(Vec::new());
            }
            _ => return None,
        };
        Some(vec![request])
    }

    fn tally(&mut self, client: usize) -> RequestId {
        self.tallies += 1;
        self.request(client, Tally(self.tallies))
    }

    fn request<A: RegisteredAction>(&mut self, client: usize, action: A) -> RequestId {
        self.ask(client, move |actions| actions.request(action))
    }

    fn ask(
        &mut self,
        client: usize,
        ask: impl FnOnce(&mut InventoryActions) -> RequestId + Send + Sync + 'static,
    ) -> RequestId {
        let mut ask = Some(ask);
        let system = move |mut actions: InventoryActions| ask.take().map(|ask| ask(&mut actions));
        let world = self.sim.clients[client].app.world_mut();
        let request = world.run_system_once(system);
        request.ok().flatten().expect("the parameters exist, and the system runs once")
    }

    /// Returns the entity of a player's own inventory on its client.
    fn body(&self, client: usize) -> Option<Entity> {
        let world = self.sim.clients[client].app.world();
        world.resource::<InventoryIds>().get(self.places[client].id)
    }

    /// Returns the slot that a client shows for a pick.
    fn slot(&self, client: usize, pick: Pick) -> Option<SlotRef> {
        let shown = self.in_view(client);
        let (_, entity) = *shown.get(usize::from(pick.inventory).checked_rem(shown.len())?)?;
        let slot = self.slot_of(client, entity, pick)?;
        Some((entity, slot))
    }

    fn own_slot(&self, client: usize, pick: Pick) -> Option<Slot> {
        self.slot_of(client, self.body(client)?, pick)
    }

    fn slot_of(&self, client: usize, entity: Entity, pick: Pick) -> Option<Slot> {
        let world = self.sim.clients[client].app.world();
        let registry = world.resource::<ContainerRegistry>();
        let state = world.resource::<ConfirmedInventories>().by_entity(entity)?.shown();
        let considered = |flat: &usize| !pick.filled || state.get(*flat).is_some();
        let slots: Vec<usize> = (0..state.len()).filter(considered).collect();
        let flat = *slots.get(usize::from(pick.slot).checked_rem(slots.len())?)?;
        state.address(registry.as_slice(), flat)
    }

    fn area(&self, client: usize, area: Area) -> Option<ContainerRef> {
        let shown = self.in_view(client);
        let (_, entity) = *shown.get(usize::from(area.inventory).checked_rem(shown.len())?)?;
        let container = match area.container {
            None => None,
            Some(n) => {
                let world = self.sim.clients[client].app.world();
                let registry = world.resource::<ContainerRegistry>().as_slice();
                let state = world.resource::<ConfirmedInventories>().by_entity(entity)?.shown();
                let there = state.containers();
                let container = there.get(usize::from(n).checked_rem(there.len())?)?;
                Some(registry.get(usize::from(container.kind))?.key)
            }
        };
        Some(ContainerRef { entity, container })
    }

    fn areas(&self, client: usize, areas: &[Area]) -> Option<Vec<ContainerRef>> {
        areas.iter().map(|area| self.area(client, *area)).collect()
    }
}
