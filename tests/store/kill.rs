//! A server process that is killed loses at most the promised time, never half of a tick, and doubles nothing.

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
    time::Duration,
};

use bevy::prelude::*;
use bevy_inventory_sync::{
    prelude::*,
    server::inspect::CommitInspect,
    shared::random::InventoryRng,
    sim::Simulation,
    store::{
        Durability, InventoryStorePlugin, Store,
        persist::{InventoryStored, Persist, StoreStatusChanged},
        restore::{RestoreAppExt, RestoreWorld, StoredEntry},
    },
};

use crate::common::*;

/// The file of the store, or the address of Redis.
const STORE: &str = "BEVY_INVENTORY_SYNC_TEST_STORE";
const EVERY_TICK: &str = "BEVY_INVENTORY_SYNC_TEST_EVERY_TICK";
const PLAYERS: u64 = 6;
const COIN: ItemId = ItemId::of("coin");
const TICK: ItemId = ItemId::of("tick");

/// Counts the ticks of all servers.
const CLOCK: InventoryId = InventoryId::named("clock", 0);

/// Plays for ever. Prints the number on the clock whenever it is stored.
#[test]
#[ignore = "run by the other tests, as a process to be killed"]
fn server_process() {
    let (Ok(store), every_tick) = (std::env::var(STORE), std::env::var(EVERY_TICK).is_ok()) else {
        return;
    };
    let interval = Durability::Interval(Duration::from_millis(15));
    let durability = if every_tick { Durability::EveryTick } else { interval };
    let mut app = Simulation::app(|app| {
        let items =
            "(items: [(key: \"coin\", max_stack: 9999), (key: \"tick\", max_stack: 999999)])";
        app.insert_resource(InventoryRng::default())
            .insert_items(Items::<()>::from_ron(items).unwrap())
            .add_plugins(store_plugin(&store).durability(durability))
            .restore_world_with(|In(entry): In<StoredEntry>, mut commands: Commands| {
                if entry.inventory != CLOCK && (0..PLAYERS).all(|n| entry.inventory != player(n)) {
                    commands.spawn((entry.inventory, Loot, Persist));
                }
            })
            .init_resource::<Clock>()
            .add_systems(Update, play)
            .add_systems(Last, record_clock)
            .add_observer(|dropped: On<Dropped>, mut commands: Commands| {
                commands.entity(dropped.entity).insert(Persist);
            })
            .add_observer(print_stored)
            .add_observer(|status: On<StoreStatusChanged>| {
                println!("\n{}", if status.error.is_some() { "failing" } else { "available" });
                std::io::stdout().flush().unwrap();
            });
    });
    app.world_mut().trigger(RestoreWorld);
    app.world_mut().spawn((CLOCK, Inventory::new(1), Persist));
    loop {
        app.update();
        // Leaves time to the thread of the store, as frames do.
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// Returns the plugin for a file, or for the address of Redis.
fn store_plugin(store: &str) -> InventoryStorePlugin {
    #[cfg(feature = "redis")]
    if store.starts_with("redis://") {
        use bevy_inventory_sync::store::redis::RedisSettings;
        return InventoryStorePlugin::redis(RedisSettings::new(store, "w"));
    }
    InventoryStorePlugin::sqlite(store)
}

/// The number on the clock after each tick that is not stored yet.
#[derive(Resource, Default)]
struct Clock(Vec<(u64, u64)>);

fn print_stored(stored: On<InventoryStored>, mut clock: ResMut<Clock>) {
    let before = clock.0.iter().rfind(|(tick, _)| *tick <= stored.tick).map(|(_, ticks)| *ticks);
    if let Some(ticks) = before {
        println!("\nstored {ticks}");
        std::io::stdout().flush().unwrap();
        clock.0.retain(|(tick, _)| *tick > stored.tick);
    }
}

/// Records what the clock shows in the tick that was committed in this frame.
fn record_clock(
    ids: Res<InventoryIds>,
    clocks: Query<&Inventory>,
    commits: CommitInspect,
    mut clock: ResMut<Clock>,
) {
    if let Some(slots) = ids.get(CLOCK).and_then(|there| clocks.get(there).ok()) {
        clock.0.push((commits.tick(), slots.count(TICK)));
    }
}

/// Moves the clock, and does something random that neither creates nor destroys coins.
fn play(
    mut inventories: Inventories,
    ids: Res<InventoryIds>,
    all: Query<Entity, (With<Inventory>, With<Persist>)>,
    mut commands: Commands,
) {
    if let Some(there) = ids.get(CLOCK) {
        // It may still be loading.
        inventories.insert_up_to(there, TICK.stack(1)).discard();
    }
    for _ in 0..4 {
        let id = player(fastrand::u64(0..PLAYERS));
        let Some(there) = ids.get(id) else {
            let slots = Inventory([Some(COIN.stack(10)), None, None].into_iter().collect());
            commands.spawn((id, slots, Persist));
            return;
        };
        let others: Vec<Entity> = all.iter().collect();
        let Some(other) = others.get(fastrand::usize(..others.len().max(1))).copied() else {
            return;
        };
        let count = fastrand::u32(1..6);
        let what = fastrand::u8(0..16);
        if what == 0 {
            commands.entity(there).despawn();
            return;
        }
        // It fails if there are not enough coins, or no room.
        let _ = inventories.transact(|tx| {
            let stacks = tx.take(if what < 4 { there } else { other }, COIN, count)?;
            stacks.into_iter().try_for_each(|stack| match what {
                1..4 => {
                    tx.drop(stack);
                    Ok(())
                }
                _ => tx.insert(there, stack),
            })
        });
    }
}

/// A command that runs [`server_process`].
fn server(mut command: Command, store: &OsStr) -> Command {
    command.args(["--exact", "kill::server_process", "--ignored", "--nocapture"]);
    command.env(STORE, store).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

/// Runs a server until `is_over` returns `true` for a line that it prints, and kills it.
fn run_until(mut command: Command, mut is_over: impl FnMut(&str) -> bool) {
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let over = lines.any(|line| is_over(&line));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(over, "the server has ended by itself");
}

/// Starts a server, and kills it after it has printed this number of times that it has stored something. Returns the
/// last number on the clock that it has printed.
pub fn run_and_kill(store: &OsStr, every_tick: bool, prints: usize) -> u64 {
    let mut command = server(Command::new(std::env::current_exe().unwrap()), store);
    if every_tick {
        command.env(EVERY_TICK, "1");
    }
    let mut stored: Vec<u64> = Vec::new();
    run_until(command, |line| {
        stored.extend(line.strip_prefix("stored ").and_then(|number| number.parse::<u64>().ok()));
        stored.len() == prints
    });
    stored.last().copied().expect("the server has stored something")
}

/// Checks what a server that was killed has stored: every coin, and at least what it reported.
pub fn check(store: &mut dyn Store, shown: u64) -> Result<(), String> {
    let (mut players, mut coins, mut clock) = (0, 0, 0);
    for id in store.list().unwrap() {
        players += u64::from((0..PLAYERS).any(|n| id == player(n)));
        let stored = store.load(id).unwrap().unwrap();
        let containers = stored.inventory.containers.iter().flat_map(|there| &there.slots);
        for stack in containers.chain(&stored.inventory.returned) {
            match stack.item.as_str() {
                "coin" => coins += u64::from(stack.count),
                _ => clock += u64::from(stack.count),
            }
        }
    }
    if coins != 10 * players {
        return Err(format!("{coins} coins of {players} players"));
    }
    if clock < shown {
        return Err(format!("{clock}, but {shown} was reported as stored"));
    }
    Ok(())
}

/// Number of processes that are killed.
pub fn rounds() -> usize {
    if std::env::var("LONG_TESTS").is_ok() { 50 } else { 12 }
}

/// Checks the file of a server that was killed. Keeps a copy if something is wrong.
fn check_file(place: &Place, shown: u64) {
    if let Err(what) = check(&mut place.open("test").unwrap(), shown) {
        let kept = std::env::temp_dir().join("bevy_inventory_sync_killed.db");
        std::fs::copy(place.file(), &kept).unwrap();
        panic!("{what}; see {}", kept.display());
    }
}

#[test]
fn killed_server_keeps_what_it_reported_as_stored_and_every_coin() {
    let place = Place::new();
    let mut shown = 0;
    for round in 0..rounds() {
        let prints = fastrand::usize(1..60);
        let now = run_and_kill(place.file().as_os_str(), round % 2 == 0, prints);
        assert!(now > shown, "round {round}: {now} after {shown}");
        check_file(&place, now);
        shown = now;
    }
}

/// A limit for the size of files simulates a full disk.
#[cfg(unix)]
#[test]
fn server_goes_on_when_the_disk_is_full_and_keeps_what_it_has_stored() {
    let place = Place::new();
    let mut shell = Command::new("sh");
    let limited = "trap '' XFSZ; ulimit -f 600; exec \"$0\" \"$@\"";
    shell.args(["-c", limited]).arg(std::env::current_exe().unwrap());
    let mut shown = 0;
    run_until(server(shell, place.file().as_os_str()), |line| {
        shown = line.strip_prefix("stored ").map_or(shown, |number| number.parse().unwrap());
        line == "failing"
    });
    assert!(shown > 0);
    check_file(&place, shown);
    let now = run_and_kill(place.file().as_os_str(), true, 5);
    assert!(now > shown);
    check_file(&place, now);
}
