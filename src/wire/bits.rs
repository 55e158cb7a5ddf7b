//! Reads and writes bits, lowest first.

use super::DecodeError;

/// Appends bits to a reusable buffer.
#[derive(Default, Debug)]
pub struct BitWriter {
    bytes: Vec<u8>,
    pending: u64,
    pending_bits: u32,
}

impl BitWriter {
    /// Returns the number of bits written.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len() * 8 + self.pending_bits as usize
    }

    /// Returns `true` if nothing has been written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes the lowest `bits` bits of `value`, at most 32.
    #[inline]
    pub fn put(&mut self, value: u32, bits: u32) {
        debug_assert!(bits <= 32 && (bits == 32 || value < 1 << bits));
        self.pending |= u64::from(value) << self.pending_bits;
        self.pending_bits += bits;
        if self.pending_bits >= 32 {
            self.spill();
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "the upper half stays pending")]
    fn spill(&mut self) {
        self.bytes.extend_from_slice(&(self.pending as u32).to_le_bytes());
        self.pending >>= 32;
        self.pending_bits -= 32;
    }

    /// Writes one bit.
    #[inline]
    pub fn flag(&mut self, flag: bool) {
        self.put(u32::from(flag), 1);
    }

    /// Writes 64 bits.
    #[expect(clippy::cast_possible_truncation, reason = "both halves are written")]
    pub fn put_u64(&mut self, value: u64) {
        self.put(value as u32, 32);
        self.put((value >> 32) as u32, 32);
    }

    /// Writes a number as an Exp-Golomb code of order `k`. The largest value is `u64::MAX - 2^k`.
    #[expect(clippy::cast_possible_truncation, reason = "the code has at most 32 bits")]
    #[inline]
    pub fn golomb(&mut self, value: u64, k: u32) {
        let shifted = value + (1 << k);
        let rest = 63 - shifted.leading_zeros();
        let zeros = rest - k;
        if zeros + 1 + rest > 32 {
            return self.golomb_in_parts(shifted, zeros, rest);
        }
        let low = shifted & ((1 << rest) - 1);
        self.put(((low << 1 | 1) << zeros) as u32, zeros + 1 + rest);
    }

    #[expect(clippy::cast_possible_truncation, reason = "each part has at most 32 bits")]
    fn golomb_in_parts(&mut self, shifted: u64, zeros: u32, rest: u32) {
        self.put(0, zeros.min(32));
        self.put(0, zeros.saturating_sub(32));
        self.put(1, 1);
        self.put((shifted & ((1 << rest.min(32)) - 1)) as u32, rest.min(32));
        if rest > 32 {
            self.put(((shifted & ((1 << rest) - 1)) >> 32) as u32, rest - 32);
        }
    }

    /// Returns the number of bits that [`Self::golomb`] writes for a value.
    #[must_use]
    pub const fn golomb_bits(value: u64, k: u32) -> u32 {
        let digits = 64 - (value + (1 << k)).leading_zeros();
        2 * digits - k - 1
    }

    /// Appends the bits of another writer.
    pub fn append(&mut self, other: &Self) {
        other.bytes.iter().for_each(|byte| self.put(u32::from(*byte), 8));
        #[expect(clippy::cast_possible_truncation, reason = "fewer than 32 bits are pending")]
        self.put(other.pending as u32, other.pending_bits);
    }

    /// Pads the last byte with zeros and returns the bytes.
    pub fn finish(&mut self) -> &[u8] {
        let left = self.pending_bits.div_ceil(8) as usize;
        self.bytes.extend_from_slice(&self.pending.to_le_bytes()[..left]);
        (self.pending, self.pending_bits) = (0, 0);
        &self.bytes
    }

    /// Clears the contents and keeps the buffer.
    pub fn clear(&mut self) {
        self.bytes.clear();
        (self.pending, self.pending_bits) = (0, 0);
    }
}

/// Reads bits from bytes, never past the end.
#[derive(Clone, Debug)]
pub struct BitReader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> BitReader<'a> {
    /// Creates a reader at the first bit.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Returns the number of bits left.
    #[must_use]
    pub fn left(&self) -> usize {
        self.bytes.len() * 8 - self.at
    }

    /// Reads `bits` bits, at most 32.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Truncated`] if fewer bits are left.
    pub fn take(&mut self, bits: u32) -> Result<u32, DecodeError> {
        if self.left() < bits as usize {
            return Err(DecodeError::Truncated);
        }
        let mut value = 0;
        for n in 0..bits {
            let bit = (self.bytes[self.at / 8] >> (self.at % 8)) & 1;
            value |= u32::from(bit) << n;
            self.at += 1;
        }
        Ok(value)
    }

    /// Reads one bit.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Truncated`] if no bit is left.
    pub fn flag(&mut self) -> Result<bool, DecodeError> {
        Ok(self.take(1)? == 1)
    }

    /// Reads 64 bits.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Truncated`] if fewer bits are left.
    pub fn take_u64(&mut self) -> Result<u64, DecodeError> {
        Ok(u64::from(self.take(32)?) | u64::from(self.take(32)?) << 32)
    }

    /// Reads an Exp-Golomb code of order `k`.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Truncated`], or [`DecodeError::OutOfRange`] if the value is above `max`.
    pub fn golomb(&mut self, k: u32, what: &'static str, max: u64) -> Result<u64, DecodeError> {
        let mut digits = k + 1;
        while !self.flag()? {
            digits += 1;
            if digits > 64 {
                return Err(DecodeError::OutOfRange { what, value: u64::MAX, max });
            }
        }
        let rest = digits - 1;
        let low = u64::from(self.take(rest.min(32))?);
        let high = if rest > 32 { u64::from(self.take(rest - 32)?) << 32 } else { 0 };
        let value = ((1 << rest) | high | low) - (1 << k);
        if value > max {
            return Err(DecodeError::OutOfRange { what, value, max });
        }
        Ok(value)
    }

    /// Checks that nothing is left but the zero padding of the last byte.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Trailing`] if anything else is left.
    pub fn end(mut self) -> Result<(), DecodeError> {
        let left = self.left();
        #[expect(clippy::cast_possible_truncation, reason = "fewer than eight bits are left")]
        if left >= 8 || self.take(left as u32)? != 0 {
            return Err(DecodeError::Trailing);
        }
        Ok(())
    }
}

/// Returns the low eight bits of a number.
pub(crate) fn low_byte(number: impl Into<u64>) -> u8 {
    let [low, ..] = number.into().to_le_bytes();
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golomb_round_trips_for_every_order_and_boundary_value() {
        for k in 0..10 {
            for value in (0..200).chain([u64::from(u32::MAX), 1 << 40, u64::MAX - (1 << k)]) {
                let mut writer = BitWriter::default();
                writer.flag(true);
                writer.golomb(value, k);
                assert_eq!(BitWriter::golomb_bits(value, k) as usize, writer.len() - 1);
                let bytes = writer.finish().to_vec();
                let mut reader = BitReader::new(&bytes);
                reader.flag().unwrap();
                assert_eq!(reader.golomb(k, "value", u64::MAX), Ok(value));
                reader.end().unwrap();
            }
        }
    }

    #[test]
    fn golomb_codes_have_the_documented_sizes() {
        for (value, bits) in [(0, 1), (1, 3), (2, 3), (3, 5), (6, 5), (7, 7)] {
            let mut writer = BitWriter::default();
            writer.golomb(value, 0);
            assert_eq!(writer.len(), bits);
            assert_eq!(BitWriter::golomb_bits(value, 0) as usize, bits);
        }
    }

    #[test]
    fn golomb_rejects_endless_zeros_and_values_above_the_maximum() {
        assert!(BitReader::new(&[0; 16]).golomb(0, "value", 9).is_err());
        let mut writer = BitWriter::default();
        writer.golomb(3, 0);
        let above = BitReader::new(writer.finish()).golomb(0, "value", 2);
        assert_eq!(above, Err(DecodeError::OutOfRange { what: "value", value: 3, max: 2 }));
    }

    #[test]
    fn trailing_bits_are_rejected() {
        let mut reader = BitReader::new(&[0b11, 0]);
        reader.take(2).unwrap();
        assert_eq!(reader.clone().end(), Err(DecodeError::Trailing));
        reader.take(8).unwrap();
        assert_eq!(reader.end(), Ok(()));
    }
}
