//! Furnaces and similar stations that craft over time.

use crate::{
    model::{
        catalog::ItemCatalog,
        container::{Container, ContainerRef},
        id::ContainerKey,
        planted::{Bug, planted},
        recipe::{Recipe, RecipeId},
        transaction::Transaction,
    },
    params::inventories::Inventories,
    server::{baseline::Baseline, inspect},
    shared::{events::Cause, schedule::InventoryServerSystems},
};

use super::progress::CraftingProgress;
use core::time::Duration;

use bevy::{
    ecs::{entity_disabling::Disabled, query::Allow},
    prelude::*,
};

/// Authority: crafts the catalog's recipes that take time. It takes ingredients from one container of its
/// entity and puts products into another, as long as there are ingredients and room.
///
/// A recipe with a station, such as `at: "furnace"`, is crafted only if the entity has a container of that name.
/// Progress is lost when the recipe can no longer be crafted.
#[derive(Component, Clone, PartialEq, Eq, Debug)]
pub struct Crafter {
    from: ContainerKey,
    to: ContainerKey,
    making: Option<RecipeId>,
    spent: Duration,
    /// Version of the inventory at which there was nothing to craft.
    idle_at: Option<u64>,
}

impl Crafter {
    /// Creates a crafter that takes ingredients from container `From` and puts products into container `To`.
    #[must_use]
    pub fn new<From: Container, To: Container>() -> Self {
        Self {
            from: ContainerKey::of(From::NAME),
            to: ContainerKey::of(To::NAME),
            making: None,
            spent: Duration::ZERO,
            idle_at: None,
        }
    }

    /// Returns the recipe that is being crafted; `None` if the crafter is idle.
    #[must_use]
    pub fn making(&self) -> Option<RecipeId> {
        self.making
    }
}

pub(crate) fn plugin(app: &mut App) {
    app.add_systems(
        PostUpdate,
        run_crafters
            .in_set(InventoryServerSystems::Features)
            // A client can omit the server half.
            .run_if(inspect::server_is_present),
    );
}

fn run_crafters(
    time: Res<Time>,
    catalog: Res<ItemCatalog>,
    mut crafters: Query<(Entity, &mut Crafter, &Baseline), Allow<Disabled>>,
    mut inventories: Inventories,
) {
    for (entity, mut crafter, baseline) in &mut crafters {
        let version = baseline.version();
        if crafter.idle_at != Some(version) {
            let crafter = crafter.bypass_change_detection();
            let idle = crafter.advance(entity, time.delta(), &catalog, &mut inventories);
            // A change that is not committed yet may still be undone without a new version.
            let committed = || inventories.state(entity).as_ref() == Some(baseline.state());
            crafter.idle_at = (idle && committed()).then_some(version);
        }
    }
}

impl Crafter {
    /// Advances the crafter by `delta`. Returns `true` if there is nothing to craft.
    fn advance(
        &mut self,
        entity: Entity,
        delta: Duration,
        catalog: &ItemCatalog,
        inventories: &mut Inventories,
    ) -> bool {
        let (from, to) = (self.area(entity, self.from), self.area(entity, self.to));
        let can = |recipe: &Recipe, inventories: &Inventories| {
            let craft = |tx: &mut Transaction| {
                tx.craft(recipe.id(), 1, &[from], to, Some(entity)).map(drop)
            };
            recipe.millis > 0 && inventories.try_out(craft).is_ok()
        };
        let current = self.making.and_then(|id| catalog.recipe(id));
        let current = current.filter(|recipe| can(recipe, inventories));
        let next = || {
            let stacks = inventories.stacks_in(entity, self.from);
            let recipes = catalog.recipes_from(stacks.iter().map(|stack| stack.item));
            recipes.into_iter().find(|recipe| can(recipe, inventories))
        };
        let recipe = match current {
            Some(recipe) => {
                self.spent += if planted(Bug::SmeltsTwiceAsFast) { 2 * delta } else { delta };
                Some(recipe)
            }
            None => {
                self.spent = Duration::ZERO;
                next()
            }
        };
        self.making = recipe.map(Recipe::id);
        let Some(recipe) = recipe else {
            inventories.show_progress(entity, 0);
            return true;
        };
        let duration = Duration::from_millis(u64::from(recipe.millis));
        if self.spent >= duration {
            self.spent -= duration;
            let id = recipe.id();
            let made =
                inventories.run(Cause::Crafted, |tx| tx.craft(id, 1, &[from], to, Some(entity)));
            debug_assert!(made.is_ok(), "the same craft has just succeeded in a dry run");
        }
        let steps =
            self.spent.as_millis() * u128::from(CraftingProgress::STEPS) / duration.as_millis();
        inventories.show_progress(entity, u8::try_from(steps).unwrap_or(CraftingProgress::STEPS));
        false
    }

    fn area(&self, entity: Entity, container: ContainerKey) -> ContainerRef {
        ContainerRef { entity, container: Some(container) }
    }
}
