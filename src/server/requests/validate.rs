//! Reads what clients ask for. Whatever they send is checked before anything is done with it.

use bevy::{ecs::system::SystemParam, prelude::*};
use bevy_replicon::{bytes::Bytes, prelude::*, shared::message::registry::RemoteMessageRegistry};
use log::{debug, info, warn};

use crate::{
    model::{catalog::Catalogue, codec, data::DataPool, rejection::Reason},
    server::{
        health::Refusals,
        views::{
            clients::Clients,
            resync::{Epoch, Resync, SyncTick},
            subscriptions::Subscriptions,
        },
    },
    shared::{
        actions::{ActionTypes, AnyAction},
        containers::Kinds,
        events::{SyncRefused, tell_later},
        fingerprint::local_hello,
        messages::{SyncBatch, SyncRequest},
        rate::RequestLimits,
        stats::InventoryStats,
    },
    wire::{
        COPIES_MAX, DecodeError, Schema,
        bits::BitReader,
        handshake::{CONTROL, HEALS_MAX, Hello, KnownCopies, Mismatch, REFUSED, Request},
        request::{ActionReader, Body, REQUEST_BYTES_MAX, Target, read_body},
    },
};

use super::{
    act::{self, Refused},
    open,
    sessions::{ClientMisbehaved, Misbehaviour, Sessions, Turn},
};

/// Longest control request, in bytes: a hello that names as many copies as it may.
const CONTROL_BYTES_MAX: usize = 1 + codec::DECODE_BYTES_MAX;

pub(crate) fn validate_requests(
    authorized: Query<(), With<AuthorizedClient>>,
    mut requests: MessageReader<FromClient<SyncRequest>>,
    mut desk: Desk,
) {
    // A request may overtake the authorisation, which travels on another channel, and a server may still
    // be loading its catalogue.
    let loaded = desk.catalogue.is_some();
    for (client, bytes) in desk.sessions.take_early(|client| loaded && authorized.contains(client))
    {
        desk.hear(client, &bytes);
    }
    let now = desk.time.elapsed();
    for FromClient { client_id, message: SyncRequest(bytes) } in requests.read() {
        let Some(client) = client_id.entity() else { continue };
        let (admitted, news) = desk.sessions.admit(client, now, *desk.limits);
        if !admitted {
            desk.stats.requests_flooded += 1;
            desk.raise(client, news);
            continue;
        }
        let control = bytes.first() == Some(&CONTROL);
        if bytes.len() > if control { CONTROL_BYTES_MAX } else { REQUEST_BYTES_MAX } {
            desk.drop_malformed(client, "is too long");
            continue;
        }
        let authorized = authorized.contains(client);
        if loaded && authorized {
            desk.hear(client, bytes);
        } else if !desk.sessions.keep_early(client, bytes) && !authorized {
            desk.drop_malformed(client, "comes before the client is authorised");
        }
    }
}

/// What is needed to answer a request.
#[derive(SystemParam)]
pub(crate) struct Desk<'w, 's> {
    catalogue: Option<Res<'w, Catalogue>>,
    kinds: Res<'w, Kinds>,
    actions: Res<'w, ActionTypes>,
    pool: Res<'w, DataPool>,
    registry: Res<'w, RemoteMessageRegistry>,
    subscriptions: ResMut<'w, Subscriptions>,
    clients: ResMut<'w, Clients>,
    resync: ResMut<'w, Resync>,
    tick: Res<'w, SyncTick>,
    epoch: Res<'w, Epoch>,
    sessions: ResMut<'w, Sessions>,
    limits: Res<'w, RequestLimits>,
    time: Res<'w, Time<Real>>,
    messages: ResMut<'w, ServerMessages>,
    stats: ResMut<'w, InventoryStats>,
    commands: Commands<'w, 's>,
}

impl Desk<'_, '_> {
    fn drop_malformed(&mut self, client: Entity, why: &str) {
        debug!("dropping a request of client `{client}`: it {why}");
        self.stats.requests_malformed += 1;
        let news = self.sessions.malformed(client, *self.limits);
        self.raise(client, news);
    }

    fn raise(&mut self, client: Entity, news: Option<Misbehaviour>) {
        let Some(what) = news else { return };
        warn!("client `{client}` misbehaves: {what:?}");
        tell_later(&mut self.commands, ClientMisbehaved { client, what });
    }

    fn hear(&mut self, client: Entity, bytes: &Bytes) {
        if bytes.first() != Some(&CONTROL) {
            if self.clients.get(client).is_some_and(|client| client.ready) {
                self.sessions.inbox.push((client, bytes.clone()));
            } else {
                self.drop_malformed(client, "comes before the hello");
            }
            return;
        }
        let Ok(request) = codec::from_bytes::<Request>(&bytes[1..]) else {
            return self.drop_malformed(client, "does not decode");
        };
        let long = match &request {
            Request::Hello(_, named) | Request::Resync(named) => named.copies.len() > COPIES_MAX,
            Request::Heal(views) => views.len() > HEALS_MAX,
            Request::Received(_) => false,
        };
        if long {
            return self.drop_malformed(client, "names too much");
        }
        self.stats.requests_validated += 1;
        match request {
            Request::Hello(hello, named) => self.greet(client, hello, named),
            Request::Resync(named) => {
                self.stats.resyncs_asked += 1;
                self.clients.record_desync(client);
                self.resync.request(client, named);
            }
            Request::Heal(views) => {
                self.stats.heals_asked += views.len() as u64;
                self.clients.record_desync(client);
                self.resync.repair_views(client, &views, &self.subscriptions, &self.clients);
            }
            Request::Received(transfer) => self.clients.receive_transfer(client, transfer),
        }
    }

    fn greet(&mut self, client: Entity, theirs: Hello, named: KnownCopies) {
        let Some(catalogue) = &self.catalogue else { return };
        let ours = local_hello(catalogue, &self.kinds, &self.actions, &self.pool);
        if ours == theirs {
            let now = (*self.tick, *self.epoch);
            self.resync.greet(client, named, now, &mut self.subscriptions, &mut self.clients);
            return;
        }
        let mismatch = Mismatch { server: ours, client: theirs };
        info!("not syncing inventories with client `{client}`: {mismatch}");
        let refusal = SyncRefused { peer: client.into(), mismatch };
        tell_later(&mut self.commands, refusal);
        if let (Some(channel), Ok(hello)) =
            (self.registry.server_message_channel::<SyncBatch>(), codec::to_bytes(&ours))
        {
            self.messages.send(client, channel, [&[REFUSED], hello.as_slice()].concat());
        }
    }
}

/// Carries out the requests that are about inventories, in the order in which they arrived.
pub(crate) fn act_on_requests(world: &mut World) {
    let inbox = core::mem::take(&mut world.resource_mut::<Sessions>().inbox);
    for (client, bytes) in inbox {
        if let Err(error) = act_on(world, client, &bytes) {
            world
                .run_system_cached_with(drop_undecodable, (client, error))
                .unwrap_or_else(|error| warn!("{error}"));
        }
    }
}

fn drop_undecodable(In((client, error)): In<(Entity, DecodeError)>, mut desk: Desk) {
    desk.drop_malformed(client, &format!("does not decode: {error}"));
}

fn act_on(world: &mut World, client: Entity, bytes: &[u8]) -> Result<(), DecodeError> {
    let types = world.resource::<ActionTypes>().clone();
    let mut r = BitReader::new(bytes);
    let (number, body) = read_body(&mut r, types.len())?;
    let asked = decode(world, client, &types, r, body);
    let Some(session) = world.resource_mut::<Sessions>().into_inner().get_mut(client) else {
        return asked.map(drop);
    };
    match (session.turn(number), asked) {
        (Turn::New, Ok(asked)) => answer(world, client, asked),
        (Turn::New, Err(error)) => {
            // Its number can be read, so it is answered: nobody waits for ever.
            session.answer(Err(Reason::Invalid));
            world.resource_mut::<Clients>().mark_eventful(client);
            return Err(error);
        }
        (_, Err(error)) => return Err(error),
        (Turn::Impossible, Ok(_)) => return Err(DecodeError::Sequence { number }),
        (Turn::Repeated, Ok(_)) => {
            world.resource_mut::<InventoryStats>().requests_repeated += 1;
            world.resource_mut::<Clients>().mark_eventful(client);
        }
    }
    Ok(())
}

/// What a client asks.
enum Asked {
    Act { actor: Option<Entity>, witness: u16, action: AnyAction },
    Open(Target),
    Close(Entity),
}

/// Reads what follows the body, and finds the inventories that the client names.
fn decode(
    world: &World,
    client: Entity,
    types: &ActionTypes,
    mut r: BitReader,
    body: Body,
) -> Result<Asked, DecodeError> {
    let subscriptions = world.resource::<Subscriptions>();
    let clients = world.resource::<Clients>();
    let entity = |view| clients.inventory_of(client, view);
    let gone = Entity::PLACEHOLDER;
    let asked = match body {
        Body::Open(target) => Asked::Open(target),
        Body::Close { view, handle } => {
            let same = |unit: &Entity| {
                subscriptions.get(*unit).is_some_and(|views| views.handle == handle)
            };
            Asked::Close(entity(view).filter(same).unwrap_or(gone))
        }
        Body::Act { actor, witness, kind } => {
            let (catalogue, kinds) = (world.resource::<Catalogue>(), world.resource::<Kinds>());
            let schema = Schema { catalogue, kinds: kinds.as_slice() };
            let action =
                types.read(kind, &mut ActionReader { r: &mut r, schema, entity: &entity })?;
            let actor = actor.map(|view| entity(view).unwrap_or(gone));
            Asked::Act { actor, witness, action }
        }
    };
    r.end()?;
    Ok(asked)
}

fn answer(world: &mut World, client: Entity, asked: Asked) {
    let id = ClientId::Client(client);
    let result = match &asked {
        Asked::Act { actor, witness, action } => {
            // Zero says that the player went by nothing.
            act::act(world, id, *actor, action, (*witness != 0).then_some(*witness))
        }
        Asked::Open(target) => {
            let views = world.resource::<Clients>().get(client);
            let subscriptions = world.resource::<Subscriptions>();
            let actor = views.and_then(|views| subscriptions.owned_by(client, views));
            open::open(world, id, actor, *target).map_err(Refused::from)
        }
        Asked::Close(unit) => open::close(world, id, *unit).map_err(Refused::from),
    };
    let mut stats = world.resource_mut::<InventoryStats>();
    stats.requests_validated += 1;
    match &result {
        Ok(()) => stats.actions_accepted += 1,
        Err(refused) => {
            stats.actions_refused += 1;
            world.resource_mut::<Refusals>().count(refused.reason);
        }
    }
    world.resource_mut::<Clients>().mark_eventful(client);
    if let Err(refused) = &result {
        world.resource_mut::<Resync>().repair(client, &refused.believed);
    }
    if let Some(session) = world.resource_mut::<Sessions>().get_mut(client) {
        session.answer(result.map_err(|refused| refused.reason));
    }
}
