//! Detects whether a client is sent data that it may not see.

use super::game::Label;

/// A label that only one client may see, and what it looks like at every bit offset.
pub(super) struct Canary {
    pub(super) label: Label,
    patterns: [[u8; 15]; 8],
}

impl Canary {
    pub(super) fn new(label: Label) -> Self {
        let Label(bytes) = label;
        let at = |shift: usize| {
            core::array::from_fn(|n| {
                let both = u16::from_le_bytes([bytes[n], bytes[n + 1]]);
                (both >> (8 - shift)).to_le_bytes()[0]
            })
        };
        Self { label, patterns: core::array::from_fn(at) }
    }

    /// Returns `true` if the label is part of a message, whichever bit it begins at.
    pub(super) fn is_in(&self, bytes: &[u8]) -> bool {
        let mut windows = bytes.windows(15);
        windows.any(|window| self.patterns.iter().any(|pattern| pattern == window))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::bits::BitWriter;

    #[test]
    fn labels_are_found_at_every_bit_offset() {
        let label = Label::numbered(7);
        for shift in 0..8 {
            let mut w = BitWriter::default();
            w.put(0, 8 + shift);
            label.0.iter().for_each(|byte| w.put(u32::from(*byte), 8));
            w.put(1, 5);
            let bytes = w.finish().to_vec();
            assert!(Canary::new(label).is_in(&bytes), "{shift}");
            assert!(!Canary::new(Label::numbered(8)).is_in(&bytes));
        }
    }
}
