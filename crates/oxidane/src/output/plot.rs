//! Plots as SVG: series over an axis, and predictions against references.

use std::ops::Range;
use std::path::Path;

use oxidane_core::io::write_atomically;
use oxidane_core::{Error, ErrorKind, Result};
use plotters::coord::Shift;
use plotters::prelude::*;

/// Colours that also differ for colour-blind eyes (Okabe and Ito, 2008).
const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
];
const FONT: &str = "sans-serif";
/// More points than this are thinned for the drawing: no eye tells them apart and files stay small.
const POINTS: usize = 4000;

/// A named line.
pub struct Series {
    /// What it is, for the legend (left out if there is only one).
    pub name: String,
    /// Points, x ascending.
    pub points: Vec<(f64, f64)>,
}

/// One diagram with its axes.
pub struct Panel {
    /// Quantity and unit of the x axis.
    pub x: String,
    /// Quantity and unit of the y axis.
    pub y: String,
    /// The lines.
    pub series: Vec<Series>,
    /// Logarithmic y axis.
    pub log: bool,
}

/// Predictions against references of one property.
pub struct Parity {
    /// Property and unit.
    pub property: String,
    /// What stands on the axes.
    pub axes: [String; 2],
    /// (reference, prediction).
    pub points: Vec<(f64, f64)>,
    /// Text in the corner, such as the errors.
    pub remark: String,
}

/// Draws panels below each other.
///
/// # Errors
/// If the file cannot be written.
pub fn lines(path: &Path, title: &str, panels: &[Panel]) -> Result<()> {
    save(path, lines_svg(title, panels))
}

/// The same as text.
///
/// # Errors
/// If it cannot be drawn.
pub fn lines_svg(title: &str, panels: &[Panel]) -> Result<String> {
    #[allow(clippy::cast_possible_truncation)] // a handful of panels
    let height = 60 + 300 * panels.len() as u32;
    draw(title, (900, height), |area| {
        area.split_evenly((panels.len(), 1))
            .iter()
            .zip(panels)
            .try_for_each(|(area, panel)| line_panel(area, panel))
    })
}

/// Draws parity plots beside each other.
///
/// # Errors
/// If the file cannot be written.
pub fn parity(path: &Path, title: &str, plots: &[Parity]) -> Result<()> {
    save(path, parity_svg(title, plots))
}

/// The same as text.
///
/// # Errors
/// If it cannot be drawn.
pub fn parity_svg(title: &str, plots: &[Parity]) -> Result<String> {
    let columns = plots.len().min(3);
    let rows = plots.len().div_ceil(columns.max(1));
    #[allow(clippy::cast_possible_truncation)] // a handful of plots
    let size = (460 * columns as u32, 60 + 440 * rows as u32);
    draw(title, size, |area| {
        area.split_evenly((rows, columns))
            .iter()
            .zip(plots)
            .try_for_each(|(area, plot)| parity_panel(area, plot))
    })
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = std::result::Result<(), Box<dyn std::error::Error>>;

/// Writes a drawing to a file.
///
/// # Errors
/// If it could not be drawn, or the file cannot be written.
pub fn save(path: &Path, svg: Result<String>) -> Result<()> {
    let svg = svg.map_err(|e| e.at(path))?;
    write_atomically(path, |file| file.write_all(svg.as_bytes()).map_err(|e| Error::io(path, &e)))
}

fn draw(title: &str, size: (u32, u32), content: impl Fn(&Area<'_>) -> Drawn) -> Result<String> {
    let mut svg = String::new();
    let drawn = (|| -> Drawn {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        area.fill(&WHITE)?;
        let below = area.titled(title, (FONT, 20).into_font().color(&BLACK))?;
        content(&below)?;
        area.present()?;
        Ok(())
    })();
    drawn.map_err(|e| Error::new(ErrorKind::Io, format!("the plot cannot be drawn: {e}")))?;
    Ok(svg)
}

/// Bars in groups, for each name one, drawn to the right, a group below the other.
pub struct Bars {
    /// Quantity and unit.
    pub quantity: String,
    /// Names of the groups.
    pub groups: Vec<String>,
    /// For each name its bar in each group, where there is one.
    pub series: Vec<(String, Vec<Option<f64>>)>,
}

/// Draws bars, as text.
///
/// # Errors
/// If it cannot be drawn.
pub fn bars_svg(title: &str, bars: &Bars) -> Result<String> {
    #[allow(clippy::cast_possible_truncation)] // some dozens of groups
    let height = 130 + (bars.groups.len() * (10 + 9 * bars.series.len().max(1))) as u32;
    draw(title, (900, height), |area| bar_panel(area, bars))
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)] // some dozens of groups
fn bar_panel(area: &Area<'_>, bars: &Bars) -> Drawn {
    let (groups, kinds) = (bars.groups.len(), bars.series.len().max(1));
    let values =
        || bars.series.iter().flat_map(|(_, v)| v.iter().flatten().copied()).filter(|v| v.is_finite());
    let reach = values().fold(0.0_f64, f64::max) * 1.05;
    let longest = bars.groups.iter().map(|g| g.chars().count()).max().unwrap_or(0);
    // The first group is at the top.
    let top = |k: usize| (groups - k) as f64 - 0.5;
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size((24 + 8 * longest).min(320) as u32)
        .build_cartesian_2d(0.0..if reach > 0.0 { reach } else { 1.0 }, -0.5..groups as f64 - 0.5)?;
    let name = |y: &f64| {
        let k = groups as f64 - 1.0 - y.round();
        let near = (y - y.round()).abs() < 1e-6 && k >= 0.0;
        #[allow(clippy::cast_sign_loss)] // k is at least 0
        let group = bars.groups.get(k as usize).filter(|_| near);
        group.cloned().unwrap_or_default()
    };
    let mut mesh = chart.configure_mesh();
    mesh.disable_y_mesh().x_desc(&bars.quantity).y_labels(groups + 1).y_label_formatter(&name);
    mesh.light_line_style(TRANSPARENT).bold_line_style(BLACK.mix(0.12)).axis_style(BLACK.mix(0.6));
    mesh.label_style((FONT, 13)).axis_desc_style((FONT, 15)).draw()?;
    let thick = 0.8 / kinds as f64;
    for (m, (label, lengths)) in bars.series.iter().enumerate() {
        let colour = COLOURS[m % COLOURS.len()];
        let bar = |(k, length): (usize, &Option<f64>)| {
            let length = length.filter(|l| l.is_finite())?;
            let upper = top(k) - 0.1 - thick * m as f64;
            Some(Rectangle::new([(0.0, upper - thick), (length, upper)], colour.filled()))
        };
        chart
            .draw_series(lengths.iter().enumerate().filter_map(bar))?
            .label(label)
            .legend(move |(x, y)| Rectangle::new([(x, y - 4), (x + 18, y + 4)], colour.filled()));
    }
    if bars.series.len() > 1 {
        let mut legend = chart.configure_series_labels();
        legend.position(SeriesLabelPosition::LowerRight).label_font((FONT, 14));
        legend.background_style(WHITE.mix(0.85)).border_style(BLACK.mix(0.3)).draw()?;
    }
    Ok(())
}

fn line_panel(area: &Area<'_>, panel: &Panel) -> Drawn {
    // A logarithmic axis is a linear one of the logarithms with other labels.
    let height = |y: f64| if panel.log { y.log10() } else { y };
    let lines: Vec<Vec<(f64, f64)>> = panel
        .series
        .iter()
        .map(|s| {
            thin(&s.points)
                .map(|(x, y)| (x, height(y)))
                .filter(|(x, y)| x.is_finite() && y.is_finite())
                .collect()
        })
        .collect();
    let xs = span(lines.iter().flatten().map(|p| p.0), 0.0);
    let ys = span(lines.iter().flatten().map(|p| p.1), 0.08);
    let digits = decimals(&ys);
    let log = panel.log;
    let across = decimals(&xs);
    let x_label = move |v: &f64| format!("{v:.across$}");
    let label = move |v: &f64| if log { short(10_f64.powf(*v)) } else { format!("{v:.digits$}") };
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size(84)
        .build_cartesian_2d(xs, ys)?;
    let mut mesh = chart.configure_mesh();
    mesh.x_desc(&panel.x).y_desc(&panel.y).x_label_formatter(&x_label).y_label_formatter(&label);
    mesh.light_line_style(TRANSPARENT).bold_line_style(BLACK.mix(0.12)).axis_style(BLACK.mix(0.6));
    mesh.label_style((FONT, 14)).axis_desc_style((FONT, 15)).draw()?;
    for (k, (series, line)) in panel.series.iter().zip(lines).enumerate() {
        let colour = COLOURS[k % COLOURS.len()];
        chart
            .draw_series(LineSeries::new(line, colour.stroke_width(2)))?
            .label(&series.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
    }
    if panel.series.len() > 1 {
        let mut legend = chart.configure_series_labels();
        legend.position(SeriesLabelPosition::UpperRight).label_font((FONT, 14));
        legend.background_style(WHITE.mix(0.85)).border_style(BLACK.mix(0.3)).draw()?;
    }
    Ok(())
}

fn parity_panel(area: &Area<'_>, plot: &Parity) -> Drawn {
    let points: Vec<_> = thin(&plot.points).filter(|(x, y)| x.is_finite() && y.is_finite()).collect();
    let range = span(points.iter().flat_map(|&(x, y)| [x, y]), 0.05);
    let digits = decimals(&range);
    let label = move |v: &f64| format!("{v:.digits$}");
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .caption(&plot.property, (FONT, 16))
        .x_label_area_size(44)
        .y_label_area_size(80)
        .build_cartesian_2d(range.clone(), range.clone())?;
    let mut mesh = chart.configure_mesh();
    mesh.x_desc(&plot.axes[0])
        .y_desc(&plot.axes[1])
        .x_label_formatter(&label)
        .y_label_formatter(&label)
        .x_labels(5);
    mesh.light_line_style(TRANSPARENT).bold_line_style(BLACK.mix(0.12)).axis_style(BLACK.mix(0.6));
    mesh.label_style((FONT, 14)).axis_desc_style((FONT, 15)).draw()?;
    let diagonal = [(range.start, range.start), (range.end, range.end)];
    chart.draw_series(LineSeries::new(diagonal, BLACK.mix(0.5).stroke_width(1)))?;
    chart.draw_series(points.iter().map(|&p| Circle::new(p, 2, COLOURS[0].mix(0.5).filled())))?;
    let corner = |down: f64| {
        let wide = range.end - range.start;
        (range.start + 0.03 * wide, range.end - (0.03 + down) * wide)
    };
    let lines = plot.remark.split('\n').enumerate();
    #[allow(clippy::cast_precision_loss)] // a few lines
    chart.draw_series(
        lines.map(|(k, text)| Text::new(text.to_owned(), corner(0.05 * k as f64), (FONT, 14))),
    )?;
    Ok(())
}

/// Every so many points, so that at most about [`POINTS`] remain; the last one always.
fn thin(points: &[(f64, f64)]) -> impl Iterator<Item = (f64, f64)> + '_ {
    let step = points.len().div_ceil(POINTS).max(1);
    let last = points.last().filter(|_| points.len() % step != 1 && step > 1);
    points.iter().step_by(step).chain(last).copied()
}

/// The range of values with a margin on both sides (a fraction of it); never empty.
fn span(values: impl Iterator<Item = f64>, margin: f64) -> Range<f64> {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    if low > high {
        return 0.0..1.0;
    }
    let wide = high - low;
    if wide <= 1e-12 * low.abs().max(1e-12) {
        let half = 0.5 * low.abs().max(1e-3) * 1e-2;
        return low - half..high + half;
    }
    low - margin * wide..high + margin * wide
}

/// Decimals that tell the labels of an axis apart.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // between 0 and 12
fn decimals(range: &Range<f64>) -> usize {
    (-((range.end - range.start) / 5.0).log10()).ceil().clamp(0.0, 12.0) as usize
}

/// A number of a logarithmic axis, to three figures.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // between 0 and 5
fn short(v: f64) -> String {
    if !(1e-3..1e5).contains(&v) {
        return format!("{v:.1e}");
    }
    let digits = (2.0 - v.log10().floor()).clamp(0.0, 5.0) as usize;
    format!("{v:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plots_are_svg_with_their_axes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.svg");
        let points: Vec<_> =
            (0..9000).map(|i| (f64::from(i), (f64::from(i) * 0.01).sin() * 1e-3 - 648.0)).collect();
        let constant = points.iter().map(|p| (p.0, 7.0)).collect();
        let series = vec![Series { name: "a".into(), points }, Series { name: "b".into(), points: constant }];
        let panel = Panel { x: "time / ps".into(), y: "energy / eV".into(), series, log: false };
        lines(&path, "title", &[panel]).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("<svg") && text.contains("time / ps") && text.contains("energy / eV"));
        assert!(text.len() < 400_000, "thinned: {}", text.len());
    }

    #[test]
    fn bars_have_names_and_legend() {
        let bars = |series| Bars {
            quantity: "MAE / (kcal/mol)".into(),
            groups: ["first", "second", "third"].map(String::from).into(),
            series,
        };
        let two = vec![
            ("a".to_owned(), vec![Some(1.0), None, Some(f64::NAN)]),
            ("b".to_owned(), vec![Some(2.0), Some(0.0), Some(3.0)]),
        ];
        let svg = bars_svg("title", &bars(two)).unwrap();
        for word in ["first", "second", "third", "MAE", "title"] {
            assert!(svg.contains(word), "{word}");
        }
        bars_svg("", &bars(vec![])).unwrap();
    }

    #[test]
    fn empty_and_odd_data_are_drawn() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.svg");
        let odd = vec![(0.0, f64::NAN), (1.0, -1.0), (2.0, 0.0), (3.0, f64::INFINITY)];
        let panel = |log, points| Panel {
            x: "x".into(),
            y: "y".into(),
            series: vec![Series { name: String::new(), points }],
            log,
        };
        lines(&path, "", &[panel(true, odd.clone()), panel(false, odd.clone()), panel(true, vec![])])
            .unwrap();
        parity(
            &path,
            "",
            &[Parity {
                property: "p".into(),
                axes: ["x", "y"].map(String::from),
                points: odd,
                remark: "r".into(),
            }],
        )
        .unwrap();
    }

    #[test]
    fn thinning_keeps_first_and_last() {
        for n in [1, 2, 3999, 4000, 4001, 8000, 8001, 8002, 10_000] {
            let points: Vec<_> = (0..n).map(|i| (f64::from(i), 0.0)).collect();
            let kept: Vec<_> = thin(&points).collect();
            assert!(
                kept.len() <= POINTS + 1 && kept[0].0 == 0.0 && kept[kept.len() - 1].0 == f64::from(n - 1),
                "{n}"
            );
        }
    }
}
