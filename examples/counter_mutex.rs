//! Two goroutines count together under a mutex, which one of them holds while the other gets its
//! turn.
//!
//! The counter lives inside the mutex, so it cannot be touched without the lock. Unlike std's, a
//! guard of `gors::sync::Mutex` may be held across a blocking operation.
//!
//! Go: `examples/go/seeds/counter_mutex.go`.

use gors::prelude::*;
use gors::sync::Mutex;

static COUNTER: Mutex<i64> = Mutex::new(0);
static WG: WaitGroup = WaitGroup::new();

#[gors::main]
fn main() {
    WG.add(2);
    go!(inc_counter());
    go!(inc_counter());
    WG.wait();
    println!("Final Counter: {}", COUNTER.lock());
}

fn inc_counter() {
    defer!(WG.done());
    for _ in 0..2 {
        let mut counter = COUNTER.lock();
        let value = *counter;
        gosched();
        *counter = value + 1;
    }
}
