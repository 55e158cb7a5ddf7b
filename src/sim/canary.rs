//! Detects whether clients are sent data that they may not see.

use bevy::platform::collections::HashMap;

use super::game::Label;

/// All labels that exist, by their first eight bytes, with one bit for each client to which the label was shown.
#[derive(Default)]
pub struct Canaries(HashMap<u64, u64>);

impl Canaries {
    /// Adds a label that no client has been shown.
    pub(super) fn add(&mut self, label: Label) {
        self.0.entry(first_bytes(label)).or_default();
    }

    /// Records that clients are shown a label, with one bit for each of them. Other data is ignored.
    pub(super) fn show(&mut self, label: Label, clients: u64) {
        if let Some(shown) = self.0.get_mut(&first_bytes(label)) {
            *shown |= clients;
        }
    }

    /// Returns `true` if a message contains a label that its recipient was never shown, whichever bit it begins at.
    pub(super) fn found_in(&self, bytes: &[u8], client: usize) -> bool {
        let hidden = |bits| self.0.get(&bits).is_some_and(|shown| shown >> client & 1 == 0);
        windows(bytes).any(hidden)
    }
}

fn first_bytes(Label(bytes): Label) -> u64 {
    u64::from_le_bytes(core::array::from_fn(|n| bytes[n]))
}

/// Returns the 64 bits at every bit offset that another byte follows.
fn windows(bytes: &[u8]) -> impl Iterator<Item = u64> {
    bytes.windows(9).flat_map(|nine| {
        let low = u64::from_le_bytes(core::array::from_fn(|n| nine[n]));
        let next = u64::from(nine[8]);
        (0..8).map(move |shift| low >> shift | next.checked_shl(64 - shift).unwrap_or(0))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::bits::BitWriter;

    #[test]
    fn labels_are_found_at_every_bit_offset() {
        let label = Label::numbered(7);
        let mut canaries = Canaries::default();
        canaries.add(label);
        canaries.show(label, 0b10);
        let mut others = Canaries::default();
        others.add(Label::numbered(8));
        for shift in 0..8 {
            let mut w = BitWriter::default();
            w.put(0, 8 + shift);
            label.0.iter().for_each(|byte| w.put(u32::from(*byte), 8));
            let bytes = w.finish().to_vec();
            assert!(canaries.found_in(&bytes, 0), "{shift}");
            assert!(!canaries.found_in(&bytes, 1));
            assert!(!others.found_in(&bytes, 0));
        }
    }
}
