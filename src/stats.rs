//! One counter per step of the walk.

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

/// What each step has done since the app began. Bytes are those handed to the messaging backend.
#[derive(Resource, Clone, Copy, PartialEq, Eq, Default, Debug, Reflect)]
#[reflect(Resource)]
pub struct InventoryStats {
    /// Mark: slots that differed from the last commit.
    pub slots_marked: u64,
    /// Mark: commits (units that changed, once per tick).
    pub commits: u64,
    /// Mark: slots that were not committed because their item is unknown.
    pub slots_refused: u64,
    /// Batch: updates that had to be written, one for all viewers at one version.
    pub jobs_batched: u64,
    /// Batch: units that began to wait, for not all of their viewers could be told at once.
    pub updates_deferred: u64,
    /// Batch: updates that were put off because a client, or all together, had run out of bytes.
    pub updates_choked: u64,
    /// Batch: commits that went out in one update with a later one.
    pub commits_merged: u64,
    /// Encode: viewers told by a delta.
    pub deltas_encoded: u64,
    /// Encode: viewers told by a full copy because much changed.
    pub fulls_encoded: u64,
    /// Encode: full copies that begin or heal a view.
    pub opens_encoded: u64,
    /// Encode: of those, the ones that only said what changed since the client had it before.
    pub opens_as_delta: u64,
    /// Encode: full copies written, each once in a tick however many get it.
    pub copies_encoded: u64,
    /// Encode: digests of inventories that have come to rest.
    pub digests_encoded: u64,
    /// Encode: views that ended.
    pub closes_encoded: u64,
    /// Encode: slot entries written into deltas, each once however many see it.
    pub entries_encoded: u64,
    /// Encode: bits of deltas, for all who get them. What else a message has is its head.
    pub bits_deltas: u64,
    /// Encode: bits of full copies sent because much changed.
    pub bits_fulls: u64,
    /// Encode: bits of views that begin, without those in chunks.
    pub bits_opens: u64,
    /// Encode: bits of instance data, without that in chunks.
    pub bits_data: u64,
    /// Encode: bits of answers to requests.
    pub bits_answers: u64,
    /// Encode: bits of digests.
    pub bits_digests: u64,
    /// Send: bytes in chunks, which are among those sent.
    pub bytes_chunks: u64,
    /// Send: messages to clients.
    pub messages_sent: u64,
    /// Send: bytes to clients.
    pub bytes_sent: u64,
    /// Send: chunks of full copies that are too much for one message.
    pub chunks_sent: u64,
    /// Send: transfers in chunks that their client did not take in time.
    pub transfers_given_up: u64,
    /// Validate: requests from clients that were heard.
    pub requests_validated: u64,
    /// Validate: requests that nobody honest sends: unauthorised, too long, not decodable.
    pub requests_malformed: u64,
    /// Validate: requests that were dropped unread because the client sends too many.
    pub requests_flooded: u64,
    /// Validate: requests that had been heard before, and were only answered again.
    pub requests_repeated: u64,
    /// Validate: actions, openings and closings that were done.
    pub actions_accepted: u64,
    /// Validate: those that were refused: a lost race, too far, not lawful.
    pub actions_refused: u64,
    /// Validate: times that clients had lost their place and asked for everything once more.
    pub resyncs_asked: u64,
    /// Validate: copies that clients found to be wrong and asked for anew.
    pub heals_asked: u64,
    /// Receive: messages from the server.
    pub messages_received: u64,
    /// Receive: bytes from the server.
    pub bytes_received: u64,
    /// Receive: chunks from the server.
    pub chunks_received: u64,
    /// Receive and apply: messages that were dropped because they did not decode.
    pub decode_errors: u64,
    /// Apply: messages that were dropped because they did not start where the copy stood.
    pub gaps: u64,
    /// Apply: messages that were dropped because they spoke of a view that is not there.
    pub unknown_views: u64,
    /// Apply: digests of copies that were compared as the server sent them.
    pub digests_checked: u64,
    /// Apply: copies that were not what the server said they were.
    pub digest_mismatches: u64,
    /// Apply: slots moved in confirmed copies.
    pub slots_applied: u64,
    /// Reconcile: slots that game code had written to on a client, and that were put right.
    pub slots_reverted: u64,
    /// Reconcile: times that something was shown which was not confirmed and not requested. Looked for
    /// in debug builds only, and never to be above zero.
    pub rebase_mismatches: u64,
    /// Predict: requests that were shown ahead of their answer.
    pub actions_predicted: u64,
    /// Predict: requests that were refused, here or by the server.
    pub actions_rejected: u64,
    /// Notify: slot events raised.
    pub slots_notified: u64,
    /// Submit: requests sent to the server.
    pub requests_sent: u64,
    /// Submit: of those, requests to begin everything once more.
    pub resyncs_requested: u64,
    /// Submit: of those, requests for copies that were found to be wrong.
    pub heals_requested: u64,
}

/// Feeds Bevy's diagnostics once per frame with what the steps of the walk did in it. Add it beside
/// [`InventoryPlugins`](crate::InventoryPlugins) where something reads them: a logger, an overlay.
pub struct InventoryDiagnosticsPlugin;

impl InventoryDiagnosticsPlugin {
    /// Mark: slots that changed, per frame.
    pub const SLOTS_MARKED: DiagnosticPath = DiagnosticPath::const_new("inventory/mark/slots");
    /// Batch: updates to be written, per frame.
    pub const JOBS_BATCHED: DiagnosticPath = DiagnosticPath::const_new("inventory/batch/jobs");
    /// Batch: units that began to wait, per frame.
    pub const UPDATES_DEFERRED: DiagnosticPath =
        DiagnosticPath::const_new("inventory/batch/deferred");
    /// Encode: slot entries in deltas, per frame.
    pub const ENTRIES_ENCODED: DiagnosticPath =
        DiagnosticPath::const_new("inventory/encode/entries");
    /// Send: messages to clients, per frame.
    pub const MESSAGES_SENT: DiagnosticPath = DiagnosticPath::const_new("inventory/send/messages");
    /// Send: bytes to clients, per frame.
    pub const BYTES_SENT: DiagnosticPath = DiagnosticPath::const_new("inventory/send/bytes");
    /// Validate: requests heard, per frame.
    pub const REQUESTS_VALIDATED: DiagnosticPath =
        DiagnosticPath::const_new("inventory/validate/requests");
    /// Receive: bytes from the server, per frame.
    pub const BYTES_RECEIVED: DiagnosticPath = DiagnosticPath::const_new("inventory/receive/bytes");
    /// Apply: confirmed slots that moved, per frame.
    pub const SLOTS_APPLIED: DiagnosticPath = DiagnosticPath::const_new("inventory/apply/slots");
    /// Notify: slot events, per frame.
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
            reason = "what happens in a frame is far below that"
        )]
        diagnostics.add_measurement(path, || (read(&stats) - read(&before)) as f64);
    }
    *before = *stats;
}
