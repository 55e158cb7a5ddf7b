//! Checks each action that the server decided.

use crate::{
    model::{action::InventoryAction, rejection::Rejection},
    server::audit::ActionResolved,
    shared::actions::AnyAction,
};

use super::Invariants;
use crate::sim::{
    contents::{AllRights, crafted},
    game::{Engrave, Label, Tally, WearOut},
    needs::{accessed, has_rule, names_unknown},
    oracle::{Refusal, named},
    plain::Totals,
    report::{Report, Violation, variant},
    scene::Scene,
};

/// Returns the name of an action, such as `Swap`.
fn kind(action: &AnyAction) -> String {
    action.get::<InventoryAction>().map_or_else(|| action.name().into(), variant)
}

impl Invariants {
    /// Checks an action, and makes the oracle carry it out.
    pub(super) fn check_action(
        &mut self,
        scene: &mut Scene,
        resolved: &ActionResolved,
        adjust: &mut Totals,
        report: &mut Report,
    ) -> Result<(), Violation> {
        let ActionResolved { client, action, result, .. } = resolved;
        let Some(by) = scene.client_of(*client).filter(|by| *by < scene.players) else {
            return match result {
                Ok(()) => Err(format!("{client:?} is no player and acted: {action:?}")),
                Err(_) => Ok(()),
            };
        };
        if let Some(Tally(number)) = action.get::<Tally>().filter(|_| result.is_ok()) {
            // A request with other bits can repeat an action under another number.
            if !self.tallies.insert((by, *number)) && !scene.altered[by].requests {
                return Err(format!("counted action {number} of client {by} was applied twice"));
            }
        }
        if let Some(Engrave { label, .. }) = action.get() {
            scene.canaries.add(Label::numbered(*label));
        }
        if scene.is_reverting() {
            return Ok(());
        }
        match result {
            Ok(()) => self.check_applied(scene, resolved, adjust, report),
            Err(reason) => {
                report.reject(*reason);
                self.check_rejected(scene, resolved, *reason)
            }
        }
    }

    /// Checks that an applied action was possible and permitted.
    fn check_applied(
        &self,
        scene: &mut Scene,
        ActionResolved { client, actor, action, .. }: &ActionResolved,
        adjust: &mut Totals,
        report: &mut Report,
    ) -> Result<(), Violation> {
        *report.applied.entry(kind(action)).or_default() += 1;
        report.note_crafted(action.get());
        let named = named(action, *actor, &scene.oracle);
        let unseen = named.iter().find(|entity| {
            scene.place_of(**entity).is_some() && self.rights.of(scene, **entity, *client).is_none()
        });
        if let Some(entity) = unseen {
            return Err(format!("{client:?} acted on {entity}, which it does not see"));
        }
        self.rights.check_rules(scene, &named)?;
        self.rights.check_needed(scene, action, *client)?;
        let before = scene.oracle.inventories.clone();
        match scene.oracle.act(action, *actor) {
            Ok(()) => self.rights.check(scene, &before, action, *client),
            Err(Refusal::Impossible) => Err(format!("accepted, but not possible: {action:?}")),
            Err(Refusal::Unknown) => {
                report.unknown_outcomes += 1;
                crafted(scene, action.get(), adjust);
                scene.oracle.changes_kinds |=
                    action.get::<Engrave>().is_some() || action.get::<WearOut>().is_some();
                scene.oracle.unknown.extend(named);
                Ok(())
            }
        }
    }

    /// Checks that there was a reason to reject an action.
    fn check_rejected(
        &self,
        scene: &Scene,
        ActionResolved { client, actor, action, .. }: &ActionResolved,
        reason: Rejection,
    ) -> Result<(), Violation> {
        let rejected = |but: &str| Err(format!("rejected ({reason}), but {but}: {action:?}"));
        match (reason, *actor) {
            (Rejection::Locked | Rejection::TooFar, _) => {
                match has_rule(scene, action, *actor, reason) {
                    true => Ok(()),
                    false => rejected("no rule says so"),
                }
            }
            // Stored inventories are in view before they are loaded.
            (Rejection::NotInView, Some(actor))
                if scene.storing.is_none() && !names_unknown(scene, action) =>
            {
                let mut accessed = accessed(scene, action, Some(actor));
                accessed.insert(actor);
                let saw = |rights: &AllRights| rights.are_in_view(scene, &accessed, actor, *client);
                match saw(&self.earlier_rights) && saw(&self.rights) {
                    true => rejected("in view"),
                    false => Ok(()),
                }
            }
            (
                Rejection::Empty
                | Rejection::NotEnough
                | Rejection::Full
                | Rejection::Occupied
                | Rejection::NotAccepted
                | Rejection::NoSuchSlot
                | Rejection::Invalid,
                _,
            ) => match scene.oracle.clone().act(action, *actor) {
                Ok(()) => rejected("possible"),
                Err(_) => Ok(()),
            },
            _ => Ok(()),
        }
    }
}
