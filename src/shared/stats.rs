//! Counters for each stage of the pipeline.

use bevy::{
    app::{App, Last, Plugin},
    diagnostic::{Diagnostic, DiagnosticPath, Diagnostics, RegisterDiagnostic},
    ecs::{
        reflect::ReflectResource,
        resource::Resource,
        system::{Local, Res},
    },
    reflect::Reflect,
};

/// Declares the counters, with their descriptions for tools.
macro_rules! counters {
    (
        $(#[$attribute:meta])*
        pub struct $name:ident { $($(#[doc = $doc:literal])+ pub $field:ident: u64,)+ }
    ) => {
        $(#[$attribute])*
        pub struct $name { $($(#[doc = $doc])+ pub $field: u64,)+ }

        impl $name {
            /// Returns all counters, in the order of the pipeline.
            pub fn counters(&self) -> impl Iterator<Item = Counter> + use<> {
                [$(Counter {
                    name: stringify!($field),
                    description: concat!($($doc),+),
                    value: self.$field,
                }),+]
                .into_iter()
            }
        }
    };
}

/// One of the counters of [`InventoryStats`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Counter {
    /// Name of the field.
    pub name: &'static str,
    /// The step of the pipeline, and what is counted.
    pub description: &'static str,
    /// The total since the app started.
    pub value: u64,
}

counters! {
    /// Totals of each stage since the app started. Bytes are counted as passed to the messaging
    /// backend.
    #[derive(Resource, Clone, Copy, PartialEq, Eq, Default, Debug, Reflect)]
    #[reflect(Resource)]
    #[non_exhaustive]
    pub struct InventoryStats {
        /// Mark: slots that differed from the last commit.
        pub slots_marked: u64,
        /// Mark: inventories committed, counted once per tick.
        pub commits: u64,
        /// Mark: slots not committed because their item or instance data is unknown.
        pub slots_skipped: u64,
        /// Batch: updates to be encoded, one for all viewers at the same version.
        pub jobs_batched: u64,
        /// Batch: inventories that started to wait because not all of their viewers could be sent the
        /// update at once.
        pub updates_deferred: u64,
        /// Batch: updates throttled because the byte budget of a client, or of all clients together,
        /// was used up.
        pub updates_throttled: u64,
        /// Batch: commits sent in one update with a later commit.
        pub commits_merged: u64,
        /// Encode: viewers that were sent a delta.
        pub deltas_encoded: u64,
        /// Encode: viewers that were sent a full update because much changed.
        pub full_updates_encoded: u64,
        /// Encode: full updates that open or repair a view.
        pub opens_encoded: u64,
        /// Encode: of those, the ones that contained only the changes since the client's cached copy.
        pub opens_from_cached_copy: u64,
        /// Encode: full contents encoded, each once per tick regardless of the number of recipients.
        pub copies_encoded: u64,
        /// Encode: checksums of idle inventories.
        pub checksums_encoded: u64,
        /// Encode: views closed.
        pub closes_encoded: u64,
        /// Encode: slot entries encoded in deltas, each once regardless of the number of viewers.
        pub entries_encoded: u64,
        /// Encode: bits of deltas, summed over all recipients. The remaining bits of a message are
        /// headers.
        pub bits_deltas: u64,
        /// Encode: bits of full updates sent because much changed.
        pub bits_full_updates: u64,
        /// Encode: bits of views that open, without chunked transfers.
        pub bits_opens: u64,
        /// Encode: bits of instance data, without chunked transfers.
        pub bits_data: u64,
        /// Encode: bits of the headers of messages with answers.
        pub bits_answers: u64,
        /// Encode: bits of checksums.
        pub bits_checksums: u64,
        /// Send: bytes in chunks, which are included in the bytes sent.
        pub bytes_chunks: u64,
        /// Send: messages to clients.
        pub messages_sent: u64,
        /// Send: bytes to clients.
        pub bytes_sent: u64,
        /// Send: chunks of full updates that are too large for one message.
        pub chunks_sent: u64,
        /// Send: chunked transfers abandoned because the client did not receive them in time.
        pub transfers_abandoned: u64,
        /// Validate: requests from clients that were processed.
        pub requests_validated: u64,
        /// Validate: requests that no legitimate client sends: unauthorized, too long or not decodable.
        pub requests_malformed: u64,
        /// Validate: requests dropped unread because the client sends too many.
        pub requests_flooded: u64,
        /// Validate: requests that waited for a later frame, because their client has caused too much work. A request
        /// counts once for each frame.
        pub requests_delayed: u64,
        /// Validate: work done for requests, in slots that were read or searched.
        pub request_work: u64,
        /// Validate: requests received before, which were only answered again.
        pub requests_repeated: u64,
        /// Validate: actions, openings and closings that were applied.
        pub requests_accepted: u64,
        /// Validate: actions, openings and closings that were rejected, for example because of a lost
        /// race, the distance or an invalid action.
        pub requests_rejected: u64,
        /// Validate: resyncs requested by clients that had lost sync.
        pub resyncs_served: u64,
        /// Validate: copies that clients found to be incorrect and requested again.
        pub repairs_served: u64,
        /// Receive: messages from the server.
        pub messages_received: u64,
        /// Receive: bytes from the server.
        pub bytes_received: u64,
        /// Receive: chunks from the server.
        pub chunks_received: u64,
        /// Apply: of the bytes received, those of messages that open or repair views, and of chunks.
        pub bytes_received_opening: u64,
        /// Receive and apply: messages dropped because they could not be decoded.
        pub decode_errors: u64,
        /// Receive and apply: messages dropped because their CRC was wrong, they did not start at the version of the
        /// copy, or they were out of order.
        pub gaps: u64,
        /// Apply: messages dropped because they referred to an unknown view.
        pub unknown_views: u64,
        /// Apply: checksums from the server that were compared with copies.
        pub checksums_checked: u64,
        /// Apply: copies that did not match the server's checksum.
        pub checksum_mismatches: u64,
        /// Apply: slots changed in confirmed copies.
        pub slots_applied: u64,
        /// Apply: of the slots applied, those in messages that open or repair views.
        pub slots_applied_opening: u64,
        /// Reconcile: slots that game code had written on a client and that were reverted.
        pub slots_reverted: u64,
        /// Reconcile: inventories that showed something neither confirmed nor predicted. Checked in
        /// debug builds only; must always be zero.
        pub rebase_mismatches: u64,
        /// Predict: requests that were predicted.
        pub actions_predicted: u64,
        /// Predict: requests rejected locally or by the server.
        pub actions_rejected: u64,
        /// Notify: slot events emitted.
        pub slots_notified: u64,
        /// Submit: requests sent to the server.
        pub requests_sent: u64,
        /// Submit: of those, requests for a resync of all views.
        pub resyncs_requested: u64,
        /// Submit: of those, requests to repair incorrect copies.
        pub repairs_requested: u64,
        /// Store: commits that were stored.
        pub store_commits: u64,
        /// Store: inventories that were loaded.
        pub store_loads: u64,
        /// Store: inventories that could not be loaded, or that the store has rejected later.
        pub store_loads_failed: u64,
        /// Store: unions of inventories whose commit was rejected and whose changes were undone.
        pub store_reverts: u64,
        /// Store: times that it became unavailable.
        pub store_failures: u64,
        /// Store: inventories that left for another world.
        pub store_departures: u64,
    }
}

/// Updates Bevy's diagnostics once per frame with the activity of the pipeline's stages in that
/// frame. Add it in addition to [`InventoryPlugins`](crate::plugins::InventoryPlugins) if a logger or an
/// overlay reads diagnostics.
pub struct InventoryDiagnosticsPlugin;

impl InventoryDiagnosticsPlugin {
    /// Mark: slots that changed, per frame.
    pub const SLOTS_MARKED: DiagnosticPath = DiagnosticPath::const_new("inventory/mark/slots");
    /// Batch: updates to be encoded, per frame.
    pub const JOBS_BATCHED: DiagnosticPath = DiagnosticPath::const_new("inventory/batch/jobs");
    /// Batch: inventories that started to wait, per frame.
    pub const UPDATES_DEFERRED: DiagnosticPath =
        DiagnosticPath::const_new("inventory/batch/deferred");
    /// Encode: slot entries in deltas, per frame.
    pub const ENTRIES_ENCODED: DiagnosticPath =
        DiagnosticPath::const_new("inventory/encode/entries");
    /// Send: messages to clients, per frame.
    pub const MESSAGES_SENT: DiagnosticPath = DiagnosticPath::const_new("inventory/send/messages");
    /// Send: bytes to clients, per frame.
    pub const BYTES_SENT: DiagnosticPath = DiagnosticPath::const_new("inventory/send/bytes");
    /// Validate: requests processed, per frame.
    pub const REQUESTS_VALIDATED: DiagnosticPath =
        DiagnosticPath::const_new("inventory/validate/requests");
    /// Receive: bytes from the server, per frame.
    pub const BYTES_RECEIVED: DiagnosticPath = DiagnosticPath::const_new("inventory/receive/bytes");
    /// Apply: slots changed in confirmed copies, per frame.
    pub const SLOTS_APPLIED: DiagnosticPath = DiagnosticPath::const_new("inventory/apply/slots");
    /// Notify: slot events emitted, per frame.
    pub const SLOTS_NOTIFIED: DiagnosticPath = DiagnosticPath::const_new("inventory/notify/slots");

    const ALL: [(DiagnosticPath, fn(&InventoryStats) -> u64); 10] = [
        (Self::SLOTS_MARKED, |stats| stats.slots_marked),
        (Self::JOBS_BATCHED, |stats| stats.jobs_batched),
        (Self::UPDATES_DEFERRED, |stats| stats.updates_deferred),
        (Self::ENTRIES_ENCODED, |stats| stats.entries_encoded),
        (Self::MESSAGES_SENT, |stats| stats.messages_sent),
        (Self::BYTES_SENT, |stats| stats.bytes_sent),
        (Self::REQUESTS_VALIDATED, |stats| stats.requests_validated),
        (Self::BYTES_RECEIVED, |stats| stats.bytes_received),
        (Self::SLOTS_APPLIED, |stats| stats.slots_applied),
        (Self::SLOTS_NOTIFIED, |stats| stats.slots_notified),
    ];
}

impl Plugin for InventoryDiagnosticsPlugin {
    fn build(&self, app: &mut App) {
        for (path, _) in Self::ALL {
            app.register_diagnostic(Diagnostic::new(path));
        }
        app.add_systems(Last, measure);
    }
}

fn measure(
    stats: Res<InventoryStats>,
    mut before: Local<InventoryStats>,
    mut diagnostics: Diagnostics,
) {
    for (path, read) in &InventoryDiagnosticsPlugin::ALL {
        #[expect(
            clippy::cast_precision_loss,
            reason = "counts within a single frame are far below 2^52"
        )]
        diagnostics.add_measurement(path, || (read(&stats) - read(&before)) as f64);
    }
    *before = *stats;
}
