//! Registration methods for building the app.

use crate::{
    model::{
        action::GameAction,
        catalog::Items,
        container::Container,
        data::{DataPool, ItemData},
    },
    shared::{
        actions::{ActionApplied, ActionTypes, RegisteredAction},
        containers::ContainerRegistry,
        items_asset,
        markers::HasContainer,
        sealed::Sealed,
    },
};
#[cfg(feature = "server")]
use bevy::ecs::query::QueryFilter;
use bevy::prelude::*;
use serde::de::DeserializeOwned;

#[cfg(feature = "client")]
use crate::client::reconcile;
#[cfg(feature = "server")]
use crate::server::{
    mark,
    requests::rules::{self, AccessDecision, AccessRequest},
};

/// Extends [`App`] with the registrations of this crate. Both sides must make the same calls before `App::finish`. The
/// order does not matter, except that containers must be registered before observers that use them.
pub trait InventoryAppExt: Sealed {
    /// Registers a container type of the game. [`Inventory`](crate::prelude::Inventory) and
    /// [`Hotbar`](crate::prelude::Hotbar) are registered by default.
    ///
    /// # Panics
    ///
    /// If a container of that name is registered already, [`CONTAINERS_MAX`](crate::model::limits::CONTAINERS_MAX)
    /// containers are registered, the app has finished, or an observer with
    /// [`Inventories`](crate::prelude::Inventories) or [`InventoryActions`](crate::prelude::InventoryActions) was added
    /// before: it would miss the container.
    fn add_container<C: Container>(&mut self) -> &mut Self;

    /// Inserts the item catalog. Syncing starts once there is one.
    fn insert_items<P: Send + Sync + 'static>(&mut self, items: Items<P>) -> &mut Self;

    /// Loads the item catalog from an asset whose name ends in `.items.ron`. Syncing starts once it has
    /// loaded. If the file changes while the game runs, the new catalog is used, provided that
    /// keys, maximum stack sizes, tags and recipes are the same.
    fn load_items<P>(&mut self, path: &'static str) -> &mut Self
    where
        P: Send + Sync + DeserializeOwned + Default + 'static;

    /// Registers a type of custom action. [`InventoryAction`](crate::prelude::InventoryAction) is registered by
    /// default.
    ///
    /// # Panics
    ///
    /// If an action of that name is registered already.
    fn add_action<A: GameAction>(&mut self) -> &mut Self;

    /// Registers a type of instance data.
    ///
    /// # Panics
    ///
    /// If a type of that name is registered already, or 255 types are registered.
    fn add_item_data<T: ItemData>(&mut self) -> &mut Self;

    /// Like [`Self::add_action`], for any action.
    #[doc(hidden)]
    fn register_action<A: RegisteredAction>(&mut self) -> &mut Self;

    /// Registers a rule: a system that the authority runs before a player opens, uses, or continues
    /// to see an inventory whose entity matches the filter `F`. See [`AccessRequest`].
    ///
    /// Rules also apply to player actions that a rule triggers. A rule that is still running denies them as
    /// [`Rejection::NotAllowed`](crate::prelude::Rejection::NotAllowed).
    ///
    /// ```
    /// # use bevy::prelude::*;
    /// # use bevy_inventory_sync::prelude::*;
    /// # #[derive(Component)] struct Position(Vec2);
    /// # #[derive(Component)] struct Chest;
    /// fn near(In(ask): In<AccessRequest>, positions: Query<&Position>) -> AccessDecision {
    ///     let at = |entity: Option<Entity>| positions.get(entity?).ok().map(|at| at.0);
    ///     match (at(ask.actor), at(Some(ask.inventory))) {
    ///         (Some(a), Some(b)) if a.distance(b) <= 2.0 => AccessDecision::Allow,
    ///         _ => AccessDecision::Deny(Rejection::TooFar),
    ///     }
    /// }
    /// # let mut app = App::new();
    /// app.add_rule::<With<Chest>, _>(near);
    /// ```
    #[cfg(feature = "server")]
    fn add_rule<F, M>(
        &mut self,
        rule: impl IntoSystem<In<AccessRequest>, AccessDecision, M> + 'static,
    ) -> &mut Self
    where
        F: QueryFilter + 'static;
}

impl InventoryAppExt for App {
    fn add_container<C: Container>(&mut self) -> &mut Self {
        self.init_resource::<ContainerRegistry>();
        let mut registry = self.world().resource::<ContainerRegistry>().clone();
        registry.add::<C>(self.world_mut());
        self.insert_resource(registry);
        self.register_required_components::<C, HasContainer>();
        #[cfg(feature = "server")]
        mark::register::<C>(self);
        #[cfg(feature = "client")]
        reconcile::register::<C>(self);
        self
    }

    fn insert_items<P: Send + Sync + 'static>(&mut self, items: Items<P>) -> &mut Self {
        self.insert_resource(items.catalog().clone()).insert_resource(items)
    }

    fn load_items<P>(&mut self, path: &'static str) -> &mut Self
    where
        P: Send + Sync + DeserializeOwned + Default + 'static,
    {
        items_asset::load::<P>(self, path);
        self
    }

    fn add_action<A: GameAction>(&mut self) -> &mut Self {
        self.register_action::<A>()
    }

    fn add_item_data<T: ItemData>(&mut self) -> &mut Self {
        self.world_mut().get_resource_or_init::<DataPool>().add_type::<T>();
        self
    }

    fn register_action<A: RegisteredAction>(&mut self) -> &mut Self {
        self.add_message::<ActionApplied<A>>();
        self.world_mut().get_resource_or_init::<ActionTypes>().add::<A>();
        self
    }

    #[cfg(feature = "server")]
    fn add_rule<F, M>(
        &mut self,
        rule: impl IntoSystem<In<AccessRequest>, AccessDecision, M> + 'static,
    ) -> &mut Self
    where
        F: QueryFilter + 'static,
    {
        rules::add::<F, M>(self.world_mut(), rule);
        self
    }
}
