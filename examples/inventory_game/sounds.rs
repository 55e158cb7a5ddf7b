//! Sounds of what the local player does and of what happens nearby. F2 switches them off and on.

mod switch;

use bevy::{audio::Volume, prelude::*};
use bevy_inventory_sync::{prelude::*, ui::UiButton};

use crate::{
    protocol::{Chest, Effect, EffectKind},
    view::{Flight, Pop, Shown},
};

use switch::Silent;

/// Distance at which effects can no longer be heard, in tiles.
const FAR: f32 = 12.0;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Sound {
    Pickup,
    Drop,
    Click,
    Reject,
    Craft,
    Break,
    Chop,
    Coin,
    Open,
    Close,
    Eat,
    Goal,
}

impl Sound {
    /// All sounds with their files, in the order of the variants.
    const FILES: [&str; 12] = [
        "pickup", "drop", "click", "reject", "craft", "break", "chop", "coin", "open", "close",
        "eat", "goal",
    ];
}

/// All sounds, loaded once and kept.
#[derive(Resource)]
struct Sounds([Handle<AudioSource>; 12]);

impl FromWorld for Sounds {
    fn from_world(world: &mut World) -> Self {
        let assets = world.resource::<AssetServer>();
        Self(Sound::FILES.map(|file| assets.load(format!("sounds/{file}.wav"))))
    }
}

/// Asks for a sound, with a volume between 0 and 1.
#[derive(Message, Clone, Copy, Debug)]
struct Play(Sound, f32);

pub fn plugin(app: &mut App) {
    app.init_resource::<Sounds>()
        .add_message::<Play>()
        .add_plugins(switch::plugin)
        .add_systems(Update, (effects, play.run_if(resource_equals(Silent(false)))).chain())
        .add_observer(pick_up)
        .add_observer(drop)
        .add_observer(click)
        .add_observer(reject)
        .add_observer(craft)
        .add_observer(open)
        .add_observer(close);
}

/// Plays each sound once per frame: quick moves change many slots.
fn play(mut asked: MessageReader<Play>, sounds: Res<Sounds>, mut commands: Commands) {
    let mut played: Vec<Sound> = vec![];
    for &Play(sound, volume) in asked.read() {
        if !played.contains(&sound) {
            played.push(sound);
            let settings = PlaybackSettings::DESPAWN.with_volume(Volume::Linear(volume));
            let handle = sounds.0[sound as usize].clone();
            commands.spawn((AudioPlayer::new(handle), settings));
        }
    }
}

fn effects(
    mut effects: MessageReader<Effect>,
    me: Query<&Shown, With<LocalInventory>>,
    mut plays: MessageWriter<Play>,
) {
    let Ok(me) = me.single() else { return effects.clear() };
    for Effect { kind, at } in effects.read() {
        let sound = match kind {
            EffectKind::Work => Sound::Chop,
            EffectKind::Break => Sound::Break,
            EffectKind::Eat => Sound::Eat,
            EffectKind::Coins => Sound::Coin,
            EffectKind::Offering => Sound::Craft,
            EffectKind::Goal => Sound::Goal,
        };
        let near = 1.0 - me.0.distance(*at) / FAR;
        // Everybody hears that the goal is reached.
        let volume = if sound == Sound::Goal { 1.0 } else { near };
        if volume > 0.0 {
            plays.write(Play(sound, volume));
        }
    }
}

fn pick_up(
    added: On<Add, Flight>,
    flights: Query<&Flight>,
    mine: Query<(), With<LocalInventory>>,
    mut plays: MessageWriter<Play>,
) {
    if flights.get(added.entity).is_ok_and(|flight| mine.contains(flight.to)) {
        plays.write(Play(Sound::Pickup, 1.0));
    }
}

fn drop(
    added: On<Add, Pop>,
    pops: Query<&Pop>,
    mine: Query<(), With<LocalInventory>>,
    mut plays: MessageWriter<Play>,
) {
    if pops.get(added.entity).is_ok_and(|pop| mine.contains(pop.by)) {
        plays.write(Play(Sound::Drop, 1.0));
    }
}

fn click(
    press: On<Pointer<Press>>,
    buttons: Query<(), Or<(With<Button>, With<UiButton>)>>,
    mut plays: MessageWriter<Play>,
) {
    if buttons.contains(press.event_target()) {
        plays.write(Play(Sound::Click, 1.0));
    }
}

fn reject(_: On<ActionRejected>, mut plays: MessageWriter<Play>) {
    plays.write(Play(Sound::Reject, 1.0));
}

fn craft(confirmed: On<ActionConfirmed>, mut plays: MessageWriter<Play>) {
    let action = confirmed.request.action::<InventoryAction>();
    if matches!(action, Some(InventoryAction::Craft { .. })) {
        plays.write(Play(Sound::Craft, 1.0));
    }
}

fn open(
    opened: On<InventoryOpened>,
    chests: Query<(), With<Chest>>,
    mut plays: MessageWriter<Play>,
) {
    if chests.contains(opened.entity) {
        plays.write(Play(Sound::Open, 1.0));
    }
}

fn close(
    closed: On<InventoryClosed>,
    chests: Query<(), With<Chest>>,
    mut plays: MessageWriter<Play>,
) {
    if chests.contains(closed.entity) {
        plays.write(Play(Sound::Close, 1.0));
    }
}
