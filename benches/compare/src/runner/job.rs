//! A row at a permit count on its way to a line of the tables.

use crate::child::{self, Ended, Finished, Nursery};
use crate::cli::Request;
use crate::contenders::{Contender, GO, GORS};
use crate::machine::memory_kib;
use crate::results::{Cell, RowResult};
use crate::rows::Row;
use crate::stats::{median, spread};

use super::effort::Effort;

/// A ratio is certain when the spread of its rounds by the root of their number
/// is below this.
const CERTAIN: f64 = 0.04;

/// More rounds than this no ratio gets; a third of it where one takes longer
/// than [`LONG_PAIR`] seconds.
const MOST_ROUNDS: usize = 15;

/// See [`MOST_ROUNDS`].
const LONG_PAIR: f64 = 2.0;

/// A row at a permit count.
pub(super) struct Job<'a> {
    /// The row.
    pub row: &'a Row,
    /// GOMAXPROCS.
    pub procs: usize,
    /// Its contenders, in the order of the tables.
    pub running: Vec<Running<'a>>,
}

/// A row's contender on its way to a cell.
pub(super) struct Running<'a> {
    /// Who it is.
    pub contender: &'a Contender,
    /// Rounds that are still to be run.
    pub rounds_left: usize,
    /// What one round took, in seconds.
    pub took: Option<f64>,
    cell: Cell,
    extras: Vec<(String, Vec<f64>)>,
}

impl<'a> Job<'a> {
    /// Nothing has run yet.
    pub(super) fn new(
        row: &'a Row,
        procs: usize,
        contenders: &[&'a Contender],
        effort: Effort,
    ) -> Self {
        let rounds = if row.once { 1 } else { effort.rounds };
        let running = contenders
            .iter()
            .map(|&contender| {
                let reason = contender.refuses(row).map(str::to_owned);
                Running {
                    contender,
                    rounds_left: if reason.is_none() { rounds } else { 0 },
                    took: None,
                    cell: Cell {
                        contender: contender.name.to_owned(),
                        reason,
                        note: contender.note(row).map(str::to_owned),
                        ..Cell::default()
                    },
                    extras: Vec::new(),
                }
            })
            .collect();
        Self {
            row,
            procs,
            running,
        }
    }

    /// What a contender's child is to be asked for.
    pub(super) fn request(&self, contender: &Contender, effort: Effort) -> Request {
        Request {
            contender: contender.name.to_owned(),
            program: self.row.program.to_owned(),
            procs: self.procs,
            n: self.row.n(effort.quick).unwrap_or(0),
            target_ms: effort.target.as_millis() as u64,
            a: self.row.args[0],
            b: self.row.args[1],
        }
    }

    /// The seconds that the next round of this row will take.
    pub(super) fn next_round(&self, effort: Effort) -> f64 {
        let guess = effort.guess(self.row);
        self.running
            .iter()
            .filter(|one| one.rounds_left > 0)
            .map(|one| one.took.unwrap_or(guess))
            .sum()
    }

    /// The seconds that one more round of gors and Go alone will take.
    pub(super) fn next_pair(&self) -> f64 {
        self.running
            .iter()
            .filter(|one| one.is_of_the_pair())
            .filter_map(|one| one.took)
            .sum()
    }

    /// How uncertain the least certain ratio to Go still is: the spread of the
    /// rounds by the root of their number. `None` when it is certain enough,
    /// when nothing more would help, or when there is no ratio.
    pub(super) fn doubt(&self) -> Option<f64> {
        let of = |name| {
            self.running
                .iter()
                .find(|one| one.contender.name == name && !one.failed())
        };
        let (gors, go) = (of(GORS)?, of(GO)?);
        let doubt = self
            .row
            .metrics
            .iter()
            .filter_map(|metric| {
                let ratios = gors.cell.ratios(&go.cell, metric)?;
                let most = if self.next_pair() > LONG_PAIR {
                    MOST_ROUNDS / 3
                } else {
                    MOST_ROUNDS
                };
                let spread = spread(&ratios).unwrap_or(1.0);
                (ratios.len() < most).then(|| spread / (ratios.len() as f64).sqrt())
            })
            .fold(0.0, f64::max);
        (doubt > CERTAIN && !self.row.once).then_some(doubt)
    }

    /// The seconds that all its rounds that are left will take.
    pub(super) fn all_rounds(&self, effort: Effort) -> f64 {
        let guess = effort.guess(self.row);
        self.running
            .iter()
            .map(|one| {
                let each = one.took.unwrap_or(guess);
                let rounds = if each > effort.long.as_secs_f64() {
                    one.rounds_left.min(effort.long_rounds)
                } else {
                    one.rounds_left
                };
                rounds as f64 * each
            })
            .sum()
    }

    /// The line of the tables.
    pub(super) fn finish(self, effort: Effort) -> RowResult {
        let row = self.row;
        RowResult {
            name: row.name.clone(),
            area: row.area.slug().to_owned(),
            program: row.program.to_owned(),
            op: row.op.to_owned(),
            unit: row.unit.symbol().to_owned(),
            metrics: row
                .metrics
                .iter()
                .map(|&metric| metric.to_owned())
                .collect(),
            procs: self.procs,
            n: row.n(effort.quick).unwrap_or(0),
            cells: self.running.into_iter().map(Running::finish).collect(),
            unsteady: Vec::new(),
        }
    }
}

/// Why a contender cannot be started for a row now, if so.
pub(super) fn obstacle(
    row: &Row,
    contender: &Contender,
    nursery: &Nursery,
    quick: bool,
) -> Option<String> {
    if let (GO, Err(reason)) = (contender.name, &nursery.go) {
        return Some(reason.clone());
    }
    let need_kib = contender.bytes(row, row.n(quick).unwrap_or(0)) / 1024;
    let have_kib = memory_kib("MemAvailable");
    if need_kib > have_kib {
        let gib = |kib: u64| kib.div_ceil(1 << 20);
        return Some(format!(
            "may need {} GiB, {} are free",
            gib(need_kib),
            gib(have_kib)
        ));
    }
    None
}

impl Running<'_> {
    /// Is it one of the two that the ratios are of, and has a figure?
    pub(super) fn is_of_the_pair(&self) -> bool {
        [GORS, GO].contains(&self.contender.name) && !self.cell.rounds.is_empty() && !self.failed()
    }

    /// Did a child of it crash or hang?
    pub(super) fn failed(&self) -> bool {
        self.cell.failed
    }

    /// Leaves the cell, or what is missing of it, out.
    pub(super) fn leave_out(&mut self, reason: String) {
        self.rounds_left = 0;
        self.cell.reason = Some(reason);
    }

    /// Adds a child's answer to the cell.
    pub(super) fn take(&mut self, row: &Row, finished: Finished, effort: Effort) {
        if self.took.is_none() && finished.took > effort.long {
            self.rounds_left = self.rounds_left.min(effort.long_rounds);
        }
        self.rounds_left = self.rounds_left.saturating_sub(1);
        self.took = Some(finished.took.as_secs_f64());
        let cell = &mut self.cell;
        cell.seconds += finished.took.as_secs_f64();
        cell.peak_rss_kib = cell.peak_rss_kib.max(finished.peak_rss_kib);
        let failure = match finished.ended {
            Ended::Well(report) => {
                cell.rss_kib = report.rss_kib;
                cell.pte_kib = report.pte_kib;
                for (metric, value) in &report.values {
                    cell.rounds
                        .entry(metric.clone())
                        .or_default()
                        .push(row.scale(*value));
                }
                for (name, value) in report.extras {
                    match self.extras.iter_mut().find(|(known, _)| *known == name) {
                        Some((_, values)) => values.push(value),
                        None => self.extras.push((name, vec![value])),
                    }
                }
                if let Some(reason) = report.refused {
                    self.leave_out(reason);
                }
                return;
            }
            Ended::Hang(limit) => format!("hang (no end after {} s)", limit.as_secs()),
            Ended::Signal(signal, words) => with_words(child::signal_name(signal), &words),
            Ended::Failed(code, words) => with_words(format!("exit code {code}"), &words),
        };
        let earlier = cell.rounds.values().map(Vec::len).max().unwrap_or(0);
        let reason = match earlier {
            0 => failure,
            rounds => format!("{failure}, in round {}", rounds + 1),
        };
        cell.failed = true;
        self.leave_out(reason);
    }

    /// The finished cell.
    fn finish(mut self) -> Cell {
        self.cell.extras = self
            .extras
            .into_iter()
            .map(|(name, values)| (name, median(&values)))
            .collect();
        self.cell.sum_up();
        self.cell
    }
}

/// How it ended and what it said.
fn with_words(how: String, words: &str) -> String {
    if words.is_empty() {
        how
    } else {
        format!("{how}: {words}")
    }
}
