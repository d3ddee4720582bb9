//! Two goroutines count together with an atomic integer.
//!
//! Go: `examples/go/seeds/counter_atomic.go`.

use std::sync::atomic::{AtomicI64, Ordering};

use gors::prelude::*;

static COUNTER: AtomicI64 = AtomicI64::new(0);
static WG: WaitGroup = WaitGroup::new();

#[gors::main]
fn main() {
    WG.add(2);
    go!(inc_counter());
    go!(inc_counter());
    WG.wait();
    println!("Final Counter: {}", COUNTER.load(Ordering::SeqCst));
}

fn inc_counter() {
    defer!(WG.done());
    for _ in 0..2 {
        COUNTER.fetch_add(1, Ordering::SeqCst);
        gosched();
    }
}
