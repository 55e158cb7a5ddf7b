//! Resident memory of processes, from `/proc`. It is not measured on other systems.

use core::time::Duration;
use std::fs;

/// Samples of one process.
#[derive(Default)]
pub struct Memory(Vec<(Duration, u64)>);

impl Memory {
    /// Adds a sample of a process at this time of the run.
    pub fn sample(&mut self, process: u32, now: Duration) {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok());
        self.0.extend(kib.map(|kib| (now, kib)));
    }

    /// Returns the means of the second and of the last tenth of the run in KiB: after the warm-up, and at the end.
    /// `None` if the process did not run then.
    pub fn start_and_end(&self, run: Duration) -> [Option<u64>; 2] {
        let mean = |from: u32, to: u32| {
            let within = |time: &Duration| (run / 10 * from..run / 10 * to).contains(time);
            let samples = self.0.iter().filter(|(time, _)| within(time));
            let (sum, count) =
                samples.fold((0, 0), |(sum, count), (_, kib)| (sum + kib, count + 1));
            u64::checked_div(sum, count)
        };
        // The last check may take long after the end of the run.
        [mean(1, 2), mean(9, u32::MAX)]
    }
}
