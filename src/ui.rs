//! Widgets for inventories, built on Bevy's UI.
//!
//! Spawn a widget, and it shows an inventory that the local player may see. It follows openings, changes, predictions
//! and rejections. Players use it with a mouse, a keyboard, a gamepad or a touch screen. Everything they do becomes a
//! request of [`InventoryActions`](crate::prelude::InventoryActions).
//!
//! ```no_run
//! use bevy::prelude::*;
//! use bevy_inventory_sync::{prelude::*, ui::*};
//!
//! // app.add_plugins(InventoryUiPlugin), after `DefaultPlugins` and `InventoryPlugins`.
//! fn spawn_ui(mut commands: Commands) {
//!     commands.spawn((InventoryScreen, children![
//!         (InventoryPanel::opened("Chest"), children![InventoryGrid::opened::<Inventory>()]),
//!         (InventoryPanel::local("Backpack"), children![InventoryGrid::local::<Inventory>()]),
//!         HotbarView,
//!     ]));
//! }
//! # bevy::ecs::system::assert_is_system(spawn_ui);
//! ```
//!
//! The [guide](crate::guide::ui) lists all widgets and gestures, and explains looks, texts and hooks.
//!
//! Systems run only when something has changed, and touch only the slots in question.

mod button;
mod carry;
mod cell;
mod crafting;
mod cursor;
mod effects;
mod focus;
mod gamepad;
mod gesture;
mod grid;
mod hotbar;
mod icons;
mod inventory_button;
mod keys;
mod paint;
mod panel;
mod pointer;
mod press;
mod progress;
mod put_back;
mod rejection;
mod request;
mod screen;
mod scroll;
mod shown;
mod source;
mod tabs;
mod texts;
mod theme;
mod tooltip;

pub use button::{ButtonPressed, TextButton, UiButton};
pub use carry::{Carried, Carry};
pub use cell::{SlotCell, SlotCells, SlotLook, SlotParts};
pub use crafting::{CraftingPanel, RecipeRow};
pub use cursor::CursorStack;
pub use focus::{FocusGrid, inventory_has_focus};
pub use grid::InventoryGrid;
pub use hotbar::{HotbarView, WheelSelects};
pub use icons::{ItemIcons, LoadedIcons};
pub use inventory_button::InventoryButton;
pub use keys::InventoryUiKeys;
pub use paint::SlotPainted;
pub use panel::{DescribePanel, InventoryPanel};
pub use press::HotbarLocked;
pub use progress::WorkProgress;
pub use rejection::{DescribeRejection, RejectionMessage};
pub use request::WidgetAction;
pub use screen::InventoryScreen;
pub use source::{OpenedInventories, Source};
pub use tabs::TabBar;
pub use texts::InventoryUiTexts;
pub use theme::{InventoryUiTheme, Sliced};
pub use tooltip::{DescribeStack, ItemTooltip};

use bevy::{
    a11y::ActionRequest,
    asset::AssetLoadFailedEvent,
    camera::visibility::VisibilitySystems,
    input::{
        InputSystems,
        gamepad::{GamepadAxisChangedEvent, GamepadButtonStateChangedEvent},
        keyboard::KeyboardInput,
    },
    input_focus::{
        InputFocus, InputFocusVisible,
        directional_navigation::{AutoNavigationConfig, DirectionalNavigationMap},
    },
    prelude::*,
    ui::UiSystems,
};

/// Draws inventories and handles input on them. Add it after `DefaultPlugins` and
/// [`InventoryPlugins`](crate::prelude::InventoryPlugins). Needs a camera.
#[derive(Clone, Copy, Default, Debug)]
pub struct InventoryUiPlugin;

/// The steps of the widgets, for ordering systems of the game.
#[derive(SystemSet, Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum InventoryUiSystems {
    /// In `PreUpdate`: turns keys and gamepad buttons into requests. Pointers are handled by observers.
    Input,
    /// In `PostUpdate`: gives widgets the nodes that they need.
    Arrange,
    /// In `PostUpdate`: paints what has changed.
    Paint,
}

impl Plugin for InventoryUiPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<InventoryUiTheme>()
            .init_resource::<InventoryUiTexts>()
            .init_resource::<InventoryUiKeys>()
            .init_resource::<LoadedIcons>()
            .init_resource::<OpenedInventories>()
            .init_resource::<Carried>()
            .init_resource::<SlotCells>()
            .init_resource::<cell::DirtyCells>()
            .init_resource::<crafting::CraftingChanged>()
            .init_resource::<press::GestureState>()
            .init_resource::<paint::Hovered>()
            .init_resource::<paint::PendingSlots>()
            .init_resource::<pointer::TouchHeld>()
            .init_resource::<progress::ProgressChanged>()
            .init_resource::<scroll::FingerScrolls>()
            .init_resource::<source::SourcesChanged>()
            .init_resource::<tooltip::TooltipChanged>()
            .init_resource::<tooltip::TooltipShown>();
        // Widgets may be spawned before the app runs.
        for observe in [
            button::observe_spawns,
            panel::observe,
            cursor::observe,
            grid::observe,
            inventory_button::observe_spawns,
            progress::observe,
            screen::observe,
        ] {
            observe(app);
        }
    }

    /// Observers that access all containers can be added only after the containers are registered.
    fn finish(&self, app: &mut App) {
        let tab = keys::TabIsHandled::in_app(app);
        if !app.world().contains_resource::<AutoNavigationConfig>() {
            app.insert_resource(focus::NAVIGATION);
        }
        app.init_resource::<InputFocus>()
            .init_resource::<InputFocusVisible>()
            .init_resource::<DirectionalNavigationMap>()
            .init_resource::<ButtonInput<KeyCode>>()
            .add_message::<ActionRequest>()
            .add_message::<AssetLoadFailedEvent<Image>>()
            .add_message::<KeyboardInput>()
            .add_message::<GamepadAxisChangedEvent>()
            .add_message::<GamepadButtonStateChangedEvent>()
            .insert_resource(tab);
        observe(app);
        add_systems(app);
    }
}

fn observe(app: &mut App) {
    app.add_observer(carry::follow_source).add_observer(carry::follow_closed);
    for observe in [
        button::observe,
        crafting::observe,
        focus::observe,
        inventory_button::observe,
        paint::observe,
        pointer::observe,
        rejection::observe,
        scroll::observe,
        source::observe,
        tabs::observe,
        tooltip::observe,
    ] {
        observe(app);
    }
}

fn add_systems(app: &mut App) {
    use InventoryUiSystems::{Arrange, Input, Paint};
    app.configure_sets(PreUpdate, Input.after(InputSystems))
        .configure_sets(
            PostUpdate,
            (Arrange, Paint)
                .chain()
                .before(UiSystems::Prepare)
                .before(VisibilitySystems::VisibilityPropagate),
        )
        .add_systems(
            PreUpdate,
            (
                keys::handle.run_if(on_message::<KeyboardInput>),
                gamepad::handle_buttons.run_if(on_message::<GamepadButtonStateChangedEvent>),
                gamepad::handle_sticks.run_if(on_message::<GamepadAxisChangedEvent>),
                hotbar::select_with_wheel.run_if(hotbar::wheel_selects),
                pointer::hold.run_if(pointer::is_held),
                button::handle_access.run_if(on_message::<ActionRequest>),
                source::end_waits.run_if(source::is_awaiting),
            )
                .chain()
                .in_set(Input),
        )
        .add_systems(
            PostUpdate,
            (
                (panel::redraw, button::redraw, tooltip::redraw)
                    .in_set(Arrange)
                    .run_if(resource_changed::<InventoryUiTheme>),
                (
                    panel::arrange,
                    grid::arrange,
                    tabs::arrange,
                    crafting::arrange,
                    progress::draw,
                    source::reset,
                )
                    .chain()
                    .in_set(Arrange)
                    .run_if(source::sources_changed),
                (
                    icons::follow_failures.run_if(on_message::<AssetLoadFailedEvent<Image>>),
                    put_back::put_back.run_if(put_back::is_busy),
                    scroll::follow.run_if(scroll::has_scrolled),
                    scroll::show_bars.run_if(scroll::lists_changed),
                    focus::follow.run_if(focus::focus_changed),
                    paint::paint.run_if(paint::is_dirty),
                    progress::draw.run_if(progress::has_changed),
                    crafting::dim.run_if(crafting::has_changed),
                    cursor::draw.run_if(cursor::has_moved),
                    tooltip::describe.run_if(tooltip::has_changed),
                    effects::flash.run_if(any_with_component::<effects::Flash>),
                    effects::shake.run_if(any_with_component::<effects::Shake>),
                    rejection::expire.run_if(any_with_component::<rejection::MessageShown>),
                )
                    .chain()
                    .in_set(Paint),
            ),
        );
}
