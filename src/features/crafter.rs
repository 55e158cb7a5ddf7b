//! Furnaces and their kin: what is made over time.

use crate::{
    model::{
        catalog::ItemCatalog,
        container::{Container, ContainerRef},
        id::ContainerKey,
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

/// Authority: makes things by the catalog's recipes that take time, from one container of its entity
/// into another, as long as there are ingredients and room.
///
/// It makes what its entity is a station for: a recipe `at: "furnace"` is made where there is a container
/// of that name.
#[derive(Component, Clone, PartialEq, Eq, Debug)]
pub struct Crafter {
    from: ContainerKey,
    to: ContainerKey,
    making: Option<RecipeId>,
    spent: Duration,
    /// The version of the inventory at which there was nothing to make.
    idle_at: Option<u64>,
}

impl Crafter {
    /// Takes ingredients from one container and puts products into another.
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

    /// What is being made.
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
            // A client may leave out the server half.
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
            // What has not been committed yet may still change back.
            let committed = || inventories.state(entity).as_ref() == Some(baseline.state());
            crafter.idle_at = (idle && committed()).then_some(version);
        }
    }
}

impl Crafter {
    /// Goes on; says whether there is nothing to make.
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
        let going_on = self.making.and_then(|id| catalog.recipe(id));
        let going_on = going_on.filter(|recipe| can(recipe, inventories));
        let next = || catalog.recipes().find(|recipe| can(recipe, inventories));
        let recipe = match going_on {
            Some(recipe) => {
                self.spent += delta;
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
        let whole = Duration::from_millis(u64::from(recipe.millis));
        if self.spent >= whole {
            self.spent -= whole;
            let id = recipe.id();
            let made =
                inventories.run(Cause::Crafted, |tx| tx.craft(id, 1, &[from], to, Some(entity)));
            debug_assert!(made.is_ok(), "it has just been tried out");
        }
        let steps =
            self.spent.as_millis() * u128::from(CraftingProgress::STEPS) / whole.as_millis();
        inventories.show_progress(entity, u8::try_from(steps).unwrap_or(CraftingProgress::STEPS));
        false
    }

    fn area(&self, entity: Entity, container: ContainerKey) -> ContainerRef {
        ContainerRef { entity, container: Some(container) }
    }
}
