//! Reads and validates a recording. Errors include the line number.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
};

use serde::Deserialize;

/// The contents of a slot.
pub type Cell = Option<Held>;

/// A recorded stack.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Held {
    /// The item's name.
    pub item: String,
    /// Number of items.
    pub count: u32,
    /// Instance data of the recorded length, generated from the recorded checksum.
    pub meta: Option<Vec<u8>>,
}

/// A recording.
pub struct Trace {
    /// Name, from the first row.
    pub name: String,
    /// Number of rows.
    pub ops: usize,
    /// Number of distinct batches.
    pub batches: usize,
    /// All items, sorted by name.
    pub items: Vec<String>,
    /// The sessions, in file order.
    pub sessions: Vec<Session>,
}

/// A session, which starts with empty inventories.
pub struct Session {
    /// The recorded slot numbers of each inventory, sorted. The position in the list is the replayed slot.
    pub inventories: Vec<Vec<i64>>,
    /// The ticks, in order.
    pub ticks: Vec<Tick>,
}

/// All changes of a tick: consecutive rows with the same tick number. File order applies even
/// where a recording's clock was set back.
pub struct Tick {
    /// The recorded tick number.
    pub number: u64,
    /// The changes, in file order.
    pub changes: Vec<Change>,
}

/// A change of a slot.
pub struct Change {
    /// Index of the inventory in the session.
    pub inventory: usize,
    /// Index of the replayed slot.
    pub slot: usize,
    /// The slot's contents after the change.
    pub new: Cell,
}

#[derive(Deserialize)]
struct Row {
    trace: String,
    session: String,
    tick: u64,
    #[serde(rename = "tick_ms")]
    _tick_ms: u64,
    batch: u64,
    inventory: String,
    slot: i64,
    old_item: String,
    old_count: u32,
    old_meta: String,
    new_item: String,
    new_count: u32,
    new_meta: String,
}

/// A row with its line number in the file.
type Line = (usize, Row);

/// Reads a recording.
///
/// # Errors
///
/// Returns a message with the file, the line number and the problem.
pub fn read(path: &Path) -> Result<Trace, String> {
    let at = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let bytes = std::fs::read(path).map_err(|error| at(&error))?;
    parse(&bytes).map_err(|error| at(&error))
}

/// Reads a recording from the bytes of its file.
///
/// # Errors
///
/// Returns a message with the line number and the problem.
pub fn parse(bytes: &[u8]) -> Result<Trace, String> {
    let mut reader = csv::Reader::from_reader(bytes);
    let headers = reader.headers().map_err(|error| describe_csv(&error, bytes))?.clone();
    let mut lines: Vec<Line> = Vec::new();
    // The end of what has been counted, and the number of lines that end before it.
    let (mut counted, mut ended) = (0, 0);
    for record in reader.records() {
        let record = record.map_err(|error| describe_csv(&error, bytes))?;
        let start = start_of(record.position(), bytes);
        ended += newlines(&bytes[counted..start]);
        counted = start;
        let line = 1 + ended;
        let row = record.deserialize(Some(&headers));
        lines.push((line, row.map_err(|error| describe_csv(&error, bytes))?));
    }
    validate(&lines)
}

/// Returns the position of the first byte of a record, after blank lines.
fn start_of(position: Option<&csv::Position>, bytes: &[u8]) -> usize {
    let start = position.and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or(0);
    start + bytes[start..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count()
}

fn newlines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

fn describe_csv(error: &csv::Error, bytes: &[u8]) -> String {
    // The reader's own count is off by one if lines end with CR LF.
    let line = 1 + newlines(&bytes[..start_of(error.position(), bytes)]);
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("line {line}: {len} fields, but the first line has {expected_len}")
        }
        csv::ErrorKind::Deserialize { err, .. } => {
            let column = err.field().map_or(String::new(), |n| format!("column {}: ", n + 1));
            format!("line {line}: {column}{}", err.kind())
        }
        csv::ErrorKind::Utf8 { err, .. } => format!("line {line}: {err}"),
        _ => error.to_string(),
    }
}

fn validate(lines: &[Line]) -> Result<Trace, String> {
    let (_, first) = lines.first().ok_or("there are no rows")?;
    let mut items = BTreeSet::new();
    let mut batches = BTreeSet::new();
    let mut sessions: Vec<(&str, Vec<&Line>)> = Vec::new();
    let mut positions: HashMap<&str, usize> = HashMap::new();
    for line in lines {
        let row = &line.1;
        items.extend([&row.old_item, &row.new_item].into_iter().filter(|item| !item.is_empty()));
        batches.insert((&row.session, row.batch));
        let at = *positions.entry(row.session.as_str()).or_insert_with(|| {
            sessions.push((&row.session, Vec::new()));
            sessions.len() - 1
        });
        sessions[at].1.push(line);
    }
    Ok(Trace {
        name: first.trace.clone(),
        ops: lines.len(),
        batches: batches.len(),
        items: items.into_iter().cloned().collect(),
        sessions: sessions.iter().map(|(_, lines)| session(lines)).collect::<Result<_, _>>()?,
    })
}

fn session(lines: &[&Line]) -> Result<Session, String> {
    let mut slots: BTreeMap<&str, BTreeSet<i64>> = BTreeMap::new();
    for (_, row) in lines {
        slots.entry(&row.inventory).or_default().insert(row.slot);
    }
    let names: Vec<&str> = slots.keys().copied().collect();
    let inventories: Vec<Vec<i64>> =
        slots.values().map(|slots| slots.iter().copied().collect()).collect();
    let mut model: HashMap<(usize, usize), Cell> = HashMap::new();
    let mut ticks: Vec<Tick> = Vec::new();
    for (line, row) in lines {
        let wrong = |what: String| format!("line {line}: {what}");
        let inventory = names.binary_search(&row.inventory.as_str()).unwrap_or_default();
        let slot = inventories[inventory].binary_search(&row.slot).unwrap_or_default();
        let old = cell(&row.old_item, row.old_count, &row.old_meta).map_err(wrong)?;
        let new = cell(&row.new_item, row.new_count, &row.new_meta).map_err(wrong)?;
        let there = model.entry((inventory, slot)).or_insert(None);
        if *there != old {
            return Err(wrong(format!(
                "slot {} of inventory `{}` contained {}, not {}",
                row.slot,
                row.inventory,
                describe(there),
                describe(&old),
            )));
        }
        there.clone_from(&new);
        if ticks.last().is_none_or(|last| last.number != row.tick) {
            ticks.push(Tick { number: row.tick, changes: Vec::new() });
        }
        let changes = ticks.last_mut().map(|tick| &mut tick.changes);
        changes.into_iter().for_each(|to| to.push(Change { inventory, slot, new: new.clone() }));
    }
    Ok(Session { inventories, ticks })
}

fn cell(item: &str, count: u32, meta: &str) -> Result<Cell, String> {
    match (item, count) {
        ("", 0) if meta.is_empty() => Ok(None),
        ("", 0) => Err(format!("metadata {meta} without an item")),
        ("", count) => Err(format!("count {count} without an item")),
        (item, 0) => Err(format!("a stack of `{item}` with count zero")),
        (item, count) => Ok(Some(Held { item: item.to_owned(), count, meta: metadata(meta)? })),
    }
}

/// Metadata is recorded as `<bytes>:<checksum>`. The generated stand-in has that length, and differs if the
/// checksum differs.
fn metadata(meta: &str) -> Result<Option<Vec<u8>>, String> {
    if meta.is_empty() {
        return Ok(None);
    }
    let parts = meta.split_once(':').filter(|(_, checksum)| !checksum.is_empty());
    let bytes = parts.and_then(|(bytes, _)| bytes.parse::<usize>().ok());
    let Some(bytes) = bytes.filter(|bytes| *bytes <= METADATA_BYTES_MAX) else {
        return Err(format!("metadata {meta} does not have the form `<bytes>:<checksum>`"));
    };
    let checksum = parts.map_or("", |(_, checksum)| checksum);
    Ok(Some(checksum.bytes().cycle().take(bytes).collect()))
}

/// Maximum size of metadata that can be replayed, in bytes.
pub const METADATA_BYTES_MAX: usize = 60_000;

fn describe(cell: &Cell) -> String {
    match cell {
        None => "nothing".to_owned(),
        Some(Held { item, count, meta: None }) => format!("{count} of `{item}`"),
        Some(Held { item, count, meta: Some(meta) }) => {
            format!("{count} of `{item}` with {} bytes of metadata", meta.len())
        }
    }
}
