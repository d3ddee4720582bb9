//! Runs tasks one after the other until all are done, the time is over, or the user presses Ctrl-C: one runner for
//! each.
//!
//! Go: `examples/go/programs/runner`, which has the runner itself, too.

use gors::patterns::runner::{Error, Runner};
use gors::prelude::*;
use gors::time::sleep;

fn report(result: Result<(), Error>) {
    match result {
        Err(error) => println!("{error}"),
        Ok(()) => println!("completed"),
    }
}

#[gors::main]
fn main() {
    let mut r = Runner::new(Duration::from_secs(60));
    for _ in 0..3 {
        r.add(|id| println!("task {id}"));
    }
    report(r.start());

    let mut r = Runner::new(Duration::from_millis(20));
    r.add(|_| sleep(Duration::from_secs(3600)));
    report(r.start());

    let mut r = Runner::new(Duration::from_secs(60));
    r.add(|_| println!("press Ctrl-C"));
    for _ in 0..10_000 {
        r.add(|_| sleep(Duration::from_millis(10)));
    }
    report(r.start());
}
