//! The progress of a furnace or a similar station.

use accesskit::{Node as AccessNode, Role};
use bevy::{a11y::AccessibilityNode, prelude::*};

use crate::{
    features::progress::CraftingProgress,
    model::{container::Container, id::ContainerKey},
    shared::events::SelectedChanged,
};

use super::{
    source::{Source, Sources, SourcesChanged},
    theme::InventoryUiTheme,
};

/// A bar that shows the [`CraftingProgress`] of an inventory. It is displayed while the inventory is in view and has
/// that component.
#[derive(Component, Clone, Copy, PartialEq, Eq, Debug)]
#[component(immutable)]
#[require(Node = bar(), BackgroundColor, Pickable::IGNORE)]
pub struct WorkProgress {
    /// The inventory.
    pub of: Source,
}

impl WorkProgress {
    /// Shows the progress of the inventory that the player has opened.
    #[must_use]
    pub const fn opened() -> Self {
        Self { of: Source::Opened }
    }
}

fn bar() -> Node {
    Node { width: px(120), height: px(8), ..default() }
}

/// The filled part of a bar.
#[derive(Component, Clone, Copy, Debug)]
pub(super) struct ProgressPart(Entity);

/// Whether a bar may have to show a different value.
#[derive(Resource, Default, Debug)]
pub(super) struct ProgressChanged(bool);

pub(super) fn observe(app: &mut App) {
    app.add_observer(spawn).add_observer(
        |_: On<SelectedChanged>, mut changed: ResMut<ProgressChanged>| changed.0 = true,
    );
}

fn spawn(
    event: On<Insert, WorkProgress>,
    theme: Res<InventoryUiTheme>,
    mut changed: ResMut<SourcesChanged>,
    mut commands: Commands,
) {
    changed.0 = true;
    let node = Node { width: percent(0), height: percent(100), ..default() };
    let part = (node, BackgroundColor(theme.progress_color), Pickable::IGNORE);
    let part = commands.spawn((part, ChildOf(event.entity))).id();
    let mut access = AccessNode::new(Role::ProgressIndicator);
    access.set_min_numeric_value(0.0);
    access.set_max_numeric_value(100.0);
    commands.entity(event.entity).insert((
        ProgressPart(part),
        AccessibilityNode(access),
        BackgroundColor(theme.slot_color),
    ));
}

pub(super) fn has_changed(changed: Res<ProgressChanged>) -> bool {
    changed.0
}

pub(super) fn draw(
    mut bars: Query<(&WorkProgress, &ProgressPart, &mut Node, &mut AccessibilityNode)>,
    mut parts: Query<&mut Node, Without<WorkProgress>>,
    progress: Query<&CraftingProgress>,
    sources: Sources,
    mut changed: ResMut<ProgressChanged>,
) {
    changed.0 = false;
    let key = ContainerKey::of(CraftingProgress::NAME);
    for (bar, part, mut node, mut access) in &mut bars {
        let value = sources.find(bar.of, Some(key)).and_then(|entity| progress.get(entity).ok());
        let display = if value.is_some() { Display::Flex } else { Display::None };
        if node.display != display {
            node.display = display;
        }
        let Some(value) = value.map(CraftingProgress::progress) else { continue };
        if let Ok(mut part) = parts.get_mut(part.0) {
            let width = percent(100.0 * value);
            if part.width != width {
                part.width = width;
            }
        }
        access.set_numeric_value(f64::from(100.0 * value));
    }
}
