//! Curves: cost for each against how many, one picture for each family and
//! permit count.

use std::error::Error;
use std::path::Path;

use plotters::prelude::*;

use super::Picture;
use super::frame::{colour, decade, page};
use crate::results::{Results, RowResult};
use crate::rows::{Area, growth_families};

/// Draws the families that have values.
pub(super) fn draw(results: &Results, out: &Path) -> Result<Vec<Picture>, Box<dyn Error>> {
    let mut permits: Vec<usize> = results.rows.iter().map(|row| row.procs).collect();
    permits.sort_unstable();
    permits.dedup();
    let mut pictures = Vec::new();
    for (program, op, metrics) in growth_families() {
        for &procs in &permits {
            for metric in metrics {
                let curves = curves(results, program, metric, procs);
                if curves.iter().all(|(_, points)| points.len() < 2) {
                    continue;
                }
                let file = format!("{program}-{metric}-{procs}.svg");
                let caption = format!("{op}, {metric}: ns each, GOMAXPROCS={procs}");
                plot(&out.join(&file), &caption, &curves)?;
                pictures.push(Picture {
                    file,
                    area: Area::Growth.slug(),
                    caption,
                });
            }
        }
    }
    Ok(pictures)
}

/// A contender and its points: how many, nanoseconds each.
type Curve<'a> = (&'a str, Vec<(f64, f64)>);

fn curves<'a>(results: &'a Results, program: &str, metric: &str, procs: usize) -> Vec<Curve<'a>> {
    let rows: Vec<&RowResult> = results
        .rows
        .iter()
        .filter(|row| {
            row.area == Area::Growth.slug() && row.program == program && row.procs == procs
        })
        .collect();
    let Some(first) = rows.first() else {
        return Vec::new();
    };
    first
        .cells
        .iter()
        .map(|cell| {
            let name = cell.contender.as_str();
            let points = rows
                .iter()
                .filter_map(|row| Some((row.n as f64, row.cell(name)?.median(metric)?)))
                .filter(|(_, value)| *value > 0.0)
                .collect();
            (name, points)
        })
        .filter(|(_, points): &Curve<'_>| !points.is_empty())
        .collect()
}

fn plot(file: &Path, caption: &str, curves: &[Curve<'_>]) -> Result<(), Box<dyn Error>> {
    let points = || curves.iter().flat_map(|(_, points)| points.iter().copied());
    let bounds = |pick: fn((f64, f64)) -> f64| {
        points()
            .map(pick)
            .fold((f64::MAX, f64::MIN), |(low, high), v| {
                (low.min(v), high.max(v))
            })
    };
    let ((left, right), (low, high)) = (bounds(|point| point.0), bounds(|point| point.1));
    let contenders: Vec<&str> = curves.iter().map(|(contender, _)| *contender).collect();
    let (page, body) = page(file, (720, 440), caption, &contenders)?;
    let mut chart = ChartBuilder::on(&body)
        .margin(12)
        .x_label_area_size(28)
        .y_label_area_size(56)
        .build_cartesian_2d(
            (left * 0.8..right * 1.25).log_scale(),
            (low * 0.7..high * 1.5).log_scale(),
        )?;
    chart
        .configure_mesh()
        .x_label_formatter(&|count| decade(*count, count_label))
        .y_label_formatter(&|nanos| format!("{nanos} ns"))
        .bold_line_style(BLACK.mix(0.08))
        .light_line_style(TRANSPARENT)
        .draw()?;
    for (contender, points) in curves {
        let stroke = colour(contender).stroke_width(2);
        chart.draw_series(LineSeries::new(points.iter().copied(), stroke).point_size(3))?;
    }
    page.present()?;
    Ok(())
}

/// `1 k`, `10 k`, `1 M`.
fn count_label(count: f64) -> String {
    if count >= 1e6 {
        format!("{} M", count / 1e6)
    } else {
        format!("{} k", count / 1e3)
    }
}
