//! The folder with the world and the account of the player at this computer.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
    time::Duration,
};

use bevy::prelude::*;
use etcetera::BaseStrategy;

use crate::account::{self, AccountKey};

/// Number of attempts to lock the folder, and the pause between them: a previous game may still be writing.
const ATTEMPTS: usize = 20;
const PAUSE: Duration = Duration::from_millis(100);

/// A folder for one running game. A second window on the same computer is another player with its own folder.
#[derive(Resource, Debug)]
pub struct Profile {
    /// 1 for the first player at this computer.
    pub number: u32,
    folder: PathBuf,
    /// Locked until the process ends.
    _lock: File,
}

impl Profile {
    /// Opens the first folder that no other process uses, in the user's data folder.
    ///
    /// # Errors
    ///
    /// Returns a description if there is no such folder, or if it cannot be written.
    pub fn open() -> Result<Self, String> {
        let data = etcetera::base_strategy::choose_native_strategy()
            .map_err(|error| format!("The user's data folder was not found: {error}."))?
            .data_dir();
        Self::open_in(&data.join("inventory_game"))
    }

    fn open_in(players: &Path) -> Result<Self, String> {
        let failed = |error: std::io::Error| {
            format!(
                "The game cannot save its world in {}: {error}. Use --store FILE, or --unsaved.",
                players.display()
            )
        };
        for number in 1.. {
            let folder = players.join(format!("player_{number}"));
            fs::create_dir_all(&folder).map_err(failed)?;
            let lock = File::create(folder.join("lock")).map_err(failed)?;
            for attempt in 1..=ATTEMPTS {
                match lock.try_lock() {
                    Ok(()) => return Ok(Self { number, folder, _lock: lock }),
                    Err(TryLockError::WouldBlock) if number == 1 && attempt < ATTEMPTS => {
                        std::thread::sleep(PAUSE);
                    }
                    Err(TryLockError::WouldBlock) => break,
                    Err(TryLockError::Error(error)) => return Err(failed(error)),
                }
            }
        }
        unreachable!("the numbers do not run out")
    }

    /// Returns the file of the world.
    pub fn world(&self) -> PathBuf {
        self.folder.join("world.db")
    }

    /// Returns the account key of the player.
    ///
    /// # Errors
    ///
    /// Returns a description if the file cannot be read or written.
    pub fn account(&self) -> Result<AccountKey, String> {
        account::load_or_create(&self.folder.join("account"))
    }

    /// Returns the name that the player used last. `None` if there is none, or if it cannot be read.
    pub fn name(&self) -> Option<String> {
        let name = fs::read_to_string(self.name_file()).ok()?;
        Some(name.trim().to_owned()).filter(|name| !name.is_empty())
    }

    /// Saves the name for the next start.
    ///
    /// # Errors
    ///
    /// Returns a description if the file cannot be written.
    pub fn save_name(&self, name: &str) -> Result<(), String> {
        let file = self.name_file();
        fs::write(&file, name).map_err(|error| format!("Cannot write {}: {error}.", file.display()))
    }

    fn name_file(&self) -> PathBuf {
        self.folder.join("name")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_running_game_has_a_folder_of_its_own_and_finds_it_again() {
        let players = tempfile::tempdir().unwrap();
        let first = Profile::open_in(players.path()).unwrap();
        let second = Profile::open_in(players.path()).unwrap();
        assert_ne!(first.world(), second.world());
        assert_eq!((first.number, second.number), (1, 2));
        let (account, world) = (first.account().unwrap(), first.world());
        assert_ne!(second.account().unwrap(), account);
        assert_eq!(first.name(), None);
        first.save_name("Ada").unwrap();
        drop(first);
        let again = Profile::open_in(players.path()).unwrap();
        assert_eq!((again.account().unwrap(), again.world()), (account, world));
        assert_eq!(again.name().as_deref(), Some("Ada"));
    }
}
