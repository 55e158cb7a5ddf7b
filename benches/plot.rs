//! Plots the output of `--bench bytes --features renet -- --latencies`:
//!
//! ```text
//! cargo bench --bench bytes --features renet -- --latencies > latencies.tsv
//! cargo bench --bench plot -- latencies.tsv docs/bytes.svg
//! ```

use std::{collections::BTreeMap, path::PathBuf};

use bevy::prelude::Result;
use clap::Parser;
use plotters::prelude::*;

#[path = "common/mode.rs"]
mod mode;

use mode::Mode;

#[derive(Parser)]
struct Cli {
    /// Output of `--bench bytes --features renet -- --latencies`.
    from: PathBuf,
    /// The SVG file to write.
    to: PathBuf,
    #[command(flatten)]
    mode: Mode,
}

const COLORS: [RGBColor; 7] = [
    RGBColor(208, 58, 46),
    RGBColor(120, 124, 135),
    RGBColor(64, 118, 181),
    RGBColor(72, 150, 110),
    RGBColor(146, 94, 160),
    RGBColor(214, 148, 44),
    RGBColor(30, 30, 34),
];

fn main() -> Result {
    let cli = Cli::parse();
    cli.mode.announce("a second", "a second");
    let text = std::fs::read_to_string(&cli.from)?;
    // Quick runs mark their output.
    if text.starts_with('#') && !cli.mode.quick {
        return Err("the input is from a quick run; pass --quick to plot it".into());
    }
    let mut lines: BTreeMap<usize, (&str, Vec<(f64, f64)>)> = BTreeMap::new();
    let mut names: Vec<&str> = Vec::new();
    for row in text.lines().filter(|line| !line.starts_with('#')).skip(1) {
        let [rtt, peer, bytes] = row.split('\t').collect::<Vec<_>>()[..] else {
            return Err(format!("expected three columns: {row}").into());
        };
        let at = names.iter().position(|name| *name == peer).unwrap_or_else(|| {
            names.push(peer);
            names.len() - 1
        });
        let line = lines.entry(at).or_insert((peer, Vec::new()));
        line.1.push((rtt.parse()?, bytes.parse()?));
    }
    let root = SVGBackend::new(&cli.to, (860, 480)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption(
            cli.mode.pick(
                "Bytes per changed slot, both directions (W2, 36 slots)",
                "Quick run, not for comparison: bytes per changed slot",
            ),
            ("sans-serif", 20),
        )
        .margin(14)
        .x_label_area_size(44)
        .y_label_area_size(64)
        // Leaves room for the legend to the right of the lines.
        .build_cartesian_2d(0.0..405.0, (1.0..3000.0).log_scale())?;
    chart
        .configure_mesh()
        .light_line_style(RGBColor(238, 238, 242))
        .bold_line_style(RGBColor(222, 222, 228))
        .x_desc("round-trip time, ms")
        .y_desc("bytes (logarithmic)")
        .x_label_formatter(&|rtt| if *rtt <= 300.0 { format!("{rtt:.0}") } else { String::new() })
        .y_label_formatter(&|bytes| format!("{bytes:.0}"))
        .label_style(("sans-serif", 14))
        .draw()?;
    for (at, (name, points)) in lines {
        let color = COLORS[at % COLORS.len()];
        let style = color.stroke_width(if at == 0 { 4 } else { 2 });
        let dots: Vec<_> = points.iter().map(|p| Circle::new(*p, 3, color.filled())).collect();
        chart
            .draw_series(LineSeries::new(points, style))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 22, y)], style));
        chart.draw_series(dots)?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::MiddleRight)
        .background_style(WHITE.mix(0.85))
        .label_font(("sans-serif", 14))
        .draw()?;
    root.present()?;
    Ok(())
}
