//! What a run found out: a cell for every row, permit count and contender, and
//! the comparison of the cells.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::contenders::{GO, GORS};
use crate::machine::Machine;
use crate::stats::{NOISY, median, spread};

/// A whole run; `results.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Results {
    /// Where it ran.
    pub machine: Machine,
    /// Was it a `--quick` run?
    pub quick: bool,
    /// How long it took, in seconds.
    pub seconds: u64,
    /// Every row at every permit count, in the order of the report.
    pub rows: Vec<RowResult>,
    /// How far an earlier run agrees, in a sentence.
    #[serde(default)]
    pub agreement: Option<String>,
}

/// A row at one permit count.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RowResult {
    /// The row's name.
    pub name: String,
    /// Its chapter's [`slug`](crate::rows::Area::slug).
    pub area: String,
    /// The program behind it.
    pub program: String,
    /// What one operation is.
    pub op: String,
    /// The unit of the values.
    pub unit: String,
    /// The metrics in order.
    pub metrics: Vec<String>,
    /// GOMAXPROCS.
    pub procs: usize,
    /// The size, 0 for a timed row.
    pub n: u64,
    /// One for each contender, in the order of the tables.
    pub cells: Vec<Cell>,
    /// Metrics whose ratio to Go differed in an earlier run: noisy, however
    /// close the rounds of one run lie together.
    #[serde(default)]
    pub unsteady: Vec<String>,
}

/// A row of one contender.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Cell {
    /// The contender's name.
    pub contender: String,
    /// Every round's value by metric, in the row's unit.
    pub rounds: BTreeMap<String, Vec<f64>>,
    /// The rounds in short, by metric.
    pub summary: BTreeMap<String, Summary>,
    /// Medians of figures that explain the values.
    pub extras: BTreeMap<String, f64>,
    /// Peak resident memory in KiB, the greatest of all rounds.
    pub peak_rss_kib: u64,
    /// Resident memory at the interesting moment, last round, in KiB.
    pub rss_kib: u64,
    /// Page tables at the same moment, in KiB.
    pub pte_kib: u64,
    /// How long all rounds took, start and end of the processes included.
    pub seconds: f64,
    /// Why there are no values, or why fewer: refused, hang, signal, exit code.
    pub reason: Option<String>,
    /// Does the reason tell of a failure, and not of a thing not done?
    pub failed: bool,
    /// What this contender does differently.
    pub note: Option<String>,
}

/// The rounds of a metric in two numbers.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Summary {
    /// Their median.
    pub median: f64,
    /// How far they lie apart, as a fraction of it; none for a single round.
    pub spread: Option<f64>,
}

/// One contender against another: how many times less the first needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ratio {
    /// Above 1: the first is better.
    pub times: f64,
    /// The rounds lie too far apart for the ratio to be trusted.
    pub noisy: bool,
}

impl Cell {
    /// The median of a metric, if there is one.
    pub(crate) fn median(&self, metric: &str) -> Option<f64> {
        if self.failed {
            return None;
        }
        self.rounds
            .get(metric)
            .filter(|rounds| !rounds.is_empty())
            .map(|rounds| median(rounds))
    }

    /// How many rounds it has.
    pub(crate) fn count(&self) -> usize {
        self.rounds.values().map(Vec::len).max().unwrap_or(0)
    }

    /// Fills in the summary when all rounds are there.
    pub(crate) fn sum_up(&mut self) {
        let short = |rounds: &Vec<f64>| Summary {
            median: median(rounds),
            spread: spread(rounds),
        };
        self.summary = self
            .rounds
            .iter()
            .map(|(metric, rounds)| (metric.clone(), short(rounds)))
            .collect();
    }

    /// How many times less this cell needs than `other`, round by round. Rounds
    /// were interleaved, so they are compared pair by pair: what disturbs a
    /// round disturbs both sides of it. `None` if there is no such round.
    pub(crate) fn ratios(&self, other: &Self, metric: &str) -> Option<Vec<f64>> {
        let (mine, theirs) = (self.rounds.get(metric)?, other.rounds.get(metric)?);
        let ratios: Vec<f64> = mine
            .iter()
            .zip(theirs)
            .filter(|(mine, theirs)| **mine > 0.0 && **theirs > 0.0)
            .map(|(mine, theirs)| theirs / mine)
            .collect();
        (!ratios.is_empty()).then_some(ratios)
    }

    /// How many times less this cell needs than `other`: the median.
    fn against(&self, other: &Self, metric: &str) -> Option<Ratio> {
        if self.failed || other.failed {
            return None;
        }
        let ratios = self.ratios(other, metric)?;
        let noisy = spread(&ratios).is_some_and(|spread| spread > NOISY);
        Some(Ratio {
            times: median(&ratios),
            noisy,
        })
    }
}

impl Results {
    /// The cells in which gors crashed, hung or gave up, a line each.
    pub(crate) fn gors_failures(&self) -> Vec<String> {
        self.rows
            .iter()
            .filter_map(|row| {
                let cell = row.cell(GORS).filter(|cell| cell.failed)?;
                let reason = cell.reason.as_deref().unwrap_or("failed");
                Some(format!("{} at {}: {reason}", row.name, row.procs))
            })
            .collect()
    }
}

impl RowResult {
    /// A contender's cell.
    pub(crate) fn cell(&self, contender: &str) -> Option<&Cell> {
        self.cells.iter().find(|cell| cell.contender == contender)
    }

    /// How many times less `contender` needs than Go.
    pub(crate) fn against_go(&self, contender: &str, metric: &str) -> Option<Ratio> {
        let mut ratio = self.cell(contender)?.against(self.cell(GO)?, metric)?;
        ratio.noisy |= contender == GORS && self.is_unsteady(metric);
        Some(ratio)
    }

    /// Did an earlier run differ?
    fn is_unsteady(&self, metric: &str) -> bool {
        self.unsteady.iter().any(|name| name == metric)
    }

    /// How many times less gors needs than the best Rust peer, and which that
    /// is.
    pub(crate) fn against_best_peer(&self, metric: &str) -> Option<(Ratio, &str)> {
        let gors = self.cell(GORS)?;
        let (best, _) = self
            .cells
            .iter()
            .filter(|cell| cell.contender != GORS && cell.contender != GO)
            .filter_map(|cell| Some((cell, cell.median(metric)?)))
            .min_by(|(_, a), (_, b)| a.total_cmp(b))?;
        let mut ratio = gors.against(best, metric)?;
        ratio.noisy |= self.is_unsteady(metric);
        Some((ratio, &best.contender))
    }

    /// Is this a row of times, which count for the goals, and not of bytes?
    pub(crate) fn is_time(&self) -> bool {
        self.unit != "B"
    }
}

/// Results for tests.
#[cfg(test)]
pub(crate) mod examples {
    use super::*;

    /// A contender's figures.
    pub(crate) fn cell(contender: &str, rounds: &[f64]) -> Cell {
        Cell {
            contender: contender.to_owned(),
            rounds: BTreeMap::from([("ns".to_owned(), rounds.to_vec())]),
            ..Cell::default()
        }
    }

    /// A row of times.
    pub(crate) fn row(cells: Vec<Cell>) -> RowResult {
        RowResult {
            name: "row".to_owned(),
            area: "headline".to_owned(),
            program: "row".to_owned(),
            op: String::new(),
            unit: "ns".to_owned(),
            metrics: vec!["ns".to_owned()],
            procs: 1,
            n: 0,
            cells,
            unsteady: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::examples::{cell, row};
    use super::*;

    /// Catches a ratio upside down, or against the wrong peer.
    #[test]
    fn ratios_say_how_many_times_better_gors_is() {
        let row = row(vec![
            cell(GORS, &[10.0, 10.0]),
            cell(GO, &[30.0, 30.0]),
            cell("tokio", &[20.0, 20.0]),
            cell("may", &[50.0, 50.0]),
        ]);
        let ratio = row.against_go(GORS, "ns").map(|ratio| ratio.times);
        assert_eq!(ratio, Some(3.0));
        let (ratio, peer) = row.against_best_peer("ns").expect("there are peers");
        assert_eq!((ratio.times, peer), (2.0, "tokio"));
    }

    /// Catches noise that hits both sides of a round alike, and should cancel,
    /// and noise that does not cancel and is not marked.
    #[test]
    fn only_noise_in_the_ratio_is_marked() {
        let both = row(vec![cell(GORS, &[10.0, 20.0]), cell(GO, &[30.0, 60.0])]);
        assert_eq!(
            both.against_go(GORS, "ns"),
            Some(Ratio {
                times: 3.0,
                noisy: false
            })
        );
        let one = row(vec![cell(GORS, &[10.0, 20.0]), cell(GO, &[30.0, 30.0])]);
        assert!(one.against_go(GORS, "ns").is_some_and(|ratio| ratio.noisy));
    }

    /// Catches a crashed contender that still counts as the best peer.
    #[test]
    fn failed_cells_are_not_compared() {
        let crashed = Cell {
            failed: true,
            ..cell("may", &[1.0])
        };
        let row = row(vec![cell(GORS, &[10.0]), crashed]);
        assert!(row.against_best_peer("ns").is_none());
    }
}
