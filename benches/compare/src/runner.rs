//! Runs everything: every row, at every permit count, round by round, one
//! contender after the other.
//!
//! The contenders of a row take turns within each round, so that a machine that
//! slows down for a while slows all of them down. A round goes through all rows
//! before the next one begins: the rounds of a row lie minutes apart, and a
//! disturbance of half a minute spoils one of them, which the median leaves out,
//! and not all. A contender whose first round of a row took long gets fewer of
//! it; one that failed gets no more. A child that ends at once is followed by
//! more of its kind, and the round's value is their median.
//!
//! While there is time then, gors and Go go on alone: every short row until it
//! has six rounds of theirs, and then those in which a second more spares the
//! most disagreement with another run ([`doubt`]). What the tables are about
//! should come out the same the next time.
//!
//! The greatest sizes run at the end: what a process of 20 GiB does to the
//! kernel's free lists does not reach the other rows. All contenders run them
//! once, gors and Go again where that is cheap. The first round of every row
//! always runs; further ones as far as the time goes that the run is given, less
//! what the greatest sizes will take by the sizes below them.

mod doubt;
mod effort;
mod job;
mod progress;
mod repeat;

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::io;
use std::path::Path;

use self::effort::Effort;
use self::job::{Job, NOT_AGAIN, Running, obstacle};
use self::progress::Progress;
use crate::child::{self, Nursery};
use crate::cli::Options;
use crate::contenders::{GO, GORS};
use crate::golang;
use crate::machine::{Machine, memory_kib};
use crate::results::Results;
use crate::rows::Row;
use crate::stats::NOISY;

/// A peer that would take longer than this for one of the greatest sizes is
/// left out of it, in seconds.
const TOO_SLOW: f64 = 15.0;

/// Of the time that a run is given, the part after which no round of all
/// contenders begins.
const FOR_ALL: f64 = 0.55;

/// Of the time that is left, the part that a pass of gors and Go takes before
/// the rows are weighed anew.
const A_PASS: f64 = 0.1;

/// Runs what the options ask for.
pub(crate) fn run(options: &Options, out: &Path) -> Result<Results, Box<dyn Error>> {
    let effort = Effort::of(options);
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

    // In the order of the run: both permit counts of a row, then the next row.
    let runs = |procs: usize, row: &Row| row.min_procs <= procs && row.n(options.quick).is_some();
    let jobs = rows
        .iter()
        .flat_map(|row| procs.iter().map(move |&procs| (procs, row)))
        .filter(|&(procs, row)| runs(procs, row))
        .map(|(procs, row)| Job::new(row, procs, &contenders, effort))
        .collect();
    let mut run = Run {
        nursery,
        effort,
        jobs,
        free_kib: memory_kib("MemAvailable"),
        progress: Progress::new(),
    };
    run.all()?;
    run.progress.finish();
    fs::remove_dir_all(&run.nursery.scratch)?;
    let seconds = run.progress.elapsed().as_secs();
    // In the order of the report: permit count by permit count.
    run.jobs.sort_by_key(|job| job.procs);
    Ok(Results {
        machine,
        quick: options.quick,
        seconds,
        rows: run.jobs.into_iter().map(|job| job.finish(effort)).collect(),
        agreement: None,
    })
}

/// A run under way.
struct Run<'a> {
    nursery: Nursery,
    effort: Effort,
    jobs: Vec<Job<'a>>,
    /// Free memory at the start.
    free_kib: u64,
    progress: Progress,
}

impl Run<'_> {
    /// All rounds, then those of gors and Go, then the greatest rows.
    fn all(&mut self) -> io::Result<()> {
        for round in 0..self.effort.rounds {
            for index in 0..self.jobs.len() {
                let next = self.jobs[index].next_round(self.effort);
                if !self.jobs[index].row.once && (round == 0 || self.has_time(FOR_ALL, next)) {
                    self.round(index, &format!("round {}", round + 1), |one| {
                        one.rounds_left > 0
                    })?;
                }
            }
        }
        self.settle(false)?;
        for index in 0..self.jobs.len() {
            if self.jobs[index].row.once {
                self.leave_out_the_slow(index);
                self.round(index, "once", |one| one.rounds_left > 0)?;
            }
        }
        self.settle(true)
    }

    /// Is there time for `next` seconds more within a part of what the run is
    /// given for all but the greatest sizes?
    fn has_time(&self, part: f64, next: f64) -> bool {
        self.effort.budget.is_none_or(|budget| {
            let all = budget.as_secs_f64() - self.greatest();
            self.progress.elapsed().as_secs_f64() + next <= part * all
        })
    }

    /// Further rounds of gors and Go alone, in the rows that run `once` or in the
    /// others.
    ///
    /// One pass after the other, each over many rows, so that the rounds of a row
    /// do not stand together here either.
    fn settle(&mut self, once: bool) -> io::Result<()> {
        let Some(budget) = self.effort.budget else {
            return Ok(());
        };
        while self.pass(once, f64::INFINITY, |job| {
            job.is_owed_a_pair().then(|| 1.0 / job.pairs() as f64)
        })? {}
        loop {
            let left = budget.saturating_sub(self.progress.elapsed());
            let seconds = (A_PASS * left.as_secs_f64()).max(5.0);
            let typical: Vec<(usize, f64)> = self.procs().map(|p| (p, self.typical(p))).collect();
            let ran = self.pass(once, seconds, |job| {
                let at = |&&(procs, _): &&(usize, f64)| procs == job.procs;
                job.worth(typical.iter().find(at)?.1)
            })?;
            if !ran {
                return Ok(());
            }
        }
    }

    /// A round of gors and Go in the rows that are worth one, the worthiest
    /// first, for so many seconds. Did any run?
    fn pass(
        &mut self,
        once: bool,
        seconds: f64,
        worth: impl Fn(&Job<'_>) -> Option<f64>,
    ) -> io::Result<bool> {
        let mut rows: Vec<(f64, usize)> = (0..self.jobs.len())
            .filter(|&index| self.jobs[index].row.once == once)
            .filter_map(|index| Some((worth(&self.jobs[index])?, index)))
            .collect();
        rows.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        let begin = self.progress.elapsed().as_secs_f64();
        let mut ran = false;
        for (_, index) in rows {
            if self.progress.elapsed().as_secs_f64() - begin > seconds {
                break;
            }
            if self.has_time(1.0, self.jobs[index].next_pair()) {
                self.round(index, "gors and Go again", |one| one.is_of_the_pair())?;
                ran = true;
            }
        }
        Ok(ran)
    }

    /// The permit counts.
    fn procs(&self) -> impl Iterator<Item = usize> {
        let procs: BTreeSet<usize> = self.jobs.iter().map(|job| job.procs).collect();
        procs.into_iter()
    }

    /// How far the rounds of a row scatter on average at a permit count.
    fn typical(&self, procs: usize) -> f64 {
        let jobs = self.jobs.iter().filter(|job| job.procs == procs);
        let scatters: Vec<f64> = jobs
            .flat_map(Job::scatters)
            .filter_map(|(scatter, _)| scatter)
            .collect();
        if scatters.is_empty() {
            NOISY
        } else {
            scatters.iter().sum::<f64>() / scatters.len() as f64
        }
    }

    /// One round of a row, by the contenders that `takes_part` says.
    fn round(
        &mut self,
        index: usize,
        round: &str,
        takes_part: impl Fn(&Running<'_>) -> bool,
    ) -> io::Result<()> {
        let (effort, left) = (self.effort, self.left());
        let job = &mut self.jobs[index];
        for at in 0..job.running.len() {
            let contender = job.running[at].contender;
            if !takes_part(&job.running[at]) {
                continue;
            }
            if let Some(reason) = obstacle(job.row, contender, &self.nursery, effort.quick) {
                job.running[at].leave_out(reason);
                continue;
            }
            let what = format!(
                "{} at {}: {}, {round}",
                job.row.name, job.procs, contender.name,
            );
            self.progress.show(&what, left);
            let request = job.request(contender, effort);
            let finished = repeat::run(&self.nursery, &request, effort.limit(job.row))?;
            job.running[at].take(job.row, finished, effort);
        }
        Ok(())
    }

    /// The seconds that the whole run will still take.
    fn left(&self) -> f64 {
        let rounds: f64 = self
            .jobs
            .iter()
            .filter(|job| !job.row.once)
            .map(|job| job.all_rounds(self.effort))
            .sum();
        let left = rounds + self.greatest();
        match self.effort.budget {
            Some(budget) => {
                left.min((budget.as_secs_f64() - self.progress.elapsed().as_secs_f64()).max(0.0))
            }
            None => left,
        }
    }

    /// The seconds that the greatest rows will take, as far as the sizes below
    /// them say, with a second round of gors and Go where that is cheap.
    fn greatest(&self) -> f64 {
        let once = (0..self.jobs.len()).filter(|&index| self.jobs[index].row.once);
        once.flat_map(|index| (0..self.jobs[index].running.len()).map(move |at| (index, at)))
            .filter(|&(index, at)| {
                let (job, one) = (&self.jobs[index], &self.jobs[index].running[at]);
                let fits = one.contender.bytes(job.row, self.size(job)) / 1024 <= self.free_kib;
                fits && one.rounds_left > 0 && self.pointless(index, at).is_none()
            })
            .filter_map(|(index, at)| {
                let again = self.jobs[index].running[at].contender;
                let seconds = self.expected(index, at)?;
                let again = [GORS, GO].contains(&again.name) && seconds <= NOT_AGAIN / 2.0;
                Some(if again { 2.0 * seconds } else { seconds })
            })
            .sum()
    }

    /// Leaves peers out of one of the greatest rows that would fail in it or take
    /// too long.
    fn leave_out_the_slow(&mut self, index: usize) {
        for at in 0..self.jobs[index].running.len() {
            let reason = self.pointless(index, at);
            let one = &mut self.jobs[index].running[at];
            if let Some(reason) = reason
                && one.rounds_left > 0
            {
                one.leave_out(reason);
            }
        }
    }

    /// Why a contender is not to be tried with one of the greatest rows, if so.
    /// gors and Go, which everything is compared with, are always tried.
    fn pointless(&self, index: usize, at: usize) -> Option<String> {
        let below = self.below(index, at)?;
        let one = &below.running[at];
        if [GORS, GO].contains(&one.contender.name) {
            return None;
        }
        if one.failed() {
            return Some(format!("left out: it fails in {}", below.row.name));
        }
        let seconds = self.expected(index, at)?;
        (seconds > TOO_SLOW)
            .then(|| format!("left out: {seconds:.0} s by its time in {}", below.row.name))
    }

    /// What the next size below says about how long a contender will take.
    fn expected(&self, index: usize, at: usize) -> Option<f64> {
        let below = self.below(index, at)?;
        let took = below.running[at].took?;
        Some(took * self.size(&self.jobs[index]) as f64 / self.size(below) as f64)
    }

    /// The same program at the next size below that the contender has run.
    fn below(&self, index: usize, at: usize) -> Option<&Job<'_>> {
        let job = &self.jobs[index];
        self.jobs
            .iter()
            .filter(|other| other.row.program == job.row.program && other.procs == job.procs)
            .filter(|other| self.size(other) < self.size(job) && other.running[at].took.is_some())
            .max_by_key(|other| self.size(other))
    }

    /// How many of it a row does.
    fn size(&self, job: &Job<'_>) -> u64 {
        job.row.n(self.effort.quick).unwrap_or(0)
    }
}
