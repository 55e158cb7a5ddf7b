//! Every input of the fuzzer's corpus still passes the checks of its target: no panic, and what is decoded is encoded to
//! the same value. The targets are those of `fuzz/`; only the fuzzer counts memory.

use std::{fs, path::Path};

use crate::sync::replay::trace;

#[path = "../../../fuzz/src/catalog.rs"]
mod catalog;
#[path = "../../../fuzz/src/chunk.rs"]
mod chunk;
#[path = "../../../fuzz/src/game.rs"]
mod game;
#[path = "../../../fuzz/src/handshake.rs"]
mod handshake;
#[path = "../../../fuzz/src/message.rs"]
mod message;
#[path = "../../../fuzz/src/recording.rs"]
mod recording;
#[path = "../../../fuzz/src/request.rs"]
mod request;
#[path = "../../../fuzz/src/saved.rs"]
mod saved;

mod memory {
    pub fn within<T>(_: usize, decode: impl FnOnce() -> T) -> T {
        decode()
    }
}

/// Runs all inputs of a target's corpus: a line each, in hexadecimal.
fn each_input(target: &str, run: fn(&[u8])) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fuzz/corpus/{target}.txt"));
    let corpus = fs::read_to_string(file).unwrap();
    for line in corpus.lines() {
        println!("{line}");
        let byte = |at| u8::from_str_radix(&line[at..at + 2], 16).unwrap();
        run(&(0..line.len()).step_by(2).map(byte).collect::<Vec<u8>>());
    }
    assert!(corpus.lines().count() > 10, "the corpus of `{target}` is there");
}

#[test]
fn corpus_of_messages_and_transfers_passes() {
    each_input("message", message::run);
    each_input("chunk", chunk::run);
}

#[test]
fn corpus_of_requests_and_handshakes_passes() {
    each_input("request", request::run);
    each_input("handshake", handshake::run);
}

#[test]
fn corpus_of_files_passes() {
    each_input("saved", saved::run);
    each_input("catalog", catalog::run);
    each_input("recording", recording::run);
}
