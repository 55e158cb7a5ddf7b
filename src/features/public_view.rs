//! Public views: small separate components that are derived from a container and replicated to
//! everyone who sees the entity. Bystanders never receive a partial inventory.

#[cfg(feature = "server")]
use crate::changes::{self, ChangeSystems};
use crate::{
    model::{builtin::Hotbar, container::Container, id::ItemId},
    shared::{authority::Authority, sealed::Sealed},
};
use bevy::{
    ecs::{component::Mutable, lifecycle::Remove},
    prelude::*,
};
use bevy_replicon::prelude::*;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// A component that shows a part of a container to everyone. Insert it on the server. From then on
/// it is updated with the container, and has the default value if there is no container.
///
/// Register it with [`add_public_view`](PublicViewAppExt::add_public_view).
pub trait PublicView:
    Component<Mutability = Mutable> + PartialEq + Default + Serialize + DeserializeOwned
{
    /// The container that the view is derived from.
    type Source: Container;

    /// Derives the view from the container.
    fn view(source: &Self::Source) -> Self;
}

/// The item in the selected slot of the [`Hotbar`], without count and wear.
#[derive(Component, Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct HeldItem(pub Option<ItemId>);

impl PublicView for HeldItem {
    type Source = Hotbar;

    fn view(hotbar: &Hotbar) -> Self {
        Self(hotbar.held().map(|stack| stack.item))
    }
}

/// Extends [`App`] with the registration of public views.
pub trait PublicViewAppExt: Sealed {
    /// Replicates a component that is derived from a container to every client that sees the entity.
    fn add_public_view<V: PublicView>(&mut self) -> &mut Self;
}

impl PublicViewAppExt for App {
    fn add_public_view<V: PublicView>(&mut self) -> &mut Self {
        register::<V>(self);
        self
    }
}

fn register<V: PublicView>(app: &mut App) {
    app.replicate::<V>();
    #[cfg(feature = "server")]
    {
        app.add_observer(hide_view::<V>).add_systems(
            PostUpdate,
            derive_views::<V>
                .before(ServerSystems::Send)
                .before(ChangeSystems::Public)
                .run_if(in_state(ClientState::Disconnected)),
        );
        changes::public::register::<V>(app);
    }
}

/// Resets the view on the authority when its container is removed. On a client, the container is
/// removed when its inventory closes, but the server still determines the public view.
fn hide_view<V: PublicView>(
    remove: On<Remove, V::Source>,
    authority: Authority,
    mut shown: Query<&mut V>,
) {
    if !authority.is_here() {
        return;
    }
    if let Ok(mut view) = shown.get_mut(remove.entity) {
        view.set_if_neq(V::default());
    }
}

type SourceAndView<'w, V> = (&'w <V as PublicView>::Source, &'w mut V);

fn derive_views<V: PublicView>(
    mut shown: Query<SourceAndView<V>, Or<(Changed<<V as PublicView>::Source>, Added<V>)>>,
) {
    for (source, mut view) in &mut shown {
        view.set_if_neq(V::view(source));
    }
}
