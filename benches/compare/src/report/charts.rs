//! Bars: how many times less than Go each contender needs, one picture for each
//! chapter and permit count.

use std::error::Error;
use std::path::Path;

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::Picture;
use super::frame::{HEAD, colour, decade, page, text_style};
use super::sheet::line_name;
use crate::contenders::GO;
use crate::results::{Results, RowResult};
use crate::rows::Area;

/// Height of a bar, in pixels.
const BAR: u32 = 9;
/// The project's goal, drawn as a line.
const GOAL: f64 = 3.0;
/// Bars never reach beyond this many times.
const FURTHEST: f64 = 100.0;

/// Draws the pictures of all chapters but growth, which has curves.
pub(super) fn draw(results: &Results, out: &Path) -> Result<Vec<Picture>, Box<dyn Error>> {
    let mut permits: Vec<usize> = results.rows.iter().map(|row| row.procs).collect();
    permits.sort_unstable();
    permits.dedup();
    let mut pictures = Vec::new();
    for area in Area::ALL.into_iter().filter(|area| *area != Area::Growth) {
        for &procs in &permits {
            let lines = lines(results, area, procs);
            if lines.is_empty() {
                continue;
            }
            let file = format!("ratio-{}-{procs}.svg", area.slug());
            let caption = format!("{}: times better than Go, GOMAXPROCS={procs}", area.title());
            bars(&out.join(&file), &caption, &lines)?;
            pictures.push(Picture {
                file,
                area: area.slug(),
                caption,
            });
        }
    }
    Ok(pictures)
}

/// A line of bars: its name, and contenders with how many times better than Go
/// they are.
struct Line<'a> {
    name: String,
    bars: Vec<(&'a str, f64)>,
}

impl Line<'_> {
    /// Its height in bars: not too low for its name, with half a bar of space
    /// above and below.
    fn slots(&self) -> usize {
        self.bars.len().max(1) + 1
    }
}

fn lines<'a>(results: &'a Results, area: Area, procs: usize) -> Vec<Line<'a>> {
    let of_area = |row: &&RowResult| row.area == area.slug() && row.procs == procs;
    results
        .rows
        .iter()
        .filter(of_area)
        .flat_map(|row| row.metrics.iter().map(move |metric| (row, metric)))
        .filter_map(|(row, metric)| {
            let bars: Vec<(&str, f64)> = row
                .cells
                .iter()
                .filter(|cell| cell.contender != GO)
                .filter_map(|cell| {
                    let ratio = row.against_go(&cell.contender, metric)?;
                    Some((cell.contender.as_str(), ratio.times))
                })
                .collect();
            (!bars.is_empty()).then(|| Line {
                name: line_name(row, metric),
                bars,
            })
        })
        .collect()
}

fn bars(file: &Path, caption: &str, lines: &[Line<'_>]) -> Result<(), Box<dyn Error>> {
    let mut contenders: Vec<&str> = Vec::new();
    for (contender, _) in lines.iter().flat_map(|line| &line.bars) {
        if !contenders.contains(contender) {
            contenders.push(contender);
        }
    }
    let slots: usize = lines.iter().map(Line::slots).sum();
    let height = HEAD + 56 + BAR * slots as u32;
    let (page, body) = page(file, (960, height), caption, &contenders)?;
    let mut chart = ChartBuilder::on(&body)
        .margin(10)
        .margin_right(28)
        .x_label_area_size(28)
        .y_label_area_size(210)
        .build_cartesian_2d((1.0 / FURTHEST..FURTHEST).log_scale(), 0.0..slots as f64)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .x_labels(9)
        .x_label_formatter(&|times| decade(*times, |times| format!("{times}×")))
        .bold_line_style(BLACK.mix(0.08))
        .light_line_style(TRANSPARENT)
        .draw()?;
    for (times, ink) in [(1.0, BLACK.mix(1.0)), (GOAL, BLACK.mix(0.35))] {
        let line = [(times, 0.0), (times, slots as f64)];
        chart.draw_series([PathElement::new(line, ink.stroke_width(1))])?;
    }
    // The first line stands at the top.
    let mut top = slots as f64;
    for line in lines {
        let slots = line.slots() as f64;
        for ((contender, times), position) in line.bars.iter().zip(0..) {
            let upper = top - 0.5 - f64::from(position);
            let times = times.clamp(1.0 / FURTHEST, FURTHEST);
            let bar = [(1.0, upper), (times, upper - 0.9)];
            chart.draw_series([Rectangle::new(bar, colour(contender).filled())])?;
        }
        let (x, y) = chart.backend_coord(&(1.0 / FURTHEST, top - slots / 2.0));
        page.draw(&Text::new(
            line.name.clone(),
            (x - 8, y),
            text_style(13, HPos::Right),
        ))?;
        top -= slots;
    }
    page.present()?;
    Ok(())
}
