//! Text fields of the menu.

use bevy::{input::keyboard::KeyboardInput, prelude::*};

use crate::{protocol::Me, session::Session};

use super::{focus::Focus, menu::Entry};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
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
    app.add_systems(Startup, fill).add_systems(Update, (type_in, rename, note_server).chain());
}

fn fill(me: Res<Me>, mut commands: Commands) {
    commands.insert_resource(Fields { address: "127.0.0.1".into(), name: me.name.clone() });
}

fn type_in(
    mut keys: MessageReader<KeyboardInput>,
    focus: Res<Focus>,
    entries: Query<&Entry>,
    mut fields: ResMut<Fields>,
) {
    let Some(Entry::Edit(field)) = focus.on.and_then(|on| entries.get(on).ok()).copied() else {
        keys.clear();
        return;
    };
    for key in keys.read().filter(|key| key.state.is_pressed()) {
        if key.key_code == KeyCode::Backspace {
            fields.get_mut(field).pop();
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
