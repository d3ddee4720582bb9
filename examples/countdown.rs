//! Counts down to a launch by the ticks of a clock, unless somebody aborts it.
//!
//! Go: `examples/go/programs/countdown`.

use gors::prelude::*;
use gors::time::{Ticker, after_func};

fn countdown(from: u32, every: Duration, abort: &Chan<()>) -> bool {
    let ticker = Ticker::new(every);
    for n in (1..=from).rev() {
        println!("{n}");
        select! {
            recv(ticker.c()) -> _ => {}
            recv(abort) -> _ => return false,
        }
    }
    true
}

fn launch(from: u32, every: Duration, abort: &Chan<()>) {
    if countdown(from, every, abort) {
        println!("lift off!");
    } else {
        println!("launch aborted!");
    }
}

#[gors::main]
fn main() {
    launch(5, Duration::from_millis(10), &Chan::nil());

    let abort = make(0);
    let c = abort.clone();
    after_func(Duration::from_millis(10), move || c.close());
    launch(10, Duration::from_secs(3600), &abort);
}
