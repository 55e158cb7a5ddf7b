//! Which account each player name belongs to. Stored with the world.

use bevy::prelude::*;
use bevy_inventory_sync::{
    prelude::*,
    store::{components::PersistComponent, persist::Persist},
};
use serde::{Deserialize, Serialize};

use crate::{account::Account, storage::WorldSuffix};

/// Maximum number of names. The name that has not been used for the longest time is removed.
const NAMES_MAX: usize = 800;

/// Names in lower case with their accounts. Each account has one name, and the last one was used most recently.
#[derive(Component, Clone, Default, Debug, Serialize, Deserialize)]
pub struct Registry(Vec<(String, Account)>);

impl PersistComponent for Registry {
    const NAME: &'static str = "player_names";
}

/// The name belongs to another account.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NameTaken;

impl Registry {
    /// Gives a name to an account, which loses the name that it had before.
    pub fn claim(&mut self, name: &str, account: Account) -> Result<(), NameTaken> {
        let name = name.trim().to_lowercase();
        if self.0.iter().any(|(there, owner)| *there == name && *owner != account) {
            return Err(NameTaken);
        }
        self.0.retain(|(_, owner)| *owner != account);
        self.0.push((name, account));
        if self.0.len() > NAMES_MAX {
            self.0.remove(0);
        }
        Ok(())
    }
}

pub fn place(world: Res<WorldSuffix>, mut commands: Commands) {
    let id = InventoryId::named(&format!("names{}", world.0), 1);
    // What is stored is an inventory with components.
    commands.spawn((
        id,
        Name::new("player names"),
        Inventory::new(0),
        Registry::default(),
        Persist,
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: Account = Account::Derived(1);
    const BRUNO: Account = Account::Derived(2);

    #[test]
    fn a_name_belongs_to_the_first_account_that_uses_it() {
        let mut names = Registry::default();
        assert_eq!(names.claim("Ada", ADA), Ok(()));
        for same in ["Ada", "ada", " ADA "] {
            assert_eq!(names.claim(same, BRUNO), Err(NameTaken));
            assert_eq!(names.claim(same, ADA), Ok(()));
        }
        assert_eq!(names.claim("Ada", Account::Number(1)), Err(NameTaken));
    }

    #[test]
    fn a_player_who_changes_its_name_gives_the_old_one_away() {
        let mut names = Registry::default();
        names.claim("Ada", ADA).unwrap();
        names.claim("Bruno", BRUNO).unwrap();
        assert_eq!(names.claim("Bruno", ADA), Err(NameTaken));
        names.claim("Adele", ADA).unwrap();
        assert_eq!(names.claim("Ada", BRUNO), Ok(()));
        assert_eq!(names.0.len(), 2);
    }

    #[test]
    fn the_number_of_names_is_limited() {
        let mut names = Registry::default();
        for number in 0..2000 {
            names.claim(&format!("Player {number}"), Account::Derived(number)).unwrap();
            names.claim("Ada", Account::Number(1)).unwrap();
        }
        assert_eq!(names.0.len(), NAMES_MAX);
        assert_eq!(names.claim("Ada", BRUNO), Err(NameTaken));
        assert_eq!(names.claim("Player 1999", BRUNO), Err(NameTaken));
    }
}
