//! Work is done only for what has changed.

use bevy::{
    a11y::AccessibilityNode,
    ecs::{
        change_detection::Tick,
        schedule::{ScheduleLabel, SystemSet},
    },
    input_focus::{InputFocus, tab_navigation::TabIndex},
};

use crate::{devices::Device, stage::*};

/// Returns when each system of the widgets last got past its run conditions.
fn last_runs(stage: &Stage) -> Vec<Tick> {
    let schedules = stage.world().resource::<Schedules>();
    let sets = [
        (PreUpdate.intern(), InventoryUiSystems::Input),
        (PostUpdate.intern(), InventoryUiSystems::Arrange),
        (PostUpdate.intern(), InventoryUiSystems::Paint),
    ];
    let mut runs = Vec::new();
    for (label, set) in sets {
        let schedule = schedules.get(label).expect("the schedule");
        let inside = schedule.graph().systems_in_set(set.intern()).expect("the set");
        let systems = schedule.systems().expect("it has run");
        let inside = systems.filter(|(key, _)| inside.contains(key));
        runs.extend(inside.map(|(_, system)| system.get_last_run()));
    }
    runs
}

/// Returns the nodes of which a component that widgets write was marked changed after `tick`.
fn changes(stage: &mut Stage, tick: Tick) -> Vec<String> {
    let mut changed = Vec::new();
    macro_rules! look {
        ($($component:ty),*) => {$({
            let world = stage.client();
            let now = world.change_tick();
            let mut query = world.query::<(Entity, Ref<$component>)>();
            for (entity, component) in query.iter(world) {
                if component.last_changed().is_newer_than(tick, now) {
                    changed.push(format!("{entity} {}", stringify!($component)));
                }
            }
        })*};
    }
    look!(Node, Text, TextColor, ImageNode, BackgroundColor, BorderColor, Outline, Visibility);
    look!(UiTransform, AccessibilityNode, ScrollPosition, TabIndex, SlotCell, SlotLook, SlotParts);
    changed
}

#[test]
fn idle_frames_run_no_system_and_change_no_component() {
    let mut stage = Stage::new(0);
    stage.give::<Inventory>(0, WOOD.stack(5));
    stage.open_chest(Inventory::new(27));
    stage.focus_on(Device::Keyboard, backpack(stage.me, 0));
    stage.settle();
    let runs = last_runs(&stage);
    assert!(runs.len() > 15, "all systems are in a set");
    let tick = stage.client().change_tick();
    stage.steps(5);
    assert_eq!(last_runs(&stage), runs);
    assert_eq!(changes(&mut stage, tick), Vec::<String>::new());
}

#[test]
fn one_change_touches_the_nodes_of_one_slot() {
    let mut stage = Stage::new(0);
    stage.give::<Inventory>(0, WOOD.stack(5));
    stage.client().resource_mut::<InventoryUiTheme>().flash_seconds = 0.0;
    stage.settle();
    let tick = stage.client().change_tick();
    let mut player = stage.pair.server.world_mut().entity_mut(stage.player);
    player.get_mut::<Inventory>().unwrap().set(0, WOOD.stack(6)).unwrap();
    stage.steps(5);
    let cell = stage.node(backpack(stage.me, 0));
    let parts = *stage.world().get::<SlotParts>(cell).unwrap();
    let own = [cell, parts.count].map(|node| node.to_string());
    let elsewhere: Vec<String> = changes(&mut stage, tick)
        .into_iter()
        .filter(|change| !own.iter().any(|own| change.starts_with(&format!("{own} "))))
        .collect();
    assert_eq!(elsewhere, Vec::<String>::new());
    assert_eq!(stage.drawn(backpack(stage.me, 0)), Some((WOOD, 6)));
}

#[test]
fn moving_the_focus_elsewhere_runs_nothing_for_slots() {
    let mut stage = Stage::new(0);
    let other = stage.client().spawn_empty().id();
    stage
        .client()
        .resource_mut::<InputFocus>()
        .set(other, bevy::input_focus::FocusCause::Navigated);
    stage.steps(2);
    let tick = stage.client().change_tick();
    stage.steps(3);
    assert_eq!(changes(&mut stage, tick), Vec::<String>::new());
}
