//! Every gesture, with every device that has it, without and with latency.

use bevy::input::{ButtonState, touch::TouchPhase};

use crate::{
    devices::{DEVICES, Device, Which},
    stage::*,
};

/// Latencies in ticks: none, and 300 ms.
const LATENCIES: [u64; 2] = [0, 18];

/// Runs a test with these devices and all latencies.
fn with(devices: &[Device], test: impl Fn(&mut Stage, Device)) {
    for latency in LATENCIES {
        for device in devices {
            let mut stage = Stage::new(latency);
            test(&mut stage, *device);
            stage.settle();
            stage.assert_drawn();
        }
    }
}

#[test]
fn click_picks_up_and_puts_down() {
    with(&DEVICES, |stage, device| {
        let me = stage.me;
        stage.give::<Inventory>(0, WOOD.stack(10));
        stage.slow_click(device, backpack(me, 0), Which::All);
        assert_eq!(stage.carried(), Some((WOOD, 10)), "{device:?}");
        assert_eq!(stage.drawn(backpack(me, 0)), None, "the slot shows what remains");
        stage.assert_drawn();
        stage.slow_click(device, backpack(me, 12), Which::All);
        assert_eq!(stage.carried(), None, "{device:?}");
        assert_eq!(stage.drawn(backpack(me, 12)), Some((WOOD, 10)), "shown at once");
        stage.settle();
        assert_eq!(stage.on_server::<Inventory>(12), Some(WOOD.stack(10)));
        assert_eq!(stage.on_server::<Inventory>(0), None);
    });
}

#[test]
fn second_button_picks_up_half_and_puts_down_one() {
    with(&DEVICES, |stage, device| {
        let me = stage.me;
        stage.give::<Inventory>(3, WOOD.stack(11));
        stage.slow_click(device, backpack(me, 3), Which::Some);
        assert_eq!(stage.carried(), Some((WOOD, 6)), "{device:?}");
        assert_eq!(stage.drawn(backpack(me, 3)), Some((WOOD, 5)), "the source shows the remainder");
        stage.slow_click(device, bar(me, 2), Which::Some);
        assert_eq!(stage.carried(), Some((WOOD, 5)), "{device:?}");
        assert_eq!(stage.at_the_pointer(), "Wood x5", "{device:?}");
        assert_eq!(stage.drawn(bar(me, 2)), Some((WOOD, 1)));
        assert_eq!(stage.drawn(backpack(me, 3)), Some((WOOD, 5)));
        stage.settle();
        stage.slow_click(device, bar(me, 4), Which::All);
        assert_eq!(stage.carried(), None);
        stage.settle();
        assert_eq!(stage.on_server::<Inventory>(3), Some(WOOD.stack(5)));
        assert_eq!(stage.on_server::<Hotbar>(2), Some(WOOD.stack(1)));
        assert_eq!(stage.on_server::<Hotbar>(4), Some(WOOD.stack(5)));
    });
}

#[test]
fn stack_is_dragged_to_another_slot() {
    with(&[Device::Mouse, Device::Touch], |stage, device| {
        let me = stage.me;
        stage.give::<Inventory>(0, WOOD.stack(9));
        for (which, from, to) in
            [(Which::All, backpack(me, 0), bar(me, 0)), (Which::Some, bar(me, 0), backpack(me, 20))]
        {
            stage.press(device, from, which);
            stage.pass(device, backpack(me, 8));
            stage.pass(device, to);
            assert!(stage.carried().is_some(), "{device:?} {which:?}");
            stage.assert_drawn();
            stage.release(device, to, which);
            assert_eq!(stage.carried(), None);
            stage.settle();
        }
        assert_eq!(stage.on_server::<Hotbar>(0), Some(WOOD.stack(4)));
        assert_eq!(stage.on_server::<Inventory>(20), Some(WOOD.stack(5)));
    });
}

#[test]
fn carried_stack_is_spread_over_slots() {
    with(&DEVICES, |stage, device| {
        let me = stage.me;
        stage.give::<Inventory>(0, WOOD.stack(10));
        stage.give::<Inventory>(11, STONE.stack(1));
        stage.slow_click(device, backpack(me, 0), Which::All);
        stage.press(device, backpack(me, 9), Which::All);
        for slot in [10, 11, 12] {
            stage.pass(device, backpack(me, slot));
        }
        let shares = [9, 10, 12].map(|slot| stage.drawn(backpack(me, slot)));
        assert_eq!(shares, [Some((WOOD, 3)); 3], "{device:?}: a preview");
        assert_eq!(stage.at_the_pointer(), "Wood", "{device:?}: one is left");
        stage.release(device, backpack(me, 12), Which::All);
        assert_eq!(stage.carried(), Some((WOOD, 1)), "{device:?}");
        stage.settle();
        for slot in [9, 10, 12] {
            assert_eq!(stage.on_server::<Inventory>(slot), Some(WOOD.stack(3)));
        }
        assert_eq!(stage.on_server::<Inventory>(11), Some(STONE.stack(1)));
        stage.tap_key(KeyCode::Escape);
        assert_eq!(stage.carried(), None);
        assert_eq!(stage.on_server::<Inventory>(0), Some(WOOD.stack(1)));
    });
}

#[test]
fn second_button_puts_one_into_each_slot() {
    with(&[Device::Mouse, Device::Keyboard, Device::Gamepad], |stage, device| {
        let me = stage.me;
        stage.give::<Inventory>(0, WOOD.stack(10));
        stage.slow_click(device, backpack(me, 0), Which::All);
        stage.press(device, backpack(me, 9), Which::Some);
        for slot in [10, 11] {
            stage.pass(device, backpack(me, slot));
        }
        stage.release(device, backpack(me, 11), Which::Some);
        assert_eq!(stage.carried(), Some((WOOD, 7)), "{device:?}");
        stage.settle();
        for slot in [9, 10, 11] {
            assert_eq!(stage.on_server::<Inventory>(slot), Some(WOOD.stack(1)));
        }
    });
}

/// Quick-moves a slot.
fn quick_move(stage: &mut Stage, device: Device, slot: SlotRef) {
    match device {
        Device::Mouse | Device::Keyboard => {
            if device == Device::Keyboard {
                stage.focus_on(device, slot);
            }
            stage.shift(ButtonState::Pressed);
            stage.click(device, slot, Which::All);
            stage.shift(ButtonState::Released);
        }
        Device::Gamepad => {
            stage.focus_on(device, slot);
            stage.tap_pad(GamepadButton::North);
        }
        Device::Touch => unreachable!("a finger has no Shift key"),
    }
    stage.steps(30);
}

#[test]
fn quick_move_goes_to_the_opened_chest_and_back() {
    with(&[Device::Mouse, Device::Keyboard, Device::Gamepad], |stage, device| {
        let me = stage.me;
        stage.give::<Inventory>(5, WOOD.stack(10));
        let chest = stage.open_chest(Inventory::new(9));
        quick_move(stage, device, backpack(me, 5));
        assert_eq!(stage.drawn(backpack(chest, 0)), Some((WOOD, 10)), "{device:?}");
        stage.settle();
        assert_eq!(stage.on_server::<Inventory>(5), None);
        quick_move(stage, device, backpack(chest, 0));
        stage.settle();
        assert_eq!(stage.on_server::<Inventory>(0), Some(WOOD.stack(10)), "{device:?}");
    });
}

#[test]
fn quick_move_without_a_chest_goes_between_own_containers() {
    with(&[Device::Mouse, Device::Keyboard, Device::Gamepad], |stage, device| {
        let me = stage.me;
        stage.give::<Inventory>(5, WOOD.stack(10));
        stage.give::<Inventory>(6, HELMET.stack(1));
        quick_move(stage, device, backpack(me, 5));
        quick_move(stage, device, backpack(me, 6));
        stage.settle();
        assert_eq!(stage.on_server::<Hotbar>(0), Some(WOOD.stack(10)), "{device:?}");
        assert_eq!(stage.on_server::<Worn>(0), Some(HELMET.stack(1)), "{device:?}: it is put on");
        quick_move(stage, device, bar(me, 0));
        quick_move(stage, device, (me, Worn::slot(0)));
        stage.settle();
        assert_eq!(stage.on_server::<Inventory>(0), Some(WOOD.stack(10)), "{device:?}");
        assert_eq!(stage.on_server::<Worn>(0), None);
    });
}

#[test]
fn shift_drag_quick_moves_every_slot_it_passes() {
    with(&[Device::Mouse], |stage, device| {
        let me = stage.me;
        for slot in 0..4 {
            stage.give::<Inventory>(slot, WOOD.stack(64));
        }
        let chest = stage.open_chest(Inventory::new(9));
        stage.shift(ButtonState::Pressed);
        stage.press(device, backpack(me, 0), Which::All);
        for slot in 1..4 {
            stage.pass(device, backpack(me, slot));
        }
        stage.release(device, backpack(me, 3), Which::All);
        stage.shift(ButtonState::Released);
        stage.settle();
        for slot in 0..4 {
            assert_eq!(stage.on_server::<Inventory>(slot), None);
            assert_eq!(stage.drawn(backpack(chest, slot)), Some((WOOD, 64)));
        }
    });
}

#[test]
fn stack_released_beside_the_slots_is_put_away() {
    with(&[Device::Mouse, Device::Touch], |stage, device| {
        let me = stage.me;
        stage.give::<Inventory>(0, WOOD.stack(10));
        let chest = stage.open_chest(Inventory::new(9));
        let beside = stage.middle(backpack(chest, 0)) - Vec2::new(0.0, 34.0);
        stage.press(device, backpack(me, 0), Which::All);
        match device {
            Device::Touch => {
                stage.touch(TouchPhase::Moved, beside + 2.0);
                stage.touch(TouchPhase::Moved, beside);
                stage.touch(TouchPhase::Ended, beside);
            }
            _ => {
                stage.point(beside);
                stage.mouse(MouseButton::Left, ButtonState::Released);
            }
        }
        stage.settle();
        assert_eq!(stage.drawn(backpack(chest, 0)), Some((WOOD, 10)), "{device:?}");
    });
}

#[test]
fn part_of_a_stack_that_is_released_beside_the_slots_is_put_away() {
    with(&[Device::Mouse], |stage, device| {
        let me = stage.me;
        stage.give::<Inventory>(0, WOOD.stack(10));
        let mut contents = Inventory::new(9);
        contents.set(0, STONE.stack(1)).unwrap();
        contents.set(4, WOOD.stack(59)).unwrap();
        let chest = stage.open_chest(contents);
        let beside = stage.middle(backpack(chest, 0)) - Vec2::new(0.0, 34.0);
        for (carried, left, stacks) in [(5, 5, [0, 64]), (3, 2, [3, 64])] {
            stage.press(device, backpack(me, 0), Which::Some);
            stage.pass(device, backpack(me, 5));
            assert_eq!(stage.carried(), Some((WOOD, carried)));
            stage.point(beside);
            stage.mouse(MouseButton::Right, ButtonState::Released);
            stage.settle();
            assert_eq!(stage.carried(), None);
            assert_eq!(stage.drawn(backpack(me, 0)), Some((WOOD, left)));
            let drawn = [1, 4].map(|slot| stage.drawn(backpack(chest, slot)).map_or(0, |it| it.1));
            assert_eq!(drawn, stacks, "onto a stack with room, otherwise to an empty slot");
        }
    });
}

#[test]
fn tapping_a_panel_puts_the_carried_stack_away() {
    with(&[Device::Touch], |stage, device| {
        let me = stage.me;
        stage.give::<Inventory>(0, WOOD.stack(10));
        let chest = stage.open_chest(Inventory::new(9));
        stage.slow_click(device, backpack(me, 0), Which::All);
        let beside = stage.middle(backpack(chest, 0)) - Vec2::new(0.0, 34.0);
        stage.touch(TouchPhase::Started, beside);
        stage.touch(TouchPhase::Ended, beside);
        stage.settle();
        assert_eq!(stage.drawn(backpack(chest, 0)), Some((WOOD, 10)));
        assert_eq!(stage.carried(), None);
    });
}

#[test]
fn double_click_collects_matching_items() {
    with(&DEVICES, |stage, device| {
        let me = stage.me;
        for (slot, count) in [(0, 5), (7, 3), (20, 30)] {
            stage.give::<Inventory>(slot, WOOD.stack(count));
        }
        stage.give::<Hotbar>(1, WOOD.stack(4));
        if matches!(device, Device::Keyboard | Device::Gamepad) {
            stage.focus_on(device, backpack(me, 0));
        }
        stage.click(device, backpack(me, 0), Which::All);
        stage.click(device, backpack(me, 0), Which::All);
        assert_eq!(stage.carried(), Some((WOOD, 42)), "{device:?}");
        stage.settle();
        stage.slow_click(device, backpack(me, 1), Which::All);
        stage.settle();
        assert_eq!(stage.on_server::<Inventory>(1), Some(WOOD.stack(42)), "{device:?}");
        assert_eq!(stage.on_server::<Hotbar>(1), None);
    });
}

#[test]
fn click_of_the_other_button_is_not_half_of_a_double_click() {
    with(&DEVICES, |stage, device| {
        let me = stage.me;
        stage.give::<Inventory>(0, WOOD.stack(10));
        stage.give::<Inventory>(7, WOOD.stack(3));
        if matches!(device, Device::Keyboard | Device::Gamepad) {
            stage.focus_on(device, backpack(me, 0));
        }
        stage.click(device, backpack(me, 0), Which::Some);
        stage.click(device, backpack(me, 0), Which::All);
        assert_eq!(stage.carried(), None, "{device:?}: the half is put back");
        stage.settle();
        assert_eq!(stage.on_server::<Inventory>(7), Some(WOOD.stack(3)), "{device:?}");
    });
}

#[test]
fn gesture_ends_when_its_slot_leaves_the_screen() {
    let mut stage = Stage::new(0);
    let me = stage.me;
    stage.give::<Inventory>(0, WOOD.stack(10));
    stage.give::<Inventory>(1, STONE.stack(10));
    let mut contents = Inventory::new(9);
    contents.set(0, STONE.stack(1)).unwrap();
    let chest = stage.open_chest(contents);
    stage.key(KeyCode::ShiftLeft, ButtonState::Pressed);
    stage.press(Device::Mouse, backpack(chest, 0), Which::All);
    stage.key(KeyCode::ShiftLeft, ButtonState::Released);
    stage.close(chest);
    stage.mouse(MouseButton::Left, ButtonState::Released);
    stage.settle();
    let before = [0, 1].map(|slot| stage.on_server::<Inventory>(slot));
    // A drag that begins outside passes slots.
    stage.point(Vec2::new(4.0, 4.0));
    stage.mouse(MouseButton::Right, ButtonState::Pressed);
    for slot in [0, 1, 5] {
        stage.point(stage.middle(backpack(me, slot)));
    }
    stage.mouse(MouseButton::Right, ButtonState::Released);
    stage.settle();
    assert_eq!([0, 1].map(|slot| stage.on_server::<Inventory>(slot)), before);
}

#[test]
fn press_of_another_button_while_spreading_redraws_the_slots() {
    let mut stage = Stage::new(0);
    let me = stage.me;
    stage.give::<Inventory>(0, WOOD.stack(10));
    stage.slow_click(Device::Mouse, backpack(me, 0), Which::All);
    stage.press(Device::Mouse, backpack(me, 3), Which::All);
    stage.pass(Device::Mouse, backpack(me, 4));
    assert_eq!(stage.drawn(backpack(me, 3)), Some((WOOD, 5)), "the preview");
    stage.mouse(MouseButton::Right, ButtonState::Pressed);
    stage.steps(2);
    assert_eq!(stage.drawn(backpack(me, 3)), None);
    stage.mouse(MouseButton::Right, ButtonState::Released);
    stage.mouse(MouseButton::Left, ButtonState::Released);
    stage.settle();
    stage.assert_drawn();
}

#[test]
fn exchanged_stack_stays_carried() {
    with(&DEVICES, |stage, device| {
        let me = stage.me;
        stage.give::<Inventory>(0, WOOD.stack(10));
        stage.give::<Inventory>(1, STONE.stack(7));
        stage.slow_click(device, backpack(me, 0), Which::All);
        stage.slow_click(device, backpack(me, 1), Which::All);
        assert_eq!(stage.carried(), Some((STONE, 7)), "{device:?}");
        assert_eq!(stage.drawn(backpack(me, 1)), Some((WOOD, 10)));
        stage.settle();
        assert_eq!(stage.carried(), Some((STONE, 7)), "{device:?}");
        stage.slow_click(device, backpack(me, 2), Which::All);
        stage.settle();
        assert_eq!(stage.on_server::<Inventory>(1), Some(WOOD.stack(10)));
        assert_eq!(stage.on_server::<Inventory>(2), Some(STONE.stack(7)));
    });
}

#[test]
fn what_does_not_fit_stays_carried() {
    with(&DEVICES, |stage, device| {
        let me = stage.me;
        stage.give::<Inventory>(0, WOOD.stack(10));
        stage.give::<Inventory>(1, WOOD.stack(60));
        stage.slow_click(device, backpack(me, 0), Which::All);
        stage.slow_click(device, backpack(me, 1), Which::All);
        assert_eq!(stage.carried(), Some((WOOD, 6)), "{device:?}");
        stage.settle();
        assert_eq!(stage.on_server::<Inventory>(1), Some(WOOD.stack(64)));
        assert_eq!(stage.on_server::<Inventory>(0), Some(WOOD.stack(6)));
    });
}

#[test]
fn number_keys_exchange_with_the_hotbar_or_select() {
    with(&[Device::Mouse, Device::Keyboard], |stage, device| {
        let me = stage.me;
        stage.give::<Inventory>(4, WOOD.stack(10));
        stage.give::<Hotbar>(2, STONE.stack(3));
        match device {
            Device::Mouse => {
                let at = stage.middle(backpack(me, 4));
                stage.point(at);
            }
            _ => stage.focus_on(device, backpack(me, 4)),
        }
        stage.tap_key(KeyCode::Digit3);
        stage.settle();
        assert_eq!(stage.on_server::<Hotbar>(2), Some(WOOD.stack(10)), "{device:?}");
        assert_eq!(stage.on_server::<Inventory>(4), Some(STONE.stack(3)));
    });
    // A gamepad exchanges with the selected slot.
    for latency in [0, 18] {
        let mut stage = Stage::new(latency);
        let me = stage.me;
        stage.give::<Inventory>(4, WOOD.stack(10));
        stage.give::<Hotbar>(2, STONE.stack(3));
        stage.tap_key(KeyCode::Digit3);
        stage.focus_on(Device::Gamepad, backpack(me, 4));
        stage.tap_pad(GamepadButton::LeftThumb);
        assert_eq!(stage.drawn(bar(me, 2)), Some((WOOD, 10)), "shown at once");
        stage.settle();
        assert_eq!(stage.on_server::<Hotbar>(2), Some(WOOD.stack(10)));
        assert_eq!(stage.on_server::<Inventory>(4), Some(STONE.stack(3)));
    }
    let mut stage = Stage::new(18);
    stage.tap_key(KeyCode::Digit5);
    let frame = |stage: &Stage, slot| {
        let parts = stage.world().get::<SlotParts>(stage.node(bar(stage.me, slot))).unwrap();
        stage.is_visible(parts.frame)
    };
    assert!(frame(&stage, 4) && !frame(&stage, 0), "selected at once");
    stage.settle();
    assert_eq!(stage.pair.server.world().get::<Hotbar>(stage.player).unwrap().selected_index(), 4);
    stage.tap_pad(GamepadButton::RightTrigger);
    stage.settle();
    assert_eq!(stage.pair.server.world().get::<Hotbar>(stage.player).unwrap().selected_index(), 5);
}

#[test]
fn stacks_are_dropped() {
    with(&DEVICES, |stage, device| {
        let me = stage.me;
        stage.give::<Inventory>(0, WOOD.stack(10));
        let outside = Vec2::new(1270.0, 700.0);
        match device {
            Device::Mouse => {
                let at = stage.middle(backpack(me, 0));
                stage.point(at);
                stage.tap_key(KeyCode::KeyQ);
                stage.press(device, backpack(me, 0), Which::All);
                stage.point(outside);
                stage.mouse(MouseButton::Left, ButtonState::Released);
            }
            Device::Touch => {
                stage.press(device, backpack(me, 0), Which::All);
                stage.touch(TouchPhase::Moved, outside - 1.0);
                stage.touch(TouchPhase::Moved, outside);
                stage.touch(TouchPhase::Ended, outside);
            }
            Device::Keyboard => {
                stage.focus_on(device, backpack(me, 0));
                stage.tap_key(KeyCode::KeyQ);
                stage.key(KeyCode::ControlLeft, ButtonState::Pressed);
                stage.tap_key(KeyCode::KeyQ);
                stage.key(KeyCode::ControlLeft, ButtonState::Released);
            }
            Device::Gamepad => {
                stage.focus_on(device, backpack(me, 0));
                stage.tap_pad(GamepadButton::LeftTrigger2);
                stage.tap_pad(GamepadButton::RightTrigger2);
            }
        }
        stage.settle();
        assert_eq!(stage.on_server::<Inventory>(0), None, "{device:?}");
        let world = stage.pair.server.world_mut();
        let mut loot = world.query_filtered::<&Inventory, With<Loot>>();
        let dropped: u64 = loot.iter(world).map(|inventory| inventory.count(WOOD)).sum();
        assert_eq!(dropped, 10, "{device:?}");
    });
}

#[test]
fn drop_key_drops_from_the_selected_slot_if_no_other_is_meant() {
    let mut stage = Stage::new(0);
    stage.give::<Hotbar>(0, WOOD.stack(10));
    stage.tap_key(KeyCode::KeyQ);
    stage.settle();
    assert_eq!(stage.on_server::<Hotbar>(0), Some(WOOD.stack(9)));
}

#[test]
fn locked_hotbar_can_only_be_used_to_select() {
    for device in [Device::Mouse, Device::Touch] {
        let mut stage = Stage::new(0);
        let me = stage.me;
        stage.give::<Hotbar>(3, WOOD.stack(10));
        stage.client().insert_resource(HotbarLocked);
        stage.slow_click(device, bar(me, 3), Which::All);
        stage.settle();
        assert_eq!(stage.carried(), None, "{device:?}");
        let selected = |stage: &Stage| {
            stage.pair.server.world().get::<Hotbar>(stage.player).unwrap().selected_index()
        };
        assert_eq!(selected(&stage), 3, "{device:?}");
        // Number keys select, also with the pointer over a slot of the hotbar.
        stage.tap_key(KeyCode::Digit1);
        stage.settle();
        assert_eq!(selected(&stage), 0, "{device:?}");
        assert_eq!(stage.on_server::<Hotbar>(3), Some(WOOD.stack(10)), "{device:?}");
        // A drag moves nothing.
        stage.press(device, bar(me, 3), Which::All);
        stage.pass(device, backpack(me, 0));
        stage.release(device, backpack(me, 0), Which::All);
        stage.settle();
        assert_eq!(stage.on_server::<Inventory>(0), None, "{device:?}");
    }
}

#[test]
fn clicking_outside_drops_the_carried_stack() {
    with(&[Device::Mouse], |stage, device| {
        let me = stage.me;
        stage.give::<Inventory>(0, WOOD.stack(10));
        stage.slow_click(device, backpack(me, 0), Which::All);
        stage.point(Vec2::new(1270.0, 700.0));
        for button in [MouseButton::Right, MouseButton::Left] {
            stage.mouse(button, ButtonState::Pressed);
            stage.mouse(button, ButtonState::Released);
            if button == MouseButton::Right {
                assert_eq!(stage.carried(), Some((WOOD, 9)));
            }
        }
        assert_eq!(stage.carried(), None);
        stage.settle();
        assert_eq!(stage.on_server::<Inventory>(0), None);
    });
}

#[test]
fn touching_outside_drops_one_item_if_it_lasts_and_otherwise_all() {
    with(&[Device::Touch], |stage, device| {
        let me = stage.me;
        stage.give::<Inventory>(0, WOOD.stack(10));
        stage.slow_click(device, backpack(me, 0), Which::All);
        let outside = Vec2::new(1270.0, 700.0);
        stage.touch(TouchPhase::Started, outside);
        stage.steps(35);
        stage.touch(TouchPhase::Ended, outside);
        stage.settle();
        assert_eq!(stage.carried(), Some((WOOD, 9)));
        assert_eq!(stage.on_server::<Inventory>(0), Some(WOOD.stack(9)));
        stage.touch(TouchPhase::Started, outside);
        stage.touch(TouchPhase::Ended, outside);
        stage.settle();
        assert_eq!(stage.carried(), None);
        assert_eq!(stage.on_server::<Inventory>(0), None);
        // Without a carried stack, it does nothing.
        stage.give::<Inventory>(0, WOOD.stack(10));
        stage.touch(TouchPhase::Started, outside);
        stage.steps(35);
        stage.touch(TouchPhase::Ended, outside);
        stage.settle();
        assert_eq!(stage.on_server::<Inventory>(0), Some(WOOD.stack(10)));
    });
}

#[test]
fn wheel_selects_a_slot_of_the_hotbar_unless_a_panel_is_below_the_pointer() {
    let mut stage = Stage::new(0);
    let selected = |stage: &Stage| {
        stage.pair.server.world().get::<Hotbar>(stage.player).unwrap().selected_index()
    };
    let outside = Vec2::new(1270.0, 700.0);
    stage.point(outside);
    stage.wheel(-1.0);
    stage.settle();
    assert_eq!(selected(&stage), 0, "the game has not enabled it");
    stage.client().insert_resource(WheelSelects);
    stage.wheel(-1.0);
    stage.wheel(-1.0);
    stage.settle();
    assert_eq!(selected(&stage), 2);
    for _ in 0..3 {
        stage.wheel(1.0);
    }
    stage.settle();
    assert_eq!(selected(&stage), 8, "it wraps around");
    let over = stage.middle(backpack(stage.me, 0));
    stage.point(over);
    stage.wheel(-1.0);
    stage.settle();
    assert_eq!(selected(&stage), 8);
    let over = stage.middle(bar(stage.me, 4));
    stage.point(over);
    stage.wheel(-1.0);
    stage.settle();
    assert_eq!(selected(&stage), 0, "the wheel also works over the hotbar");
}

#[test]
fn stick_moves_the_focus_once_each_time_it_is_tilted() {
    let mut stage = Stage::new(0);
    stage.focus_on(Device::Gamepad, backpack(stage.me, 10));
    let focused = |stage: &Stage| stage.focused().expect("a slot has the focus").slot.index;
    for value in [0.3, 0.7, 0.9, 1.0, 0.8] {
        stage.tilt(GamepadAxis::LeftStickX, value);
    }
    assert_eq!(focused(&stage), 11, "held, it moves once");
    for value in [0.4, 0.9] {
        stage.tilt(GamepadAxis::LeftStickX, value);
    }
    assert_eq!(focused(&stage), 11, "it has not been in the middle");
    for value in [0.0, 1.0, 0.0] {
        stage.tilt(GamepadAxis::LeftStickX, value);
    }
    assert_eq!(focused(&stage), 12);
    for value in [1.0, 0.0, -1.0, 0.0, -1.0, 0.0] {
        stage.tilt(GamepadAxis::LeftStickY, value);
    }
    assert_eq!(focused(&stage), 21);
    stage.tilt(GamepadAxis::RightStickX, 1.0);
    assert_eq!(focused(&stage), 21);
}

#[test]
fn carried_stack_is_put_back() {
    with(&DEVICES, |stage, device| {
        let me = stage.me;
        stage.give::<Inventory>(0, WOOD.stack(10));
        stage.slow_click(device, backpack(me, 0), Which::All);
        match device {
            Device::Mouse | Device::Touch => stage.slow_click(device, backpack(me, 0), Which::All),
            Device::Keyboard => stage.tap_key(KeyCode::Escape),
            Device::Gamepad => stage.tap_pad(GamepadButton::East),
        }
        assert_eq!(stage.carried(), None, "{device:?}");
        assert_eq!(stage.drawn(backpack(me, 0)), Some((WOOD, 10)), "{device:?}");
    });
}

#[test]
fn carried_stack_is_put_back_when_its_grid_leaves_the_screen() {
    // Hides the panel of the backpack in one of two ways.
    let hide = |stage: &mut Stage, way: usize| {
        let world = stage.client();
        let mut panels = world.query::<(Entity, &InventoryPanel)>();
        let panel = panels.iter(world).find(|(_, panel)| panel.of == Source::Local).unwrap().0;
        let outer = world.get::<ChildOf>(panel).unwrap().parent();
        match way {
            0 => *world.get_mut::<Visibility>(outer).unwrap() = Visibility::Hidden,
            _ => world.get_mut::<Node>(outer).unwrap().display = Display::None,
        }
        stage.steps(3);
    };
    with(&DEVICES, |stage, device| {
        for way in [0, 1] {
            let mut stage = Stage::new(if stage.pair.network.latency_ticks > 0 { 18 } else { 0 });
            let me = stage.me;
            stage.give::<Inventory>(0, WOOD.stack(10));
            stage.slow_click(device, backpack(me, 0), Which::All);
            assert!(stage.carried().is_some(), "{device:?}");
            hide(&mut stage, way);
            assert_eq!(stage.carried(), None, "{device:?} {way}");
            stage.settle();
            assert_eq!(stage.on_server::<Inventory>(0), Some(WOOD.stack(10)));
        }
    });
    // In the middle of a drag, and from a hotbar that becomes locked.
    let mut stage = Stage::new(0);
    let me = stage.me;
    stage.give::<Inventory>(0, WOOD.stack(10));
    stage.press(Device::Mouse, backpack(me, 0), Which::All);
    stage.pass(Device::Mouse, backpack(me, 5));
    assert!(stage.carried().is_some());
    hide(&mut stage, 1);
    assert_eq!(stage.carried(), None);
    stage.mouse(MouseButton::Left, ButtonState::Released);
    stage.settle();
    assert_eq!(stage.on_server::<Inventory>(0), Some(WOOD.stack(10)), "it was not dropped");
    let mut stage = Stage::new(0);
    let me = stage.me;
    stage.give::<Hotbar>(0, WOOD.stack(10));
    stage.slow_click(Device::Mouse, bar(me, 0), Which::All);
    stage.client().insert_resource(HotbarLocked);
    stage.steps(2);
    assert_eq!(stage.carried(), None);
}

#[test]
fn rejected_action_is_rolled_back_and_explained() {
    for latency in LATENCIES {
        let mut stage = Stage::new(latency);
        let me = stage.me;
        let chest = stage.open_chest({
            let mut chest = Inventory::new(9);
            chest.set(0, WOOD.stack(10)).unwrap();
            chest
        });
        // Somebody takes the stack in the same moment.
        let there = stage
            .pair
            .server
            .world()
            .resource::<InventoryIds>()
            .get(InventoryId::named("chest", 1));
        let mut world = stage.pair.server.world_mut().entity_mut(there.unwrap());
        world.get_mut::<Inventory>().unwrap().take(0).unwrap();
        stage.press(Device::Mouse, backpack(chest, 0), Which::All);
        stage.pass(Device::Mouse, backpack(me, 0));
        stage.release(Device::Mouse, backpack(me, 0), Which::All);
        stage.steps(2 * usize::try_from(latency).unwrap() + 4);
        let rejected = stage.on_server::<Inventory>(0).is_none();
        assert!(rejected);
        stage.assert_drawn();
        assert_eq!(stage.drawn(backpack(chest, 0)), None);
        if latency > 0 {
            let world = stage.client();
            let mut messages =
                world.query_filtered::<(&Visibility, &Children), With<RejectionMessage>>();
            let (visibility, children) = messages.single(world).unwrap();
            assert_eq!(*visibility, Visibility::Visible);
            let text = children[0];
            let text = stage.text(text);
            assert!(text.contains("changed in the meantime"), "{text}");
        }
        stage.steps(300);
        let world = stage.client();
        let mut messages = world.query_filtered::<&Visibility, With<RejectionMessage>>();
        assert_eq!(*messages.single(world).unwrap(), Visibility::Hidden, "it goes away");
    }
}

#[test]
fn another_player_that_empties_the_source_ends_the_carrying() {
    with(&DEVICES, |stage, device| {
        let mut chest = Inventory::new(9);
        chest.set(0, WOOD.stack(10)).unwrap();
        let chest = stage.open_chest(chest);
        stage.slow_click(device, backpack(chest, 0), Which::All);
        assert_eq!(stage.carried(), Some((WOOD, 10)));
        let there = stage
            .pair
            .server
            .world()
            .resource::<InventoryIds>()
            .get(InventoryId::named("chest", 1))
            .unwrap();
        stage.pair.server.world_mut().get_mut::<Inventory>(there).unwrap().remove(WOOD, 7);
        stage.settle();
        assert_eq!(stage.carried(), Some((WOOD, 3)), "{device:?}");
        stage.pair.server.world_mut().get_mut::<Inventory>(there).unwrap().remove(WOOD, 3);
        stage.settle();
        assert_eq!(stage.carried(), None, "{device:?}");
    });
}
