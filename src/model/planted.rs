//! Deliberate bugs, to find out whether tests and simulation notice them. They exist only with the hidden feature
//! `planted_bugs`. One of them is active at a time: the one that `plant` or the variable `PLANTED_BUG` names.

macro_rules! bugs {
    ($($(#[$doc:meta])* $bug:ident,)*) => {
        /// One deliberate bug.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Bug {
            $($(#[$doc])* $bug,)*
        }

        impl Bug {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$bug,)*];
        }
    };
}

bugs! {
    /// A move does not empty its source.
    MoveCopies,
    /// An exchange loses one of the stacks.
    SwapLosesAStack,
    /// A quick move loses what does not fit.
    QuickMoveLosesTheRest,
    /// Gathering exceeds the maximum stack.
    CollectExceedsTheMaximum,
    /// Spreading takes more than it puts down.
    SpreadMiscounts,
    /// Sorting merges stacks with different instance data.
    SortMergesData,
    /// Crafting takes one item too few.
    CraftTakesTooFew,
    /// Dropped items stay in their slot.
    DropCopies,
    /// A stack never grows to its maximum, and the last item is lost.
    CountSaturates,
    /// Slots accept any item.
    FilterIgnored,
    /// Players put items into slots from which they may only take.
    SlotRightsIgnored,
    /// Players act without the rights to do so.
    RightsIgnored,
    /// Stacks with different wear match.
    WearIgnored,
    /// Wear is not restored from a save.
    LoadForgetsWear,
    /// The checksum does not depend on the positions of stacks.
    ChecksumIgnoresPosition,
    /// The checks of messages are ignored.
    MessagesNotChecked,
    /// Wear is not encoded.
    WearNotEncoded,
    /// The second viewer of an inventory is skipped.
    SkipsOneViewer,
    /// A full update is sent at the limit, not above it.
    FullAtTheLimit,
    /// The last of several answers is dropped.
    DropsAnAnswer,
    /// Some commits keep the version before.
    VersionRepeats,
    /// The server assumes that a client has a newer copy than it has.
    KeptCopyTooNew,
    /// Some instance data is not sent.
    DataNotSent,
    /// A repeated request is executed twice.
    RepeatsRequests,
    /// Revoked rights stay valid until the client has been sent the change.
    StaleRights,
    /// Rules are not run.
    RulesIgnored,
    /// Limits of rules do not apply.
    LimitsIgnored,
    /// One of the stacks that return to a player is lost.
    ReturnLosesAStack,
    /// Some dropped stacks vanish.
    LootVanishes,
    /// A change of the selected slot is not sent to viewers that have missed earlier changes.
    SelectedNotSent,
    /// No resync is served.
    ResyncNotServed,
    /// A client keeps showing views that closed.
    ClosedViewStays,
    /// The last of several updates in a message is not applied.
    HalfAMessage,
    /// A rollback keeps the prediction of one slot.
    RollbackKeepsASlot,
    /// The player receives some answers twice.
    AnsweredTwice,
    /// A request whose answer was lost stays pending forever.
    LostAnswerAwaited,
    /// Messages that are not the next ones are applied.
    ReplayApplied,
    /// A view of an inventory that is hidden from its client does not close.
    HiddenStaysOpen,
    /// A client is sent changes of an inventory after its view was closed.
    ClosedIsUpdated,
    /// Instance data of an inventory is also sent to clients that see only others.
    DataToOthers,
    /// Some actions are rejected as if a rule denied them.
    LockedWithoutRule,
    /// Furnaces smelt twice as fast.
    SmeltsTwiceAsFast,
    /// Some changed slots are not stored.
    StoreForgetsSlots,
    /// Items in a trade offer are not stored with their player.
    OffersNotStored,
    /// Loot that was picked up stays in the store.
    StoredLootStays,
}

impl Bug {
    /// Returns `true` if only stored inventories can show the bug.
    #[must_use]
    pub const fn requires_store(self) -> bool {
        matches!(self, Self::StoreForgetsSlots | Self::OffersNotStored | Self::StoredLootStays)
    }
}

/// Returns `true` if a bug is active.
#[cfg(not(feature = "planted_bugs"))]
#[inline(always)]
pub(crate) const fn planted(_: Bug) -> bool {
    false
}

#[cfg(feature = "planted_bugs")]
pub use active::{plant, planted};

#[cfg(feature = "planted_bugs")]
mod active {
    use core::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::LazyLock;

    use super::Bug;

    const NONE: usize = usize::MAX;

    static ACTIVE: LazyLock<AtomicUsize> = LazyLock::new(|| {
        let name = std::env::var("PLANTED_BUG").unwrap_or_default();
        let bug = Bug::ALL.iter().find(|bug| format!("{bug:?}") == name);
        AtomicUsize::new(bug.map_or(NONE, |bug| *bug as usize))
    });

    /// Activates a bug in this process, or none.
    pub fn plant(bug: Option<Bug>) {
        ACTIVE.store(bug.map_or(NONE, |bug| bug as usize), Ordering::Relaxed);
    }

    /// Returns `true` if a bug is active.
    pub fn planted(bug: Bug) -> bool {
        ACTIVE.load(Ordering::Relaxed) == bug as usize
    }
}

/// Without the feature, no bug can be active: the compiler removes them all.
#[cfg(not(feature = "planted_bugs"))]
const _: () = {
    let mut n = 0;
    while n < Bug::ALL.len() {
        assert!(!planted(Bug::ALL[n]));
        n += 1;
    }
};
