//! Who may do what with an inventory.

bitflags::bitflags! {
    /// What a client may do with an inventory. Without [`SEE`](Self::SEE) it gets no byte of it.
    #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
    pub struct Rights: u8 {
        /// Sees the slots.
        const SEE = 1;
        /// May put items in.
        const PUT = 2;
        /// May take items out.
        const TAKE = 4;
        /// May rename, lock, and change who else has rights.
        const MANAGE = 8;
        /// Sees, puts and takes: someone at an ordinary chest.
        const USE = Self::SEE.bits() | Self::PUT.bits() | Self::TAKE.bits();
    }
}

/// How many bits [`Rights`] take on the wire.
pub(crate) const RIGHTS_BITS: u32 = 4;
