//! Loads the item catalog from an asset, and replaces it when the file changes.

use bevy::{
    asset::{AssetLoader, LoadContext, io::Reader},
    prelude::*,
    reflect::TypePath,
};
use log::{error, info, warn};
use serde::de::DeserializeOwned;

use crate::model::catalog::{ItemCatalog, Items, error::CatalogError};

/// Loads the catalog from this asset path, now and whenever it changes.
pub(crate) fn load<P>(app: &mut App, path: &'static str)
where
    P: Send + Sync + DeserializeOwned + Default + 'static,
{
    app.init_asset::<Items<P>>().register_asset_loader(ItemsLoader::<P>::default());
    let handle: Handle<Items<P>> = app.world().resource::<AssetServer>().load(path);
    app.insert_resource(ItemsHandle(handle)).add_systems(PreUpdate, take_over_items::<P>);
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
    type Error = CatalogError;

    async fn load(
        &self,
        reader: &mut dyn Reader,
        _: &(),
        _: &mut LoadContext<'_>,
    ) -> Result<Items<P>, CatalogError> {
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
    catalog: Option<Res<ItemCatalog>>,
    mut commands: Commands,
) {
    let ours =
        |event: &&AssetEvent<Items<P>>| event.is_added(&handle.0) || event.is_modified(&handle.0);
    if events.read().filter(ours).count() == 0 {
        return;
    }
    let Some(items) = assets.remove(&handle.0) else { return };
    match catalog {
        Some(current) if current.hash() != items.catalog().hash() => {
            error!(
                "item catalog changed in more than names, icons and properties; restart to use it"
            );
        }
        Some(_) => {
            warn!("item catalog reloaded");
            commands.insert_resource(items.catalog().clone());
            commands.insert_resource(items);
        }
        None => {
            info!("item catalog loaded with {} items", items.catalog().len());
            commands.insert_resource(items.catalog().clone());
            commands.insert_resource(items);
        }
    }
}
