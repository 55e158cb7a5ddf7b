//! Tokens. They determine what a caller sees.

use core::{fmt, time::Duration};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use bevy::prelude::Resource;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use thiserror::Error;
use tokio::sync::watch;

use crate::model::id::InventoryId;

use super::clock;

/// What a caller may do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Scope {
    /// Sees what [public views](crate::features::public_view) show to everyone.
    Spectator,
    /// Also sees what the client of the player who owns this inventory currently sees: nothing while the player is not
    /// connected.
    Player(InventoryId),
    /// Sees everything, and may run the commands that the game registered.
    Operator,
}

impl Scope {
    /// Returns the name used in responses.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Spectator => "spectator",
            Self::Player(_) => "player",
            Self::Operator => "operator",
        }
    }
}

/// Prefix of every token, so that secret scanners detect leaked tokens.
const PREFIX: &str = "invgw";

/// Number of random bytes in the name of a token, and in its secret.
const NAME_BYTES: usize = 8;
const SECRET_BYTES: usize = 32;

/// A secret that a caller sends as `Authorization: Bearer TOKEN`.
#[derive(Clone, PartialEq, Eq)]
pub struct GatewayToken(String);

/// Error returned when a string is not a token.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("a token has the form {PREFIX}-NAME-SECRET, with 16 and 64 hexadecimal digits")]
pub struct TokenFormatError;

impl GatewayToken {
    /// Returns a random token.
    ///
    /// # Panics
    ///
    /// If the operating system cannot provide random numbers.
    #[must_use]
    pub fn random() -> Self {
        let mut bytes = [0; NAME_BYTES + SECRET_BYTES];
        getrandom::fill(&mut bytes).expect("the operating system provides random numbers");
        let (name, secret) = bytes.split_at(NAME_BYTES);
        Self(format!("{PREFIX}-{}-{}", hex(name), hex(secret)))
    }

    /// Parses a token that was created by [`random`](Self::random), for example from an environment variable.
    ///
    /// # Errors
    ///
    /// [`TokenFormatError`] if the string is not a token.
    pub fn parse(text: &str) -> Result<Self, TokenFormatError> {
        split(text).ok_or(TokenFormatError)?;
        Ok(Self(text.to_owned()))
    }

    /// Returns the token as a string. Never log it.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.0
    }

    /// Returns the part that is not secret, for logs.
    #[must_use]
    pub fn name(&self) -> &str {
        split(&self.0).map_or("", |(name, _)| name)
    }
}

/// Shows only the name.
impl fmt::Debug for GatewayToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GatewayToken({}…)", self.name())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the name and the secret of a token.
fn split(text: &str) -> Option<(&str, &str)> {
    let (name, secret) = text.strip_prefix(PREFIX)?.strip_prefix('-')?.split_once('-')?;
    let is_hex = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let has_form = name.len() == 2 * NAME_BYTES && secret.len() == 2 * SECRET_BYTES;
    (has_form && is_hex(name) && is_hex(secret)).then_some((name, secret))
}

/// The valid tokens, stored as hashes. Cheap to clone. All clones share the same tokens.
#[derive(Resource, Clone, Debug)]
pub struct GatewayTokens(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    known: Mutex<HashMap<String, Known>>,
    /// Number of tokens that were added.
    added: AtomicU64,
    /// Changes when a token is revoked.
    revoked: watch::Sender<u64>,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    /// Differs each time the token is added.
    number: u64,
    hash: [u8; 32],
    scope: Scope,
    expires: Option<Instant>,
}

/// What a valid token grants.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Grant {
    pub(super) name: String,
    number: u64,
    pub(super) scope: Scope,
    pub(super) expires: Option<Instant>,
}

/// Why a token is rejected.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub(super) enum TokenRejected {
    #[error("the token is not valid")]
    Unknown,
    #[error("the token has expired")]
    Expired,
}

impl Default for GatewayTokens {
    fn default() -> Self {
        let (known, revoked) = (Mutex::default(), watch::Sender::new(0));
        Self(Arc::new(Shared { known, added: AtomicU64::new(0), revoked }))
    }
}

impl GatewayTokens {
    fn known(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a token valid until it is revoked or `lifetime` has passed. Removes expired tokens.
    pub fn add(&self, token: &GatewayToken, scope: Scope, lifetime: Option<Duration>) {
        let now = clock::now();
        // The format was checked when the token was created.
        let Some((name, secret)) = split(&token.0) else { return };
        let expires = lifetime.and_then(|lifetime| now.checked_add(lifetime));
        let number = self.0.added.fetch_add(1, Ordering::Relaxed);
        let known = Known { number, hash: Sha256::digest(secret).into(), scope, expires };
        let mut all = self.known();
        all.retain(|_, known| known.expires.is_none_or(|expires| expires > now));
        all.insert(name.to_owned(), known);
        drop(all);
        // Streams that use an earlier grant of this token end.
        self.0.revoked.send_modify(|number| *number += 1);
    }

    /// Creates a token and makes it valid, for example for a player who has signed in.
    #[must_use]
    pub fn issue(&self, scope: Scope, lifetime: Option<Duration>) -> GatewayToken {
        let token = GatewayToken::random();
        self.add(&token, scope, lifetime);
        token
    }

    /// Revokes a token and ends its event streams.
    pub fn revoke(&self, token: &GatewayToken) {
        self.known().remove(token.name());
        self.0.revoked.send_modify(|number| *number += 1);
    }

    /// Revokes all tokens of a scope and ends their event streams.
    pub fn revoke_all(&self, scope: Scope) {
        self.known().retain(|_, known| known.scope != scope);
        self.0.revoked.send_modify(|number| *number += 1);
    }

    /// Returns a receiver that changes when a token is revoked.
    pub(super) fn revoked(&self) -> watch::Receiver<u64> {
        self.0.revoked.subscribe()
    }

    /// Checks a token sent by a caller. The running time does not depend on the secret.
    ///
    /// # Errors
    ///
    /// [`TokenRejected`] if the token is unknown or has expired.
    pub(super) fn check(&self, token: &str) -> Result<Grant, TokenRejected> {
        let (name, secret) = split(token).ok_or(TokenRejected::Unknown)?;
        let hash: [u8; 32] = Sha256::digest(secret).into();
        let known = self.known().get(name).copied();
        let same = hash.ct_eq(&known.map_or([0; 32], |known| known.hash));
        let Known { number, scope, expires, .. } =
            known.filter(|_| same.into()).ok_or(TokenRejected::Unknown)?;
        let grant = Grant { name: name.to_owned(), number, scope, expires };
        if grant.has_expired() { Err(TokenRejected::Expired) } else { Ok(grant) }
    }

    /// Returns `true` if the token of a grant has not been revoked.
    pub(super) fn is_valid(&self, grant: &Grant) -> bool {
        self.known().get(&grant.name).is_some_and(|known| known.number == grant.number)
    }
}

impl Grant {
    pub(super) fn has_expired(&self) -> bool {
        self.expires.is_some_and(|expires| expires <= clock::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_token_is_accepted() {
        let tokens = GatewayTokens::default();
        let token = tokens.issue(Scope::Operator, None);
        assert_eq!(tokens.check(token.secret()).unwrap().scope, Scope::Operator);
        for at in 0..token.secret().len() {
            let mut wrong = token.secret().as_bytes().to_vec();
            wrong[at] = if wrong[at] == b'0' { b'1' } else { b'0' };
            let wrong = String::from_utf8(wrong).unwrap();
            assert_eq!(tokens.check(&wrong), Err(TokenRejected::Unknown), "{at}");
        }
        for wrong in ["", "invgw", "invgw--", &token.secret()[1..], &format!("{}0", token.secret())]
        {
            assert_eq!(tokens.check(wrong), Err(TokenRejected::Unknown), "{wrong}");
        }
    }

    #[test]
    fn tokens_expire_and_are_revoked() {
        let tokens = GatewayTokens::default();
        let expired = tokens.issue(Scope::Spectator, Some(Duration::ZERO));
        assert_eq!(tokens.check(expired.secret()), Err(TokenRejected::Expired));
        let player = Scope::Player(InventoryId::sequential(1));
        let (first, second) = (tokens.issue(player, None), tokens.issue(Scope::Operator, None));
        let (grant, revoked) = (tokens.check(first.secret()).unwrap(), tokens.revoked());
        assert!(tokens.is_valid(&grant) && !revoked.has_changed().unwrap());
        tokens.revoke(&first);
        assert!(!tokens.is_valid(&grant) && revoked.has_changed().unwrap());
        assert_eq!(tokens.check(first.secret()), Err(TokenRejected::Unknown));
        tokens.revoke_all(player);
        assert!(tokens.check(second.secret()).is_ok());
        // Expired tokens are removed when the next one is added.
        assert_eq!(tokens.known().len(), 1);
    }

    #[test]
    fn secrets_are_not_in_debug_output() {
        let tokens = GatewayTokens::default();
        let token = tokens.issue(Scope::Operator, None);
        let secret = token.secret().rsplit('-').next().unwrap();
        assert!(!format!("{token:?} {tokens:?}").contains(secret));
        assert_eq!(GatewayToken::parse(token.secret()).unwrap(), token);
        assert_eq!(GatewayToken::parse("operator"), Err(TokenFormatError));
    }
}
