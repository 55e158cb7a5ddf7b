//! Accounts: a secret key in a file of the player, and the number that a server derives from it.

use core::{fmt, str::FromStr};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::Path,
};

use bevy_inventory_sync::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::storage::beside;

/// The secret by which a player is recognized. A client sends it to the server, which keeps only the [`Account`].
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AccountKey {
    Random([u8; 16]),
    /// From a file that was written before there were keys.
    Number(u64),
}

impl AccountKey {
    pub fn random() -> Self {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).expect("the operating system provides random numbers");
        Self::Random(bytes)
    }

    /// Returns the key of a player that needs no protection: a bot on a server in the same process.
    pub fn of_bot(name: &str) -> Self {
        let hash = Sha256::digest(["inventory_game bot ", name].concat());
        Self::Random(core::array::from_fn(|index| hash[index]))
    }

    pub fn account(&self) -> Account {
        match self {
            Self::Random(key) => {
                let hash = Sha256::digest([b"inventory_game account ".as_slice(), key].concat());
                Account::Derived(u64::from_le_bytes(core::array::from_fn(|index| hash[index])))
            }
            Self::Number(number) => Account::Number(*number),
        }
    }

    fn to_text(self) -> String {
        match self {
            Self::Random(bytes) => format!("{:032x}", u128::from_be_bytes(bytes)),
            Self::Number(number) => number.to_string(),
        }
    }
}

/// Does not print the secret.
impl fmt::Debug for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccountKey")
    }
}

impl FromStr for AccountKey {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let number = u128::from_str_radix(text, 16).map_err(drop)?;
            Ok(Self::Random(number.to_be_bytes()))
        } else {
            text.parse().map(Self::Number).map_err(drop)
        }
    }
}

/// Identifies a player on servers and in stores. It does not reveal a random key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Account {
    Derived(u64),
    /// Distinct from all derived numbers, so that nobody can join with the derived number of another player.
    Number(u64),
}

impl Account {
    /// Returns the id of an inventory of this player.
    pub fn inventory(self, kind: &str) -> InventoryId {
        match self {
            Self::Derived(number) => InventoryId::named(&format!("{kind} by key"), number),
            Self::Number(number) => InventoryId::named(kind, number),
        }
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Derived(number) => write!(f, "key {number:016x}"),
            Self::Number(number) => write!(f, "{number}"),
        }
    }
}

/// Returns the key of the player at this computer. The file is created if there is none.
///
/// # Errors
///
/// Returns a description if the file cannot be read or written.
pub fn load_or_create(file: &Path) -> Result<AccountKey, String> {
    let failed = |error: io::Error| format!("{}: {error}", file.display());
    match fs::read_to_string(file) {
        Ok(text) => {
            let key = text.trim().parse();
            key.map_err(|()| format!("{}: not a valid account key", file.display()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key = AccountKey::random();
            // A partially written file would make every later start fail.
            let new = beside(file, ".new");
            fs::remove_file(&new).ok();
            let mut written = create_private(&new).map_err(failed)?;
            writeln!(written, "{}", key.to_text()).map_err(failed)?;
            written.sync_all().map_err(failed)?;
            fs::rename(&new, file).map_err(failed)?;
            Ok(key)
        }
        Err(error) => Err(failed(error)),
    }
}

/// Creates a file that only this user can read, where the system supports it.
fn create_private(file: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_created_once_and_only_its_user_can_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("account");
        let key = load_or_create(&file).unwrap();
        assert_eq!(load_or_create(&file).unwrap(), key);
        assert_ne!(load_or_create(&folder.path().join("other")).unwrap(), key);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_number_of_an_earlier_version_is_the_same_player_as_before() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("account");
        fs::write(&file, "18446744073709551615\n").unwrap();
        let account = load_or_create(&file).unwrap().account();
        assert_eq!(account.inventory("player"), InventoryId::named("player", u64::MAX));
        assert_eq!(account.to_string(), u64::MAX.to_string());
    }

    #[test]
    fn a_damaged_file_is_reported_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("account");
        for text in ["", "-1", "18446744073709551616", "0123456789abcdef0123456789abcdeg"] {
            fs::write(&file, text).unwrap();
            assert!(load_or_create(&file).is_err(), "{text}");
            assert_eq!(fs::read_to_string(&file).unwrap(), text);
        }
    }

    #[test]
    fn the_derived_number_of_a_player_is_not_a_key_of_that_player() {
        let key = AccountKey::random();
        let Account::Derived(number) = key.account() else { panic!("the key is random") };
        let other = AccountKey::Number(number).account();
        assert_ne!(other, key.account());
        assert_ne!(other.inventory("player"), key.account().inventory("player"));
        assert!(!format!("{key:?}").contains(&key.to_text()));
    }
}
