//! Opens and closes inventories as players ask for it, within the game's rules.

use bevy::prelude::*;
use bevy_replicon::prelude::*;

use crate::{
    ids::InventoryIds,
    model::{reason::Reason, rights::Rights},
    wire::request::Target,
};

use super::{
    GameSystems,
    access::{Openable, Owner, Viewers},
    baseline::Baseline,
    faults::Unsynced,
    pages::{self, PageOf},
    rules::{self, Ask, Purpose, Verdict},
};

/// Who opened what, to be looked at now and then.
#[derive(Resource, Default, Debug)]
pub(crate) struct Opened {
    open: Vec<Opening>,
    ticks: usize,
}

#[derive(Clone, Copy, Debug)]
struct Opening {
    unit: Entity,
    client: ClientId,
    actor: Option<Entity>,
}

impl Opening {
    fn is(&self, unit: Entity, client: ClientId) -> bool {
        self.unit == unit && self.client == client
    }
}

pub(super) fn plugin(app: &mut App) {
    app.init_resource::<Opened>().add_systems(
        PostUpdate,
        review_openings.in_set(GameSystems).run_if(|opened: Res<Opened>| !opened.open.is_empty()),
    );
}

/// Within so many ticks every opening is looked at once.
const REVIEW_TICKS: usize = 30;

/// Opens an inventory for a player. One that is not there and one that nobody may open get the same
/// answer.
pub(crate) fn open(
    world: &mut World,
    client: ClientId,
    actor: Option<Entity>,
    target: Target,
) -> Result<(), Reason> {
    let unit = match target {
        Target::Entity(entity) => entity,
        Target::Id(id) => world.resource::<InventoryIds>().get(id).ok_or(Reason::NotInView)?,
    };
    let there = world.get_entity(unit).ok().filter(|there| there.contains::<Baseline>());
    let there = there.filter(|there| !there.contains::<Unsynced>()).ok_or(Reason::NotInView)?;
    let viewer = there.get::<Viewers>().is_some_and(|v| v.rights_of(client).is_some());
    if viewer || there.get::<Owner>() == Some(&Owner(client)) {
        return Ok(());
    }
    let rights = offered(world, unit, client).ok_or(Reason::NotInView)?;
    let ask = Ask { client, actor, inventory: unit, purpose: Purpose::Open };
    if let Verdict::Refuse(reason) = rules::ask(world, &ask) {
        return Err(reason);
    }
    let Ok(mut there) = world.get_entity_mut(unit) else { return Err(Reason::NotInView) };
    let mut viewers = there.get::<Viewers>().cloned().unwrap_or_default();
    viewers.add_asked(client, rights);
    there.insert(viewers);
    pages::close_others(world, unit, client);
    let open = &mut world.resource_mut::<Opened>().open;
    open.retain(|opening| !opening.is(unit, client));
    open.push(Opening { unit, client, actor });
    Ok(())
}

/// What a player who opens an inventory may do with it; of a page of a bank what it may do with the bank.
fn offered(world: &World, unit: Entity, client: ClientId) -> Option<Rights> {
    let openable = world.get::<Openable>(unit).map(|openable| openable.0);
    let Some(page) = world.get::<PageOf>(unit) else { return openable };
    Some(pages::rights_to(world, page.bank, client)? & openable.unwrap_or(Rights::all()))
}

/// Closes an inventory that a player had opened.
pub(crate) fn close(world: &mut World, client: ClientId, unit: Entity) -> Result<(), Reason> {
    let mut opened = world.resource_mut::<Opened>();
    let before = opened.open.len();
    opened.open.retain(|opening| !opening.is(unit, client));
    let was_open = opened.open.len() < before;
    // What the game has granted since is the game's to end.
    let viewers = world.get_mut::<Viewers>(unit).filter(|viewers| viewers.has_asked(client));
    let (true, Some(mut viewers)) = (was_open, viewers) else { return Err(Reason::NotInView) };
    viewers.remove(client);
    Ok(())
}

/// Asks whether those who have opened something may go on seeing it: in each tick some of them.
fn review_openings(world: &mut World) {
    let mut opened = world.resource_mut::<Opened>();
    opened.ticks = (opened.ticks + 1) % REVIEW_TICKS;
    let ticks = opened.ticks;
    let due: Vec<_> = opened.open.iter().skip(ticks).step_by(REVIEW_TICKS).copied().collect();
    for Opening { unit, client, actor } in due {
        // The viewer may have gone, or been sent away, by other means.
        let viewers = world.get::<Viewers>(unit);
        let goes_on = viewers.is_some_and(|viewers| viewers.has_asked(client)) && {
            let ask = Ask { client, actor, inventory: unit, purpose: Purpose::Stay };
            !matches!(rules::ask(world, &ask), Verdict::Refuse(_))
        };
        if !goes_on {
            close(world, client, unit).ok();
        }
    }
}
