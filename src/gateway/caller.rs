//! The sender of a request, and what it may see.

use core::{net::IpAddr, time::Duration};
use std::sync::Arc;

use axum::http::{HeaderMap, StatusCode, header};

use crate::model::id::InventoryId;

use super::{
    app::Gateway,
    players::PlayerWatch,
    problem::Problem,
    tokens::{Grant, Scope},
    visibility::{Private, Visibility},
};

/// How long a request waits for the game to report what a player sees.
const ANSWER_TIME: Duration = Duration::from_secs(2);

/// The sender of a request.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) address: IpAddr,
    /// `None` without a token.
    pub(super) grant: Option<Grant>,
}

impl Caller {
    /// Checks the token of a request.
    ///
    /// # Errors
    ///
    /// [`Problem`] if the token is not valid, or if it is missing and required.
    pub(super) fn of(
        gateway: &Gateway,
        address: IpAddr,
        headers: &HeaderMap,
    ) -> Result<Self, Problem> {
        let unauthorized = |detail: String| Problem {
            field: Some("Authorization".into()),
            ..Problem::new(StatusCode::UNAUTHORIZED, detail)
        };
        let mut sent = headers.get_all(header::AUTHORIZATION).iter();
        let grant = match (sent.next(), sent.next()) {
            (None, _) if gateway.settings.needs_tokens() => {
                return Err(unauthorized("send a token as `Authorization: Bearer TOKEN`".into()));
            }
            (None, _) => None,
            (Some(_), Some(_)) => return Err(unauthorized("send only one token".into())),
            (Some(sent), None) => {
                let bearer = sent.to_str().ok().and_then(|sent| sent.split_once(' '));
                let token = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
                let (_, token) = token.ok_or_else(|| {
                    unauthorized("the header must be `Authorization: Bearer TOKEN`".into())
                })?;
                let checked = gateway.tokens.check(token.trim());
                Some(checked.map_err(|rejected| unauthorized(rejected.to_string()))?)
            }
        };
        Ok(Self { address, grant })
    }

    pub(super) fn scope(&self) -> Scope {
        self.grant.as_ref().map_or(Scope::Spectator, |grant| grant.scope)
    }

    /// Rejects callers that are not operators.
    ///
    /// # Errors
    ///
    /// [`Problem`] if the caller is not an operator.
    pub(super) fn must_be_operator(&self) -> Result<&Grant, Problem> {
        match &self.grant {
            Some(grant) if grant.scope == Scope::Operator => Ok(grant),
            Some(_) => Err(Problem::forbidden("this requires an operator's token")),
            None => Err(Problem {
                field: Some("Authorization".into()),
                ..Problem::new(StatusCode::UNAUTHORIZED, "this requires an operator's token")
            }),
        }
    }

    /// Starts tracking what the caller sees.
    ///
    /// # Errors
    ///
    /// [`Problem`] if the game does not answer in time.
    pub(super) async fn track_visibility(
        &self,
        gateway: &Arc<Gateway>,
    ) -> Result<VisibilityTracker, Problem> {
        let player = match self.scope() {
            Scope::Player(id) => Some(watch_player(gateway, id).await?),
            Scope::Spectator | Scope::Operator => None,
        };
        Ok(VisibilityTracker { player, everything: self.scope() == Scope::Operator })
    }
}

/// Starts tracking what a player sees.
///
/// # Errors
///
/// [`Problem`] if the game does not answer in time.
pub(super) async fn watch_player(
    gateway: &Arc<Gateway>,
    id: InventoryId,
) -> Result<PlayerWatch, Problem> {
    let mut watch = gateway.hub.players.watch(id);
    match tokio::time::timeout(ANSWER_TIME, watch.answered()).await {
        Ok(Some(())) => Ok(watch),
        _ => Err(Problem::unavailable("the game does not answer")),
    }
}

/// Tracks what a caller sees.
pub(super) struct VisibilityTracker {
    player: Option<PlayerWatch>,
    everything: bool,
}

impl VisibilityTracker {
    /// Returns what the caller sees now. Call this while [`Known`](super::hub::Known) is locked, so that both belong to
    /// the same tick.
    pub(super) fn visibility(&self) -> Visibility {
        let private = match &self.player {
            None if self.everything => Private::Everything,
            None => Private::Nothing,
            Some(player) => player.view().map_or(Private::Nothing, Private::Player),
        };
        Visibility { private, only: None }
    }

    /// Returns `true` if the caller is a player, whose rights can change at any time.
    pub(super) fn is_player(&self) -> bool {
        self.player.is_some()
    }
}
