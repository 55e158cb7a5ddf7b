//! Buttons, recipes, tabs, progress, the tooltip and what games may replace.

use crate::{
    devices::{Device, Which},
    stage::*,
};

impl Stage {
    fn click_node(&mut self, node: Entity) {
        let at = self.rect(node).center();
        self.point(at);
        for state in [bevy::input::ButtonState::Pressed, bevy::input::ButtonState::Released] {
            self.mouse(MouseButton::Left, state);
        }
        self.settle();
    }

    fn button(&mut self, kind: InventoryButton) -> Entity {
        let world = self.client();
        let mut buttons = world.query::<(Entity, &InventoryButton)>();
        buttons.iter(world).find(|(_, button)| **button == kind).expect("the button").0
    }

    fn texts_below(&mut self, node: Entity) -> Vec<String> {
        let world = self.client();
        let mut children = world.query::<&Children>();
        let below: Vec<Entity> = children.query(world).iter_descendants(node).collect();
        below
            .into_iter()
            .filter_map(|node| world.get::<Text>(node).map(|it| it.0.clone()))
            .collect()
    }
}

#[test]
fn buttons_sort_take_all_and_put_all() {
    let mut stage = Stage::new(18);
    stage.give::<Inventory>(20, WOOD.stack(5));
    stage.give::<Inventory>(22, WOOD.stack(6));
    let sort = stage.button(InventoryButton::sort());
    stage.click_node(sort);
    assert_eq!(stage.on_server::<Inventory>(0), Some(WOOD.stack(11)));
    let chest = stage.open_chest(Inventory::new(9));
    let put = stage.button(InventoryButton::put_all());
    stage.click_node(put);
    assert_eq!(stage.drawn(backpack(chest, 0)), Some((WOOD, 11)));
    let take = stage.button(InventoryButton::TakeAll);
    stage.click_node(take);
    assert_eq!(stage.on_server::<Inventory>(0), Some(WOOD.stack(11)));
    // With the keyboard.
    stage.focus_on(Device::Keyboard, backpack(chest, 0));
    for _ in 0..12 {
        if stage.world().resource::<bevy::input_focus::InputFocus>().get() == Some(put) {
            break;
        }
        stage.tap_key(KeyCode::Tab);
    }
    stage.tap_key(KeyCode::Enter);
    stage.settle();
    assert_eq!(stage.drawn(backpack(chest, 0)), Some((WOOD, 11)));
}

#[test]
fn tooltip_describes_the_slot_below_the_pointer_or_with_the_focus() {
    let mut stage = Stage::new(0);
    stage.client().add_observer(|mut event: On<DescribeStack>| {
        event.lines.push("A line of the game".into());
    });
    stage.client().flush();
    let me = stage.me;
    stage.give::<Inventory>(3, WOOD.stack(12));
    let world = stage.client();
    let tip = world.query_filtered::<Entity, With<ItemTooltip>>().single(world).unwrap();
    assert!(!stage.is_visible(tip));
    let at = stage.middle(backpack(me, 3));
    stage.point(at);
    stage.steps(2);
    assert_eq!(stage.texts_below(tip), ["Wood x12", "A line of the game"]);
    assert_eq!(*stage.world().get::<Visibility>(tip).unwrap(), Visibility::Visible);
    // It follows a change, and is inside the window.
    stage.give::<Inventory>(3, STONE.stack(1));
    assert_eq!(stage.texts_below(tip)[0], "Stone");
    let window = Rect::from_corners(Vec2::ZERO, WINDOW);
    assert!(window.contains(stage.rect(tip).min) && window.contains(stage.rect(tip).max));
    stage.point(Vec2::new(5.0, 715.0));
    stage.steps(2);
    assert_eq!(*stage.world().get::<Visibility>(tip).unwrap(), Visibility::Hidden);
    stage.focus_on(Device::Keyboard, backpack(me, 3));
    stage.steps(2);
    assert_eq!(*stage.world().get::<Visibility>(tip).unwrap(), Visibility::Visible);
    // Not while a stack is carried.
    stage.tap_key(KeyCode::Enter);
    stage.steps(2);
    assert_eq!(*stage.world().get::<Visibility>(tip).unwrap(), Visibility::Hidden);
}

fn crafting_ui(commands: &mut Commands) {
    usual_ui(commands);
    commands.spawn(CraftingPanel);
}

#[test]
fn recipes_are_crafted_and_dimmed() {
    let mut stage = Stage::with_ui(18, crafting_ui);
    stage.give::<Inventory>(0, WOOD.stack(21));
    let row = |stage: &mut Stage, key: &str| {
        let world = stage.client();
        let mut rows = world.query::<(Entity, &RecipeRow)>();
        rows.iter(world).find(|(_, row)| row.recipe == RecipeId::of(key)).map(|(row, _)| row)
    };
    let plank = row(&mut stage, "plank").expect("it needs no station");
    assert_eq!(row(&mut stage, "smelt"), None, "it takes time");
    assert_eq!(row(&mut stage, "helmet"), None, "it needs a station");
    assert_eq!(stage.texts_below(plank), ["Plank x4", "Wood x2"]);
    stage.click_node(plank);
    assert_eq!(stage.on_server::<Inventory>(0), Some(WOOD.stack(19)));
    stage.shift(bevy::input::ButtonState::Pressed);
    stage.click_node(plank);
    stage.shift(bevy::input::ButtonState::Released);
    assert_eq!(stage.on_server::<Inventory>(0), Some(WOOD.stack(1)), "as many as possible");
    let error = stage.world().resource::<InventoryUiTheme>().error_color;
    let missing = |stage: &mut Stage, row: Entity| {
        let world = stage.client();
        let mut children = world.query::<&Children>();
        let below: Vec<Entity> = children.query(world).iter_descendants(row).collect();
        let colors = below.into_iter().filter_map(|node| world.get::<TextColor>(node));
        colors.filter(|color| color.0 == error).count()
    };
    assert_eq!(missing(&mut stage, plank), 1);
    let axe = row(&mut stage, "axe").unwrap();
    assert_eq!(missing(&mut stage, axe), 1, "there is one wood, and no stone");
}

#[test]
fn item_without_a_usable_icon_shows_the_beginning_of_its_name() {
    use bevy::asset::{AssetLoadError, AssetLoadFailedEvent, AssetPath};
    let mut stage = Stage::new(0);
    let me = stage.me;
    stage.give::<Inventory>(0, WOOD.stack(5));
    stage.give::<Inventory>(1, AXE.stack(1));
    let parts = |stage: &Stage, slot| {
        *stage.world().get::<SlotParts>(stage.node(backpack(me, slot))).unwrap()
    };
    let name = |stage: &Stage, slot| stage.text(parts(stage, slot).name);
    assert_eq!((name(&stage, 0), name(&stage, 1)), (String::new(), "Axe".into()));
    // The file of an icon cannot be read.
    let image = stage.icons.iter().find(|(item, _)| *item == WOOD).unwrap().1.clone();
    let path = AssetPath::from("wood.png");
    let error = AssetLoadError::EmptyPath(path.clone());
    stage.client().write_message(AssetLoadFailedEvent { id: image.id(), path, error });
    stage.steps(2);
    assert_eq!(name(&stage, 0), "Wood");
    assert!(!stage.is_visible(parts(&stage, 0).icon));
    assert_eq!(stage.drawn(backpack(me, 0)), Some((WOOD, 5)));
    // Stacks that arrive later, too.
    stage.give::<Inventory>(2, WOOD.stack(1));
    assert_eq!(name(&stage, 2), "Wood");
    let middle = |stage: &Stage, node| stage.rect(node).center();
    assert_eq!(middle(&stage, parts(&stage, 2).name), stage.middle(backpack(me, 2)));
}

#[test]
fn tooltip_and_cursor_follow_the_focused_slot_when_the_layout_changes() {
    let mut stage = Stage::new(0);
    let me = stage.me;
    stage.give::<Inventory>(0, WOOD.stack(5));
    stage.focus_on(Device::Keyboard, backpack(me, 0));
    stage.steps(2);
    let world = stage.client();
    let tip = world.query_filtered::<Entity, With<ItemTooltip>>().single(world).unwrap();
    let cursor = world.query_filtered::<Entity, With<CursorStack>>().single(world).unwrap();
    let offset = |stage: &Stage, node| stage.rect(node).min - stage.middle(backpack(me, 0));
    let before = (stage.middle(backpack(me, 0)), offset(&stage, tip));
    let chest = stage.open_chest(Inventory::new(27));
    assert_ne!(stage.middle(backpack(me, 0)), before.0, "the chest pushes the backpack down");
    assert_eq!(offset(&stage, tip), before.1);
    stage.tap_key(KeyCode::Enter);
    stage.steps(2);
    let carried = offset(&stage, cursor);
    stage.close(chest);
    assert_eq!(stage.middle(backpack(me, 0)), before.0);
    assert_eq!(offset(&stage, cursor), carried);
}

fn low_crafting_ui(commands: &mut Commands) {
    usual_ui(commands);
    let low = Node {
        position_type: PositionType::Absolute,
        flex_direction: FlexDirection::Column,
        // Headless texts have no height. This is room for one of the two rows.
        max_height: px(52),
        ..default()
    };
    commands.spawn((CraftingPanel, low));
}

#[test]
fn recipes_that_do_not_fit_scroll_with_wheel_focus_and_finger() {
    use bevy::{input::touch::TouchPhase, input_focus::InputFocus, ui_widgets::Scrollbar};
    let bar = |stage: &mut Stage| {
        let world = stage.client();
        let bars = world.query_filtered::<Entity, With<Scrollbar>>().single(world);
        let bar = bars.expect("one scroll bar");
        stage.is_visible(bar)
    };
    let mut high = Stage::with_ui(0, crafting_ui);
    high.settle();
    assert!(!bar(&mut high), "everything fits");

    let mut stage = Stage::with_ui(0, low_crafting_ui);
    stage.give::<Inventory>(0, WOOD.stack(21));
    assert!(bar(&mut stage));
    let rows = {
        let world = stage.client();
        let mut rows = world.query::<(Entity, &RecipeRow)>();
        ["plank", "axe"].map(|key| {
            let row = rows.iter(world).find(|(_, row)| row.recipe == RecipeId::of(key));
            row.expect("it is listed").0
        })
    };
    let list = stage.world().get::<ChildOf>(rows[0]).unwrap().parent();
    let is_shown = |stage: &Stage, row: Entity| {
        let (row, list) = (stage.rect(row), stage.rect(list));
        row.min.y >= list.min.y - 0.5 && row.max.y <= list.max.y + 0.5
    };
    let mut sorted = rows;
    sorted.sort_by(|a, b| stage.rect(*a).min.y.total_cmp(&stage.rect(*b).min.y));
    let [first, last] = sorted;
    assert!(is_shown(&stage, first) && !is_shown(&stage, last));
    let at = stage.rect(first).center();
    stage.point(at);
    stage.wheel(-5.0);
    stage.steps(2);
    assert!(is_shown(&stage, last) && !is_shown(&stage, first));
    stage.wheel(5.0);
    stage.steps(2);
    assert!(is_shown(&stage, first));
    // The focus scrolls to what it reaches.
    for _ in 0..20 {
        if stage.world().resource::<InputFocus>().get() == Some(last) {
            break;
        }
        stage.tap_key(KeyCode::Tab);
    }
    stage.steps(2);
    assert!(is_shown(&stage, last));
    stage.tap_key(KeyCode::ArrowUp);
    stage.steps(2);
    assert!(is_shown(&stage, first));
    // A finger that scrolls does not craft the recipe below it; a tap does.
    let from = stage.rect(first).center();
    stage.touch(TouchPhase::Started, from);
    for step in 1..=5u8 {
        stage.touch(TouchPhase::Moved, from - Vec2::new(0.0, f32::from(step) * 4.0));
    }
    stage.touch(TouchPhase::Ended, from - Vec2::new(0.0, 20.0));
    stage.settle();
    assert!(!is_shown(&stage, first));
    assert_eq!(stage.on_server::<Inventory>(0), Some(WOOD.stack(21)));
    let plank = stage.rect(rows[0]);
    let at = Vec2::new(plank.center().x, plank.center().y.max(stage.rect(list).min.y + 2.0));
    stage.touch(TouchPhase::Started, at);
    stage.touch(TouchPhase::Ended, at);
    stage.settle();
    assert_eq!(stage.on_server::<Inventory>(0), Some(WOOD.stack(19)));
}

#[test]
fn pages_of_a_bank_are_opened_by_their_tabs() {
    let mut stage = Stage::new(18);
    let tabs = Tabs::new([Tab::new("Wood", WOOD, 20), Tab::new("Stone", STONE, 30)]);
    let bank = stage.open_chest(tabs);
    let button = |stage: &mut Stage, name: &str| {
        let world = stage.client();
        let mut bars = world.query::<(&TabBar, &Children)>();
        let buttons: Vec<Entity> = bars.single(world).unwrap().1.iter().collect();
        buttons.into_iter().find(|button| stage.texts_below(*button) == [name]).expect("the tab")
    };
    for (name, page, slots) in [("Stone", 1, 30), ("Wood", 0, 20)] {
        let tab = button(&mut stage, name);
        stage.click_node(tab);
        let id = *stage.world().get::<InventoryId>(bank).unwrap();
        let id = InventoryId::page(id, page);
        let page = stage.world().resource::<InventoryIds>().get(id).expect("the page is open");
        let last = stage.world().resource::<SlotCells>().of(backpack(page, slots - 1)).next();
        assert!(last.is_some(), "{name}");
        stage.assert_drawn();
    }
}

#[test]
fn progress_of_a_furnace_is_shown() {
    let mut stage = Stage::new(0);
    let mut contents = Inventory::new(9);
    contents.set(0, STONE.stack(2)).unwrap();
    let furnace = (contents, CraftingProgress::default(), Crafter::new::<Inventory, Inventory>());
    stage.open_chest(furnace);
    let width = |stage: &mut Stage| {
        let world = stage.client();
        let mut bars = world.query_filtered::<&Children, With<WorkProgress>>();
        let part = bars.single(world).unwrap()[0];
        stage.world().get::<ComputedNode>(part).unwrap().size().x
    };
    // A second furnace's worth of frames: the bar grows, and starts again.
    let mut widths = Vec::new();
    for _ in 0..40 {
        stage.steps(1);
        widths.push(width(&mut stage));
    }
    stage.settle();
    assert_eq!(width(&mut stage), 0.0, "there is nothing left to craft");
    assert!(widths.iter().any(|width| *width > 20.0), "{widths:?}");
}

#[test]
fn games_may_replace_what_a_widget_requests() {
    let mut stage = Stage::new(0);
    stage.client().add_observer(|mut event: On<WidgetAction>| event.handled = true);
    stage.client().flush();
    let me = stage.me;
    stage.give::<Inventory>(0, WOOD.stack(5));
    stage.press(Device::Mouse, backpack(me, 0), Which::All);
    stage.pass(Device::Mouse, backpack(me, 5));
    stage.release(Device::Mouse, backpack(me, 5), Which::All);
    stage.settle();
    assert_eq!(stage.on_server::<Inventory>(0), Some(WOOD.stack(5)));
    // A stack that was picked up with a click is put back.
    stage.slow_click(Device::Mouse, backpack(me, 0), Which::All);
    stage.slow_click(Device::Mouse, backpack(me, 5), Which::All);
    assert_eq!(stage.carried(), None);
    assert_eq!(stage.drawn(backpack(me, 0)), Some((WOOD, 5)));
}

#[test]
fn text_buttons_are_pressed_with_every_device_and_change_their_text() {
    #[derive(Resource, Default)]
    struct Presses(u32);

    let mut stage = Stage::new(0);
    stage.client().init_resource::<Presses>();
    let place =
        Node { position_type: PositionType::Absolute, left: px(5), top: px(5), ..Node::default() };
    let group = bevy::input_focus::tab_navigation::TabGroup::new(0);
    let root = stage.client().spawn((place, group)).id();
    let button = stage.client().spawn((TextButton("Close".into()), ChildOf(root))).id();
    let count = |_: On<ButtonPressed>, mut presses: ResMut<Presses>| presses.0 += 1;
    stage.client().entity_mut(button).observe(count);
    stage.steps(2);
    assert_eq!(stage.texts_below(button), ["Close"]);
    stage.click_node(button);
    stage.click_node(button);
    for _ in 0..12 {
        if stage.world().resource::<bevy::input_focus::InputFocus>().get() == Some(button) {
            break;
        }
        stage.tap_key(KeyCode::Tab);
    }
    stage.tap_key(KeyCode::Enter);
    stage.tap_pad(GamepadButton::South);
    assert_eq!(stage.world().resource::<Presses>().0, 4);
    // While a button has the focus, keys for slots do nothing.
    stage.tap_key(KeyCode::Digit5);
    stage.settle();
    assert_eq!(stage.pair.server.world().get::<Hotbar>(stage.player).unwrap().selected_index(), 0);
    stage.client().entity_mut(button).insert(TextButton("Shut".into()));
    stage.steps(2);
    assert_eq!(stage.texts_below(button), ["Shut"]);
}

#[test]
fn change_of_the_theme_redraws_titles_buttons_and_the_tooltip() {
    let mut stage = Stage::new(0);
    let me = stage.me;
    stage.give::<Inventory>(3, WOOD.stack(12));
    let at = stage.middle(backpack(me, 3));
    stage.point(at);
    stage.steps(2);
    let sort = stage.button(InventoryButton::sort());
    let world = stage.client();
    let tip = world.query_filtered::<Entity, With<ItemTooltip>>().single(world).unwrap();
    let mut panels = world.query::<(Entity, &InventoryPanel)>();
    let panel = panels.iter(world).find(|(_, panel)| panel.title == "Backpack").unwrap().0;
    stage.client().resource_mut::<InventoryUiTheme>().text_size = 21.0;
    stage.client().resource_mut::<InventoryUiTheme>().slot = 30.0;
    stage.steps(3);
    for node in [tip, sort, panel] {
        let world = stage.client();
        let mut children = world.query::<&Children>();
        let below: Vec<Entity> = children.query(world).iter_descendants(node).collect();
        let fonts =
            below.iter().filter(|node| world.get::<Text>(**node).is_some_and(|it| it.len() > 3));
        let sizes: Vec<f32> = fonts
            .filter_map(|node| world.get::<TextFont>(*node))
            .filter_map(|font| match font.font_size {
                bevy::text::FontSize::Px(size) => Some(size),
                _ => None,
            })
            .collect();
        assert!(!sizes.is_empty() && sizes.iter().all(|size| *size > 20.0), "{sizes:?}");
    }
    stage.assert_drawn();
}

#[test]
fn games_may_draw_slots_and_describe_rejections() {
    #[derive(Resource, Default)]
    struct Painted(Vec<SlotLook>);

    let mut stage = Stage::new(0);
    stage.client().init_resource::<Painted>();
    stage.client().add_observer(|event: On<SlotPainted>, mut painted: ResMut<Painted>| {
        painted.0.push(event.look);
    });
    stage.client().add_observer(|mut event: On<DescribeRejection>| {
        event.text = format!("Ada: {}", event.rejected.reason);
    });
    stage.client().flush();
    let me = stage.me;
    stage.give::<Inventory>(0, WOOD.stack(5));
    let painted = core::mem::take(&mut stage.client().resource_mut::<Painted>().0);
    assert!(painted.iter().all(|look| look.stack == Some(WOOD.stack(5))) && !painted.is_empty());
    // Only a helmet can be worn.
    stage.press(Device::Mouse, backpack(me, 0), Which::All);
    stage.pass(Device::Mouse, (me, Worn::slot(0)));
    stage.release(Device::Mouse, (me, Worn::slot(0)), Which::All);
    stage.steps(2);
    let world = stage.client();
    let message = world.query_filtered::<Entity, With<RejectionMessage>>().single(world).unwrap();
    assert_eq!(stage.texts_below(message), ["Ada: the slot does not accept this item"]);
}
