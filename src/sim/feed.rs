//! Collects what the apps of a simulated game report.

use bevy::{platform::collections::HashMap, prelude::*};

use crate::{
    model::rejection::Rejection,
    server::{
        audit::{ActionResolved, UnaccountedItems},
        requests::sessions::ClientViolation,
    },
    shared::actions::{ActionConfirmed, ActionRejected, RequestId, Requested},
};

use super::{game::Tally, mirror};

/// What the server reported since the last tick, in order.
#[derive(Resource, Default)]
pub struct ServerFeed {
    /// The actions that were decided.
    pub resolved: Vec<ActionResolved>,
    /// Items that appeared or disappeared.
    pub unaccounted: Vec<UnaccountedItems>,
    /// Clients that violated the protocol.
    pub violations: Vec<ClientViolation>,
}

/// The answers that a client's player received.
#[derive(Resource, Default)]
pub struct ClientFeed {
    /// Number of answers to each request.
    pub answers: HashMap<RequestId, u32>,
    /// Reasons of rejections since the last tick.
    pub rejections: Vec<Rejection>,
    /// Number of confirmations.
    pub confirmed: u64,
    /// Counted actions that were confirmed.
    pub confirmed_tallies: Vec<u32>,
    /// Counted actions that were rejected by the server.
    pub rejected_tallies: Vec<u32>,
}

/// Collects reports in an app, as a server or as a client.
pub fn install(app: &mut App) {
    mirror::install(app);
    app.init_resource::<ServerFeed>()
        .init_resource::<ClientFeed>()
        .add_systems(Last, collect)
        .add_observer(|answer: On<ActionConfirmed>, mut feed: ResMut<ClientFeed>| {
            *feed.answers.entry(answer.id).or_default() += 1;
            feed.confirmed += 1;
            feed.confirmed_tallies.extend(tally(&answer.request));
        })
        .add_observer(|answer: On<ActionRejected>, mut feed: ResMut<ClientFeed>| {
            *feed.answers.entry(answer.id).or_default() += 1;
            feed.rejections.push(answer.reason);
            // After these, only the slots show whether an action was applied.
            let unsure = [Rejection::Unanswered, Rejection::NotConnected].contains(&answer.reason);
            feed.rejected_tallies.extend(tally(&answer.request).filter(|_| !unsure));
        });
}

fn tally(request: &Requested) -> Option<u32> {
    let Requested::Action(action) = request else { return None };
    action.get::<Tally>().map(|tally| tally.0)
}

fn collect(
    mut resolved: MessageReader<ActionResolved>,
    mut unaccounted: MessageReader<UnaccountedItems>,
    mut violations: MessageReader<ClientViolation>,
    mut feed: ResMut<ServerFeed>,
) {
    feed.resolved.extend(resolved.read().cloned());
    feed.unaccounted.extend(unaccounted.read().copied());
    feed.violations.extend(violations.read().copied());
}
