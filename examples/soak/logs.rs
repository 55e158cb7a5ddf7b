//! Collects the warnings and errors of all processes, and tells the explained ones from the others.

use std::collections::BTreeMap;

/// Messages that the faults explain, by a part of their text, with the reason.
const EXPLAINED: &[(&str, &str)] = &[
    ("packet: sequence already received", "a duplicated or very late datagram"),
    ("packet: no private key was found for this address", "a datagram of a connection that ended"),
    ("Failed to update client: disconnected: connection timed out", "an outage"),
    ("Failed to update client: client has no more servers to connect", "an outage"),
    ("messages of type `SyncRequest` due to a disconnect", "a client left or lost its connection"),
];

/// Messages by text, with numbers replaced so that equal messages count together.
#[derive(Default)]
pub struct Logs(BTreeMap<String, u64>);

/// One message text.
pub struct LogCount<'a> {
    pub text: &'a str,
    pub count: u64,
    /// Why it may occur; `None` fails the run.
    pub reason: Option<&'static str>,
}

impl Logs {
    /// Adds a line of a process's standard error stream: a warning or an error, or a part of a panic.
    pub fn add(&mut self, process: &str, line: &str) {
        // Without the time. A line without a level, such as a panic, counts as a whole.
        let message = line.split_once(' ').map_or("", |(_, rest)| rest.trim());
        let has_level = message.starts_with("WARN ") || message.starts_with("ERROR ");
        let text = if has_level { message } else { line.trim() };
        if !text.is_empty() {
            *self.0.entry(format!("{process}: {}", without_numbers(text))).or_default() += 1;
        }
    }

    /// Returns all message texts.
    pub fn counts(&self) -> impl Iterator<Item = LogCount<'_>> {
        self.0.iter().map(|(text, count)| {
            let explained = EXPLAINED.iter().find(|(part, _)| text.contains(part));
            LogCount { text, count: *count, reason: explained.map(|(_, reason)| *reason) }
        })
    }
}

/// Replaces all words that contain a digit.
fn without_numbers(text: &str) -> String {
    let mut words = String::new();
    for word in text.split_inclusive(|c: char| !c.is_alphanumeric()) {
        let end = word.trim_end_matches(|c: char| !c.is_alphanumeric()).len();
        words +=
            if word[..end].contains(|c: char| c.is_ascii_digit()) { "#" } else { &word[..end] };
        words += &word[end..];
    }
    words
}
