//! Detects that a message, or one before it, was altered, lost, repeated or delayed.
//!
//! ```text
//! sent      = message | full check:24                   check: low bits of the CRC-32 of all messages to the client
//!                                                       since the last reset, this one included
//! ```
//!
//! The transport is expected to deliver each message once, in order and unaltered. An update that arrives altered can
//! be valid, and change another slot or another inventory. So can an opening, whose id and rights no checksum covers.

use bytes::Bytes;
use crc32fast::Hasher;

use super::{DecodeError, decode::is_full};
use crate::model::planted::{Bug, planted};

/// Length of the check after a message in bytes.
const CHECK_BYTES: usize = 3;

/// The running CRC-32 of the messages that were sent to a client, or that the client received.
#[derive(Clone, Default, Debug)]
pub struct StreamCheck {
    crc: u32,
}

impl StreamCheck {
    /// Adds a message without a check.
    pub fn add(&mut self, bytes: &[u8]) {
        let mut hasher = Hasher::new_with_initial(self.crc);
        hasher.update(bytes);
        self.crc = hasher.finalize();
    }

    fn check(&self) -> [u8; CHECK_BYTES] {
        let [a, b, c, _] = self.crc.to_le_bytes();
        [a, b, c]
    }

    /// Adds a message that is about to be sent, and its check if it is a full one. Before a message with a reset, start
    /// with a new value.
    #[must_use]
    pub fn seal(&mut self, bytes: Bytes) -> Bytes {
        self.add(&bytes);
        if is_full(&bytes) { [bytes.as_ref(), &self.check()].concat().into() } else { bytes }
    }

    /// Adds a message that was received, and returns it without its check.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Truncated`], or [`DecodeError::Altered`] if the check is wrong. It then stays wrong until
    /// the next reset.
    pub fn verify(&mut self, mut bytes: Bytes) -> Result<Bytes, DecodeError> {
        if !is_full(&bytes) {
            self.add(&bytes);
            return Ok(bytes);
        }
        let len = bytes.len().checked_sub(CHECK_BYTES).ok_or(DecodeError::Truncated)?;
        let check = bytes.split_off(len);
        self.add(&bytes);
        let ignored = planted(Bug::ReplayApplied) || planted(Bug::MessagesNotChecked);
        if check == self.check().as_slice() || ignored {
            return Ok(bytes);
        }
        // The check of a reset covers no earlier message.
        let mut begun = Self::default();
        begun.add(&bytes);
        if check != begun.check().as_slice() {
            return Err(DecodeError::Altered);
        }
        *self = begun;
        Ok(bytes)
    }
}

/// Appends a check to the bytes of a transfer.
#[must_use]
pub fn seal_transfer(mut bytes: Vec<u8>) -> Vec<u8> {
    let mut check = StreamCheck::default();
    check.add(&bytes);
    bytes.extend(check.check());
    bytes
}

/// Returns the bytes of a transfer without their check.
pub(super) fn verify_transfer(bytes: &[u8]) -> Result<&[u8], DecodeError> {
    let (bytes, end) = bytes.split_last_chunk::<CHECK_BYTES>().ok_or(DecodeError::Truncated)?;
    let mut check = StreamCheck::default();
    check.add(bytes);
    if *end == check.check() { Ok(bytes) } else { Err(DecodeError::Altered) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &[u8] = &[0b0000_0010, 7];
    const FULL: &[u8] = &[0b0000_0111, 1, 2, 3];

    fn sent(messages: &[&'static [u8]]) -> Vec<Bytes> {
        let mut stream = StreamCheck::default();
        messages.iter().map(|bytes| stream.seal(Bytes::from_static(bytes))).collect()
    }

    fn received(messages: &[Bytes]) -> Vec<Result<Bytes, DecodeError>> {
        let mut stream = StreamCheck::default();
        messages.iter().map(|bytes| stream.verify(bytes.clone())).collect()
    }

    #[test]
    fn full_messages_end_with_a_crc() {
        // CRC-32 of "123456789" is 0xCBF43926.
        let mut stream = StreamCheck::default();
        stream.add(b"1234");
        stream.add(b"56789");
        assert_eq!(stream.check(), [0x26, 0x39, 0xF4]);
        let sent = sent(&[PLAIN, FULL]);
        assert_eq!((sent[0].len(), sent[1].len()), (PLAIN.len(), FULL.len() + CHECK_BYTES));
        let [Ok(plain), Ok(full)] = &received(&sent)[..] else { panic!("both are valid") };
        assert_eq!((plain.as_ref(), full.as_ref()), (PLAIN, FULL));
    }

    #[test]
    fn every_altered_bit_and_every_lost_repeated_or_exchanged_message_is_detected() {
        // A message that is altered may look like one without a check. The check of the next one detects it.
        let all = sent(&[PLAIN, FULL, PLAIN, FULL, FULL]);
        let last = |messages: &[Bytes]| received(messages).pop().unwrap();
        assert!(last(&all).is_ok());
        for (message, bit) in
            (0..all.len() - 1).flat_map(|at| (0..8 * all[at].len()).map(move |bit| (at, bit)))
        {
            let mut altered = all.clone();
            let mut bytes = altered[message].to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            altered[message] = bytes.into();
            let found = received(&altered).iter().any(Result::is_err);
            assert!(found, "bit {bit} of message {message}");
        }
        for at in 0..3 {
            let mut lost = all.clone();
            lost.remove(at);
            assert_eq!(last(&lost), Err(DecodeError::Altered), "message {at} lost");
            let mut repeated = all.clone();
            repeated.insert(at, all[at].clone());
            assert_eq!(last(&repeated), Err(DecodeError::Altered), "message {at} repeated");
            let mut exchanged = all.clone();
            exchanged.swap(at, at + 1);
            assert!(received(&exchanged).iter().any(Result::is_err), "message {at} delayed");
        }
    }

    #[test]
    fn stream_is_valid_again_after_a_reset() {
        let mut all = sent(&[PLAIN, FULL]);
        all.remove(0);
        // The server sends a reset.
        all.extend(sent(&[FULL, PLAIN, FULL]));
        let results = received(&all);
        assert_eq!(results[0], Err(DecodeError::Altered));
        assert!(results[1..].iter().all(Result::is_ok));
    }

    #[test]
    fn altered_transfers_are_detected() {
        let sealed = seal_transfer(b"content".to_vec());
        assert_eq!(verify_transfer(&sealed), Ok(&b"content"[..]));
        for bit in 0..8 * sealed.len() {
            let mut altered = sealed.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(verify_transfer(&altered), Err(DecodeError::Altered), "bit {bit}");
        }
        assert_eq!(verify_transfer(&sealed[..2]), Err(DecodeError::Truncated));
    }
}
