//! Request numbers, of which messages carry only the low bits.

use super::bits::low_byte;

/// Number of low bits of the request number that an answer carries.
pub(crate) const ANSWER_BITS: u32 = 6;

/// Mask of these bits.
const ANSWER_MASK: u8 = (1 << ANSWER_BITS) - 1;

/// Returns the low bits of a request number that an answer carries.
#[cfg(any(feature = "server", test))]
pub(crate) fn answer_bits(number: u64) -> u8 {
    low_byte(number) & ANSWER_MASK
}

/// Returns the last request number up to `latest` with these low bits. `None` if there is none.
#[cfg(any(feature = "client", test))]
pub(crate) fn number_at_or_before(latest: u64, bits: u8) -> Option<u64> {
    latest.checked_sub(u64::from(low_byte(latest).wrapping_sub(bits) & ANSWER_MASK))
}

/// Returns the request number nearest to `reference` with these low bits.
#[cfg(any(feature = "client", test))]
pub(crate) fn number_nearest(reference: u64, low: u32) -> u64 {
    let ahead = low.wrapping_sub(low_bits(reference)).cast_signed();
    reference.saturating_add_signed(ahead.into())
}

/// Returns the low 32 bits of a number.
#[expect(clippy::cast_possible_truncation, reason = "the low bits are wanted")]
pub(crate) fn low_bits(number: u64) -> u32 {
    number as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_numbers_are_found_by_their_low_bits() {
        for number in 0..300u64 {
            let bits = answer_bits(number);
            for ahead in 0..64 {
                assert_eq!(number_at_or_before(number + ahead, bits), Some(number));
            }
        }
        assert_eq!(number_at_or_before(5, 6), None, "no number up to 5 ends with these bits");
        for number in [0, 5, 1 << 31, u64::from(u32::MAX), 1 << 32, (1 << 40) + 7] {
            for reference in [number, number + 40, number.saturating_sub(40), number + (1 << 20)] {
                assert_eq!(number_nearest(reference, low_bits(number)), number);
            }
        }
        assert_eq!(number_nearest(5, u32::MAX - 60), 0, "numbers are not negative");
    }
}
