//! A mixed stress test of the whole runtime: goroutines, channels, `select!`, mutexes, sleeps,
//! borrowed data, blocking calls and plain threads at the same time, while `gomaxprocs` changes
//! between 1 and 8.
//!
//! ```text
//! cargo run --release --example stress -- --rounds 10k
//! GOMAXPROCS=1 cargo run --release --example stress -- --seconds 60 --seed 7
//! ```
//!
//! Every load of every round checks its own sums. A round that does not end within `--patience`
//! seconds is a hang: all goroutines are listed and the program aborts. The seed decides what is
//! run, not how it is scheduled. With `--unwatched` there is no thread beside the runtime for most of the
//! time, so a false report of a deadlock would end the program.

#[path = "../support/count.rs"]
mod count;
#[path = "../support/format.rs"]
mod format;
mod loads;
mod options;
#[path = "../support/request.rs"]
mod request;
mod resizer;
#[path = "../support/stats.rs"]
mod stats;
mod watchdog;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use fastrand::Rng;
use gors::prelude::*;

use crate::format::{grouped, print_table};
use crate::loads::LOADS;
use crate::options::{Limit, Options};
use crate::resizer::Resizer;
use crate::watchdog::Watchdog;

/// How many loads a round runs at the same time.
const LOADS_PER_ROUND: usize = 8;
/// How often progress is shown.
const TELL_EVERY: Duration = Duration::from_secs(5);

#[gors::main]
fn main() -> ExitCode {
    let options = match request::options("stress", options::HELP, options::read) {
        Ok(options) => options,
        Err(code) => return code,
    };

    let permits_at_start = gomaxprocs(0);
    let begin = Instant::now();
    let watchdog = Watchdog::start(options.patience);
    let resizer = (!options.fixed).then(|| Resizer::start(options.seed));
    let result = run_rounds(&options, begin, &watchdog);
    let resized = resizer.map_or(0, Resizer::stop);
    watchdog.stop();

    let rounds = match result {
        Ok(rounds) => rounds,
        Err(error) => {
            eprintln!("stress: FAILED: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut rows = vec![
        (
            "time",
            format!("{:.1} s", begin.elapsed().as_secs_f64()),
            format!("seed {}", options.seed),
        ),
        (
            "permits",
            permits_at_start.to_string(),
            format!("at the start; changed {} times", grouped(resized)),
        ),
    ];
    rows.extend(stats::rows(&gors::runtime::stats()));
    print_table(
        &format!("stress: {} rounds, all right", grouped(rounds)),
        &rows,
    );
    ExitCode::SUCCESS
}

/// Runs rounds until the limit; returns how many.
fn run_rounds(options: &Options, begin: Instant, watchdog: &Watchdog) -> Result<u64, String> {
    let mut told = begin;
    let mut round = 0;
    while !options.limit.is_reached(round, begin.elapsed()) {
        run_round(options.seed, round)?;
        round += 1;
        watchdog.round_ended();
        if told.elapsed() >= TELL_EVERY {
            told = Instant::now();
            match options.limit {
                Limit::Rounds(rounds) => {
                    eprintln!("round {} of {}", grouped(round), grouped(rounds))
                }
                Limit::Time(time) => eprintln!(
                    "round {}, second {} of {}",
                    grouped(round),
                    begin.elapsed().as_secs(),
                    time.as_secs()
                ),
            }
        }
    }
    Ok(round)
}

/// Runs some loads at the same time and checks them all.
fn run_round(seed: u64, round: u64) -> Result<(), String> {
    let mut random = Rng::with_seed(seed.wrapping_add(round));
    let running: Vec<_> = (0..LOADS_PER_ROUND)
        .map(|_| {
            let (name, load) = LOADS[random.usize(..LOADS.len())];
            let random = random.fork();
            (name, spawn(move || load(random)))
        })
        .collect();
    for (name, load) in running {
        let outcome = match load.join() {
            Ok(outcome) => outcome,
            Err(error) => Err(error.to_string()),
        };
        outcome.map_err(|error| format!("seed {seed}, round {round}, {name}: {error}"))?;
    }
    Ok(())
}
