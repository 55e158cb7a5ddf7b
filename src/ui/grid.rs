//! A grid of slots.

use core::ops::Range;

use accesskit::{Node as AccessNode, Role};
use bevy::{a11y::AccessibilityNode, input_focus::tab_navigation::TabIndex, prelude::*};

use crate::model::{container::Container, id::ContainerKey};

use super::{
    cell,
    focus::TabGroups,
    scroll::{self, Scrolls},
    shown::{GridShown, bind, count},
    source::{Source, Sources, mark_inserted},
    texts::InventoryUiTexts,
    theme::InventoryUiTheme,
};

/// Shows the slots of a container. It has no size while the inventory is not in view.
///
/// To change a grid, insert the component again.
///
/// ```
/// # use bevy::prelude::*;
/// use bevy_inventory_sync::{prelude::*, ui::InventoryGrid};
///
/// fn spawn_ui(mut commands: Commands) {
///     commands.spawn(InventoryGrid::local::<Inventory>());
///     // A chest of any size. Larger ones scroll.
///     commands.spawn(InventoryGrid::opened::<Inventory>().columns(6).rows(4));
///     // The first three slots, in a column.
///     commands.spawn(InventoryGrid::local::<Inventory>().columns(1).slots(0..3));
/// }
/// # bevy::ecs::system::assert_is_system(spawn_ui);
/// ```
#[derive(Component, Clone, PartialEq, Eq, Debug)]
#[component(immutable)]
#[require(Node, Pickable)]
pub struct InventoryGrid {
    /// The inventory.
    pub of: Source,
    /// The container.
    pub container: ContainerKey,
    /// Number of columns.
    pub columns: u16,
    /// Maximum number of rows on screen. The grid scrolls if there are more.
    pub rows: Option<u16>,
    /// The slots to show; all if `None`.
    pub slots: Option<Range<u16>>,
}

impl InventoryGrid {
    /// Default number of columns.
    pub const COLUMNS: u16 = 9;

    /// Shows a container of the local player.
    #[must_use]
    pub fn local<C: Container>() -> Self {
        Self::new::<C>(Source::Local)
    }

    /// Shows a container of the inventory that the player has opened.
    #[must_use]
    pub fn opened<C: Container>() -> Self {
        Self::new::<C>(Source::Opened)
    }

    /// Shows a container of an entity.
    #[must_use]
    pub fn of<C: Container>(entity: Entity) -> Self {
        Self::new::<C>(Source::Entity(entity))
    }

    fn new<C: Container>(of: Source) -> Self {
        let container = ContainerKey::of(C::NAME);
        Self { of, container, columns: Self::COLUMNS, rows: None, slots: None }
    }

    /// Sets the number of columns. At least one.
    #[must_use]
    pub fn columns(self, columns: u16) -> Self {
        Self { columns: columns.max(1), ..self }
    }

    /// Sets the maximum number of rows on screen. At least one.
    #[must_use]
    pub fn rows(self, rows: u16) -> Self {
        Self { rows: Some(rows.max(1)), ..self }
    }

    /// Sets the slots to show.
    #[must_use]
    pub fn slots(self, slots: Range<u16>) -> Self {
        Self { slots: Some(slots), ..self }
    }
}

pub(super) fn observe(app: &mut App) {
    app.add_observer(mark_inserted::<InventoryGrid>);
}

/// Gives each grid the nodes that it needs.
pub(super) fn arrange(
    grids: Query<(Entity, &InventoryGrid, Option<&GridShown>)>,
    sources: Sources,
    theme: Res<InventoryUiTheme>,
    texts: Res<InventoryUiTexts>,
    tab_groups: TabGroups,
    mut commands: Commands,
) {
    for (entity, grid, shown) in &grids {
        let len = |inventory| sources.reader.len(inventory, grid.container);
        let found = sources.find(grid.of, Some(grid.container));
        let found = found.and_then(|inventory| Some((inventory, len(inventory)?)));
        let rebuild = theme.is_changed() && shown.is_some();
        if (found.is_none() || rebuild)
            && let Some(shown) = shown
        {
            clear(&mut commands, entity, shown);
        }
        let Some((inventory, len)) = found else {
            commands
                .entity(entity)
                .entry::<Node>()
                .and_modify(|mut node| node.display = Display::None);
            continue;
        };
        let before = shown.filter(|_| !rebuild);
        let next = layout(grid, inventory, len, before, &theme);
        if before == Some(&next) {
            continue;
        }
        tab_groups.add(entity, &mut commands);
        let label = sources.reader.container(grid.container).map(texts.container);
        fill(&mut commands, entity, next, before, &theme, label.as_deref());
    }
}

/// Plans the nodes of a grid. `content` and `cells` are those of `before`, until [`fill`] adds what is missing.
fn layout(
    grid: &InventoryGrid,
    inventory: Entity,
    len: usize,
    before: Option<&GridShown>,
    theme: &InventoryUiTheme,
) -> GridShown {
    let all = u16::try_from(len).unwrap_or(u16::MAX);
    let Range { start, end } = grid.slots.clone().unwrap_or(0..all);
    let first = start.min(all);
    let len = usize::from(end.min(all).saturating_sub(first));
    let columns = usize::from(grid.columns.max(1)).min(len.max(1));
    let in_all = len.div_ceil(columns);
    let rows = grid.rows.map_or(in_all, |rows| in_all.min(usize::from(rows)));
    let same = before.filter(|before| before.inventory == inventory);
    GridShown {
        inventory,
        container: grid.container,
        first,
        len,
        columns,
        rows,
        pitch: theme.pitch(),
        inset: theme.line,
        top: same.map_or(0, |before| before.top.min(in_all.saturating_sub(rows))),
        content: before.map_or(Entity::PLACEHOLDER, |before| before.content),
        cells: before.map(|before| before.cells.clone()).unwrap_or_default(),
        bar: before.and_then(|before| before.bar),
    }
}

/// Despawns the nodes of a grid.
fn clear(commands: &mut Commands, grid: Entity, shown: &GridShown) {
    commands.entity(shown.content).try_despawn();
    shown.bar.into_iter().for_each(|bar| commands.entity(bar).try_despawn());
    commands.entity(grid).try_remove::<(GridShown, AccessibilityNode, Scrolls)>();
}

/// Spawns, binds and places the nodes of a grid.
fn fill(
    commands: &mut Commands,
    grid: Entity,
    mut shown: GridShown,
    before: Option<&GridShown>,
    theme: &InventoryUiTheme,
    label: Option<&str>,
) {
    let in_all = shown.rows_in_all();
    // One more row, because the first and the last one may both be visible in part.
    let rows = if shown.rows < in_all { shown.rows + 1 } else { shown.rows };
    let needed = rows * shown.columns;
    if before.is_none() {
        shown.content =
            commands.spawn((ChildOf(grid), access(Role::RowGroup), Pickable::IGNORE)).id();
    }
    while shown.cells.len() > needed {
        let cell = shown.cells.pop();
        cell.into_iter().for_each(|cell| commands.entity(cell).despawn());
    }
    while shown.cells.len() < needed {
        let cell = cell::spawn(commands, theme);
        commands.entity(cell).insert(ChildOf(shown.content));
        shown.cells.push(cell);
    }
    let size = |slots: usize| count(slots) * shown.pitch - theme.gap + 2.0 * shown.inset;
    let whole = Node {
        width: px(size(shown.columns)),
        height: px(size(in_all)),
        flex_shrink: 0.0,
        ..default()
    };
    commands.entity(shown.content).insert(whole);
    let mut table = AccessNode::new(Role::Grid);
    table.set_row_count(in_all);
    table.set_column_count(shown.columns);
    table.set_size_of_set(shown.len);
    if let Some(label) = label {
        table.set_label(label);
    }
    let scrolls = shown.rows < in_all;
    let bar = if scrolls { scroll::width(theme) + theme.gap } else { 0.0 };
    let (width, height) = (px(size(shown.columns) + bar), px(size(shown.rows)));
    commands.entity(grid).insert(AccessibilityNode(table)).entry::<Node>().and_modify(
        move |mut node| {
            node.display = Display::Flex;
            (node.width, node.height, node.flex_shrink) = (width, height, 0.0);
            node.overflow = if scrolls { Overflow::scroll_y() } else { Overflow::visible() };
        },
    );
    bind(commands, grid, &shown);
    if let Some(first) = shown.cells.first().filter(|_| shown.top == 0) {
        commands.entity(*first).insert(TabIndex(0));
    }
    scroll::arrange(commands, grid, &mut shown, theme);
    commands.entity(grid).insert(shown);
}

fn access(role: Role) -> AccessibilityNode {
    AccessibilityNode(AccessNode::new(role))
}
