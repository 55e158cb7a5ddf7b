//! The start and pause menu, and the error of the last game. Each situation shows a subset of one list of entries.

use bevy::{
    input_focus::{FocusCause, InputFocus, InputFocusVisible},
    prelude::*,
    ui::widget::NodeImageMode,
};
use bevy_inventory_sync::ui::{ButtonPressed, TextButton};

use crate::{
    net,
    session::{Last, Paused, Port, Session, Wish},
    storage::Storage,
};

use super::{
    GOLD, LETTER_SIZE, broken, display,
    fields::{self, Field, Fields},
    floating, letters,
};

const WIDTH: f32 = 178.0;

const LINE_CHARS_MAX: usize = 42;

#[derive(Component, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Entry {
    Resume,
    Reconnect,
    Alone,
    New,
    Host,
    Join,
    Edit(Field),
    Leave,
    Quit,
}

/// All entries, in order.
const ENTRIES: [Entry; 10] = [
    Entry::Resume,
    Entry::Reconnect,
    Entry::Alone,
    Entry::New,
    Entry::Host,
    Entry::Join,
    Entry::Edit(Field::Address),
    Entry::Edit(Field::Name),
    Entry::Leave,
    Entry::Quit,
];

/// Determines which entries are shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Situation {
    /// In a game, without a menu.
    None,
    Start,
    /// The last game failed.
    Trouble,
    Pause,
}

impl Entry {
    fn is_in(self, situation: Situation, storage: &Storage) -> bool {
        if self == Self::New && !storage.has_world() {
            return false;
        }
        let begins = match self {
            Self::Alone | Self::New | Self::Host | Self::Join | Self::Edit(_) | Self::Quit => true,
            Self::Resume | Self::Reconnect | Self::Leave => false,
        };
        match situation {
            Situation::None => false,
            Situation::Start => begins,
            Situation::Trouble => begins || self == Self::Reconnect,
            Situation::Pause => matches!(self, Self::Resume | Self::Leave | Self::Quit),
        }
    }

    fn words(
        self,
        port: u16,
        last: &Last,
        fields: &Fields,
        (storage, asked): (&Storage, &AskedForNew),
    ) -> String {
        match self {
            Self::Resume => "Resume".into(),
            Self::Reconnect if matches!(last.session, Session::Guest(_)) => "Reconnect".into(),
            Self::Reconnect => "Try again".into(),
            Self::Alone if storage.has_world() => "Continue".into(),
            Self::Alone => "Single player".into(),
            Self::New if !storage.can_set_aside() => "New world: quit first".into(),
            Self::New if asked.0 => "Replace the old world? Press again".into(),
            Self::New => "New world".into(),
            Self::Host if storage.has_world() => format!("Host this world on port {port}"),
            Self::Host => format!("Host a game on port {port}"),
            Self::Join => format!("Join {}", fields.address),
            Self::Edit(field) => fields.words(field),
            Self::Leave => "Leave game".into(),
            Self::Quit => "Quit".into(),
        }
    }
}

/// Whether the player has pressed the entry for a new world once.
#[derive(Resource, Default, Debug)]
struct AskedForNew(bool);

/// The shade behind the entries.
#[derive(Component, Debug)]
struct Shade;

#[derive(Component, Debug)]
struct Title;

/// The error that ended the last game.
#[derive(Component, Debug)]
struct Trouble;

/// The line with the address at which others can join.
#[derive(Component, Debug)]
struct Address;

pub fn plugin(app: &mut App) {
    app.init_resource::<AskedForNew>()
        .add_systems(Startup, spawn)
        .add_systems(Update, (show, show_address, write).chain())
        .add_observer(choose);
}

fn spawn(assets: Res<AssetServer>, mut commands: Commands) {
    let shade = Node {
        width: percent(100),
        height: percent(100),
        position_type: PositionType::Absolute,
        align_items: AlignItems::Center,
        justify_content: JustifyContent::Center,
        ..default()
    };
    let dark = BackgroundColor(Color::srgba(0.08, 0.05, 0.1, 0.45));
    commands.spawn((shade, dark, Shade, GlobalZIndex(8))).with_children(|shade| {
        let board = Node {
            width: px(WIDTH),
            padding: UiRect::axes(px(14), px(11)),
            flex_direction: FlexDirection::Column,
            align_items: AlignItems::Center,
            row_gap: px(2),
            ..default()
        };
        shade.spawn(board).with_children(|board| {
            let slices = TextureSlicer { border: BorderRect::all(8.0), ..default() };
            let panel = ImageNode::new(assets.load("ui/panel.png"));
            let behind = Node { left: px(0), right: px(0), top: px(0), bottom: px(0), ..default() };
            board.spawn((floating(behind), panel.with_mode(NodeImageMode::Sliced(slices))));
            let title = letters("", GOLD);
            board.spawn((title, Title)).insert(TextFont::from_font_size(LETTER_SIZE * 1.8));
            let line = letters("Carry, drop and share items, alone or together.", Color::WHITE);
            board.spawn(line).insert(TextFont::from_font_size(LETTER_SIZE * 0.9));
            let plate = Node { padding: UiRect::axes(px(5), px(3)), ..default() };
            let red = BackgroundColor(Color::srgba(0.35, 0.08, 0.1, 0.9));
            let unbroken = TextLayout::no_wrap();
            board.spawn((plate, red, Trouble)).with_child((letters("", GOLD), unbroken, Trouble));
            for entry in ENTRIES {
                spawn_entry(board, entry);
            }
            let small = TextFont::from_font_size(LETTER_SIZE * 0.75);
            let dim = Color::WHITE.with_alpha(0.75);
            board.spawn((letters("", dim), Address)).insert(small.clone());
            board.spawn(letters("Use arrows and Enter, or the mouse", dim)).insert(small);
        });
    });
}

fn spawn_entry(board: &mut ChildSpawnerCommands, entry: Entry) {
    let bar = Node { width: percent(100), justify_content: JustifyContent::Center, ..default() };
    match entry {
        Entry::Edit(field) => {
            fields::spawn(board, field).insert(entry);
        }
        _ => {
            board.spawn((bar, TextButton(String::new()), entry));
        }
    }
}

fn situation(session: Session, paused: bool, last: &Last) -> Situation {
    match session {
        Session::None if last.trouble.is_some() => Situation::Trouble,
        Session::None => Situation::Start,
        _ if paused => Situation::Pause,
        _ => Situation::None,
    }
}

fn show(
    session: Res<Session>,
    (paused, storage, last): (Res<Paused>, Res<Storage>, Res<Last>),
    mut before: Local<Option<Situation>>,
    mut shade: Single<&mut Node, (With<Shade>, Without<Entry>)>,
    mut entries: Query<(Entity, &Entry, &mut Node)>,
    mut title: Single<&mut Text, (With<Title>, Without<Trouble>)>,
    mut plate: Single<&mut Node, (With<Trouble>, Without<Text>, Without<Entry>, Without<Shade>)>,
    mut trouble: Single<&mut Text, With<Trouble>>,
    (mut focus, mut visible): (ResMut<InputFocus>, ResMut<InputFocusVisible>),
) {
    let now = situation(*session, paused.0, &last);
    if *before == Some(now) && !last.is_changed() {
        return;
    }
    *before = Some(now);
    display(&mut shade, now != Situation::None);
    title.0 = match (now, *session) {
        (Situation::Pause, Session::Alone) => "Paused".into(),
        (Situation::Pause, _) => "Menu".into(),
        _ => "Inventory game".into(),
    };
    display(&mut plate, now == Situation::Trouble);
    trouble.0 = last.trouble.as_deref().map_or(String::new(), |why| broken(why, LINE_CHARS_MAX));
    for (_, entry, mut node) in &mut entries {
        display(&mut node, entry.is_in(now, &storage));
    }
    let first = ENTRIES.into_iter().find(|entry| entry.is_in(now, &storage));
    match entries.iter().find(|(_, entry, _)| Some(**entry) == first) {
        Some((entity, ..)) => {
            focus.set(entity, FocusCause::Navigated);
            visible.0 = true;
        }
        None => focus.clear(),
    }
}

/// Tells a host the address that guests enter.
fn show_address(
    session: Res<Session>,
    port: Res<Port>,
    mut line: Single<(&mut Text, &mut Node), With<Address>>,
) {
    if !session.is_changed() {
        return;
    }
    let shown = !matches!(*session, Session::Alone | Session::Guest(_));
    if shown && let Some(address) = net::own_address() {
        line.0.0 = format!("Guests join at {address}:{}", port.0);
    }
    let mut node = line.1.reborrow();
    display(&mut node, shown);
}

fn write(
    port: Res<Port>,
    (last, fields): (Res<Last>, Res<Fields>),
    (storage, asked): (Res<Storage>, Res<AskedForNew>),
    entries: Query<(Entity, &Entry, &TextButton)>,
    mut commands: Commands,
) {
    for (entity, entry, button) in &entries {
        let text = entry.words(port.0, &last, &fields, (&storage, &asked));
        if button.0 != text {
            commands.entity(entity).insert(TextButton(text));
        }
    }
}

fn choose(
    pressed: On<ButtonPressed>,
    entries: Query<&Entry>,
    (fields, storage): (Res<Fields>, Res<Storage>),
    (mut paused, mut asked): (ResMut<Paused>, ResMut<AskedForNew>),
    mut commands: Commands,
) {
    let Ok(entry) = entries.get(pressed.entity) else { return };
    let confirmed = asked.0;
    asked.0 = *entry == Entry::New && !confirmed;
    let wish = match entry {
        Entry::Resume => {
            paused.0 = false;
            return;
        }
        Entry::New if asked.0 || !storage.can_set_aside() => return,
        Entry::Edit(_) => return,
        Entry::Join => Wish::Join(fields.address.clone()),
        Entry::Reconnect => Wish::Again,
        Entry::Alone => Wish::Alone,
        Entry::New => Wish::New,
        Entry::Host => Wish::Host,
        Entry::Leave => Wish::Leave,
        Entry::Quit => Wish::Quit,
    };
    commands.trigger(wish);
}
