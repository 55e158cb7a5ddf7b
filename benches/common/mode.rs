//! Full and quick mode of the benches.
#![allow(dead_code, reason = "each bench uses a part of it")]

/// Arguments that all benches take.
#[derive(clap::Args, Clone, Copy, Debug)]
pub struct Mode {
    /// Runs a fraction of the workload. The results are not for comparison.
    #[arg(long)]
    pub quick: bool,
    /// Passed by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Mode {
    /// Reads the mode in benches whose arguments Criterion parses. Criterion has its own `--quick`, which takes fewer
    /// samples.
    pub fn from_env() -> Self {
        Self { quick: std::env::args().any(|arg| arg == "--quick"), bench: true }
    }

    /// Prints the approximate duration to stderr, and marks the output on stdout in quick mode. In full mode stdout
    /// contains only results.
    pub fn announce(self, full: &str, quick: &str) {
        if self.quick {
            eprintln!("This takes about {quick}.");
            println!("# quick run, not for comparison");
        } else {
            eprintln!("This takes about {full}; with `-- --quick` about {quick}.");
        }
    }

    /// Returns the value for this mode.
    pub fn pick<T>(self, full: T, quick: T) -> T {
        if self.quick { quick } else { full }
    }
}
