//! Counts instructions with valgrind.

use std::process::Command;

/// Runs this executable again with these arguments. Returns the number of instructions within its functions that are
/// called `counted_update`.
pub fn count<S: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = S>) -> f64 {
    let this = std::env::current_exe().expect("the executable has a path");
    let out = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--trace-children=no"])
        .arg("--toggle-collect=*counted_update*")
        .arg(this)
        .args(args)
        .output()
        .expect("valgrind is installed");
    let said = String::from_utf8_lossy(&out.stderr);
    let collected = said.lines().find_map(|line| line.split_once("Collected : "));
    let (_, collected) = collected.unwrap_or_else(|| panic!("valgrind reported no count: {said}"));
    let count = collected.trim().parse().expect("the count is a number");
    assert!(count > 0.0, "no instructions were counted: is `counted_update` stripped or inlined?");
    count
}
