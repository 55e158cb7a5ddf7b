//! The summary at the end.

use std::collections::BTreeMap;

use crate::{pipe::ClientStats, proxy::Fates, run::Run};

/// Prints what happened, and what failed.
pub fn print(run: &Run) {
    let clients = || run.players.iter().flat_map(|player| player.past.iter().chain([&player.now]));
    let sum = |of: fn(&ClientStats) -> u64| clients().map(of).sum::<u64>();
    let server = &run.server_stats;
    println!();
    row("duration", format!("{:.1} min", run.clock.now().as_secs_f32() / 60.0));
    row("players", run.players.len());
    row("player-minutes", tenths(sum(|stats| stats.synced_millis) / 6_000));
    println!();
    print_traffic(run);
    println!();
    let mut reasons = BTreeMap::<&str, u64>::new();
    for (reason, count) in clients().flat_map(|stats| &stats.rejected) {
        *reasons.entry(reason).or_default() += count;
    }
    row("actions", sum(|stats| stats.requests));
    row("  accepted", sum(|stats| stats.confirmed));
    row("  rejected", reasons.values().sum::<u64>());
    reasons.iter().for_each(|(reason, count)| row(&format!("    {reason}"), count));
    println!();
    row("slots changed", server.slots);
    row("views opened", format!("{}, {} from a cached copy", server.opened, server.cached));
    row("chunks", server.chunks);
    row("checksums compared", sum(|stats| stats.checksums));
    row("resyncs", format!("{} requested, {} served", sum(|stats| stats.resyncs), server.resyncs));
    row("repairs", format!("{} requested, {} served", sum(|stats| stats.repairs), server.repairs));
    let joins = sum(|stats| stats.joins);
    row("reconnects", joins.saturating_sub(run.players.len() as u64));
    row("  ordered", run.players.iter().map(|player| player.departures).sum::<u64>());
    row("  lost connections", sum(|stats| stats.lost));
    row("  killed processes", run.players.iter().map(|player| u64::from(player.life)).sum::<u64>());
    println!();
    print_memory(run);
    print_logs(run);
    let (checks, slowest) = run.checks;
    row(
        "checks of agreement",
        format!("{checks}, the slowest took {:.1} s", slowest.as_secs_f32()),
    );
    row("counts of items", format!("{}, {} items at the last", server.counts, server.items));
    row("agree", yes(run.agree && checks > 0));
    row("conserved", yes(server.counts > 0 && server.wrong_counts.is_empty()));
    for failure in &run.failures {
        println!("FAILED: {failure}");
    }
}

fn print_traffic(run: &Run) {
    let (mut up, mut down) = (Fates::default(), Fates::default());
    let (mut blackouts, mut outages) = (0, 0);
    for traffic in run.players.iter().map(|player| player.relay.traffic()) {
        up += traffic.up;
        down += traffic.down;
        blackouts += traffic.blackouts;
        outages += traffic.outages;
    }
    row("datagrams", format!("{:>9} {:>9}", "to server", "to client"));
    let both = |name: &str, of: fn(Fates) -> u64| {
        row(&format!("  {name}"), format!("{:>9} {:>9}", of(up), of(down)));
    };
    both("passed", |fates| fates.passed);
    both("  duplicates", |fates| fates.duplicated);
    both("  delayed >= 2 ticks", |fates| fates.late);
    both("  reordered", |fates| fates.reordered);
    both("lost", |fates| fates.lost);
    row("blackouts", blackouts);
    row("outages", outages);
}

fn print_memory(run: &Run) {
    row("resident memory", format!("{:>9} {:>9}", "warm, KiB", "end, KiB"));
    for (process, [start, end]) in run.memory_of_all() {
        let kib = |kib: Option<u64>| kib.map_or("-".into(), |kib| kib.to_string());
        let growth =
            start.zip(end).map(|(start, end)| format!("{:>4} %", end * 100 / start.max(1)));
        let growth = growth.unwrap_or("  not measured for the whole run".into());
        row(&format!("  {process}"), format!("{:>9} {:>9} {growth}", kib(start), kib(end)));
    }
}

fn print_logs(run: &Run) {
    println!("\nwarnings and errors");
    for log in run.logs.counts() {
        println!("{:>6} x {}", log.count, log.text);
        println!("{:>9}{}", "", log.reason.unwrap_or("NOT EXPLAINED"));
    }
    println!();
}

fn row(name: &str, value: impl core::fmt::Display) {
    println!("{name:<24}{value}");
}

fn tenths(tenths: u64) -> String {
    format!("{}.{}", tenths / 10, tenths % 10)
}

fn yes(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}
