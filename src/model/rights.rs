//! Rights of a client to an inventory.

bitflags::bitflags! {
    /// What a client may do with an inventory. A client without [`SEE`](Self::SEE) receives nothing
    /// of it.
    #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
    pub struct Rights: u8 {
        /// May see the slots.
        const SEE = 1;
        /// May put items in.
        const PUT = 2;
        /// May take items out.
        const TAKE = 4;
        /// May select a slot of a hotbar. Games may also check it for permissions of their own.
        const MANAGE = 8;
        /// May see, put and take: the usual rights to a chest.
        const USE = Self::SEE.bits() | Self::PUT.bits() | Self::TAKE.bits();
    }
}

/// Number of bits that [`Rights`] occupy on the wire.
pub(crate) const RIGHTS_BITS: u32 = 4;
