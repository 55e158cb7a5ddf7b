//! Tickets of players who move to another world.

use core::{fmt, str::FromStr, time::Duration};

use thiserror::Error;

use crate::model::id::InventoryId;

/// Proves to another world that an account was sent there. It can be used once, before it expires, and only by that
/// account.
///
/// Its text, from [`Display`](fmt::Display), is secret: send it to the player only.
#[derive(Clone, PartialEq, Eq)]
pub struct Ticket {
    world: String,
    secret: u128,
}

impl Ticket {
    /// Returns a ticket of a world, with a secret that nobody can guess.
    ///
    /// # Errors
    ///
    /// The operating system provides no random numbers.
    pub(super) fn issue(world: impl Into<String>) -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        Ok(Self { world: world.into(), secret: u128::from_le_bytes(bytes) })
    }

    /// Returns the world that issued it.
    #[must_use]
    pub fn world(&self) -> &str {
        &self.world
    }

    /// Returns the same ticket with the world that has issued it.
    pub(super) fn issued_by(self, world: impl Into<String>) -> Self {
        Self { world: world.into(), ..self }
    }

    /// Returns the secret as bytes. A store should keep only their hash.
    pub(super) fn secret(&self) -> [u8; 16] {
        self.secret.to_le_bytes()
    }
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{:032x}", self.world, self.secret)
    }
}

/// Does not show the secret.
impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket").field("world", &self.world).finish_non_exhaustive()
    }
}

impl FromStr for Ticket {
    type Err = TicketError;

    fn from_str(text: &str) -> Result<Self, TicketError> {
        let (world, secret) = text.split_once(':').ok_or(TicketError::Malformed)?;
        let is_plain = |c: u8| c.is_ascii_hexdigit();
        if world.is_empty()
            || world.len() > 64
            || secret.len() != 32
            || !secret.bytes().all(is_plain)
        {
            return Err(TicketError::Malformed);
        }
        let secret = u128::from_str_radix(secret, 16).map_err(|_| TicketError::Malformed)?;
        Ok(Self { world: world.to_owned(), secret })
    }
}

/// Why a ticket is not accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum TicketError {
    /// The text is not that of a ticket.
    #[error("this is not a ticket")]
    Malformed,
    /// It was used, has expired, or never existed.
    #[error("the ticket was used, has expired, or never existed")]
    Unknown,
    /// It was issued for another account. It stays valid.
    #[error("the ticket is for another account")]
    OtherAccount,
    /// It was issued for another world. It stays valid.
    #[error("the ticket is for another world")]
    OtherWorld,
}

/// What a ticket was issued for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Redeemed {
    /// The inventories that have left for this world.
    pub inventories: Vec<InventoryId>,
}

/// The departure of a player from a world.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Departure {
    /// The world it leaves for.
    pub to: String,
    /// The account of the player.
    pub account: String,
    /// Its inventories.
    pub inventories: Vec<InventoryId>,
    /// The ticket to issue. Its world is still empty: it is set once the departure is stored.
    pub ticket: Ticket,
    /// How long the ticket is valid.
    pub valid_for: Duration,
}
