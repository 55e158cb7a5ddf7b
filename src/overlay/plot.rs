//! Plots that several panels draw.

use super::style;
use bevy_egui::egui;
use egui_plot::Corner;
use egui_plot::GridMark;
use egui_plot::Legend;
use egui_plot::Plot;

/// Creates a plot of the last `seconds` without drag, zoom or scroll.
pub(super) fn plot(name: &str, height: f32, seconds: f64) -> Plot<'static> {
    Plot::new(name.to_owned())
        .height(height)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .include_x(-seconds)
        .include_x(0.0)
        .include_y(0.0)
        .include_y(10.0)
        .grid_color(style::EDGE)
        .y_axis_min_width(46.0)
        .x_grid_spacer(move |_| {
            let mark = |n: i32| GridMark { value: f64::from(n) * seconds / 3.0, step_size: 60.0 };
            (-3..=0).map(mark).collect()
        })
        .x_axis_formatter(|mark, _| format!("{:.0} s", mark.value))
        .y_axis_formatter(
            |mark, _| if mark.value < 0.0 { String::new() } else { short(mark.value) },
        )
}

pub(super) fn legend() -> Legend {
    Legend::default().position(Corner::LeftTop).text_style(egui::TextStyle::Small)
}

pub(super) fn short(value: f64) -> String {
    match value {
        v if v >= 1e6 => format!("{:.1} M", v / 1e6),
        v if v >= 1e4 => format!("{:.0} k", v / 1e3),
        v if v >= 1e3 => format!("{:.1} k", v / 1e3),
        v => format!("{v:.0}"),
    }
}
