//! What screen readers are told, and what they may do.

use accesskit::{Action, NodeId, Role, TreeId};
use bevy::a11y::{AccessibilityNode, ActionRequest};

use crate::{devices::Device, stage::*};

fn access(stage: &Stage, node: Entity) -> AccessibilityNode {
    stage.world().get::<AccessibilityNode>(node).expect("an accessible node").clone()
}

#[test]
fn slots_are_announced_with_item_count_and_position() {
    let mut stage = Stage::new(18);
    let me = stage.me;
    stage.give::<Inventory>(10, WOOD.stack(5));
    stage.give::<Inventory>(11, AXE.stack(1));
    let label = |stage: &Stage, slot| {
        access(stage, stage.node(backpack(me, slot))).label().map(str::to_owned)
    };
    assert_eq!(label(&stage, 10).as_deref(), Some("Wood x5"));
    assert_eq!(label(&stage, 11).as_deref(), Some("Axe"));
    assert_eq!(label(&stage, 0).as_deref(), Some("Empty"));
    let node = access(&stage, stage.node(backpack(me, 10)));
    assert_eq!(node.role(), Role::GridCell);
    assert_eq!((node.row_index(), node.column_index()), (Some(1), Some(1)));
    assert_eq!((node.position_in_set(), node.size_of_set()), (Some(10), Some(27)));
    let cell = *stage.world().get::<SlotCell>(stage.node(backpack(me, 10))).unwrap();
    let grid = access(&stage, cell.grid);
    assert_eq!((grid.role(), grid.label()), (Role::Grid, Some("Inventory")));
    assert_eq!((grid.row_count(), grid.column_count()), (Some(3), Some(9)));
    // A predicted move, until the server has answered.
    stage.focus_on(Device::Keyboard, backpack(me, 10));
    stage.tap_key(KeyCode::Digit2);
    stage.steps(1);
    assert_eq!(label(&stage, 10).as_deref(), Some("Empty, waiting"));
    stage.settle();
    assert_eq!(label(&stage, 10).as_deref(), Some("Empty"));
}

#[test]
fn pictures_are_hidden_from_screen_readers() {
    let mut stage = Stage::new(0);
    let me = stage.me;
    stage.give::<Inventory>(0, WOOD.stack(5));
    let parts = *stage.world().get::<SlotParts>(stage.node(backpack(me, 0))).unwrap();
    assert!(access(&stage, parts.icon).is_hidden());
}

#[test]
fn assistive_technologies_may_press_slots_and_buttons() {
    let mut stage = Stage::new(0);
    let me = stage.me;
    stage.give::<Inventory>(20, WOOD.stack(5));
    let press = |stage: &mut Stage, node: Entity| {
        let request = accesskit::ActionRequest {
            action: Action::Click,
            target_tree: TreeId::ROOT,
            target_node: NodeId(node.to_bits()),
            data: None,
        };
        stage.client().write_message(ActionRequest(request));
        stage.steps(30);
    };
    let node = stage.node(backpack(me, 20));
    press(&mut stage, node);
    assert_eq!(stage.carried(), Some((WOOD, 5)));
    let node = stage.node(backpack(me, 21));
    press(&mut stage, node);
    assert_eq!(stage.drawn(backpack(me, 21)), Some((WOOD, 5)));
    let world = stage.client();
    let mut buttons = world.query::<(Entity, &InventoryButton)>();
    let sort = buttons.iter(world).find(|(_, button)| **button == InventoryButton::sort());
    let sort = sort.unwrap().0;
    assert_eq!(access(&stage, sort).label(), Some("Sort"));
    press(&mut stage, sort);
    stage.settle();
    assert_eq!(stage.on_server::<Inventory>(0), Some(WOOD.stack(5)));
}
