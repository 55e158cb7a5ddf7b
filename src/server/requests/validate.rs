//! Reads what clients ask for. Whatever they send is checked before anything is done with it.

use bevy::{ecs::system::SystemParam, prelude::*};
use bevy_replicon::{bytes::Bytes, prelude::*, shared::message::registry::RemoteMessageRegistry};
use log::{debug, info, warn};

use crate::{
    model::{catalog::ItemCatalog, codec, data::DataPool, rejection::Rejection},
    server::{
        health::RejectionCounts,
        views::{
            clients::Clients,
            resync::{Epoch, Resync, SyncTick},
            subscriptions::Subscriptions,
        },
    },
    shared::{
        actions::{ActionTypes, AnyAction},
        containers::ContainerRegistry,
        events::{SyncRejected, emit_deferred},
        fingerprint::local_handshake,
        messages::{SyncBatch, SyncRequest},
        rate::RequestLimits,
        stats::InventoryStats,
    },
    wire::{
        COPIES_MAX, DecodeError, Schema,
        bits::BitReader,
        handshake::{
            CONTROL, Handshake, KnownCopies, ProtocolMismatch, REFUSED, REPAIRS_MAX, Request,
        },
        request::{ActionReader, REQUEST_BYTES_MAX, RequestBody, Target, read_body},
    },
};

use super::{
    act::{self, RejectedAction},
    open,
    sessions::{ClientViolation, ProtocolViolation, Sessions, Turn},
};

/// Longest control request, in bytes: a hello that names as many copies as it may.
const CONTROL_BYTES_MAX: usize = 1 + codec::DECODE_BYTES_MAX;

pub(crate) fn validate_requests(
    authorized: Query<(), With<AuthorizedClient>>,
    mut requests: MessageReader<FromClient<SyncRequest>>,
    mut desk: RequestHandler,
) {
    // A request may overtake the authorisation, which travels on another channel, and a server may still
    // be loading its catalog.
    let loaded = desk.catalog.is_some();
    for (client, bytes) in desk.sessions.take_early(|client| loaded && authorized.contains(client))
    {
        desk.handle(client, &bytes);
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
            desk.handle(client, bytes);
        } else if !desk.sessions.keep_early(client, bytes) && !authorized {
            desk.drop_malformed(client, "comes before the client is authorised");
        }
    }
}

/// What is needed to answer a request.
#[derive(SystemParam)]
pub(crate) struct RequestHandler<'w, 's> {
    catalog: Option<Res<'w, ItemCatalog>>,
    registry: Res<'w, ContainerRegistry>,
    actions: Res<'w, ActionTypes>,
    pool: Res<'w, DataPool>,
    channels: Res<'w, RemoteMessageRegistry>,
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

impl RequestHandler<'_, '_> {
    fn drop_malformed(&mut self, client: Entity, why: &str) {
        debug!("dropping a request of client `{client}`: it {why}");
        self.stats.requests_malformed += 1;
        let news = self.sessions.malformed(client, *self.limits);
        self.raise(client, news);
    }

    fn raise(&mut self, client: Entity, news: Option<ProtocolViolation>) {
        let Some(what) = news else { return };
        warn!("client `{client}` misbehaves: {what:?}");
        emit_deferred(&mut self.commands, ClientViolation { client, what });
    }

    fn handle(&mut self, client: Entity, bytes: &Bytes) {
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
            Request::Handshake(_, named) | Request::Resync(named) => {
                named.copies.len() > COPIES_MAX
            }
            Request::Heal(views) => views.len() > REPAIRS_MAX,
            Request::Received(_) => false,
        };
        if long {
            return self.drop_malformed(client, "names too much");
        }
        self.stats.requests_validated += 1;
        match request {
            Request::Handshake(hello, named) => self.accept_handshake(client, hello, named),
            Request::Resync(named) => {
                self.stats.resyncs_served += 1;
                self.clients.record_desync(client);
                self.resync.request(client, named);
            }
            Request::Heal(views) => {
                self.stats.repairs_served += views.len() as u64;
                self.clients.record_desync(client);
                self.resync.repair_views(client, &views, &self.subscriptions, &self.clients);
            }
            Request::Received(transfer) => self.clients.receive_transfer(client, transfer),
        }
    }

    fn accept_handshake(&mut self, client: Entity, theirs: Handshake, named: KnownCopies) {
        let Some(catalog) = &self.catalog else { return };
        let ours = local_handshake(catalog, &self.registry, &self.actions, &self.pool);
        if ours == theirs {
            let now = (*self.tick, *self.epoch);
            self.resync.accept_handshake(
                client,
                named,
                now,
                &mut self.subscriptions,
                &mut self.clients,
            );
            return;
        }
        let mismatch = ProtocolMismatch { server: ours, client: theirs };
        info!("not syncing inventories with client `{client}`: {mismatch}");
        let refusal = SyncRejected { peer: client.into(), mismatch };
        emit_deferred(&mut self.commands, refusal);
        if let (Some(channel), Ok(hello)) =
            (self.channels.server_message_channel::<SyncBatch>(), codec::to_bytes(&ours))
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

fn drop_undecodable(In((client, error)): In<(Entity, DecodeError)>, mut desk: RequestHandler) {
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
            session.answer(Err(Rejection::Invalid));
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
    body: RequestBody,
) -> Result<Asked, DecodeError> {
    let subscriptions = world.resource::<Subscriptions>();
    let clients = world.resource::<Clients>();
    let entity = |view| clients.inventory_of(client, view);
    let gone = Entity::PLACEHOLDER;
    let asked = match body {
        RequestBody::Open(target) => Asked::Open(target),
        RequestBody::Close { view, handle } => {
            let same = |inventory: &Entity| {
                subscriptions.get(*inventory).is_some_and(|views| views.handle == handle)
            };
            Asked::Close(entity(view).filter(same).unwrap_or(gone))
        }
        RequestBody::Act { actor, witness, kind } => {
            let (catalog, registry) =
                (world.resource::<ItemCatalog>(), world.resource::<ContainerRegistry>());
            let schema = Schema { catalog, registry: registry.as_slice() };
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
            open::open(world, id, actor, *target).map_err(RejectedAction::from)
        }
        Asked::Close(inventory) => open::close(world, id, *inventory).map_err(RejectedAction::from),
    };
    let mut stats = world.resource_mut::<InventoryStats>();
    stats.requests_validated += 1;
    match &result {
        Ok(()) => stats.requests_accepted += 1,
        Err(refused) => {
            stats.requests_rejected += 1;
            world.resource_mut::<RejectionCounts>().count(refused.reason);
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
