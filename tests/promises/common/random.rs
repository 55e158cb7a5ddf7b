//! Sizes and seeds of random tests, and how to repeat one that fails.
//!
//! `LONG_TESTS=1` runs the long sizes, `TEST_SEED=n` only that seed. Without the variables every run is the
//! same.

use core::panic::Location;
use std::ops::Range;

use bevy::prelude::default;
use proptest::{
    strategy::Strategy,
    test_runner::{Config, RngSeed, TestRunner},
};

/// Returns `true` if the environment asks for the long sizes.
pub fn is_long() -> bool {
    std::env::var_os("LONG_TESTS").is_some_and(|value| !value.is_empty() && value != "0")
}

/// A size that depends on how much time there is.
pub fn size<T>(short: T, long: T) -> T {
    if is_long() { long } else { short }
}

/// All of these with `LONG_TESTS`; otherwise at most `few`, evenly spread, the first and the last among them.
pub fn sample<T>(all: impl IntoIterator<Item = T>, few: usize) -> Vec<T> {
    let all: Vec<T> = all.into_iter().collect();
    if is_long() || all.len() <= few {
        return all;
    }
    let last = all.len() - 1;
    let chosen: Vec<usize> = (0..few).map(|n| n * last / (few - 1)).collect();
    all.into_iter().enumerate().filter(|(n, _)| chosen.contains(n)).map(|(_, one)| one).collect()
}

/// Runs a test for each seed, or only for `TEST_SEED`. Returns the number of seeds.
pub fn each_seed(seeds: Range<u64>, mut test: impl FnMut(u64)) -> u64 {
    let seeds = seed().map_or(seeds, |seed| seed..seed + 1);
    let count = seeds.end - seeds.start;
    for seed in seeds {
        let on_failure = PrintOnPanic(seed);
        test(seed);
        drop(on_failure);
    }
    count
}

/// Runs a test with random values of a strategy, always the same unless `TEST_SEED` is set. Shrinks what
/// fails.
#[track_caller]
pub fn each_value<S: Strategy>(cases: u32, strategy: &S, test: impl Fn(S::Value)) {
    let seed = seed().unwrap_or(0);
    let mut runner = TestRunner::new(Config {
        cases,
        rng_seed: RngSeed::Fixed(seed),
        max_shrink_iters: 400,
        source_file: Some(Location::caller().file()),
        ..default()
    });
    let result = runner.run(strategy, |value| {
        test(value);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}\n{runner}\n{}", how_to_repeat(seed));
    }
}

/// The seed that the environment asks for.
///
/// # Panics
///
/// If it is not a number.
fn seed() -> Option<u64> {
    let text = std::env::var("TEST_SEED").ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("TEST_SEED is not a number: {text}")))
}

struct PrintOnPanic(u64);

impl Drop for PrintOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", how_to_repeat(self.0));
        }
    }
}

fn how_to_repeat(seed: u64) -> String {
    let long = if is_long() { "LONG_TESTS=1 " } else { "" };
    // The harness names each test's thread after the test.
    let thread = std::thread::current();
    let test = thread.name().unwrap_or_default();
    format!(
        "failed with seed {seed}; repeat with\n    \
         {long}TEST_SEED={seed} cargo test --test promises -- --exact {test}"
    )
}
