//! The state of the chunked transfers to one client.

use crate::{
    model::id::DataId,
    server::pacing::clock::AppInstant,
    wire::{CloseCause, OpenHead},
};
use bevy::platform::collections::HashSet;
use bevy::prelude::*;
use bevy_replicon::bytes::Bytes;
use core::time::Duration;
use std::collections::BTreeSet;

/// Time within which a client must confirm a transfer, after its last chunk was sent. It doubles with every
/// consecutive transfer that is abandoned, up to [`TIMEOUT_MAX`]: a slow link may not have delivered the chunks yet.
const TIMEOUT: Duration = Duration::from_secs(30);

const TIMEOUT_MAX: Duration = Duration::from_secs(120);

/// Number of bytes, before packing, at which a transfer is full. The remaining views go into the next one. If the
/// instance data of one inventory exceeds it, the data is sent ahead, in transfers of its own.
pub(super) const TRANSFER_BYTES: usize = 1 << 16;

/// Minimum time between two builds if the first transfer is canceled. Inventories that are hidden one after another
/// cannot make the server build a transfer in every tick.
const REBUILD_INTERVAL: Duration = Duration::from_millis(100);

/// The full updates of one client that are sent in chunks.
#[derive(Default, Debug)]
pub(crate) struct OutgoingTransfers {
    /// Views that need a full update. A view that has got it by other means is skipped.
    pub(crate) wanted: BTreeSet<u32>,
    pub(crate) transfer: Option<Transfer>,
    /// Number of the last transfer.
    pub(crate) last: u8,
    /// Number of consecutive transfers that were abandoned.
    abandoned: u32,
    /// Number of consecutive transfers that were canceled.
    canceled: u32,
    /// When the next transfer may be built, after one was canceled.
    paused_until: AppInstant,
}

/// A transfer that is on its way.
#[derive(Debug)]
pub(crate) struct Transfer {
    pub(crate) bytes: Bytes,
    /// Number of chunks in total.
    pub(crate) total: usize,
    /// Number of chunks that have been sent.
    pub(crate) sent: usize,
    /// When the last chunk was sent.
    pub(crate) sent_at: AppInstant,
    /// When it was built.
    pub(crate) built_at: AppInstant,
    /// The full updates in it, with the header of each.
    pub(crate) copies: Vec<(Entity, OpenHead)>,
    /// The view whose instance data is sent ahead of its full update. Such a transfer contains no full updates.
    pub(crate) ahead_of: Option<u32>,
    /// Instance data that the client did not have.
    pub(crate) data: Vec<DataId>,
    /// Whether the transfer refers to instance data that the client already had.
    pub(crate) needs_known_data: bool,
    /// Whether the client has received all chunks.
    pub(crate) received: bool,
    /// Views in the transfer that have closed or opened since.
    pub(crate) gone: HashSet<u32>,
}

impl Transfer {
    fn contains(&self, view: u32) -> bool {
        self.copies.iter().any(|(_, head)| head.view == view)
    }

    /// Returns the views that the transfer is to open.
    fn open_views(&self) -> impl Iterator<Item = u32> + '_ {
        // The view of an inventory that has closed may belong to another one by now.
        let views = self.copies.iter().map(|(_, head)| head.view);
        views.filter(|view| !self.gone.contains(view))
    }
}

impl OutgoingTransfers {
    pub(crate) fn is_idle(&self) -> bool {
        self.wanted.is_empty() && self.transfer.is_none()
    }

    /// Returns the number of full updates that wait or are being transferred.
    pub(crate) fn len(&self) -> usize {
        let transferred = self.transfer.as_ref().map(|transfer| transfer.open_views().count());
        self.wanted.len() + transferred.unwrap_or(0)
    }

    /// Returns the number of bytes at which the next transfer is full: less after each one that was canceled, so that
    /// the next ones arrive before another inventory is hidden.
    pub(super) fn bytes_max(&self) -> usize {
        TRANSFER_BYTES >> self.canceled.min(6)
    }

    /// Returns `true` if the next transfer may be built.
    pub(super) fn may_build(&self, now: AppInstant) -> bool {
        self.transfer.is_none() && self.paused_until <= now
    }

    /// Returns the number of the last transfer that the client drops on a reset.
    pub(crate) fn last_dropped(&self) -> u8 {
        if self.transfer.is_some() { self.last.wrapping_sub(1) } else { self.last }
    }

    /// Starts from scratch. A transfer that is on its way continues from its first missing chunk if the client
    /// has named it. Otherwise it is dropped, and its number is not used again soon.
    pub(crate) fn reset(&mut self, incoming: Option<(u8, u16)>) {
        self.wanted.clear();
        let incoming = incoming.filter(|(number, _)| *number == self.last);
        let Some((_, first_missing)) = incoming else {
            self.transfer = None;
            return;
        };
        self.transfer.take_if(|transfer| {
            // On a reset the client forgets its instance data.
            let incomplete = transfer.received || transfer.needs_known_data;
            // Its chunks are sent again, but not those of an inventory that is hidden.
            incomplete || !transfer.gone.is_empty()
        });
        if let Some(transfer) = &mut self.transfer {
            transfer.sent = transfer.sent.min(usize::from(first_missing));
        }
    }

    /// Returns `true` if the full update of a view is on its way.
    pub(crate) fn contains_view(&self, view: u32) -> bool {
        self.transfer.as_ref().is_some_and(|transfer| transfer.open_views().any(|it| it == view))
    }

    /// Drops a view that has closed. If the inventory is hidden, the transfer that contains it is canceled unless all
    /// chunks were sent. This way the client receives no more of it. The other views are sent again.
    pub(crate) fn forget(&mut self, view: u32, cause: CloseCause) {
        self.wanted.remove(&view);
        let Some(transfer) = &mut self.transfer else { return };
        if transfer.ahead_of != Some(view) && !transfer.contains(view) {
            return;
        }
        transfer.gone.insert(view);
        let hides = cause == CloseCause::Hidden && transfer.sent < transfer.total;
        if hides || transfer.open_views().next().is_none() {
            self.wanted.extend(transfer.open_views());
            self.paused_until = transfer.built_at.plus(REBUILD_INTERVAL);
            self.canceled += u32::from(hides);
            if transfer.sent == 0 {
                // The client does not know the number.
                self.last = self.last.wrapping_sub(1);
            }
            self.transfer = None;
        }
    }

    /// Records that a view has opened by other means. The copy in the transfer is older.
    pub(crate) fn supersede(&mut self, view: u32) {
        self.wanted.remove(&view);
        if let Some(transfer) = &mut self.transfer
            && transfer.contains(view)
        {
            transfer.gone.insert(view);
        }
    }

    /// Returns the time within which the client must confirm the next or current transfer, after its last chunk was
    /// sent.
    pub(crate) fn timeout(&self) -> Duration {
        TIMEOUT.saturating_mul(1 << self.abandoned.min(16)).min(TIMEOUT_MAX)
    }

    /// Abandons a transfer that the client has not confirmed in time, so that its contents are sent again. Returns
    /// `true` if there was one.
    pub(crate) fn abandon_late(&mut self, now: AppInstant) -> bool {
        let timeout = self.timeout();
        let late = |transfer: &mut Transfer| {
            transfer.sent == transfer.total
                && !transfer.received
                && now > transfer.sent_at.plus(timeout)
        };
        let Some(transfer) = self.transfer.take_if(late) else { return false };
        self.abandoned += 1;
        self.wanted.extend(transfer.open_views());
        true
    }

    /// Records that the client has all chunks of a transfer. Returns `true` if that was not known.
    pub(crate) fn receive(&mut self, number: u8) -> bool {
        let transfer = self.transfer.as_mut().filter(|_| self.last == number);
        let fully_sent = transfer.filter(|transfer| transfer.sent == transfer.total);
        let is_new =
            fully_sent.is_some_and(|transfer| !core::mem::replace(&mut transfer.received, true));
        if is_new {
            (self.abandoned, self.canceled) = (0, 0);
        }
        is_new
    }
}
