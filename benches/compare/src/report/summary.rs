//! The run in a few lines: the goals, and where gors stands.

use super::format;
use super::sheet::line_name;
use crate::contenders::GORS;
use crate::results::{Results, RowResult};
use crate::stats::geometric_mean;

/// The summary, a line each.
pub(crate) fn lines(results: &Results) -> Vec<String> {
    let mut permits: Vec<usize> = results.rows.iter().map(|row| row.procs).collect();
    permits.sort_unstable();
    permits.dedup();
    permits
        .into_iter()
        .flat_map(|procs| at(results, procs))
        .collect()
}

/// The summary of one permit count.
fn at(results: &Results, procs: usize) -> Vec<String> {
    let rows: Vec<&RowResult> = results
        .rows
        .iter()
        .filter(|row| row.procs == procs && row.is_time())
        .collect();
    let against_go = ratios(&rows, |row, metric| {
        Some(row.against_go(GORS, metric)?.times)
    });
    let against_peer = ratios(&rows, |row, metric| {
        Some(row.against_best_peer(metric)?.0.times)
    });
    let noisy = rows
        .iter()
        .flat_map(|row| {
            row.metrics
                .iter()
                .filter_map(|metric| row.against_go(GORS, metric))
        })
        .filter(|ratio| ratio.noisy)
        .count();
    let mut lines = vec![format!(
        "GOMAXPROCS={procs}: gors against Go {} in the geometric mean of {} times; {} at 3× or more, {} behind; {noisy} noisy",
        mean(&against_go),
        against_go.len(),
        against_go.iter().filter(|(_, times)| *times >= 3.0).count(),
        against_go.iter().filter(|(_, times)| *times < 1.0).count(),
    )];
    lines.push(format!(
        "GOMAXPROCS={procs}: gors against the best peer {} in the geometric mean of {} times; {} behind",
        mean(&against_peer),
        against_peer.len(),
        against_peer.iter().filter(|(_, times)| *times < 1.0).count(),
    ));
    for (rival, ratios) in [("Go", &against_go), ("the best peer", &against_peer)] {
        let behind: Vec<String> = ratios
            .iter()
            .filter(|(_, times)| *times < 1.0)
            .map(|(name, times)| format!("{name} {}", format::times(*times, false)))
            .collect();
        if !behind.is_empty() {
            lines.push(format!(
                "GOMAXPROCS={procs}, behind {rival}: {}",
                behind.join(", ")
            ));
        }
    }
    lines
}

/// The ratio of every line that has one.
fn ratios(
    rows: &[&RowResult],
    ratio: impl Fn(&RowResult, &str) -> Option<f64>,
) -> Vec<(String, f64)> {
    rows.iter()
        .flat_map(|row| row.metrics.iter().map(move |metric| (row, metric)))
        .filter_map(|(row, metric)| Some((line_name(row, metric), ratio(row, metric)?)))
        .collect()
}

fn mean(ratios: &[(String, f64)]) -> String {
    geometric_mean(ratios.iter().map(|(_, times)| *times))
        .map_or_else(|| "–".to_owned(), |mean| format::times(mean, false))
}
