//! Writes one message, from its first bit to its last.

use crate::model::{data::Datum, id::DataId, state::InventoryState};

use super::{
    Answers, CloseCause, Handover, OpenHead, Reset, Schema,
    bits::BitWriter,
    encode::{self, ChangedSlot, OpenBody, UpdateHead},
};

/// One message in the making. The buffer is kept from message to message.
///
/// The order of calls is the order of the format: one `begin_…`, then `update`s, then
/// [`finish`](Self::finish).
#[derive(Default, Debug)]
pub struct MessageWriter {
    bits: BitWriter,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
enum State {
    /// Nothing has been written.
    #[default]
    Empty,
    /// The first update decides whether the message is quick or plain.
    First,
    /// The same for a message that several clients get.
    FirstShared,
    /// In the list of updates.
    Updates,
    /// In the list of updates of a full message, which ends with checksums.
    FullUpdates,
    /// Nothing follows.
    Done,
}

/// The parts of a full message that come before its updates.
#[derive(Debug)]
pub struct FullHead<'a> {
    /// Number of full messages sent to the client before this one, modulo 256.
    pub number: u8,
    /// Answers to the client's requests.
    pub answers: Option<&'a Answers>,
    /// Set if the client must drop all views first.
    pub reset: Option<Reset>,
    /// Number of shared parts that follow the message.
    pub follows: usize,
    /// Ids of instance data that no longer exists.
    pub forgotten: &'a [DataId],
    /// Instance data that the client does not have.
    pub data: &'a [Datum],
    /// Views that close.
    pub closes: &'a [(u32, CloseCause)],
}

impl MessageWriter {
    /// Returns the number of bits written so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bits.len()
    }

    /// Returns `true` if nothing has been written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bits.is_empty()
    }

    /// Starts a message that contains only updates, for one client.
    pub fn begin_updates(&mut self) {
        self.begin(State::First);
    }

    /// Starts a message that contains only updates, for several clients.
    pub fn begin_shared(&mut self) {
        self.begin(State::FirstShared);
    }

    /// Starts a message of answers and updates.
    pub fn begin_answered(&mut self, answers: &Answers) {
        self.begin(State::Updates);
        encode::begin_answered(&mut self.bits, answers);
    }

    /// Starts a message that can contain everything. [`opens`](Self::opens) must follow.
    pub fn begin_full(&mut self, contents: &FullHead) -> FullLengths {
        self.begin(State::FullUpdates);
        let w = &mut self.bits;
        encode::begin_full(w, contents.number, contents.answers, contents.reset, contents.follows);
        let head = w.len();
        encode::data(w, contents.forgotten, contents.data);
        let data = w.len() - head;
        encode::closes(w, contents.closes);
        FullLengths { head, data }
    }

    /// Writes the views that open, and the transfer that is handed over. `write` writes each view with
    /// [`OpensWriter::open`], `len` of them in all. Returns the number of bits of the views, without their number and
    /// the handover.
    pub fn opens(
        &mut self,
        len: usize,
        handover: Option<&Handover>,
        write: impl FnOnce(&mut OpensWriter),
    ) -> usize {
        encode::opens(&mut self.bits, len);
        let before = self.bits.len();
        write(&mut OpensWriter { w: &mut self.bits, left: len });
        let written = self.bits.len() - before;
        encode::handover(&mut self.bits, handover);
        written
    }

    fn begin(&mut self, state: State) {
        self.bits.clear();
        self.state = state;
    }

    /// Writes the whole message if it consists of a single change of one inventory. Returns `true` if it did.
    /// Only valid for the first and only update after [`begin_updates`](Self::begin_updates) or
    /// [`begin_shared`](Self::begin_shared).
    pub fn quick(
        &mut self,
        schema: Schema,
        head: &UpdateHead,
        len: usize,
        entries: &[ChangedSlot],
    ) -> bool {
        let shared = match self.state {
            State::First => false,
            State::FirstShared => true,
            _ => return false,
        };
        let quick = encode::quick(&mut self.bits, schema, head, shared, (len, entries));
        if quick {
            self.state = State::Done;
        }
        quick
    }

    /// Writes one update.
    pub fn update(&mut self, write: impl FnOnce(&mut BitWriter)) {
        match self.state {
            State::First => encode::begin_plain(&mut self.bits),
            State::FirstShared => encode::begin_shared(&mut self.bits),
            _ => self.bits.flag(true),
        }
        if matches!(self.state, State::First | State::FirstShared) {
            self.state = State::Updates;
        }
        write(&mut self.bits);
    }

    /// Ends the message. A full message ends with `checksums`, by view. Returns the number of bits that they
    /// take.
    pub fn finish(&mut self, checksums: &[(u32, u64)]) -> usize {
        let mut written = 0;
        match self.state {
            State::Updates => self.bits.flag(false),
            State::FullUpdates => {
                self.bits.flag(false);
                let before = self.bits.len();
                encode::checksums(&mut self.bits, checksums);
                written = self.bits.len() - before;
            }
            _ => {}
        }
        self.state = State::Done;
        written
    }

    /// Returns `true` if the message ends with checksums.
    #[must_use]
    pub fn has_checksums(&self) -> bool {
        self.state == State::FullUpdates
    }

    /// Takes the bytes of a finished message.
    pub fn take_bytes(&mut self) -> bytes::Bytes {
        debug_assert_eq!(self.state, State::Done, "the message is not finished");
        let bytes = bytes::Bytes::copy_from_slice(self.bits.finish());
        self.begin(State::Empty);
        bytes
    }
}

/// Lengths in bits of the parts that [`MessageWriter::begin_full`] has written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FullLengths {
    /// Everything up to the number of shared parts. Contains the answers.
    pub head: usize,
    /// Instance data.
    pub data: usize,
}

/// Writes the views that open in one message, each relative to the one before.
pub struct OpensWriter<'w> {
    w: &'w mut BitWriter,
    left: usize,
}

impl OpensWriter<'_> {
    /// Writes one view. `before` is the view written before it.
    pub fn open(
        &mut self,
        schema: Schema,
        before: Option<(&OpenHead, &InventoryState)>,
        open: (&OpenHead, &InventoryState),
        body: OpenBody,
    ) {
        debug_assert!(self.left > 0, "more views than announced");
        self.left -= 1;
        encode::open(self.w, schema, before, open, body);
    }
}
