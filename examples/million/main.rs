//! A million goroutines, each with a job whose result can be checked.
//!
//! ```text
//! cargo run --release --example million
//! cargo run --release --example million -- --count 10M
//! cargo run --release --example million -- --block
//! GOMAXPROCS=1 cargo run --release --example million
//! ```
//!
//! Goroutine `n` finds out whether `n` is a prime number. A sieve says afterwards how many there
//! are and what their sum is. With `--block` every goroutine first waits on one channel, until all
//! of them do; closing it lets them go.

mod bar;
#[path = "../support/count.rs"]
mod count;
#[path = "../support/format.rs"]
mod format;
#[path = "../support/memory.rs"]
mod memory;
mod options;
mod primes;
mod report;
#[path = "../support/request.rs"]
mod request;

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use gors::prelude::*;

use crate::bar::Bar;
use crate::options::Options;
use crate::report::Report;

/// How many goroutines are started between two looks at how many there are.
const LOOK_EVERY: u64 = 8_192;

/// What the goroutines found.
static PRIMES: AtomicU64 = AtomicU64::new(0);
static SUM: AtomicU64 = AtomicU64::new(0);
/// What the bars show.
static WAITING: AtomicU64 = AtomicU64::new(0);
static FINISHED: AtomicU64 = AtomicU64::new(0);

static AT_THE_GATE: WaitGroup = WaitGroup::new();
static RUNNING: WaitGroup = WaitGroup::new();

#[gors::main]
fn main() -> ExitCode {
    let options = match request::options("million", options::HELP, options::read) {
        Ok(options) => options,
        Err(code) => return code,
    };

    let report = if options.block {
        run_blocked(options)
    } else {
        run_free(options)
    };
    report.print();
    if report.is_right() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Starts all goroutines and waits for them.
fn run_free(options: Options) -> Report {
    let mut report = Report::start(options);
    let bar = Bar::show("running", options.count, &FINISHED);
    RUNNING.add(options.count.cast_signed() as isize);
    for n in 0..options.count {
        go!(job(n));
        if n.is_multiple_of(LOOK_EVERY) {
            report.look();
        }
    }
    report.all_there();
    RUNNING.wait();
    report.all_finished();
    bar.finish();
    report.found(PRIMES.load(Ordering::Relaxed), SUM.load(Ordering::Relaxed))
}

/// Starts all goroutines, lets every one of them park on the same channel, and then lets them go.
fn run_blocked(options: Options) -> Report {
    let mut report = Report::start(options);
    let gate = make::<()>(0);
    let bar = Bar::show("parking", options.count, &WAITING);
    let goroutines = options.count.cast_signed() as isize;
    AT_THE_GATE.add(goroutines);
    RUNNING.add(goroutines);
    for n in 0..options.count {
        go!(wait_and_job(n, gate.receiver()));
    }
    AT_THE_GATE.wait();
    report.all_there();
    bar.finish();

    let bar = Bar::show("running", options.count, &FINISHED);
    let opened = Instant::now();
    gate.close();
    RUNNING.wait();
    report.all_released(opened.elapsed());
    bar.finish();
    report.found(PRIMES.load(Ordering::Relaxed), SUM.load(Ordering::Relaxed))
}

fn job(n: u64) {
    defer!(RUNNING.done());
    if primes::is_prime(n) {
        PRIMES.fetch_add(1, Ordering::Relaxed);
        SUM.fetch_add(n, Ordering::Relaxed);
    }
    FINISHED.fetch_add(1, Ordering::Relaxed);
}

fn wait_and_job(n: u64, gate: Receiver<()>) {
    WAITING.fetch_add(1, Ordering::Relaxed);
    AT_THE_GATE.done();
    // Nobody sends: this returns when the channel is closed.
    gate.recv().unwrap_err();
    job(n);
}
