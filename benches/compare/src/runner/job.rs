//! A row at a permit count on its way to a line of the tables.

use crate::child::{self, Ended, Finished, Nursery};
use crate::cli::Request;
use crate::contenders::{Contender, GO, GORS};
use crate::machine::memory_kib;
use crate::results::{Cell, RowResult};
use crate::rows::Row;
use crate::stats::{NOISY, median, spread};

use super::doubt;
use super::effort::Effort;

/// A round of gors and Go that takes longer than this is a long one, in seconds.
const LONG_PAIR: f64 = 1.0;

/// So many rounds gors and Go do in any case: one that is short, one that is
/// long, and one of the greatest sizes.
const LEAST: [usize; 3] = [6, 2, 1];

/// More rounds than this no ratio gets.
const MOST: [usize; 3] = [25, 15, 3];

/// A round of gors and Go of the greatest sizes that takes longer than this, in
/// seconds, is not repeated.
pub(super) const NOT_AGAIN: f64 = 10.0;

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

    /// How often gors and Go have run; 0 where there is no ratio of them.
    pub(super) fn pairs(&self) -> usize {
        self.pair()
            .map_or(0, |(gors, go)| gors.cell.count().min(go.cell.count()))
    }

    /// Must gors and Go run again whatever the ratio?
    pub(super) fn is_owed_a_pair(&self) -> bool {
        (1..LEAST[self.kind()]).contains(&self.pairs())
    }

    /// How far the ratios to Go of this row scatter, each with the number of its
    /// rounds.
    pub(super) fn scatters(&self) -> Vec<(Option<f64>, usize)> {
        let Some((gors, go)) = self.pair() else {
            return Vec::new();
        };
        let metrics = self.row.metrics.iter();
        metrics
            .filter_map(|metric| gors.cell.ratios(&go.cell, metric))
            .map(|ratios| (doubt::scatter(&ratios), ratios.len()))
            .collect()
    }

    /// What more rounds of gors and Go are worth, where rows show a `typical`
    /// scatter: the disagreements with another run that half as many again spare
    /// by the seconds they take. `None` when there is nothing to win.
    pub(super) fn worth(&self, typical: f64) -> Option<f64> {
        let pairs = self.pairs();
        let again = !self.row.once || self.next_pair() <= NOT_AGAIN;
        if pairs == 0 || pairs >= MOST[self.kind()] || !again {
            return None;
        }
        let more = (pairs / 2).max(1) as f64;
        let spared: f64 = self
            .scatters()
            .into_iter()
            .map(|(own, n)| {
                let scatter = doubt::likely(own, n, typical);
                doubt::disagreement(scatter, n as f64)
                    - doubt::disagreement(scatter, n as f64 + more)
            })
            .sum();
        (spared > 1e-6).then(|| spared / (more * self.next_pair().max(0.01)))
    }

    /// gors and Go, if both have figures.
    fn pair(&self) -> Option<(&Running<'a>, &Running<'a>)> {
        let of = |name| {
            let mut running = self.running.iter();
            running.find(|one| one.contender.name == name && one.is_of_the_pair())
        };
        Some((of(GORS)?, of(GO)?))
    }

    /// Short, long or greatest: which of [`LEAST`] and [`MOST`] are its.
    fn kind(&self) -> usize {
        match self.next_pair() {
            _ if self.row.once => 2,
            seconds if seconds > LONG_PAIR => 1,
            _ => 0,
        }
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

    /// Is it a peer that has run often enough for rounds so close together?
    fn is_a_steady_peer(&self, effort: Effort) -> bool {
        let steady = |rounds: &Vec<f64>| spread(rounds).is_some_and(|spread| spread <= NOISY);
        ![GORS, GO].contains(&self.contender.name)
            && self.cell.count() >= effort.steady_rounds
            && self.cell.rounds.values().all(steady)
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
                } else if self.is_a_steady_peer(effort) {
                    self.rounds_left = 0;
                }
                return;
            }
            Ended::Hang(limit) => format!("hang (no end after {} s)", limit.as_secs()),
            Ended::Signal(signal, words) => with_words(child::signal_name(signal), &words),
            Ended::Failed(code, words) => with_words(format!("exit code {code}"), &words),
        };
        let earlier = cell.count();
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
