//! Where the world is stored: in a file, in Redis, or only in memory.

use std::path::{Path, PathBuf};

use bevy::prelude::*;
use bevy_inventory_sync::store::{
    InventoryStorePlugin,
    components::{PersistAppExt, PersistComponent},
    memory::MemoryStore,
    persist::{InventoryLoaded, InventoryStored, StoreStatus},
    redis::RedisSettings,
    restore::RestoreAppExt,
    sqlite::SqliteStore,
};
use bevy_replicon::prelude::*;

use crate::{
    cli::Cli,
    protocol::{Energy, Position, Shrine},
    server,
};

impl PersistComponent for Position {
    const NAME: &'static str = "position";
}

/// Where the world is stored.
#[derive(Clone, Debug)]
pub enum Place {
    Memory,
    File(PathBuf),
    Redis(RedisSettings),
}

impl Place {
    pub fn of(cli: &Cli) -> Self {
        match (&cli.store, &cli.redis) {
            (Some(file), _) => Self::File(file.clone()),
            (None, Some(url)) => {
                let settings = RedisSettings::new(url, &cli.world);
                // Each world has one server name, so a new process takes over from a crashed one at once.
                Self::Redis(RedisSettings { server: cli.world.clone(), ..settings })
            }
            (None, None) => Self::Memory,
        }
    }
}

/// Added to the kind in the ids of chests, such as ` in north`. Empty unless the world is in Redis.
#[derive(Resource, Clone, Default, Debug)]
pub struct WorldSuffix(pub String);

/// Whether the world is saved, and when it was last saved.
#[derive(Resource, Default, Debug)]
pub struct Storage {
    kept: bool,
    file: Option<PathBuf>,
    /// Whether a game has been started. The file stays open from then on.
    opened: bool,
    stored_at: f32,
}

impl Storage {
    /// Returns `true` if there is a world to continue with.
    pub fn has_world(&self) -> bool {
        self.file.as_ref().is_some_and(|file| file.exists())
    }

    /// Returns `true` if [`set_aside`](Self::set_aside) is possible.
    pub fn can_set_aside(&self) -> bool {
        self.has_world() && !self.opened
    }

    /// Records that a game has been started.
    pub fn open(&mut self) {
        self.opened = true;
    }

    /// Renames the file of the world, so that the next game starts with a new one.
    ///
    /// # Errors
    ///
    /// Returns a description if it cannot be renamed, or if another process uses it.
    pub fn set_aside(&self) -> Result<(), String> {
        let Some(file) = self.file.as_ref().filter(|_| self.can_set_aside()) else { return Ok(()) };
        // Fails if another process uses the file. Afterwards, everything is in this one file.
        let store = SqliteStore::open(file, "game").map_err(|error| error.to_string())?;
        drop(store);
        let other = |number: u32| beside(file, &format!(".{number}"));
        let free = (1..).map(other).find(|other| !other.exists());
        let to = free.expect("the numbers do not run out");
        std::fs::rename(file, to)
            .map_err(|error| format!("Cannot rename {}: {error}.", file.display()))
    }
}

/// Adds the store to an app that may be the authority.
pub fn add(app: &mut App, place: Place) {
    let kept = !matches!(place, Place::Memory);
    let file = match &place {
        Place::File(file) => Some(file.clone()),
        _ => None,
    };
    let mut name = WorldSuffix::default();
    let store = match place {
        Place::File(file) => InventoryStorePlugin::sqlite(file),
        Place::Redis(settings) => {
            name.0 = format!(" in {}", settings.world);
            InventoryStorePlugin::redis(settings)
        }
        Place::Memory => {
            let store = MemoryStore::default();
            InventoryStorePlugin::new(move || Ok(store.clone()))
        }
    };
    app.add_plugins(store)
        .insert_resource(name)
        .persist_component::<Position>()
        .persist_component::<Energy>()
        .persist_component::<Shrine>()
        .persist_component::<server::Registry>()
        .restore_world_with(server::ground::restore_loot)
        .insert_resource(Storage { kept, file, ..default() })
        .add_observer(show)
        .add_observer(note_time);
}

/// Replicates what is in the world once its inventory is loaded. The registry and the pages of banks are not.
fn show(loaded: On<InventoryLoaded>, placed: Query<(), With<Position>>, mut commands: Commands) {
    if placed.contains(loaded.entity) {
        commands.entity(loaded.entity).insert(Replicated);
    }
}

fn note_time(_: On<InventoryStored>, time: Res<Time<Real>>, mut storage: ResMut<Storage>) {
    storage.stored_at = time.elapsed_secs();
}

/// Returns the store's error or the time since the last save, for the status line. Empty if the world is only in
/// memory.
pub fn words(storage: &Storage, status: &StoreStatus, now: f32) -> String {
    match (storage.kept, &status.error) {
        (false, _) => String::new(),
        (true, Some(error)) => format!("   NOT STORED: {error}"),
        (true, None) => format!("   stored {:.0} s ago", now - storage.stored_at),
    }
}

/// Returns the error of the store, if nothing has been stored yet.
pub fn cannot_start(world: &World) -> Option<String> {
    let status = world.resource::<StoreStatus>();
    status.error.as_ref().filter(|_| status.stored == 0).map(ToString::to_string)
}

/// Returns the path with `end` appended to the file name.
pub fn beside(file: &Path, end: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(end);
    name.into()
}
