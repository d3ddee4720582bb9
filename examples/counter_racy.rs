//! Two goroutines count in the same variable, and nothing orders them. The race detector names both:
//!
//! ```text
//! cargo gors-race run --example counter_racy
//! ```
//!
//! `counter_mutex` and `counter_atomic` are the same program without the mistake.

use std::cell::UnsafeCell;
use std::sync::Arc;

use gors::prelude::*;

/// A number that claims to be shareable, and is not.
struct Counter(UnsafeCell<u64>);

// SAFETY: none, and that is the point: nobody keeps two goroutines from the number.
unsafe impl Sync for Counter {}

impl Counter {
    fn add(&self) {
        // SAFETY: as above.
        unsafe { *self.0.get() += 1 };
    }
}

#[gors::main]
fn main() {
    let counter = Arc::new(Counter(UnsafeCell::new(0)));
    let both = WaitGroup::new();
    for _ in 0..2 {
        let counter = Arc::clone(&counter);
        both.go(move || counter.add());
    }
    both.wait();
    // SAFETY: both have ended.
    println!("{}", unsafe { *counter.0.get() });
}
