//! A short list of the keys for the current screen. F1 shows and hides it.

use bevy::{input_focus::InputFocusVisible, prelude::*};

use crate::session::{IsPlayed, Session};

use super::{Backpack, GOLD, SMALL_LETTERS, display, floating, letters, plate};

const WORLD: &[(&str, &str)] = &[
    ("WASD", "walk"),
    ("Space", "pick up"),
    ("E", "backpack"),
    ("F", "open chest"),
    ("1-9, wheel", "select"),
    ("R", "use, eat"),
    ("T", "trade"),
    ("Q, Ctrl+Q", "drop one, all"),
    ("Esc", "menu"),
    ("F3", "sync overlay"),
    ("F1", "hide keys"),
];

const MOUSE: &[(&str, &str)] = &[
    ("Click, drag", "move"),
    ("Right-click", "half, one"),
    ("Drag across", "spread"),
    ("Shift-click", "quick-move"),
    ("Double-click", "collect"),
    ("1-9", "to hotbar"),
    ("Q, Ctrl+Q", "drop one, all"),
    ("Arrows", "use keyboard"),
    ("E", "close"),
    ("F1", "hide keys"),
];

const KEYBOARD: &[(&str, &str)] = &[
    ("Arrows, Tab", "move focus"),
    ("Enter", "take, place"),
    ("Space", "half, one"),
    ("Shift+Enter", "quick-move"),
    ("Enter twice", "collect"),
    ("1-9", "to hotbar"),
    ("Q, Ctrl+Q", "drop one, all"),
    ("Esc", "close"),
    ("F1", "hide keys"),
];

const ROWS: usize = 11;

/// Whether the player wants to see the keys.
#[derive(Resource, Debug)]
struct Wanted(bool);

#[derive(Component, Debug)]
struct Corner;

/// The index of a line, and whether the cell shows the key (`true`) or its function.
#[derive(Component, Debug)]
struct Cell(usize, bool);

pub fn plugin(app: &mut App) {
    app.insert_resource(Wanted(true))
        .add_systems(Startup, spawn)
        .add_systems(Update, (toggle, write).chain());
}

fn spawn(mut commands: Commands) {
    let corner = Node {
        right: px(2),
        bottom: px(2),
        padding: UiRect::axes(px(3.5), px(2.5)),
        column_gap: px(4),
        ..default()
    };
    let plate = plate(0.7);
    commands.spawn((floating(corner), plate, Corner, GlobalZIndex(3))).with_children(|corner| {
        for is_key in [true, false] {
            let column = Node {
                flex_direction: FlexDirection::Column,
                align_items: if is_key { AlignItems::End } else { AlignItems::Start },
                ..default()
            };
            corner.spawn((column, Pickable::IGNORE)).with_children(|column| {
                for row in 0..ROWS {
                    let color = if is_key { GOLD } else { Color::WHITE };
                    let cell = (letters("", color), Cell(row, is_key));
                    column.spawn(cell).insert(TextFont::from_font_size(SMALL_LETTERS));
                }
            });
        }
    });
}

fn toggle(keys: Res<ButtonInput<KeyCode>>, mut wanted: ResMut<Wanted>) {
    if keys.just_pressed(KeyCode::F1) {
        wanted.0 = !wanted.0;
    }
}

fn write(
    wanted: Res<Wanted>,
    session: Res<Session>,
    played: IsPlayed,
    backpack: Res<Backpack>,
    focus: Res<InputFocusVisible>,
    mut corner: Single<&mut Node, With<Corner>>,
    mut cells: Query<(&Cell, &mut Text)>,
) {
    let shown = wanted.0 && *session != Session::None && played.get();
    display(&mut corner, shown);
    if !shown {
        return;
    }
    let list = match (backpack.open, focus.0) {
        (false, _) => WORLD,
        (true, false) => MOUSE,
        (true, true) => KEYBOARD,
    };
    for (&Cell(row, is_key), mut text) in &mut cells {
        let (key, what) = list.get(row).copied().unwrap_or_default();
        let now = if is_key { key } else { what };
        if text.0 != now {
            text.0 = now.into();
        }
    }
}
