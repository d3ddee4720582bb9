//! A soak test: everything gors has, at the same time, for as long as you like.
//!
//! ```text
//! cargo run --release --example soak -- --minutes 60
//! GOMAXPROCS=1 cargo run --release --example soak -- --minutes 2 --seed 7
//! ```
//!
//! Each part of the library has one or more *lanes*: goroutines that run rounds of it until the time
//! is up. Every round checks its own sums. Beside them `gomaxprocs` changes all the time. A watchdog on
//! a plain thread notices a lane that makes no progress, lists all goroutines and ends the program. At
//! the end every goroutine must have ended, and memory must not have grown.
//!
//! The seed decides what each round of each lane does, not how it is scheduled.

#[path = "../support/count.rs"]
mod count;
#[path = "../support/format.rs"]
mod format;
mod lanes;
#[path = "../support/memory.rs"]
#[allow(dead_code, reason = "not all of it is used here")]
mod memory;
mod options;
mod parts;
mod report;
#[path = "../support/request.rs"]
mod request;
#[path = "../stress/resizer.rs"]
mod resizer;
#[path = "../support/stats.rs"]
mod stats;
mod watchdog;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use gors::prelude::*;

use crate::lanes::Lanes;
use crate::parts::Planned;
use crate::report::Report;
use crate::resizer::Resizer;
use crate::watchdog::Watchdog;

#[gors::main]
fn main() -> ExitCode {
    let options = match request::options("soak", options::HELP, options::read) {
        Ok(options) => options,
        Err(code) => return code,
    };
    keep_planned_panics_quiet();

    let goroutines_before = num_goroutine();
    let lanes = Arc::new(Lanes::new(&options));
    let watchdog = Watchdog::start(Arc::clone(&lanes), options.patience);
    let resizer = (!options.fixed).then(|| Resizer::start(options.seed));
    let report = Report::start(Arc::clone(&lanes), options);
    let outcome = lanes.run(options.seed);
    let grown = report.finish();
    let resized = resizer.map_or(0, Resizer::stop);

    let result = outcome
        .and_then(|()| all_have_ended(goroutines_before, options.patience))
        .and(grown);
    watchdog.stop();
    if let Err(error) = result {
        eprintln!("soak: FAILED: seed {}: {error}", options.seed);
        return ExitCode::FAILURE;
    }
    report::print(&lanes, options, resized);
    ExitCode::SUCCESS
}

/// Some rounds panic on purpose; only what was not planned is worth a message.
fn keep_planned_panics_quiet() {
    let previous = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !info.payload().is::<Planned>() {
            previous(info);
        }
    }));
}

/// Nothing that a round started is left behind.
fn all_have_ended(before: usize, patience: Duration) -> Result<(), String> {
    let begin = Instant::now();
    while num_goroutine() > before {
        if begin.elapsed() > patience {
            eprintln!("{}", gors::runtime::stack_dump());
            return Err(format!(
                "{} goroutines were left behind",
                num_goroutine() - before
            ));
        }
        gors::time::sleep(Duration::from_millis(10));
    }
    Ok(())
}
