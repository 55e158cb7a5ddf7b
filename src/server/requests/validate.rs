//! Decodes and validates the requests of clients. Nothing is done with a request before it has been checked.

use bevy::{ecs::system::SystemParam, prelude::*};
use bevy_replicon::{bytes::Bytes, prelude::*, shared::message::registry::RemoteMessageRegistry};
use log::{debug, info, warn};

use crate::{
    model::{catalog::ItemCatalog, rejection::Rejection, transaction::Witness},
    server::{
        baseline::Baseline,
        health::RejectionCounts,
        views::{
            clients::Clients,
            resync::{Resync, SyncClock},
            subscriptions::Subscriptions,
        },
    },
    shared::{
        actions::{ActionTypes, AnyAction},
        containers::ContainerRegistry,
        events::{SyncRejected, emit_deferred},
        fingerprint::LocalProtocol,
        messages::{SyncBatch, SyncRequest},
        rate::RequestLimits,
        stats::InventoryStats,
    },
    wire::{
        DecodeError, Schema,
        bits::BitReader,
        handshake::{
            CONTROL, CONTROL_BYTES_MAX, ControlRequest, Handshake, KnownCopies, ProtocolMismatch,
            read_request, write_rejection,
        },
        request::{ActionReader, REQUEST_BYTES_MAX, RequestBody, Target, read_body},
        witness::read_seen,
    },
};

use super::{
    act::{self, RejectedAction},
    inbox::{Added, Inboxes, Waiting},
    open::{self, OpenRequest},
    sessions::{Admission, ClientViolation, NumberCheck, ProtocolViolation, Sessions},
};

pub(crate) fn validate_requests(
    authorized: Query<(), With<AuthorizedClient>>,
    mut requests: MessageReader<FromClient<SyncRequest>>,
    mut handler: RequestHandler,
) {
    // A request may arrive before the authorization, which uses another channel, or while the server is still
    // loading its catalog.
    let loaded = handler.protocol.is_loaded();
    for (client, bytes) in
        handler.sessions.take_early(|client| loaded && authorized.contains(client))
    {
        handler.handle(client, &bytes);
    }
    let now = handler.time.elapsed();
    for FromClient { client_id, message: SyncRequest(bytes) } in requests.read() {
        let Some(client) = client_id.entity() else { continue };
        if let Admission::Dropped(violation) = handler.sessions.admit(client, now, *handler.limits)
        {
            handler.stats.requests_flooded += 1;
            handler.report(client, violation);
            continue;
        }
        let control = bytes.first() == Some(&CONTROL);
        if bytes.len() > if control { CONTROL_BYTES_MAX } else { REQUEST_BYTES_MAX } {
            handler.drop_malformed(client, "is too long");
            continue;
        }
        let authorized = authorized.contains(client);
        if loaded && authorized {
            handler.handle(client, bytes);
        } else if !handler.sessions.keep_early(client, bytes) && !authorized {
            handler.drop_malformed(client, "arrived before the client was authorized");
        }
    }
}

/// What is needed to handle a request.
#[derive(SystemParam)]
pub(crate) struct RequestHandler<'w, 's> {
    protocol: LocalProtocol<'w>,
    channels: Res<'w, RemoteMessageRegistry>,
    subscriptions: ResMut<'w, Subscriptions>,
    clients: ResMut<'w, Clients>,
    resync: ResMut<'w, Resync>,
    clock: Res<'w, SyncClock>,
    sessions: ResMut<'w, Sessions>,
    inboxes: ResMut<'w, Inboxes>,
    limits: Res<'w, RequestLimits>,
    time: Res<'w, Time<Real>>,
    messages: ResMut<'w, ServerMessages>,
    stats: ResMut<'w, InventoryStats>,
    commands: Commands<'w, 's>,
}

impl RequestHandler<'_, '_> {
    /// Counts and logs a request that is dropped. `why` completes the sentence "it ...".
    fn drop_malformed(&mut self, client: Entity, why: &str) {
        debug!("dropping a request of client `{client}`: it {why}");
        self.stats.requests_malformed += 1;
        let violation = self.sessions.malformed(client, *self.limits);
        self.report(client, violation);
    }

    fn report(&mut self, client: Entity, violation: Option<ProtocolViolation>) {
        let Some(kind) = violation else { return };
        warn!("client `{client}` violates the protocol: {kind}");
        emit_deferred(&mut self.commands, ClientViolation { client, kind });
    }

    fn handle(&mut self, client: Entity, bytes: &Bytes) {
        if bytes.first() != Some(&CONTROL) {
            if self.clients.get(client).is_some_and(|client| client.ready) {
                self.add_to_inbox(client, bytes);
            } else {
                self.drop_malformed(client, "arrived before the handshake");
            }
            return;
        }
        let request = match read_request(bytes) {
            Ok(request) => request,
            Err(error) => {
                return self.drop_malformed(client, &format!("cannot be decoded: {error}"));
            }
        };
        self.stats.requests_validated += 1;
        match request {
            ControlRequest::Handshake(handshake, named) => {
                self.answer_handshake(client, handshake, named)
            }
            ControlRequest::Resync(named) => {
                self.stats.resyncs_served += 1;
                self.clients.record_desync(client);
                self.resync.request(client, named);
            }
            ControlRequest::Repair(views) => {
                self.stats.repairs_served += views.len() as u64;
                self.clients.record_desync(client);
                self.resync.repair_views(client, &views, &self.subscriptions, &self.clients);
            }
            ControlRequest::Received(transfer) => self.clients.receive_transfer(client, transfer),
        }
    }

    fn add_to_inbox(&mut self, client: Entity, bytes: &Bytes) {
        if self.inboxes.add(client, bytes) == Added::Waits {
            return;
        }
        // A client that follows the protocol waits for answers first.
        let added = match read_body(&mut BitReader::new(bytes), self.protocol.actions.len()) {
            Ok((number, _)) => self.inboxes.add_rejected(client, number),
            Err(_) => false,
        };
        if !added {
            self.drop_malformed(client, "arrived while too many others are waiting");
        }
    }

    fn answer_handshake(&mut self, client: Entity, theirs: Handshake, named: KnownCopies) {
        let Some(ours) = self.protocol.handshake() else { return };
        if ours == theirs {
            let now = *self.clock;
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
        let rejected = SyncRejected { peer: client.into(), mismatch };
        emit_deferred(&mut self.commands, rejected);
        if let (Some(channel), Ok(rejection)) =
            (self.channels.server_message_channel::<SyncBatch>(), write_rejection(&ours))
        {
            self.messages.send(client, channel, rejection);
        }
    }
}

/// Handles the requests about inventories. Clients take turns, in the order in which their requests
/// arrived. The requests of one client are handled in order.
pub(crate) fn act_on_requests(world: &mut World) {
    let now = world.resource::<Time<Real>>().elapsed();
    let limits = *world.resource::<RequestLimits>();
    let mut turns = world.resource::<Inboxes>().turns();
    while !turns.is_empty() {
        turns.retain(|client| {
            let Some(next) = world.resource_mut::<Inboxes>().next(*client, now, &limits) else {
                return false;
            };
            let handled = match next {
                Waiting::Request(bytes) => act_on(world, *client, &bytes),
                Waiting::Rejected(number) => reject_for_full_inbox(world, *client, number),
            };
            let work = world.resource_mut::<Inboxes>().charge(*client, now, &limits);
            world.resource_mut::<InventoryStats>().request_work += work;
            if let Err(error) = handled {
                world
                    .run_system_cached_with(drop_undecodable, (*client, error))
                    .unwrap_or_else(|error| warn!("{error}"));
            }
            true
        });
    }
    let delayed = world.resource::<Inboxes>().len() as u64;
    if delayed > 0 {
        world.resource_mut::<InventoryStats>().requests_delayed += delayed;
    }
}

/// Answers a request for which the inbox of its client had no room.
fn reject_for_full_inbox(world: &mut World, client: Entity, number: u8) -> Result<(), DecodeError> {
    let Some(session) = world.resource_mut::<Sessions>().into_inner().get_mut(client) else {
        return Ok(());
    };
    let check = session.check_number(number);
    if check == NumberCheck::Impossible {
        return Err(DecodeError::Sequence { number });
    }
    if check == NumberCheck::Repeated {
        repeat_answer(world, client);
    } else {
        record_answer(world, client, Err(Rejection::TooManyPending));
    }
    Ok(())
}

fn drop_undecodable(In((client, error)): In<(Entity, DecodeError)>, mut handler: RequestHandler) {
    handler.drop_malformed(client, &format!("cannot be decoded: {error}"));
}

fn act_on(world: &mut World, client: Entity, bytes: &[u8]) -> Result<(), DecodeError> {
    let types = world.resource::<ActionTypes>().clone();
    let mut r = BitReader::new(bytes);
    let (number, body) = read_body(&mut r, types.len())?;
    let request = decode(world, client, &types, r, body);
    let Some(session) = world.resource_mut::<Sessions>().into_inner().get_mut(client) else {
        return request.map(drop);
    };
    match (session.check_number(number), request) {
        (NumberCheck::New, Ok(request)) => {
            let number = session.next_number();
            answer(world, client, number, request);
        }
        (NumberCheck::New, Err(error)) => {
            // The number was decoded, so the request is answered. Otherwise the client would wait forever.
            session.answer(Err(Rejection::Invalid));
            world.resource_mut::<Clients>().mark_eventful(client);
            return Err(error);
        }
        (_, Err(error)) => return Err(error),
        (NumberCheck::Impossible, Ok(_)) => return Err(DecodeError::Sequence { number }),
        (NumberCheck::Repeated, Ok(_)) => {
            repeat_answer(world, client);
        }
    }
    Ok(())
}

/// Answers a request that was answered before.
fn repeat_answer(world: &mut World, client: Entity) {
    world.resource_mut::<InventoryStats>().requests_repeated += 1;
    world.resource_mut::<Clients>().mark_eventful(client);
}

/// Counts the answer to the next request of a client, and records it to be sent.
fn record_answer(world: &mut World, client: Entity, result: Result<(), Rejection>) {
    let mut stats = world.resource_mut::<InventoryStats>();
    match result {
        Ok(()) => stats.requests_accepted += 1,
        Err(reason) => {
            stats.requests_rejected += 1;
            world.resource_mut::<RejectionCounts>().count(reason);
        }
    }
    world.resource_mut::<Clients>().mark_eventful(client);
    if let Some(session) = world.resource_mut::<Sessions>().get_mut(client) {
        session.answer(result);
    }
}

/// A decoded request.
enum DecodedRequest {
    Act { actor: Option<Entity>, witness: Witness, action: AnyAction },
    Open { actor: Option<Entity>, target: Target },
    Close(Entity),
    Cancel { back: u32 },
}

/// Decodes the payload of a request, and resolves the views that the client names to inventories.
fn decode(
    world: &World,
    client: Entity,
    types: &ActionTypes,
    mut r: BitReader,
    body: RequestBody,
) -> Result<DecodedRequest, DecodeError> {
    let subscriptions = world.resource::<Subscriptions>();
    let clients = world.resource::<Clients>();
    let entity = |view| clients.inventory_of(client, view);
    let gone = Entity::PLACEHOLDER;
    let request = match body {
        RequestBody::Open { target, actor } => {
            let actor = actor.map(|view| entity(u32::from(view)).unwrap_or(gone));
            DecodedRequest::Open { actor, target }
        }
        RequestBody::Cancel { back } => DecodedRequest::Cancel { back },
        RequestBody::Close { view, handle } => {
            let same = |inventory: &Entity| {
                subscriptions.get(*inventory).is_some_and(|viewers| viewers.handle == handle)
            };
            DecodedRequest::Close(entity(view).filter(same).unwrap_or(gone))
        }
        RequestBody::Act { actor, witness, kind } => {
            let (catalog, registry) =
                (world.resource::<ItemCatalog>(), world.resource::<ContainerRegistry>());
            let schema = Schema { catalog, registry: registry.as_slice() };
            let action =
                types.read(kind, &mut ActionReader { r: &mut r, schema, entity: &entity })?;
            let actor = actor.map(|view| entity(view).unwrap_or(gone));
            let witness = Witness { hash: witness, seen: read_seen(&mut r, schema)? };
            DecodedRequest::Act { actor, witness, action }
        }
    };
    r.end()?;
    Ok(request)
}

/// Decides a request and answers it. `number` is the number of the request, not shortened.
fn answer(world: &mut World, client: Entity, number: u64, request: DecodedRequest) {
    let id = ClientId::Client(client);
    let result = match &request {
        DecodedRequest::Act { actor, witness, action } => {
            act::act(world, id, *actor, action, Some(witness))
        }
        DecodedRequest::Open { actor, target } => {
            let open = OpenRequest { actor: *actor, target: *target, request: number };
            open::open(world, id, open).map_err(RejectedAction::from)
        }
        DecodedRequest::Cancel { back } => {
            if let Some(request) = number.checked_sub(u64::from(*back) + 1) {
                open::cancel(world, id, request);
            }
            Ok(())
        }
        DecodedRequest::Close(inventory) => {
            open::close(world, id, *inventory).map_err(RejectedAction::from)
        }
    };
    world.resource_mut::<InventoryStats>().requests_validated += 1;
    if let Err(rejected) = &result {
        // Each repair is a full update.
        let slots =
            rejected.to_repair.iter().filter_map(|to_repair| world.get::<Baseline>(*to_repair));
        let slots = slots.map(|baseline| baseline.len() as u64).sum();
        world.resource_mut::<Inboxes>().record_work(slots);
        world.resource_mut::<Resync>().repair(client, &rejected.to_repair);
    }
    record_answer(world, client, result.map_err(|rejected| rejected.reason));
}
