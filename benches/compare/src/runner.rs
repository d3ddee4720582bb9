//! Runs everything: every row, at every permit count, round by round, one
//! contender after the other.
//!
//! The contenders of a row take turns within each round, so that a machine that
//! slows down for a while slows all of them down. A contender whose first run of
//! a row took long gets fewer rounds of it; one that failed gets no more.

use std::error::Error;
use std::fs;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::child::{self, Ended, Finished, Nursery};
use crate::cli::{Options, Request};
use crate::contenders::{Contender, GO};
use crate::golang;
use crate::machine::{Machine, memory_kib};
use crate::results::{Cell, Results, RowResult};
use crate::rows::Row;
use crate::stats::median;

/// How much is done of each row.
#[derive(Clone, Copy, Debug)]
struct Effort {
    /// Small sizes?
    quick: bool,
    /// Target time of a timed row.
    target: Duration,
    /// Rounds of a short row.
    rounds: usize,
    /// Rounds of a long row.
    long_rounds: usize,
    /// A row whose first run takes longer than this is long.
    long: Duration,
    /// A child that runs longer than this hangs.
    limit: Duration,
    /// When the whole run has taken this long, rows get one round only.
    budget: Duration,
}

impl Effort {
    fn of(options: &Options) -> Self {
        let (target, rounds, long_rounds, long, limit, budget) = if options.quick {
            (20, 2, 1, 250, 10, 150)
        } else {
            (100, 5, 2, 1_000, 60, 2_400)
        };
        Self {
            quick: options.quick,
            target: Duration::from_millis(target),
            rounds: options.rounds.unwrap_or(rounds).max(1),
            long_rounds: options.rounds.unwrap_or(long_rounds).max(1),
            long: Duration::from_millis(long),
            limit: Duration::from_secs(options.limit.unwrap_or(limit)),
            budget: Duration::from_secs(budget),
        }
    }
}

/// A row's contender on its way to a cell.
struct Running<'a> {
    contender: &'a Contender,
    cell: Cell,
    rounds_left: usize,
    extras: Vec<(String, Vec<f64>)>,
}

/// Runs what the options ask for.
pub(crate) fn run(options: &Options, out: &Path) -> Result<Results, Box<dyn Error>> {
    let mut effort = Effort::of(options);
    let cpus = child::allowed_cpus();
    let procs = options.procs(cpus.len())?;
    let rows = options.rows()?;
    let contenders = options.contenders()?;
    let machine = Machine::here(cpus.len());
    let scratch = out.join("scratch");
    fs::create_dir_all(&scratch)?;
    let go = if contenders.iter().any(|contender| contender.name == GO) {
        golang::build(&scratch)
    } else {
        Err("not asked for".to_owned())
    };
    let nursery = Nursery {
        rust: std::env::current_exe()?,
        go,
        scratch,
        cpus,
    };

    let start = Instant::now();
    let plan: Vec<(usize, &Row)> = procs
        .iter()
        .flat_map(|&procs| rows.iter().map(move |row| (procs, row)))
        .filter(|(procs, row)| row.min_procs <= *procs && row.n(options.quick).is_some())
        .collect();
    let bar = progress(plan.len());
    let mut results = Vec::new();
    for (procs, row) in plan {
        if options.rounds.is_none() && start.elapsed() > effort.budget {
            (effort.rounds, effort.long_rounds) = (1, 1);
        }
        results.push(run_row(row, procs, &contenders, &nursery, effort, &bar)?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    fs::remove_dir_all(&nursery.scratch)?;
    let seconds = start.elapsed().as_secs();
    Ok(Results {
        machine,
        quick: options.quick,
        seconds,
        rows: results,
    })
}

/// The bar on standard error; silent where that is no terminal.
fn progress(length: usize) -> ProgressBar {
    let target = if io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(Some(length as u64), target);
    let style = ProgressStyle::with_template(
        "{elapsed_precise} [{bar:30}] {pos}/{len} rows, {eta_precise} left  {msg}",
    );
    if let Ok(style) = style {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}

/// One row at one permit count.
fn run_row(
    row: &Row,
    procs: usize,
    contenders: &[&Contender],
    nursery: &Nursery,
    effort: Effort,
    bar: &ProgressBar,
) -> io::Result<RowResult> {
    let mut running: Vec<Running<'_>> = contenders
        .iter()
        .map(|&contender| {
            let reason = refusal(row, contender, nursery, effort.quick);
            let rounds_left = if reason.is_none() { effort.rounds } else { 0 };
            let cell = Cell {
                contender: contender.name.to_owned(),
                reason,
                note: contender.note(row).map(str::to_owned),
                ..Cell::default()
            };
            Running {
                contender,
                cell,
                rounds_left,
                extras: Vec::new(),
            }
        })
        .collect();
    for round in 0..effort.rounds {
        for one in running.iter_mut().filter(|one| one.rounds_left > 0) {
            bar.set_message(format!(
                "{} at {procs}: {}, round {}",
                row.name,
                one.contender.name,
                round + 1
            ));
            let request = Request {
                contender: one.contender.name.to_owned(),
                program: row.program.to_owned(),
                procs,
                n: row.n(effort.quick).unwrap_or(0),
                target_ms: effort.target.as_millis() as u64,
                a: row.args[0],
                b: row.args[1],
            };
            let finished = nursery.run(&request, effort.limit)?;
            if round == 0 && finished.took > effort.long {
                one.rounds_left = effort.long_rounds;
            }
            one.take(row, finished);
        }
    }
    Ok(RowResult {
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
        procs,
        n: row.n(effort.quick).unwrap_or(0),
        cells: running.into_iter().map(Running::finish).collect(),
    })
}

/// Why a contender is not started for a row, if so.
fn refusal(row: &Row, contender: &Contender, nursery: &Nursery, quick: bool) -> Option<String> {
    if let (GO, Err(reason)) = (contender.name, &nursery.go) {
        return Some(reason.clone());
    }
    if let Some(reason) = contender.refuses(row) {
        return Some(reason.to_owned());
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
    /// Adds a child's answer to the cell.
    fn take(&mut self, row: &Row, finished: Finished) {
        self.rounds_left -= 1;
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
                match report.refused {
                    Some(reason) => {
                        self.rounds_left = 0;
                        cell.reason = Some(reason);
                        return;
                    }
                    None => return,
                }
            }
            Ended::Hang(limit) => format!("hang (no end after {} s)", limit.as_secs()),
            Ended::Signal(signal, words) => with_words(child::signal_name(signal), &words),
            Ended::Failed(code, words) => with_words(format!("exit code {code}"), &words),
        };
        let earlier = cell.rounds.values().map(Vec::len).max().unwrap_or(0);
        cell.reason = Some(match earlier {
            0 => failure,
            rounds => format!("{failure}, in round {}", rounds + 1),
        });
        cell.failed = true;
        self.rounds_left = 0;
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
