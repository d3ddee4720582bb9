//! The tables as text, before they are drawn: one for each chapter and permit
//! count. Terminal and Markdown show the same sheet.

use super::format;
use crate::contenders::{GO, GORS};
use crate::results::{Cell, Results, RowResult};
use crate::rows::Area;

/// A table.
#[derive(Debug)]
pub(crate) struct Sheet {
    /// The chapter.
    pub area: Area,
    /// GOMAXPROCS.
    pub procs: usize,
    /// The heads of the columns.
    pub header: Vec<String>,
    /// The lines.
    pub lines: Vec<Vec<String>>,
    /// What one operation of each row is.
    pub rows: Vec<String>,
    /// What the marks in the cells mean: reasons, remarks, further figures.
    pub notes: Vec<String>,
}

/// Every sheet that has lines.
pub(crate) fn sheets(results: &Results) -> Vec<Sheet> {
    let mut permits: Vec<usize> = results.rows.iter().map(|row| row.procs).collect();
    permits.sort_unstable();
    permits.dedup();
    let mut sheets = Vec::new();
    for area in Area::ALL {
        for &procs in &permits {
            let rows: Vec<&RowResult> = results
                .rows
                .iter()
                .filter(|row| row.area == area.slug() && row.procs == procs)
                .collect();
            if !rows.is_empty() {
                sheets.push(sheet(area, procs, &rows));
            }
        }
    }
    sheets
}

fn sheet(area: Area, procs: usize, rows: &[&RowResult]) -> Sheet {
    // A column that has nothing to say in a whole chapter is left out of it.
    let contenders: Vec<&str> = rows[0]
        .cells
        .iter()
        .map(|cell| cell.contender.as_str())
        .filter(|name| {
            [GORS, GO].contains(name)
                || rows
                    .iter()
                    .filter_map(|row| row.cell(name))
                    .any(has_something_to_say)
        })
        .collect();
    let mut header = vec!["row".to_owned()];
    header.extend(contenders.iter().map(|&name| name.to_owned()));
    header.extend(["gors/Go", "gors/best peer"].map(str::to_owned));

    let mut lines = Vec::new();
    let mut notes: Vec<String> = Vec::new();
    for row in rows {
        for metric in &row.metrics {
            let mut line = vec![line_name(row, metric)];
            for &name in &contenders {
                let text = row
                    .cell(name)
                    .map_or_else(String::new, |cell| cell_text(row, cell, metric));
                line.push(text);
            }
            line.push(
                row.against_go(GORS, metric)
                    .map_or_else(String::new, |ratio| format::times(ratio.times, ratio.noisy)),
            );
            line.push(
                row.against_best_peer(metric)
                    .map_or_else(String::new, |(ratio, peer)| {
                        format!("{} {peer}", format::times(ratio.times, ratio.noisy))
                    }),
            );
            lines.push(line);
        }
        for cell in row
            .cells
            .iter()
            .filter(|cell| contenders.contains(&cell.contender.as_str()))
        {
            notes.extend(cell_notes(row, cell));
        }
    }
    Sheet {
        area,
        procs,
        header,
        lines,
        rows: rows
            .iter()
            .map(|row| format!("{}: {}", row.name, row.op))
            .collect(),
        notes,
    }
}

/// Has the contender done, or tried, anything of the row?
fn has_something_to_say(cell: &Cell) -> bool {
    cell.failed || !cell.rounds.is_empty()
}

/// `row`, or `row, metric` where there are several.
pub(crate) fn line_name(row: &RowResult, metric: &str) -> String {
    if row.metrics.len() == 1 {
        row.name.clone()
    } else {
        format!("{} {metric}", row.name)
    }
}

/// A value, or the word for why there is none.
fn cell_text(row: &RowResult, cell: &Cell, metric: &str) -> String {
    match cell.median(metric) {
        Some(median) => {
            let mark = if cell.note.is_some() { " *" } else { "" };
            format!("{}{mark}", format::value(median, &row.unit))
        }
        None if cell.failed => {
            let reason = cell.reason.as_deref().unwrap_or("failed");
            reason
                .split([':', '(', ','])
                .next()
                .unwrap_or(reason)
                .trim()
                .to_owned()
        }
        None => "n/a".to_owned(),
    }
}

/// What is to be said about a cell below the table.
fn cell_notes(row: &RowResult, cell: &Cell) -> Option<String> {
    let mut parts = Vec::new();
    if let Some(reason) = &cell.reason {
        parts.push(reason.clone());
    }
    if let (Some(note), false) = (&cell.note, cell.rounds.is_empty()) {
        parts.push(format!("* {note}"));
    }
    for (name, value) in &cell.extras {
        parts.push(format!(
            "{} {}",
            name.replace('_', " "),
            format::figures(*value)
        ));
    }
    if !cell.rounds.is_empty() && row.n > 0 && row.area == Area::Memory.slug() {
        let mib = |kib: u64| kib.div_ceil(1024);
        parts.push(format!(
            "resident {} MiB, page tables {} MiB, peak {} MiB",
            mib(cell.rss_kib),
            mib(cell.pte_kib),
            mib(cell.peak_rss_kib)
        ));
    }
    (!parts.is_empty()).then(|| format!("{}, {}: {}", row.name, cell.contender, parts.join("; ")))
}
