#![no_main]

bevy_inventory_sync_fuzz::target!(recording);
