//! Requests at a steady rate, then requests of which a few may come at once.
//!
//! Go: `examples/go/programs/rate_limiter`.

use gors::prelude::*;
use gors::time::{now, tick};

const PACE: Duration = Duration::from_millis(10);
const BURST: usize = 3;

/// A channel that holds n requests and is closed.
fn requests(n: usize) -> Chan<usize> {
    let c = make(n);
    for i in 1..=n {
        c.send(i);
    }
    c.close();
    c
}

fn steady() {
    let start = now();
    let limiter = tick(PACE);
    for req in requests(5) {
        limiter.recv().unwrap();
        println!("request {req}");
    }
    println!("5 requests took 5 ticks: {}", start.elapsed() >= 5 * PACE);
}

fn bursty() {
    let start = now();
    let limiter = make(BURST);
    for _ in 0..BURST {
        limiter.send(now());
    }

    // Each tick makes room for one more, as long as the limiter is not full.
    let fill = limiter.clone();
    go!({
        for t in tick(PACE) {
            fill.send(t);
        }
    });

    for req in requests(5) {
        limiter.recv();
        println!("request {req}");
    }
    let waited = start.elapsed() >= 2 * PACE;
    println!("{BURST} came at once and 2 waited: {waited}");
}

#[gors::main]
fn main() {
    steady();
    bursty();
}
