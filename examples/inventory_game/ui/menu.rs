//! The start and pause menu, and the error of the last game. Each situation shows a subset of one list of entries.

use bevy::{prelude::*, ui::widget::NodeImageMode};

use crate::{
    session::{Last, Paused, Port, Session, Wish},
    storage::Storage,
    view::Art,
};

use super::{
    LETTER_SIZE,
    fields::{Field, Fields},
    floating,
    focus::{Focus, Focusable, Pressed},
    letters,
    panels::GOLD,
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
        if self == Self::New && !storage.can_set_aside() {
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

    fn words(self, port: u16, last: &Last, fields: &Fields, storage: &Storage) -> String {
        match self {
            Self::Resume => "Resume".into(),
            Self::Reconnect if matches!(last.session, Session::Guest(_)) => "Reconnect".into(),
            Self::Reconnect => "Try again".into(),
            Self::Alone if storage.has_world() => "Continue".into(),
            Self::Alone => "Single player".into(),
            Self::New => "New world".into(),
            Self::Host => format!("Host a game on port {port}"),
            Self::Join => format!("Join {}", fields.address),
            Self::Edit(Field::Address) => format!("Address   {}", fields.address),
            Self::Edit(Field::Name) => format!("Name   {}", fields.name),
            Self::Leave => "Leave game".into(),
            Self::Quit => "Quit".into(),
        }
    }
}

/// The shade behind the entries.
#[derive(Component, Debug)]
struct Shade;

#[derive(Component, Debug)]
struct Title;

/// The error that ended the last game.
#[derive(Component, Debug)]
struct Trouble;

#[derive(Component, Debug)]
struct Words(Entry);

pub fn plugin(app: &mut App) {
    app.add_systems(Startup, spawn)
        .add_systems(Update, (show, write, tint).chain())
        .add_observer(choose);
}

fn spawn(art: Res<Art>, mut commands: Commands) {
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
            row_gap: px(3),
            ..default()
        };
        shade.spawn(board).with_children(|board| {
            let slices = TextureSlicer { border: BorderRect::all(8.0), ..default() };
            let wood = ImageNode::new(art.panel.clone()).with_mode(NodeImageMode::Sliced(slices));
            let behind = Node { left: px(0), right: px(0), top: px(0), bottom: px(0), ..default() };
            board.spawn((floating(behind), wood));
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
            let keys = letters("Use arrows and Enter, or the mouse", Color::WHITE.with_alpha(0.7));
            board.spawn(keys).insert(TextFont::from_font_size(LETTER_SIZE * 0.75));
        });
    });
}

fn spawn_entry(board: &mut ChildSpawnerCommands, entry: Entry) {
    let bar = Node {
        width: percent(100),
        padding: UiRect::axes(px(5), px(3)),
        justify_content: match entry {
            Entry::Edit(_) => JustifyContent::Start,
            _ => JustifyContent::Center,
        },
        ..default()
    };
    board
        .spawn((bar, BackgroundColor(Color::NONE), Focusable::Menu, Interaction::None, entry))
        .with_child((letters("", Color::WHITE), Words(entry)));
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
    (paused, storage): (Res<Paused>, Res<Storage>),
    last: Res<Last>,
    mut before: Local<Option<Situation>>,
    mut shade: Single<&mut Node, (With<Shade>, Without<Entry>)>,
    mut entries: Query<(Entity, &Entry, &mut Node)>,
    mut title: Single<&mut Text, (With<Title>, Without<Trouble>)>,
    mut plate: Single<&mut Node, (With<Trouble>, Without<Text>, Without<Entry>, Without<Shade>)>,
    mut trouble: Single<&mut Text, With<Trouble>>,
    mut focus: ResMut<Focus>,
) {
    let now = situation(*session, paused.0, &last);
    if *before == Some(now) && !last.is_changed() {
        return;
    }
    *before = Some(now);
    let display = |shown| if shown { Display::Flex } else { Display::None };
    shade.display = display(now != Situation::None);
    title.0 = if now == Situation::Pause { "Paused".into() } else { "Inventory game".into() };
    plate.display = display(now == Situation::Trouble);
    trouble.0 = last.trouble.as_deref().map(broken).unwrap_or_default();
    for (_, entry, mut node) in &mut entries {
        node.display = display(entry.is_in(now, &storage));
    }
    let first = ENTRIES.into_iter().find(|entry| entry.is_in(now, &storage));
    if let Some((entity, ..)) = entries.iter().find(|(_, entry, _)| Some(**entry) == first) {
        focus.take(entity);
    }
}

/// Breaks text into lines, because the layout does not compute the height of automatically wrapped text.
fn broken(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last().map_or(0, |line| line.chars().count());
        if line > 0 && line + word.chars().count() >= LINE_CHARS_MAX {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(if line.is_empty() { "" } else { " " });
            line.push_str(word);
        }
    }
    lines.join("\n")
}

fn write(
    port: Res<Port>,
    last: Res<Last>,
    fields: Res<Fields>,
    (focus, storage): (Res<Focus>, Res<Storage>),
    entries: Query<&Entry>,
    mut words: Query<(&mut Text, &Words)>,
) {
    if !(last.is_changed() || fields.is_changed() || focus.is_changed()) {
        return;
    }
    let on = focus.on.and_then(|on| entries.get(on).ok()).copied();
    for (mut text, &Words(entry)) in &mut words {
        let caret = matches!(entry, Entry::Edit(_)) && on == Some(entry);
        let caret = if caret { "_" } else { "" };
        text.set_if_neq(Text(entry.words(port.0, &last, &fields, &storage) + caret));
    }
}

/// Lightens the entry under the pointer; text fields are darker.
fn tint(
    mut entries: Query<
        (&Interaction, &Entry, &mut BackgroundColor),
        Or<(Changed<Interaction>, Added<Entry>)>,
    >,
) {
    for (interaction, entry, mut color) in &mut entries {
        let field = matches!(entry, Entry::Edit(_));
        color.0 = match interaction {
            Interaction::None if field => Color::srgba(0.06, 0.03, 0.05, 0.45),
            Interaction::None => Color::srgba(0.06, 0.03, 0.05, 0.22),
            _ => Color::srgba(0.99, 0.93, 0.63, 0.25),
        };
    }
}

fn choose(
    pressed: On<Pressed>,
    entries: Query<&Entry>,
    fields: Res<Fields>,
    mut focus: ResMut<Focus>,
    mut paused: ResMut<Paused>,
    mut commands: Commands,
) {
    let Ok(entry) = entries.get(pressed.entity) else { return };
    let wish = match entry {
        Entry::Resume => {
            paused.0 = false;
            return;
        }
        // A click focuses the field; Enter submits it.
        Entry::Edit(_) if !focus.by_keys => {
            focus.take(pressed.entity);
            return;
        }
        Entry::Edit(Field::Address) | Entry::Join => Wish::Join(fields.address.clone()),
        Entry::Edit(Field::Name) => return,
        Entry::Reconnect => Wish::Again,
        Entry::Alone => Wish::Alone,
        Entry::New => Wish::New,
        Entry::Host => Wish::Host,
        Entry::Leave => Wish::Leave,
        Entry::Quit => Wish::Quit,
    };
    commands.trigger(wish);
}
