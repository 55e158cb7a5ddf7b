//! Which nodes there are, where, and how large chests scroll.

use bevy::input::{ButtonState, touch::TouchPhase};

use crate::{
    devices::{Device, Which},
    stage::*,
};

#[test]
fn panels_follow_openings_and_closings() {
    for latency in [0, 18] {
        let mut stage = Stage::new(latency);
        let chest = stage.open_chest(Inventory::new(18));
        assert!(stage.is_visible(stage.node(backpack(chest, 17))));
        stage.assert_drawn();
        stage.close(chest);
        assert_eq!(stage.world().resource::<SlotCells>().of(backpack(chest, 0)).count(), 0);
        let world = stage.client();
        let mut panels = world.query::<(&InventoryPanel, &ComputedNode)>();
        for (panel, node) in panels.iter(world) {
            assert_eq!(node.size().x > 0.0, panel.of == Source::Local, "{panel:?}");
        }
    }
}

#[test]
fn slots_lie_in_rows_and_columns_without_overlap() {
    let mut stage = Stage::new(0);
    let me = stage.me;
    let chest = stage.open_chest(Inventory::new(12));
    let pitch = stage.world().resource::<InventoryUiTheme>().slot
        + stage.world().resource::<InventoryUiTheme>().gap;
    for (entity, len) in [(me, 27), (chest, 12)] {
        let first = stage.middle(backpack(entity, 0));
        for slot in 0..len {
            let (row, column) = (slot / 9, slot % 9);
            let expected = first + Vec2::new(column as f32, row as f32) * pitch;
            assert_eq!(stage.middle(backpack(entity, slot)), expected, "{slot}");
        }
    }
    assert!(stage.middle(backpack(chest, 9)).y < stage.middle(backpack(me, 0)).y);
    assert!(stage.middle(backpack(me, 26)).y < stage.middle(bar(me, 0)).y);
}

/// A chest of a thousand stacks.
fn large_chest() -> Inventory {
    let mut chest = Inventory::new(1000);
    for slot in 0..1000 {
        let count = 1 + u32::try_from(slot).unwrap() % 60;
        chest.set(slot, WOOD.stack(count)).unwrap();
    }
    chest
}

#[test]
fn large_chest_has_nodes_only_for_what_is_on_screen() {
    let mut stage = Stage::new(0);
    let chest = stage.open_chest(large_chest());
    let shown = |stage: &mut Stage| {
        let world = stage.client();
        let mut cells = world.query::<&SlotCell>();
        let mut slots: Vec<usize> = cells
            .iter(world)
            .filter(|cell| cell.inventory == chest)
            .map(|cell| cell.position)
            .collect();
        slots.sort_unstable();
        slots
    };
    assert_eq!(shown(&mut stage), (0..45).collect::<Vec<_>>());
    stage.assert_drawn();
    let at = stage.middle(backpack(chest, 4));
    stage.point(at);
    for _ in 0..10 {
        stage.wheel(-1.0);
    }
    stage.steps(2);
    assert_eq!(shown(&mut stage), (90..135).collect::<Vec<_>>());
    stage.assert_drawn();
    for _ in 0..300 {
        stage.wheel(-1.0);
    }
    stage.steps(2);
    assert_eq!(shown(&mut stage).last(), Some(&999));
    assert!(stage.is_visible(stage.node(backpack(chest, 999))));
    stage.assert_drawn();
    // The wheel goes back to the top, and a slot that is on screen can be used.
    for _ in 0..300 {
        stage.wheel(1.0);
    }
    stage.click(Device::Mouse, backpack(chest, 3), Which::All);
    assert_eq!(stage.carried(), Some((WOOD, 4)));
}

#[test]
fn focus_scrolls_a_large_chest() {
    let mut stage = Stage::new(0);
    let chest = stage.open_chest(large_chest());
    stage.focus_on(Device::Keyboard, backpack(chest, 0));
    for _ in 0..20 {
        stage.tap_key(KeyCode::ArrowDown);
    }
    assert_eq!(stage.focused().unwrap().position, 180);
    let node = stage.node(backpack(chest, 180));
    let cell = *stage.world().get::<SlotCell>(node).unwrap();
    let (slot, grid) = (stage.rect(node), stage.rect(cell.grid));
    assert!(slot.min.y >= grid.min.y && slot.max.y <= grid.max.y, "{slot:?} in {grid:?}");
    for _ in 0..20 {
        stage.tap_key(KeyCode::ArrowUp);
    }
    assert_eq!(stage.focused().unwrap().position, 0);
    // Beyond the last row is the next grid.
    for _ in 0..112 {
        stage.tap_key(KeyCode::ArrowDown);
    }
    assert_ne!(stage.focused().map(|cell| cell.inventory), Some(chest));
}

#[test]
fn focus_stays_on_screen_when_the_wheel_scrolls() {
    let mut stage = Stage::new(0);
    let chest = stage.open_chest(large_chest());
    stage.focus_on(Device::Keyboard, backpack(chest, 13));
    let at = stage.middle(backpack(chest, 13));
    stage.point(at);
    let column = |stage: &Stage| stage.focused().expect("a slot has the focus").position % 9;
    stage.wheel(-1.0);
    stage.steps(2);
    assert_eq!(stage.focused().unwrap().position, 13, "its row is still on screen");
    for _ in 0..6 {
        stage.wheel(-1.0);
    }
    stage.steps(2);
    assert_eq!((stage.focused().unwrap().position / 9, column(&stage)), (7, 4));
    stage.assert_drawn();
    stage.tap_key(KeyCode::ArrowDown);
    assert_eq!((stage.focused().unwrap().position / 9, column(&stage)), (8, 4));
    for _ in 0..8 {
        stage.wheel(1.0);
    }
    stage.steps(2);
    assert_eq!((stage.focused().unwrap().position / 9, column(&stage)), (3, 4));
}

#[test]
fn scroll_bar_is_dragged_to_the_end_and_back() {
    let mut stage = Stage::new(0);
    let chest = stage.open_chest(large_chest());
    let world = stage.client();
    let mut thumbs = world.query_filtered::<Entity, With<bevy::ui_widgets::ScrollbarThumb>>();
    let thumb = thumbs.single(world).expect("one scroll bar");
    let grid = stage.world().get::<SlotCell>(stage.node(backpack(chest, 0))).unwrap().grid;
    let inside = |stage: &Stage| {
        let (thumb, grid) = (stage.rect(thumb), stage.rect(grid));
        assert!(thumb.min.y >= grid.min.y && thumb.max.y <= grid.max.y, "{thumb:?} in {grid:?}");
    };
    inside(&stage);
    let from = stage.rect(thumb).center();
    stage.point(from);
    stage.mouse(MouseButton::Left, ButtonState::Pressed);
    for step in 1..=12u8 {
        stage.point(from + Vec2::new(0.0, f32::from(step) * 20.0));
    }
    stage.steps(2);
    assert!(stage.is_visible(stage.node(backpack(chest, 999))));
    inside(&stage);
    stage.assert_drawn();
    stage.point(from - Vec2::new(0.0, 50.0));
    stage.mouse(MouseButton::Left, ButtonState::Released);
    stage.steps(2);
    assert!(stage.is_visible(stage.node(backpack(chest, 0))));
    assert_eq!(stage.carried(), None);
}

#[test]
fn finger_scrolls_a_large_chest_from_an_empty_slot() {
    let mut stage = Stage::new(0);
    let mut contents = large_chest();
    contents.take(30).unwrap();
    let chest = stage.open_chest(contents);
    let from = stage.middle(backpack(chest, 30));
    stage.touch(TouchPhase::Started, from);
    for step in 1..10u8 {
        stage.touch(TouchPhase::Moved, from - Vec2::new(0.0, f32::from(step) * 12.0));
    }
    stage.touch(TouchPhase::Ended, from - Vec2::new(0.0, 108.0));
    stage.steps(2);
    assert!(stage.world().resource::<SlotCells>().of(backpack(chest, 53)).next().is_some());
    stage.assert_drawn();
}

#[test]
fn resized_inventory_is_shown_with_its_new_slots() {
    let mut stage = Stage::new(0);
    let me = stage.me;
    let mut player = stage.pair.server.world_mut().entity_mut(stage.player);
    let lost = player.get_mut::<Inventory>().unwrap().resize(36);
    assert!(lost.is_empty());
    stage.settle();
    assert!(stage.is_visible(stage.node(backpack(me, 35))));
    let mut player = stage.pair.server.world_mut().entity_mut(stage.player);
    let lost = player.get_mut::<Inventory>().unwrap().resize(5);
    assert!(lost.is_empty());
    stage.settle();
    assert_eq!(stage.world().resource::<SlotCells>().of(backpack(me, 5)).count(), 0);
    stage.assert_drawn();
}

#[test]
fn disconnected_client_shows_nothing_and_again_everything() {
    let mut stage = Stage::new(0);
    stage.give::<Inventory>(0, WOOD.stack(5));
    let chest = stage.open_chest(Inventory::new(9));
    stage.click(Device::Mouse, backpack(stage.me, 0), Which::All);
    stage.pair.disconnect(0);
    stage.steps(5);
    assert_eq!(stage.carried(), None);
    let world = stage.client();
    assert_eq!(world.query::<&SlotCell>().iter(world).count(), 0);
    let _ = chest;
    stage.pair.connect(0);
    let owner = Owner(stage.pair.client_id(0));
    stage.pair.server.world_mut().entity_mut(stage.player).insert(owner);
    stage.settle();
    stage.me =
        stage.world().resource::<InventoryIds>().get(InventoryId::named("player", 1)).unwrap();
    assert_eq!(stage.drawn(backpack(stage.me, 0)), Some((WOOD, 5)));
    stage.assert_drawn();
}

#[test]
fn press_that_loses_its_slot_does_not_block_the_next() {
    let mut stage = Stage::new(0);
    let me = stage.me;
    stage.give::<Inventory>(0, WOOD.stack(5));
    let mut contents = Inventory::new(9);
    contents.set(0, STONE.stack(5)).unwrap();
    let chest = stage.open_chest(contents);
    stage.press(Device::Mouse, backpack(chest, 0), Which::All);
    stage.close(chest);
    stage.mouse(MouseButton::Left, ButtonState::Released);
    stage.slow_click(Device::Mouse, backpack(me, 0), Which::All);
    assert_eq!(stage.carried(), Some((WOOD, 5)));
}

#[test]
fn tab_skips_what_is_not_on_screen() {
    let mut stage = Stage::new(0);
    let mut reached = Vec::new();
    for _ in 0..12 {
        stage.tap_key(KeyCode::Tab);
        let focus = stage.world().resource::<bevy::input_focus::InputFocus>().get();
        let focus = focus.expect("something has the focus");
        // The panel for chests is closed, and its button with it.
        assert!(stage.is_visible(focus));
        reached.push(focus);
    }
    assert!(reached.contains(&stage.node(bar(stage.me, 0))), "every grid is reached");
}

#[test]
fn tab_goes_from_top_to_bottom() {
    let mut stage = Stage::with_ui(0, |commands| {
        let chest = children![InventoryGrid::opened::<Inventory>(), InventoryButton::TakeAll];
        let backpack = children![InventoryGrid::local::<Inventory>(), InventoryButton::sort()];
        commands.spawn((
            InventoryScreen,
            children![
                (InventoryPanel::opened("Chest"), chest),
                (InventoryPanel::local("Backpack"), backpack),
                HotbarView,
            ],
        ));
    });
    stage.open_chest(Inventory::new(9));
    let mut tops = Vec::new();
    for _ in 0..5 {
        stage.tap_key(KeyCode::Tab);
        let focus = stage.world().resource::<bevy::input_focus::InputFocus>().get().unwrap();
        tops.push(stage.rect(focus).min.y);
    }
    assert!(tops.is_sorted(), "{tops:?}");
    let first = tops[0];
    stage.tap_key(KeyCode::Tab);
    let focus = stage.world().resource::<bevy::input_focus::InputFocus>().get().unwrap();
    assert_eq!(stage.rect(focus).min.y, first, "it begins again");
}

#[test]
fn arrow_keys_move_the_focus_between_grids_of_different_roots() {
    let mut stage = Stage::with_ui(0, |commands| {
        let bottom = Node {
            position_type: PositionType::Absolute,
            bottom: px(4),
            width: percent(100),
            flex_direction: FlexDirection::Column,
            align_items: AlignItems::Center,
            ..default()
        };
        commands.spawn((bottom, Pickable::IGNORE, GlobalZIndex(2), children![HotbarView]));
        let grid = children![InventoryGrid::local::<Inventory>()];
        // The recipes are beside the backpack, and partly lower.
        let low = Node { top: px(60), ..default() };
        let panels = children![(CraftingPanel, low), (InventoryPanel::local("Backpack"), grid)];
        let row = Node {
            position_type: PositionType::Absolute,
            width: percent(100),
            justify_content: JustifyContent::Center,
            ..default()
        };
        commands.spawn((InventoryScreen, row, panels));
    });
    let me = stage.me;
    stage.focus_on(Device::Keyboard, backpack(me, 18));
    stage.tap_key(KeyCode::ArrowDown);
    let focused = stage.focused().expect("a slot has the focus");
    assert_eq!(focused.slot.container, Hotbar::slot(0).container);
    stage.tap_key(KeyCode::ArrowUp);
    let focused = stage.focused().expect("a slot has the focus");
    assert_eq!(focused.slot.container, Inventory::slot(0).container);
    assert!(focused.slot.index >= 18, "{focused:?}");
}

/// Returns the title of the panel of what the player has opened, if the panel is displayed.
fn opened_title(stage: &mut Stage) -> Option<String> {
    let world = stage.client();
    let mut panels = world.query::<(&InventoryPanel, &Node, &Children)>();
    let mut panels = panels.iter(world).filter(|(panel, ..)| panel.of == Source::Opened);
    let (_, node, children) = panels.next().expect("the panel");
    let (displayed, title) = (node.display != Display::None, children[0]);
    displayed.then(|| stage.text(title))
}

#[test]
fn panel_of_a_bank_disappears_even_if_a_page_never_arrived() {
    let mut stage = Stage::new(6);
    let tabs = Tabs::new([Tab::new("Wood", WOOD, 20), Tab::new("Stone", STONE, 30)]);
    let bank = stage.open_chest(tabs);
    let id = *stage.world().get::<InventoryId>(bank).unwrap();
    // The second page closes the first one before it is sent.
    let open = move |mut actions: InventoryActions| {
        for page in [0, 1] {
            actions.open_by_id(InventoryId::page(id, page));
        }
    };
    stage.client().run_system_once(open).unwrap();
    stage.settle();
    assert_eq!(opened_title(&mut stage).as_deref(), Some("Chest"));
    stage.close(bank);
    assert_eq!(opened_title(&mut stage), None);
}

#[test]
fn panel_disappears_if_the_contents_do_not_arrive() {
    let mut stage = Stage::new(18);
    let id = InventoryId::named("chest", 1);
    let mut random = fastrand::Rng::with_seed(1);
    let contents = (0..4000).map(|_| Some(WOOD.stack(random.u32(1..=64)))).collect();
    let chest =
        stage.pair.server.world_mut().spawn((id, Openable(Rights::USE), Inventory(contents))).id();
    let open = move |mut actions: InventoryActions| {
        actions.open_by_id(id);
    };
    stage.client().run_system_once(open).unwrap();
    stage.steps(45);
    assert_eq!(opened_title(&mut stage).as_deref(), Some("Opening…"));
    stage.pair.server.world_mut().entity_mut(chest).insert(Viewers::new());
    stage.steps(11 * 60);
    assert_eq!(opened_title(&mut stage), None);
    // It can be opened again.
    stage.open(id);
    assert_eq!(opened_title(&mut stage).as_deref(), Some("Chest"));
}

#[test]
fn slots_are_drawn_again_if_their_entity_becomes_another_inventory() {
    let mut stage = Stage::new(6);
    stage.give::<Inventory>(0, WOOD.stack(10));
    stage
        .pair
        .server
        .world_mut()
        .entity_mut(stage.player)
        .insert(bevy_replicon::prelude::Replicated);
    stage.settle();
    let world = stage.pair.server.world_mut();
    world.entity_mut(stage.player).insert(InventoryId::named("player", 2));
    let mut inventory = world.get_mut::<Inventory>(stage.player).unwrap();
    inventory.set(0, STONE.stack(3)).unwrap();
    inventory.set(5, WOOD.stack(4)).unwrap();
    stage.settle();
    stage.assert_drawn();
}

#[test]
fn flash_of_a_slot_ends_while_the_game_is_paused() {
    let mut stage = Stage::new(0);
    let me = stage.me;
    stage.client().resource_mut::<Time<Virtual>>().pause();
    stage.give::<Inventory>(0, WOOD.stack(10));
    stage.steps(5 * 60);
    let parts = *stage.world().get::<SlotParts>(stage.node(backpack(me, 0))).unwrap();
    let alpha = stage.world().get::<BackgroundColor>(parts.flash).unwrap().0.alpha();
    assert_eq!(alpha, 0.0);
}
