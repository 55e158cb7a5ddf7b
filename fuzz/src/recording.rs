//! Parses recordings of the example `replay`. Input: a file in CSV.

use super::{memory, trace};

/// Runs one input.
pub fn run(bytes: &[u8]) {
    let lines = 1 + bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count();
    // Each row has metadata of two stacks, which is generated.
    let cap = 2 * lines * trace::METADATA_BYTES_MAX;
    match memory::within(cap, || trace::parse(bytes)) {
        Ok(trace) => check(&trace),
        Err(error) => check_error(&error, lines),
    }
}

fn check(trace: &trace::Trace) {
    assert!(trace.items.is_sorted_by(|a, b| a < b));
    let mut changes = 0;
    for session in &trace.sessions {
        assert!(session.ticks.windows(2).all(|pair| pair[0].number != pair[1].number));
        for change in session.ticks.iter().flat_map(|tick| &tick.changes) {
            assert!(change.slot < session.inventories[change.inventory].len());
            if let Some(held) = &change.new {
                assert!(held.count > 0 && trace.items.binary_search(&held.item).is_ok());
            }
            changes += 1;
        }
    }
    assert_eq!(changes, trace.ops);
    assert!(trace.batches <= trace.ops);
}

/// An error begins with the number of a line of the file.
fn check_error(error: &str, lines: usize) {
    if error == "there are no rows" {
        return;
    }
    let number = error.strip_prefix("line ").and_then(|rest| rest.split_once(": "));
    let number = number.and_then(|(number, _)| number.parse().ok());
    assert!(number.is_some_and(|number| (1..=lines).contains(&number)), "{error}");
}
