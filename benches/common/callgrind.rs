//! Counts instructions with valgrind.

use std::process::Command;

/// Runs this executable again with these arguments. Returns what it printed, and the number of instructions within its
/// functions whose names begin with `counted_`.
pub fn run<S: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = S>) -> (String, f64) {
    let this = std::env::current_exe().expect("the executable has a path");
    let out = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--trace-children=no"])
        .arg("--toggle-collect=*::counted_*")
        .arg(this)
        .args(args)
        .output()
        .expect("valgrind is installed");
    let said = String::from_utf8_lossy(&out.stderr);
    let collected = said.lines().find_map(|line| line.split_once("Collected : "));
    let (_, collected) = collected.unwrap_or_else(|| panic!("valgrind reported no count: {said}"));
    let count = collected.trim().parse().expect("the count is a number");
    assert!(count > 0.0, "no instructions were counted: is a function stripped or inlined?");
    (String::from_utf8_lossy(&out.stdout).into_owned(), count)
}
