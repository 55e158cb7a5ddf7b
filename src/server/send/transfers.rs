//! The state of the chunked transfers to one client.

use crate::{model::id::DataId, server::pacing::clock::AppInstant, wire::OpenHead};
use bevy::platform::collections::HashSet;
use bevy::prelude::*;
use bevy_replicon::bytes::Bytes;
use core::time::Duration;
use std::collections::BTreeSet;

/// Time within which a client must confirm a transfer, after its last chunk was sent.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Number of consecutive unconfirmed transfers after which the contents of the last one are not sent again.
const TRANSFER_TRIES: u32 = 3;

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
    /// The full updates in it, with the header of each.
    pub(crate) copies: Vec<(Entity, OpenHead)>,
    /// Instance data that the client did not have.
    pub(crate) data: Vec<DataId>,
    /// Whether the transfer refers to instance data that the client already had.
    pub(crate) needs_known_data: bool,
    /// Whether the client has received all chunks.
    pub(crate) received: bool,
    /// Views in the transfer that have closed since.
    pub(crate) gone: HashSet<u32>,
}

/// A transfer that the client did not confirm in time.
pub(crate) struct Abandoned {
    /// Whether its contents are sent again.
    pub(crate) again: bool,
}

impl OutgoingTransfers {
    pub(crate) fn is_idle(&self) -> bool {
        self.wanted.is_empty() && self.transfer.is_none()
    }

    /// Returns the number of full updates that wait or are being transferred.
    pub(crate) fn len(&self) -> usize {
        let open = |transfer: &Transfer| transfer.copies.len() - transfer.gone.len();
        self.wanted.len() + self.transfer.as_ref().map_or(0, open)
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
        // On a reset the client forgets its instance data.
        self.transfer.take_if(|transfer| transfer.received || transfer.needs_known_data);
        if let Some(transfer) = &mut self.transfer {
            transfer.sent = transfer.sent.min(usize::from(first_missing));
        }
    }

    /// Returns `true` if the full update of a view is on its way.
    pub(crate) fn contains_view(&self, view: u32) -> bool {
        // The view of an inventory that has closed may belong to another one by now.
        self.transfer.as_ref().is_some_and(|transfer| {
            let contained = transfer.copies.iter().any(|(_, head)| head.view == view);
            contained && !transfer.gone.contains(&view)
        })
    }

    /// Drops a view that has closed. A transfer without open views is canceled.
    pub(crate) fn forget(&mut self, view: u32) {
        self.wanted.remove(&view);
        if let Some(transfer) = &mut self.transfer
            && let Some((_, head)) = transfer.copies.iter().find(|(_, head)| head.view == view)
            && transfer.gone.insert(head.view)
            && transfer.gone.len() == transfer.copies.len()
        {
            self.transfer = None;
        }
    }

    /// Abandons a transfer that the client has not confirmed in time. Its contents are sent again, but not
    /// forever.
    pub(crate) fn abandon_late(&mut self, now: AppInstant) -> Option<Abandoned> {
        let late = |transfer: &mut Transfer| {
            transfer.sent == transfer.total
                && !transfer.received
                && now > transfer.sent_at.plus(TIMEOUT)
        };
        let Transfer { copies, gone, .. } = self.transfer.take_if(late)?;
        self.abandoned += 1;
        let again = self.abandoned < TRANSFER_TRIES;
        let views = copies.iter().map(|(_, head)| head.view).filter(|view| !gone.contains(view));
        if again {
            self.wanted.extend(views);
        }
        Some(Abandoned { again })
    }

    /// Records that the client has all chunks of a transfer. Returns `true` if that was not known.
    pub(crate) fn receive(&mut self, number: u8) -> bool {
        let transfer = self.transfer.as_mut().filter(|_| self.last == number);
        let fully_sent = transfer.filter(|transfer| transfer.sent == transfer.total);
        let is_new =
            fully_sent.is_some_and(|transfer| !core::mem::replace(&mut transfer.received, true));
        if is_new {
            self.abandoned = 0;
        }
        is_new
    }
}
