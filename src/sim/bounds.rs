//! Limits of what the server keeps for each client.

use crate::{
    server::inspect::{REQUESTS_WAITING_MAX, footprints},
    wire::COPIES_MAX,
};

use super::{report::Violation, scene::Scene};

/// Checks that the server keeps no more for any client than it may.
pub(super) fn check_footprints(scene: &Scene) -> Result<(), Violation> {
    for (client, kept) in footprints(scene.sim.server.world()) {
        let within = kept.opening <= kept.views
            && kept.throttled <= kept.views
            && kept.transferred <= 2 * kept.views
            && kept.kept_copies <= COPIES_MAX
            && kept.requests <= REQUESTS_WAITING_MAX;
        if !within {
            return Err(format!("{client}: the server keeps too much: {kept:?}"));
        }
    }
    Ok(())
}
