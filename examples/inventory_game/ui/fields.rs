//! Text fields of the menu.

use bevy::{
    input::keyboard::KeyboardInput,
    input_focus::{
        FocusCause, InputFocus, InputFocusVisible,
        tab_navigation::{NavAction, TabIndex, TabNavigation},
    },
    math::CompassOctant,
    prelude::*,
    ui::auto_directional_navigation::{AutoDirectionalNavigation, AutoDirectionalNavigator},
};

use crate::{
    protocol::Me,
    session::{Session, Wish},
};

use super::{GOLD, letters};

#[derive(Component, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Field {
    Address,
    Name,
}

/// Contents of the text fields.
#[derive(Resource, PartialEq, Eq, Debug)]
pub struct Fields {
    pub address: String,
    pub name: String,
}

impl Fields {
    pub fn words(&self, field: Field) -> String {
        match field {
            Field::Address => format!("Address   {}", self.address),
            Field::Name => format!("Name   {}", self.name),
        }
    }

    fn chars_max(field: Field) -> usize {
        match field {
            Field::Address => 40,
            Field::Name => 14,
        }
    }

    fn get_mut(&mut self, field: Field) -> &mut String {
        match field {
            Field::Address => &mut self.address,
            Field::Name => &mut self.name,
        }
    }
}

pub fn plugin(app: &mut App) {
    app.add_systems(Startup, fill)
        .add_systems(PreUpdate, (type_in, navigate).chain().after(bevy::input::InputSystems))
        .add_systems(Update, (rename, note_server, draw).chain())
        .add_observer(click);
}

fn fill(me: Res<Me>, mut commands: Commands) {
    commands.insert_resource(Fields { address: "127.0.0.1".into(), name: me.name.clone() });
}

/// Spawns a text field.
pub fn spawn<'a>(parent: &'a mut ChildSpawnerCommands, field: Field) -> EntityCommands<'a> {
    let bar = Node { width: percent(100), padding: UiRect::axes(px(5), px(2.5)), ..default() };
    let dark = BackgroundColor(Color::srgba(0.06, 0.03, 0.05, 0.5));
    let outline = Outline { width: px(1), offset: px(0), color: Color::NONE };
    let navigation = (TabIndex(0), AutoDirectionalNavigation::default());
    let mut bar = parent.spawn((bar, dark, outline, navigation, field));
    bar.with_child((letters("", Color::WHITE), field));
    bar
}

/// The field that has the focus.
fn focused(focus: &InputFocus, fields: &Query<&Field, With<Outline>>) -> Option<Field> {
    focus.get().and_then(|on| fields.get(on).ok()).copied()
}

fn type_in(
    mut keys: MessageReader<KeyboardInput>,
    focus: Res<InputFocus>,
    nodes: Query<&Field, With<Outline>>,
    mut fields: ResMut<Fields>,
    mut commands: Commands,
) {
    let Some(field) = focused(&focus, &nodes) else {
        keys.clear();
        return;
    };
    for key in keys.read().filter(|key| key.state.is_pressed()) {
        match key.key_code {
            KeyCode::Backspace => {
                fields.get_mut(field).pop();
            }
            KeyCode::Enter | KeyCode::NumpadEnter if field == Field::Address => {
                commands.trigger(Wish::Join(fields.address.clone()));
            }
            _ => {}
        }
        let typed = key.text.iter().flat_map(|text| text.chars());
        for letter in typed.filter(|letter| !letter.is_control()) {
            let room = fields.get_mut(field).chars().count() < Fields::chars_max(field);
            if room && (field == Field::Name || !letter.is_whitespace()) {
                fields.get_mut(field).push(letter);
            }
        }
    }
}

const SHIFT: [KeyCode; 2] = [KeyCode::ShiftLeft, KeyCode::ShiftRight];

/// Moves the focus from a field to the next entry. From the other entries, the widgets move it.
fn navigate(
    keys: Res<ButtonInput<KeyCode>>,
    nodes: Query<&Field, With<Outline>>,
    mut navigator: AutoDirectionalNavigator,
    tabs: TabNavigation,
) {
    let Some(on) = navigator.input_focus().filter(|on| nodes.contains(*on)) else { return };
    let arrows =
        [(KeyCode::ArrowUp, CompassOctant::North), (KeyCode::ArrowDown, CompassOctant::South)];
    if let Some((_, way)) = arrows.iter().find(|(key, _)| keys.just_pressed(*key)) {
        navigator.navigate(*way).ok();
    } else if keys.just_pressed(KeyCode::Tab) {
        // A short press in a slow frame counts.
        let back = keys.any_pressed(SHIFT) || keys.any_just_released(SHIFT);
        let action = if back { NavAction::Previous } else { NavAction::Next };
        if let Ok(next) = tabs.navigate(&InputFocus::from_entity(on), action) {
            navigator.manual_directional_navigation.focus.set(next, FocusCause::Navigated);
        }
    }
}

fn click(
    event: On<Pointer<Click>>,
    nodes: Query<(), (With<Field>, With<Outline>)>,
    mut focus: ResMut<InputFocus>,
    mut visible: ResMut<InputFocusVisible>,
) {
    if nodes.contains(event.entity) {
        focus.set(event.entity, FocusCause::Pressed);
        visible.0 = true;
    }
}

/// Updates the player's name, which is used when a game starts.
fn rename(fields: Res<Fields>, mut me: ResMut<Me>) {
    if fields.is_changed() && me.name != fields.name {
        me.name.clone_from(&fields.name);
    }
}

/// Fills in the address of the last server.
fn note_server(session: Res<Session>, mut fields: ResMut<Fields>) {
    if let Session::Guest(server) = *session
        && session.is_changed()
    {
        fields.address = server.to_string();
    }
}

fn draw(
    fields: Res<Fields>,
    focus: Res<InputFocus>,
    mut nodes: Query<(Entity, &mut Outline), With<Field>>,
    mut texts: Query<(&Field, &ChildOf, &mut Text)>,
) {
    if !fields.is_changed() && !focus.is_changed() {
        return;
    }
    for (entity, mut outline) in &mut nodes {
        outline.color = if focus.get() == Some(entity) { GOLD } else { Color::NONE };
    }
    for (field, parent, mut text) in &mut texts {
        let caret = if focus.get() == Some(parent.0) { "_" } else { "" };
        text.set_if_neq(Text(fields.words(*field) + caret));
    }
}
