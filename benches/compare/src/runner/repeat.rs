//! A round of a child that ends at once is a round of several of them.
//!
//! A thousand goroutines are over in a tenth of a millisecond: one such child
//! says more about the moment than about the runtime.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use crate::child::{Ended, Finished, Nursery};
use crate::cli::Request;
use crate::measure::Report;
use crate::stats::median;

/// At most so many children make a round.
const MOST: usize = 25;

/// Runs a child of a fixed row again and again until a round has lasted the
/// target time; the medians of what they say are its figures. A child of a
/// timed row sees to that itself. What goes wrong in one of them is the round's
/// end.
pub(super) fn run(nursery: &Nursery, request: &Request, limit: Duration) -> io::Result<Finished> {
    let mut round = nursery.run(request, limit)?;
    let mut reports = Vec::new();
    while let Ended::Well(report) = &round.ended {
        reports.push(report.clone());
        let enough = round.took >= Duration::from_millis(request.target_ms)
            || reports.len() == MOST
            || report.refused.is_some()
            || request.n == 0;
        if enough {
            round.ended = Ended::Well(together(reports));
            break;
        }
        let next = nursery.run(request, limit)?;
        round = Finished {
            ended: next.ended,
            peak_rss_kib: round.peak_rss_kib.max(next.peak_rss_kib),
            took: round.took + next.took,
        };
    }
    Ok(round)
}

/// One report with the median of each figure. Where memory is concerned the last
/// one speaks.
fn together(reports: Vec<Report>) -> Report {
    let of = |figures: fn(&Report) -> &BTreeMap<String, f64>| -> BTreeMap<String, f64> {
        let mut all: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for (name, value) in reports.iter().flat_map(figures) {
            all.entry(name.clone()).or_default().push(*value);
        }
        all.into_iter()
            .map(|(name, values)| (name, median(&values)))
            .collect()
    };
    let (values, extras) = (of(|report| &report.values), of(|report| &report.extras));
    let last = reports.into_iter().last().unwrap_or_default();
    Report {
        values,
        extras,
        ..last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches a round that takes the first or the last child for all of them,
    /// or mixes two metrics.
    #[test]
    fn a_round_is_the_median_of_its_children() {
        let report = |ns: f64, late: f64| {
            let mut report = Report::default();
            report.value("ns", ns);
            report.extra("late", late);
            report
        };
        let one = together(vec![report(9.0, 1.0), report(2.0, 3.0), report(3.0, 2.0)]);
        assert_eq!(one.values["ns"], 3.0);
        assert_eq!(one.extras["late"], 2.0);
    }
}
