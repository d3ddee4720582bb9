//! Programs with the usual mistakes, for `docs/debugging.md`, which shows how each is found.
//!
//! ```text
//! cargo run --example broken -- leak | stuck | convoy
//! ```

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use gors::prelude::*;
use gors::sync::Mutex;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("leak") => gors::run(leak),
        Some("stuck") => gors::run(stuck),
        Some("convoy") => gors::run(convoy),
        _ => {
            eprintln!("Usage: broken leak | stuck | convoy");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// Asks replicas and takes the first answer. The others send into a channel that nobody receives from
/// any more.
fn first_answer() -> u32 {
    let answers = make(0);
    for replica in 1..=3 {
        let answers = answers.clone();
        go!(move || {
            gors::time::sleep(Duration::from_millis(10 * u64::from(replica)));
            answers.send(replica);
        });
    }
    answers.recv().expect("replicas answer")
}

fn leak() {
    let query = spawn(first_answer);
    println!("replica {} was first", query.join().expect("an answer"));
    gors::time::sleep(Duration::from_millis(100));
    print!("{}", gors::runtime::stack_dump());
}

/// Workers pass their results on under a lock that the receiver of the results holds. A heartbeat keeps
/// the program alive, so nobody calls it a deadlock.
fn stuck() {
    go!(|| {
        loop {
            gors::time::sleep(Duration::from_millis(50));
        }
    });
    let results = Arc::new(Mutex::new(Vec::new()));
    let done = make(0);
    for id in 1..=20 {
        let (results, done) = (Arc::clone(&results), done.clone());
        gors::Builder::new()
            .name("worker")
            .go(move || {
                results.lock().push(id);
                done.send(id);
            })
            .expect("a stack");
    }
    let all = results.lock();
    println!("{} results so far", all.len());
    for _ in 1..=20 {
        done.recv();
    }
}

/// Six goroutines on two permits that do their work under one lock, so that one permit idles.
fn convoy() {
    let total = Arc::new(Mutex::new(0_u64));
    let begun = Instant::now();
    let workers: Vec<_> = (1..=6)
        .map(|id| {
            let total = Arc::clone(&total);
            gors::Builder::new()
                .name(format!("job {id}"))
                .spawn(move || {
                    for _ in 0..3 {
                        let mut total = total.lock();
                        *total += work();
                        drop(total);
                        gosched();
                    }
                })
                .expect("a stack")
        })
        .collect();
    for worker in workers {
        worker.join().expect("it returns");
    }
    println!("{:?}", begun.elapsed());
}

/// About a millisecond.
fn work() -> u64 {
    let mut sum = 0_u64;
    let end = Instant::now() + Duration::from_millis(1);
    while Instant::now() < end {
        sum = sum.wrapping_mul(31).wrapping_add(1);
    }
    sum % 10
}
