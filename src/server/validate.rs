//! Reads what clients ask for. Whatever they send is checked before anything is done with it.

use bevy::{ecs::system::SystemParam, prelude::*};
use bevy_replicon::{prelude::*, shared::message::registry::RemoteMessageRegistry};
use log::{debug, info};

use crate::{
    codec,
    containers::Kinds,
    events::SyncRefused,
    hello::{Hello, Mismatch, REFUSED, Request},
    model::items::Catalogue,
    protocol::{SyncBatch, SyncRequest},
    stats::InventoryStats,
};

use super::views::Views;

/// Longest request, in bytes.
const REQUEST_BYTES_MAX: usize = 64;

pub(super) fn validate_requests(
    authorized: Query<(), With<AuthorizedClient>>,
    mut requests: MessageReader<FromClient<SyncRequest>>,
    mut desk: Desk,
) {
    // A request may overtake the authorisation, which travels on another channel, and a server may still
    // be loading its catalogue.
    let loaded = desk.catalogue.is_some();
    for (client, bytes) in desk.views.take_early(|client| loaded && authorized.contains(client)) {
        desk.hear(client, &bytes);
    }
    for FromClient { client_id, message: SyncRequest(bytes) } in requests.read() {
        let Some(client) = client_id.entity() else { continue };
        if bytes.len() > REQUEST_BYTES_MAX {
            desk.drop_malformed(client, "is too long");
            continue;
        }
        let authorized = authorized.contains(client);
        if loaded && authorized {
            desk.hear(client, bytes);
        } else if !desk.views.keep_early(client, bytes) && !authorized {
            desk.drop_malformed(client, "comes before the client is authorised");
        }
    }
}

/// What is needed to answer a request.
#[derive(SystemParam)]
pub(super) struct Desk<'w, 's> {
    catalogue: Option<Res<'w, Catalogue>>,
    kinds: Res<'w, Kinds>,
    registry: Res<'w, RemoteMessageRegistry>,
    views: ResMut<'w, Views>,
    messages: ResMut<'w, ServerMessages>,
    stats: ResMut<'w, InventoryStats>,
    refusals: MessageWriter<'w, SyncRefused>,
    commands: Commands<'w, 's>,
}

impl Desk<'_, '_> {
    fn drop_malformed(&mut self, client: Entity, why: &str) {
        debug!("dropping a request of client `{client}`: it {why}");
        self.stats.requests_malformed += 1;
    }

    fn hear(&mut self, client: Entity, bytes: &[u8]) {
        let Ok(request) = codec::from_bytes::<Request>(bytes) else {
            return self.drop_malformed(client, "does not decode");
        };
        self.stats.requests_validated += 1;
        match request {
            Request::Hello(hello) => self.greet(client, hello),
            Request::Resync => {
                self.stats.resyncs_asked += 1;
                self.views.ask_resync(client);
            }
        }
    }

    fn greet(&mut self, client: Entity, theirs: Hello) {
        let Some(catalogue) = &self.catalogue else { return };
        let ours = Hello::new(catalogue, &self.kinds);
        if ours == theirs {
            self.views.greet(client);
            return;
        }
        let mismatch = Mismatch { server: ours, client: theirs };
        info!("not syncing inventories with client `{client}`: {mismatch}");
        let refusal = SyncRefused { peer: client.into(), mismatch };
        self.refusals.write(refusal);
        self.commands.trigger(refusal);
        if let (Some(channel), Ok(hello)) =
            (self.registry.server_message_channel::<SyncBatch>(), codec::to_bytes(&ours))
        {
            self.messages.send(client, channel, [&[REFUSED], hello.as_slice()].concat());
        }
    }
}
