//! Registration methods for building the app.

use bevy::{
    asset::{AssetLoader, LoadContext, io::Reader},
    ecs::query::QueryFilter,
    prelude::*,
    reflect::TypePath,
};
use log::{error, info, warn};
use serde::de::DeserializeOwned;

use crate::{
    actions::{Accepted, ActionTypes, InventoryAction},
    client::reconcile,
    containers::Kinds,
    equipment,
    model::{
        action::GameAction,
        container::Container,
        data::{DataPool, ItemData},
        error::CatalogueError,
        items::{Catalogue, Items},
    },
    pages,
    public_view::{self, PublicView},
    server::{
        mark,
        rules::{self, Ask, Verdict},
    },
};

/// Extends [`App`] with the registrations of this crate. Both sides must make the same calls in the
/// same order.
pub trait InventoryAppExt {
    /// Registers a container of the game. [`Inventory`](crate::prelude::Inventory) and
    /// [`Hotbar`](crate::prelude::Hotbar) are registered by default.
    ///
    /// # Panics
    ///
    /// If a container of that name is registered, or [`KINDS_MAX`](crate::model::unit::KINDS_MAX)
    /// containers are.
    fn add_container<C: Container>(&mut self) -> &mut Self;

    /// Registers a container for equipment and emits [`Equipped`](crate::prelude::Equipped) and
    /// [`Unequipped`](crate::prelude::Unequipped) for it.
    ///
    /// # Panics
    ///
    /// If [`Self::add_container`] panics.
    fn add_equipment<C: Container>(&mut self) -> &mut Self;

    /// Registers [`Tabs`](crate::prelude::Tabs): inventories of many slots in pages, of which a
    /// player opens one at a time. See [`pages`].
    ///
    /// # Panics
    ///
    /// If [`Self::add_container`] or [`Self::add_item_data`] panics.
    fn add_pages(&mut self) -> &mut Self;

    /// Inserts the catalog. Syncing starts once there is one.
    fn insert_items<P: Send + Sync + 'static>(&mut self, items: Items<P>) -> &mut Self;

    /// Loads the catalog from an asset whose name ends in `.items.ron`. Syncing starts once it has
    /// loaded. If the file changes while the game runs, the new catalog is used, provided that
    /// keys, maximum stack sizes, tags and recipes are the same.
    fn load_items<P>(&mut self, path: &'static str) -> &mut Self
    where
        P: Send + Sync + DeserializeOwned + Default + 'static;

    /// Registers a type of custom action. [`Action`](crate::prelude::Action) is registered by
    /// default.
    ///
    /// # Panics
    ///
    /// If an action of that name is registered.
    fn add_action<A: GameAction>(&mut self) -> &mut Self;

    /// Registers a type of instance data.
    ///
    /// # Panics
    ///
    /// If a type of that name is registered, or 255 types are.
    fn add_item_data<T: ItemData>(&mut self) -> &mut Self;

    /// Like [`Self::add_action`], for any action.
    #[doc(hidden)]
    fn register_action<A: InventoryAction>(&mut self) -> &mut Self;

    /// Registers a rule: a system that the authority runs before a player opens, uses, or continues
    /// to see an inventory whose entity matches the filter `F`. See [`Ask`].
    ///
    /// ```
    /// # use bevy::prelude::*;
    /// # use bevy_inventory_sync::prelude::*;
    /// # #[derive(Component)] struct Position(Vec2);
    /// # #[derive(Component)] struct Chest;
    /// fn near(In(ask): In<Ask>, positions: Query<&Position>) -> Verdict {
    ///     let at = |entity: Option<Entity>| positions.get(entity?).ok().map(|at| at.0);
    ///     match (at(ask.actor), at(Some(ask.inventory))) {
    ///         (Some(a), Some(b)) if a.distance(b) <= 2.0 => Verdict::Allow,
    ///         _ => Verdict::Refuse(Reason::TooFar),
    ///     }
    /// }
    /// # let mut app = App::new();
    /// app.add_rule::<With<Chest>, _>(near);
    /// ```
    fn add_rule<F, M>(&mut self, rule: impl IntoSystem<In<Ask>, Verdict, M> + 'static) -> &mut Self
    where
        F: QueryFilter + 'static;

    /// Replicates a component that is derived from a container to everyone who sees the entity.
    fn add_public_view<V: PublicView>(&mut self) -> &mut Self;
}

impl InventoryAppExt for App {
    fn add_container<C: Container>(&mut self) -> &mut Self {
        self.init_resource::<Kinds>();
        let mut kinds = self.world().resource::<Kinds>().clone();
        kinds.add::<C>(self.world_mut());
        self.insert_resource(kinds);
        mark::register::<C>(self);
        reconcile::register::<C>(self);
        self
    }

    fn add_equipment<C: Container>(&mut self) -> &mut Self {
        equipment::register::<C>(self);
        self
    }

    fn add_pages(&mut self) -> &mut Self {
        pages::register(self);
        self
    }

    fn insert_items<P: Send + Sync + 'static>(&mut self, items: Items<P>) -> &mut Self {
        self.insert_resource(items.catalogue().clone()).insert_resource(items)
    }

    fn load_items<P>(&mut self, path: &'static str) -> &mut Self
    where
        P: Send + Sync + DeserializeOwned + Default + 'static,
    {
        self.init_asset::<Items<P>>().register_asset_loader(ItemsLoader::<P>::default());
        let handle: Handle<Items<P>> = self.world().resource::<AssetServer>().load(path);
        self.insert_resource(ItemsHandle(handle)).add_systems(PreUpdate, take_over_items::<P>)
    }

    fn add_action<A: GameAction>(&mut self) -> &mut Self {
        self.register_action::<A>()
    }

    fn add_item_data<T: ItemData>(&mut self) -> &mut Self {
        self.world_mut().get_resource_or_init::<DataPool>().add_type::<T>();
        self
    }

    fn register_action<A: InventoryAction>(&mut self) -> &mut Self {
        self.add_message::<Accepted<A>>();
        self.world_mut().get_resource_or_init::<ActionTypes>().add::<A>();
        self
    }

    fn add_rule<F, M>(&mut self, rule: impl IntoSystem<In<Ask>, Verdict, M> + 'static) -> &mut Self
    where
        F: QueryFilter + 'static,
    {
        rules::add::<F, M>(self.world_mut(), rule);
        self
    }

    fn add_public_view<V: PublicView>(&mut self) -> &mut Self {
        public_view::register::<V>(self);
        self
    }
}

/// Loads [`Items`] from RON.
struct ItemsLoader<P: Send + Sync + 'static>(core::marker::PhantomData<P>);

impl<P: Send + Sync + 'static> Default for ItemsLoader<P> {
    fn default() -> Self {
        Self(core::marker::PhantomData)
    }
}

impl<P: Send + Sync + 'static> TypePath for ItemsLoader<P> {
    fn type_path() -> &'static str {
        core::any::type_name::<Self>()
    }

    fn short_type_path() -> &'static str {
        "ItemsLoader"
    }
}

impl<P> AssetLoader for ItemsLoader<P>
where
    P: Send + Sync + DeserializeOwned + Default + 'static,
{
    type Asset = Items<P>;
    type Settings = ();
    type Error = CatalogueError;

    async fn load(
        &self,
        reader: &mut dyn Reader,
        _: &(),
        _: &mut LoadContext<'_>,
    ) -> Result<Items<P>, CatalogueError> {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).await?;
        let text = core::str::from_utf8(&bytes).map_err(std::io::Error::other)?;
        Items::from_ron(text)
    }

    fn extensions(&self) -> &[&str] {
        &["items.ron"]
    }
}

#[derive(Resource)]
struct ItemsHandle<P: Send + Sync + 'static>(Handle<Items<P>>);

fn take_over_items<P: Send + Sync + 'static>(
    handle: Res<ItemsHandle<P>>,
    mut events: MessageReader<AssetEvent<Items<P>>>,
    mut assets: ResMut<Assets<Items<P>>>,
    catalogue: Option<Res<Catalogue>>,
    mut commands: Commands,
) {
    let ours =
        |event: &&AssetEvent<Items<P>>| event.is_added(&handle.0) || event.is_modified(&handle.0);
    if events.read().filter(ours).count() == 0 {
        return;
    }
    let Some(items) = assets.remove(&handle.0) else { return };
    match catalogue {
        Some(there) if there.hash() != items.catalogue().hash() => {
            error!(
                "item catalog changed in more than names, icons and properties; restart to use it"
            );
        }
        Some(_) => {
            warn!("item catalog reloaded");
            commands.insert_resource(items.catalogue().clone());
            commands.insert_resource(items);
        }
        None => {
            info!("item catalog loaded with {} items", items.catalogue().len());
            commands.insert_resource(items.catalogue().clone());
            commands.insert_resource(items);
        }
    }
}
