//! The switch that silences the game: F2, or the icon in the corner.

use bevy::prelude::*;

use crate::session::Session;

/// Width of the icon, in pixels of the interface.
const SIZE: f32 = 12.0;

/// Whether sounds are off.
#[derive(Resource, Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Silent(pub bool);

#[derive(Component, Debug)]
struct Icon;

pub fn plugin(app: &mut App) {
    app.init_resource::<Silent>()
        .add_systems(Startup, spawn)
        .add_systems(
            Update,
            (
                press,
                paint.run_if(resource_changed::<Silent>),
                hide.run_if(resource_changed::<Session>),
            )
                .chain(),
        )
        .add_observer(toggle);
}

fn spawn(assets: Res<AssetServer>, mut commands: Commands) {
    let corner = Node {
        position_type: PositionType::Absolute,
        right: px(2),
        top: px(2),
        width: px(SIZE),
        height: px(SIZE),
        ..default()
    };
    let image = ImageNode::new(assets.load(file(Silent(false))));
    commands.spawn((corner, image, Button, GlobalZIndex(3), Icon));
}

fn file(silent: Silent) -> &'static str {
    if silent.0 { "ui/sound_off.png" } else { "ui/sound_on.png" }
}

fn press(keys: Res<ButtonInput<KeyCode>>, mut silent: ResMut<Silent>) {
    if keys.just_pressed(KeyCode::F2) {
        silent.0 = !silent.0;
    }
}

fn toggle(click: On<Pointer<Click>>, icons: Query<(), With<Icon>>, mut silent: ResMut<Silent>) {
    if icons.contains(click.event_target()) {
        silent.0 = !silent.0;
    }
}

fn paint(
    silent: Res<Silent>,
    assets: Res<AssetServer>,
    mut icon: Single<&mut ImageNode, With<Icon>>,
) {
    icon.image = assets.load(file(*silent));
}

/// The menu has no icon.
fn hide(session: Res<Session>, mut icon: Single<&mut Visibility, With<Icon>>) {
    **icon = if *session == Session::None { Visibility::Hidden } else { Visibility::Inherited };
}
