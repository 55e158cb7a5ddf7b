//! A client with widgets, in front of a server.

use bevy::{
    a11y::{AccessibilityNode, AccessibilityPlugin},
    camera::{CameraPlugin, ComputedCameraValues, RenderTargetInfo},
    input::InputPlugin,
    input_focus::InputFocusPlugin,
    mesh::skinning::SkinnedMeshInverseBindposes,
    picking::{InteractionPlugin, PickingPlugin, input::PointerInputPlugin},
    text::TextPlugin,
    ui::UiPlugin,
    window::{PrimaryWindow, WindowResolution},
};
pub use bevy::{ecs::system::RunSystemOnce, prelude::*};
pub use bevy_inventory_sync::{
    features::{
        crafter::Crafter,
        progress::CraftingProgress,
        tabs::{Tab, Tabs},
    },
    prelude::*,
    sim::Simulation,
    ui::*,
};

pub const WOOD: ItemId = ItemId::of("wood");
pub const STONE: ItemId = ItemId::of("stone");
pub const AXE: ItemId = ItemId::of("axe");
pub const HELMET: ItemId = ItemId::of("helmet");

const ITEMS: &str = r#"(items: [
    (key: "wood", name: "Wood", icon: "wood.png", max_stack: 64),
    (key: "stone", name: "Stone", icon: "stone.png", max_stack: 64),
    (key: "axe", name: "Axe", max_stack: 1),
    (key: "helmet", name: "Helmet", icon: "helmet.png", max_stack: 1, tags: ["head"]),
    (key: "plank", name: "Plank", icon: "plank.png", max_stack: 64),
], recipes: [
    (key: "plank", takes: [("wood", 2)], gives: [("plank", 4)]),
    (key: "axe", takes: [("wood", 1), ("stone", 3)], gives: [("axe", 1)]),
    (key: "smelt", takes: [("stone", 1)], gives: [("plank", 1)], millis: 1000),
    (key: "helmet", takes: [("stone", 5)], gives: [("helmet", 1)], at: "worn"),
])"#;

/// What the player wears.
#[derive(Component, Clone, PartialEq, Debug)]
pub struct Worn(pub Slots);

impl Container for Worn {
    const NAME: &'static str = "worn";
    const AUTO_FILL: bool = false;

    fn from_slots(slots: Slots) -> Self {
        Self(slots)
    }

    fn slots(&self) -> &Slots {
        &self.0
    }

    fn slots_mut(&mut self) -> &mut Slots {
        &mut self.0
    }

    fn accepts(_: usize, item: &ItemDef) -> bool {
        item.has_tag("head")
    }
}

fn setup(app: &mut App) {
    app.add_container::<Worn>()
        .add_container::<CraftingProgress>()
        .add_pages()
        .insert_items(Items::<()>::from_ron(ITEMS).unwrap());
}

pub const WINDOW: Vec2 = Vec2::new(1280.0, 720.0);

fn setup_client(app: &mut App, spawn_ui: fn(&mut Commands)) {
    setup(app);
    let window = Window { resolution: WindowResolution::new(1280, 720), ..default() };
    app.add_plugins((
        (AssetPlugin::default(), ImagePlugin::default(), TextPlugin, TransformPlugin, CameraPlugin),
        (
            InputPlugin,
            WindowPlugin { primary_window: Some(window), ..default() },
            AccessibilityPlugin,
        ),
        (InputFocusPlugin, PickingPlugin, PointerInputPlugin, InteractionPlugin, UiPlugin),
        InventoryUiPlugin,
    ));
    app.init_asset::<TextureAtlasLayout>()
        .init_asset::<Mesh>()
        .init_asset::<SkinnedMeshInverseBindposes>();
    let target_info =
        Some(RenderTargetInfo { physical_size: WINDOW.as_uvec2(), scale_factor: 1.0 });
    let computed = ComputedCameraValues { target_info, ..default() };
    app.world_mut().spawn((Camera2d, Camera { computed, ..default() }));
    spawn_ui(&mut app.world_mut().commands());
}

/// A chest above the backpack and the hotbar, like in most games.
pub fn usual_ui(commands: &mut Commands) {
    let column = Node {
        width: percent(100),
        height: percent(100),
        flex_direction: FlexDirection::Column,
        align_items: AlignItems::Center,
        row_gap: px(8),
        ..default()
    };
    commands.spawn((
        column,
        Pickable::IGNORE,
        children![
            (
                InventoryPanel::opened("Chest"),
                children![
                    TabBar::opened(),
                    InventoryGrid::opened::<Inventory>().rows(4),
                    WorkProgress::opened(),
                    InventoryButton::TakeAll,
                ]
            ),
            (
                InventoryPanel::local("Backpack"),
                children![
                    InventoryGrid::local::<Inventory>(),
                    InventoryGrid::local::<Worn>(),
                    InventoryButton::sort(),
                    InventoryButton::put_all(),
                ]
            ),
            HotbarView,
        ],
    ));
    commands.spawn(CursorStack);
    commands.spawn(ItemTooltip);
    commands.spawn(RejectionMessage);
}

/// A server, and a client that draws.
pub struct Stage {
    pub pair: Simulation,
    /// The player's inventory, on the server.
    pub player: Entity,
    /// The same on the client.
    pub me: Entity,
    pub window: Entity,
    pub icons: Vec<(ItemId, Handle<Image>)>,
}

/// Gives each item with an icon an image, so that nothing is read from files. Returns the images.
fn set_icons(world: &mut World) -> Vec<(ItemId, Handle<Image>)> {
    let defs = world.resource::<ItemCatalog>().defs();
    let items: Vec<ItemId> =
        defs.iter().filter(|item| !item.icon.is_empty()).map(ItemDef::id).collect();
    let mut images = world.resource_mut::<Assets<Image>>();
    let icons: Vec<_> =
        items.into_iter().map(|item| (item, images.add(Image::default()))).collect();
    let mut loaded = world.resource_mut::<LoadedIcons>();
    icons.iter().for_each(|(item, image)| loaded.set(*item, image.clone()));
    icons
}

impl Stage {
    /// A player with an empty backpack of 27 slots, a hotbar of 9 and one slot for a helmet. Messages take this number
    /// of ticks each way, of which there are 60 per second.
    pub fn new(latency: u64) -> Self {
        Self::with_ui(latency, usual_ui)
    }

    pub fn with_ui(latency: u64, spawn_ui: fn(&mut Commands)) -> Self {
        let client = Simulation::app(|app| setup_client(app, spawn_ui));
        let mut pair = Simulation::from_apps(Simulation::app(setup), [client]);
        let owner = Owner(pair.client_id(0));
        let id = InventoryId::named("player", 1);
        let bundle = (id, Inventory::default(), Hotbar::default(), Worn(Slots::new(1)), owner);
        let player = pair.server.world_mut().spawn(bundle).id();
        pair.settle(100);
        pair.network.latency_ticks = latency;
        let world = pair.clients[0].app.world_mut();
        let icons = set_icons(world);
        let me = world.resource::<InventoryIds>().get(id).expect("the player's inventory");
        let window = world.query_filtered::<Entity, With<PrimaryWindow>>().single(world).unwrap();
        let mut stage = Self { pair, player, me, window, icons };
        stage.steps(3);
        stage
    }

    pub fn client(&mut self) -> &mut World {
        self.pair.clients[0].app.world_mut()
    }

    pub fn world(&self) -> &World {
        self.pair.clients[0].app.world()
    }

    pub fn steps(&mut self, ticks: usize) {
        self.pair.steps(ticks);
    }

    /// Waits until everything has arrived on both sides, and animations have ended.
    pub fn settle(&mut self) {
        self.pair.settle(400);
        self.steps(60);
    }

    /// Puts a stack into a slot of the player, on the server, and waits until it is drawn.
    pub fn give<C: Container>(&mut self, slot: usize, stack: Stack) {
        let mut player = self.pair.server.world_mut().entity_mut(self.player);
        player.get_mut::<C>().unwrap().slots_mut().set(slot, stack).unwrap();
        self.settle();
    }

    /// Spawns an inventory that the player may open, and opens it. Returns the entity on the client.
    pub fn open_chest(&mut self, contents: impl Bundle) -> Entity {
        let id = InventoryId::named("chest", 1);
        self.pair.server.world_mut().spawn((id, Openable(Rights::USE), contents));
        self.open(id)
    }

    pub fn open(&mut self, id: InventoryId) -> Entity {
        let open = move |mut actions: InventoryActions| {
            actions.open_by_id(id);
        };
        self.client().run_system_once(open).unwrap();
        self.settle();
        self.world().resource::<InventoryIds>().get(id).expect("it is open")
    }

    pub fn close(&mut self, inventory: Entity) {
        let close = move |mut actions: InventoryActions| {
            actions.close(inventory);
        };
        self.client().run_system_once(close).unwrap();
        self.settle();
    }

    /// Returns the contents of the player's slot, on the server.
    pub fn on_server<C: Container>(&self, slot: usize) -> Option<Stack> {
        self.pair.server.world().get::<C>(self.player).unwrap().slots().get(slot)
    }

    pub fn node(&self, slot: SlotRef) -> Entity {
        let mut nodes = self.world().resource::<SlotCells>().of(slot);
        nodes.next().unwrap_or_else(|| panic!("{slot:?} is not on screen"))
    }

    /// Returns the rectangle of a node, in pixels.
    pub fn rect(&self, node: Entity) -> Rect {
        let at = self.world().get::<UiGlobalTransform>(node).unwrap().translation;
        Rect::from_center_size(at, self.world().get::<ComputedNode>(node).unwrap().size())
    }

    pub fn middle(&self, slot: SlotRef) -> Vec2 {
        self.rect(self.node(slot)).center()
    }

    pub fn text(&self, node: Entity) -> String {
        self.world().get::<Text>(node).map(|text| text.0.clone()).unwrap_or_default()
    }

    pub fn is_visible(&self, node: Entity) -> bool {
        self.world().get::<InheritedVisibility>(node).is_some_and(|it| it.get())
            && self.rect(node).size().min_element() > 0.0
    }

    /// Returns what the nodes of a slot show: the item, read from its image or letters, and the count.
    pub fn drawn(&self, slot: SlotRef) -> Option<(ItemId, u32)> {
        let node = self.node(slot);
        let parts = *self.world().get::<SlotParts>(node).unwrap();
        let count = self.text(parts.count);
        let letters = self.text(parts.name);
        let catalog = self.world().resource::<ItemCatalog>();
        let item = if self.is_visible(parts.icon) {
            let image = &self.world().get::<ImageNode>(parts.icon).unwrap().image;
            self.icons.iter().find(|(_, icon)| icon == image).map(|(item, _)| *item)
        } else {
            let named = |item: &&ItemDef| !letters.is_empty() && item.name.starts_with(&letters);
            catalog.defs().iter().find(named).map(ItemDef::id)
        };
        let Some(item) = item else {
            assert_eq!((count, letters), (String::new(), String::new()), "{slot:?} is empty");
            return None;
        };
        Some((item, if count.is_empty() { 1 } else { count.parse().unwrap() }))
    }

    /// Asserts that every slot on screen is drawn with what the client's components contain, except what is carried.
    #[track_caller]
    pub fn assert_drawn(&mut self) {
        let world = self.client();
        let cells: Vec<(Entity, SlotCell)> = world
            .query::<(Entity, &SlotCell)>()
            .iter(world)
            .map(|(entity, cell)| (entity, *cell))
            .collect();
        assert!(!cells.is_empty());
        for (node, cell) in cells {
            let place = cell.place();
            let read = move |reader: bevy_inventory_sync::params::reader::InventoryReader| {
                reader.get(place)
            };
            let mut stack = self.client().run_system_once(read).unwrap();
            if let Some(carry) = self.world().resource::<Carried>().get()
                && carry.from == place
            {
                stack = carry.rest();
            }
            let expected = stack.map(|stack| (stack.item, stack.count()));
            assert_eq!(self.drawn(place), expected, "{place:?}");
            let theme = self.world().resource::<InventoryUiTheme>();
            if self.is_visible(node) {
                assert_eq!(self.rect(node).size(), Vec2::splat(theme.slot));
            }
        }
    }

    /// Returns how the stack at the pointer is described to screen readers.
    pub fn at_the_pointer(&mut self) -> String {
        let world = self.client();
        let mut cursors = world.query_filtered::<&AccessibilityNode, With<CursorStack>>();
        cursors.single(world).unwrap().label().unwrap_or_default().to_owned()
    }

    pub fn carried(&self) -> Option<(ItemId, u32)> {
        let carry = self.world().resource::<Carried>().get()?;
        Some((carry.source.item, carry.count()))
    }
}

pub fn backpack(entity: Entity, slot: usize) -> SlotRef {
    (entity, Inventory::slot(slot))
}

pub fn bar(entity: Entity, slot: usize) -> SlotRef {
    (entity, Hotbar::slot(slot))
}
