//! How widgets look.

use bevy::{a11y::AccessibilityNode, prelude::*, text::FontSource, ui::widget::NodeImageMode};

use crate::model::{catalog::ItemCatalog, stack::Stack};

/// Sizes, colors, images and fonts of all widgets. A change redraws them.
///
/// Lengths are in logical pixels, before [`UiScale`].
#[derive(Resource, Clone, Debug)]
pub struct InventoryUiTheme {
    /// Width and height of a slot.
    pub slot: f32,
    /// Width and height of an icon.
    pub icon: f32,
    /// Distance between slots.
    pub gap: f32,
    /// Padding of panels and of the tooltip, and the distance between what is in them.
    pub padding: f32,
    /// Width of the frames around the selected slot and around what has the keyboard focus.
    pub line: f32,
    /// Font of all text.
    pub font: FontSource,
    /// Shadow of text. None by default.
    pub text_shadow: TextShadow,
    /// Shadow of counts, which makes them readable on any icon.
    pub count_shadow: TextShadow,
    /// Font size of counts.
    pub count_size: f32,
    /// Font size of titles, buttons, recipes and the tooltip.
    pub text_size: f32,
    /// Font size of the ingredients of recipes.
    pub small_text_size: f32,
    /// Background of a slot.
    pub slot_color: Color,
    /// Background of the slot under the pointer, and of those that a stack is spread over.
    pub hover_color: Color,
    /// Frame of the selected slot of a hotbar.
    pub selected_color: Color,
    /// Frame of whatever has the keyboard focus. Must stand out against every background.
    pub focus_color: Color,
    /// Shown over a slot that has just changed. It fades out.
    pub flash_color: Color,
    /// Background of panels.
    pub panel_color: Color,
    /// Background of buttons and recipes.
    pub button_color: Color,
    /// Background of the tooltip and of rejection messages.
    pub tooltip_color: Color,
    /// Color of text.
    pub text_color: Color,
    /// Color of less important text.
    pub dim_text_color: Color,
    /// Color of missing ingredients and of rejection messages.
    pub error_color: Color,
    /// Filled part of progress bars.
    pub progress_color: Color,
    /// Opacity of a predicted stack until the server has answered.
    pub pending_alpha: f32,
    /// Image behind a slot, instead of [`Self::slot_color`].
    pub slot_image: Option<Sliced>,
    /// Image behind the slot under the pointer, instead of [`Self::hover_color`].
    pub hover_image: Option<Sliced>,
    /// Image over the selected slot, instead of a frame.
    pub selected_image: Option<Sliced>,
    /// How far the frame or the image of the selected slot extends beyond the slot.
    pub selected_outset: f32,
    /// Image of panels, instead of [`Self::panel_color`].
    pub panel_image: Option<Sliced>,
    /// Image of buttons, instead of [`Self::button_color`].
    pub button_image: Option<Sliced>,
    /// Image of the button under the pointer, instead of [`Self::hover_color`]. Used only with [`Self::button_image`].
    pub button_hover_image: Option<Sliced>,
    /// Image of the tooltip and of rejection messages, instead of [`Self::tooltip_color`].
    pub tooltip_image: Option<Sliced>,
    /// How long a changed slot flashes, in seconds. Zero for players who are sensitive to this.
    pub flash_seconds: f32,
    /// How long the slots of a rejected action shake, in seconds. Zero for players who are sensitive to this.
    pub shake_seconds: f32,
    /// How long a rejection message is shown, in seconds.
    pub message_seconds: f32,
    /// Returns the remaining fraction of an item that wears out, from 0 to 1, which is shown as a bar. `None` for no
    /// bar. The meaning of [`Stack::wear`] is up to the game.
    pub wear_left: fn(&ItemCatalog, Stack) -> Option<f32>,
}

/// An image whose corners keep their size when it is stretched (nine-slice scaling).
#[derive(Clone, PartialEq, Debug)]
pub struct Sliced {
    /// The image.
    pub image: Handle<Image>,
    /// Width of the border that is not stretched, in pixels of the image. Zero to stretch all of it.
    pub border: f32,
    /// Pixels of the user interface per pixel of the image's border.
    pub scale: f32,
}

impl Sliced {
    /// Creates the component that draws the image.
    pub(super) fn to_node(&self) -> ImageNode {
        let node = ImageNode::new(self.image.clone());
        if self.border == 0.0 {
            return node.with_mode(NodeImageMode::Stretch);
        }
        let border = BorderRect::all(self.border);
        let slices =
            TextureSlicer { border, max_corner_scale: self.scale, ..TextureSlicer::default() };
        node.with_mode(NodeImageMode::Sliced(slices))
    }
}

/// Gives a node a background: an image behind its other children, or a color. The image is a child, because screen
/// readers treat a node with an image as a picture, and because a node with an image ignores its padding.
///
/// `backdrop` is the image that the node has had until now.
pub(super) fn set_background(
    commands: &mut Commands,
    of: Entity,
    backdrop: Option<&Backdrop>,
    image: Option<&Sliced>,
    color: Color,
) {
    backdrop.into_iter().for_each(|backdrop| commands.entity(backdrop.0).try_despawn());
    let Some(image) = image else {
        commands.entity(of).remove::<Backdrop>().insert(BackgroundColor(color));
        return;
    };
    let node = Node {
        position_type: PositionType::Absolute,
        width: percent(100),
        height: percent(100),
        left: px(0),
        top: px(0),
        ..default()
    };
    let backdrop = commands.spawn((node, image.to_node(), hidden(), Pickable::IGNORE)).id();
    commands
        .entity(of)
        .insert((Backdrop(backdrop), BackgroundColor(Color::NONE)))
        .insert_child(0, backdrop);
}

/// The image behind a panel, a button or a tooltip.
#[derive(Component, Clone, Copy, Debug)]
pub(super) struct Backdrop(pub(super) Entity);

/// Hides an image from screen readers.
pub(super) fn hidden() -> AccessibilityNode {
    let mut node = accesskit::Node::new(accesskit::Role::Image);
    node.set_hidden();
    AccessibilityNode(node)
}

impl Default for InventoryUiTheme {
    fn default() -> Self {
        Self {
            slot: 44.0,
            icon: 32.0,
            gap: 4.0,
            padding: 10.0,
            line: 2.0,
            font: FontSource::default(),
            text_shadow: TextShadow { offset: Vec2::ZERO, color: Color::NONE },
            count_shadow: TextShadow {
                offset: Vec2::splat(1.0),
                color: Color::BLACK.with_alpha(0.9),
            },
            count_size: 14.0,
            text_size: 15.0,
            small_text_size: 13.0,
            slot_color: Color::srgb(0.25, 0.25, 0.31),
            hover_color: Color::srgb(0.37, 0.38, 0.47),
            selected_color: Color::srgb(0.95, 0.95, 0.98),
            focus_color: Color::srgb(1.0, 0.8, 0.2),
            flash_color: Color::srgba(1.0, 0.9, 0.6, 0.5),
            panel_color: Color::srgba(0.09, 0.09, 0.12, 0.95),
            button_color: Color::srgb(0.22, 0.22, 0.28),
            tooltip_color: Color::srgba(0.04, 0.04, 0.06, 0.96),
            text_color: Color::WHITE,
            dim_text_color: Color::srgb(0.72, 0.73, 0.78),
            error_color: Color::srgb(1.0, 0.55, 0.5),
            progress_color: Color::srgb(0.95, 0.62, 0.2),
            pending_alpha: 0.6,
            slot_image: None,
            hover_image: None,
            selected_image: None,
            selected_outset: 0.0,
            panel_image: None,
            button_image: None,
            button_hover_image: None,
            tooltip_image: None,
            flash_seconds: 0.5,
            shake_seconds: 0.35,
            message_seconds: 3.0,
            wear_left: |_, _| None,
        }
    }
}

impl InventoryUiTheme {
    /// Returns the distance between the left edges of adjacent slots.
    pub(super) fn pitch(&self) -> f32 {
        self.slot + self.gap
    }

    /// Returns the distance between the parts of a row.
    pub(super) fn space(&self) -> f32 {
        0.4 * self.padding
    }

    /// Creates a text in the theme's font. It ignores the pointer.
    pub(super) fn text(&self, text: impl Into<String>, size: f32, color: Color) -> impl Bundle {
        (
            Text::new(text),
            TextFont { font: self.font.clone(), ..TextFont::from_font_size(size) },
            TextColor(color),
            self.text_shadow,
            Pickable::IGNORE,
        )
    }

    /// Creates an empty text for a count.
    pub(super) fn count(&self) -> impl Bundle {
        (
            Text::default(),
            TextFont { font: self.font.clone(), ..TextFont::from_font_size(self.count_size) },
            TextColor(self.text_color),
            self.count_shadow,
            Pickable::IGNORE,
        )
    }
}
