//! What bystanders see: small components of their own, derived from a container and replicated to
//! everybody who sees the entity. A bystander never gets a half-empty inventory.

use bevy::{
    ecs::{component::Mutable, lifecycle::Remove},
    prelude::*,
};
use bevy_replicon::prelude::*;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    authority::Authority,
    model::{
        container::{Container, Hotbar},
        id::ItemId,
    },
};

/// A component that shows something of a container to everybody. Insert it on the server; it follows
/// the container from then on, and is the default where there is none.
///
/// Register it with [`add_public_view`](crate::prelude::InventoryAppExt::add_public_view).
pub trait PublicView:
    Component<Mutability = Mutable> + PartialEq + Default + Serialize + DeserializeOwned
{
    /// The container that it is derived from.
    type Source: Container;

    /// What is shown of it.
    fn view(source: &Self::Source) -> Self;
}

/// What a player holds: the item in the selected slot of the [`Hotbar`]. Neither count nor wear.
#[derive(Component, Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct HeldItem(pub Option<ItemId>);

impl PublicView for HeldItem {
    type Source = Hotbar;

    fn view(hotbar: &Hotbar) -> Self {
        Self(hotbar.held().map(|stack| stack.item))
    }
}

pub(crate) fn register<V: PublicView>(app: &mut App) {
    app.replicate::<V>().add_observer(hide_view::<V>).add_systems(
        PostUpdate,
        derive_views::<V>.before(ServerSystems::Send).run_if(in_state(ClientState::Disconnected)),
    );
}

/// On a client the container goes when its view closes, and what everybody sees is still the server's to say.
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

type Shown<'w, V> = (&'w <V as PublicView>::Source, &'w mut V);

fn derive_views<V: PublicView>(
    mut shown: Query<Shown<V>, Or<(Changed<<V as PublicView>::Source>, Added<V>)>>,
) {
    for (source, mut view) in &mut shown {
        view.set_if_neq(V::view(source));
    }
}
