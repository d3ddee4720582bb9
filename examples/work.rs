//! A fixed number of goroutines behind an unbuffered channel: when `run` returns, one of them has the work.
//!
//! Go: `examples/go/programs/work`, which has the pool itself, too.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use gors::patterns::work::{Pool, Worker};
use gors::prelude::*;
use gors::time::sleep;

struct Greeting(&'static str);

impl Worker for Greeting {
    fn task(&mut self) {
        println!("hello, {}", self.0);
    }
}

static RUNNING: AtomicU32 = AtomicU32::new(0);
static GREATEST: AtomicU32 = AtomicU32::new(0);
static DONE: AtomicU32 = AtomicU32::new(0);

/// Notes how many of its kind run at the same time.
struct Job;

impl Worker for Job {
    fn task(&mut self) {
        let now = RUNNING.fetch_add(1, SeqCst) + 1;
        GREATEST.fetch_max(now, SeqCst);
        sleep(Duration::from_millis(1));
        RUNNING.fetch_sub(1, SeqCst);
        DONE.fetch_add(1, SeqCst);
    }
}

#[gors::main]
fn main() {
    let p = Pool::new(1);
    for name in ["steve", "bob", "mary"] {
        p.run(Greeting(name));
    }
    p.shutdown();

    let p = Arc::new(Pool::new(4));
    let wg = WaitGroup::new();
    for _ in 0..10 {
        let p = p.clone();
        wg.go(move || {
            for _ in 0..10 {
                p.run(Job);
            }
        });
    }
    wg.wait();
    p.shutdown();
    let (done, few) = (DONE.load(SeqCst), GREATEST.load(SeqCst) <= 4);
    println!("{done} jobs, never more than four at a time: {few}");
}
