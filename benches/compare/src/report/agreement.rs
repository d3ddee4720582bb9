//! `--against`: does an earlier run agree?
//!
//! Two full runs should agree within 15 % on the median ratio of nine rows in
//! ten. Those that do not are marked noisy, however close the rounds of either
//! run lie together.

use super::format;
use super::sheet::line_name;
use crate::contenders::GORS;
use crate::results::Results;
use crate::stats::NOISY;

/// Marks what does not agree with `earlier`, notes in the results how much
/// does, and returns a line for each ratio that does not.
pub(crate) fn mark(results: &mut Results, earlier: &Results) -> Vec<String> {
    let (mut compared, mut differ) = (0, Vec::new());
    for row in &mut results.rows {
        row.unsteady.clear();
        let Some(old) = earlier
            .rows
            .iter()
            .find(|old| old.name == row.name && old.procs == row.procs)
        else {
            continue;
        };
        for metric in row.metrics.clone() {
            let (Some(now), Some(then)) =
                (row.against_go(GORS, &metric), old.against_go(GORS, &metric))
            else {
                continue;
            };
            compared += 1;
            // Neither run is the right one: the greater by the smaller.
            let apart = now.times.max(then.times) / now.times.min(then.times) - 1.0;
            if apart <= NOISY {
                continue;
            }
            differ.push(format!(
                "{} at {}: {} then, {} now",
                line_name(row, &metric),
                row.procs,
                format::times(then.times, then.noisy),
                format::times(now.times, now.noisy)
            ));
            row.unsteady.push(metric);
        }
    }
    if compared > 0 {
        let agree = compared - differ.len();
        results.agreement = Some(format!(
            "{agree} of {compared} ratios to Go ({:.1} %) agree within 15 % with another {} run of {} s; the others are marked noisy",
            100.0 * agree as f64 / compared as f64,
            if earlier.quick { "quick" } else { "full" },
            earlier.seconds,
        ));
    }
    differ
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contenders::GO;
    use crate::results::examples::{cell, row};

    /// A run of one row.
    fn run(gors: f64, go: f64) -> Results {
        Results {
            machine: crate::machine::Machine::default(),
            quick: false,
            seconds: 1,
            rows: vec![row(vec![cell(GORS, &[gors; 5]), cell(GO, &[go; 5])])],
            agreement: None,
        }
    }

    /// Catches a difference between runs that stays without a mark, a mark on a
    /// row that agrees, and one that is left over from a comparison before.
    #[test]
    fn what_differs_is_marked_noisy() {
        let mut now = run(10.0, 30.0);
        let noisy = |run: &Results| run.rows[0].against_go(GORS, "ns").map(|ratio| ratio.noisy);
        assert_eq!(mark(&mut now, &run(10.0, 24.0)).len(), 1);
        assert_eq!(noisy(&now), Some(true));
        // Half as fast on both sides is the same ratio.
        assert!(mark(&mut now, &run(20.0, 56.0)).is_empty());
        assert_eq!(noisy(&now), Some(false));
        assert!(
            now.agreement
                .is_some_and(|text| text.starts_with("1 of 1 ratios"))
        );
    }
}
