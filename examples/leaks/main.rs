//! Goroutines that wait for each other while the program goes on, and some that only seem to:
//! `gors::runtime::leaks` tells them apart. Prints the names of those that it finds.
//!
//! ```text
//! cargo run --example leaks -- circle | own | select | nil-arms | group | chain | join | park
//! cargo run --example leaks -- live | timer | timeout | buffer | caller | thread | waiting-thread | lock | live-group | borrowed | live-join | live-park
//! ```
//!
//! The cases of the second line end only when those that wait have been woken.

mod lost;
mod waiting;

use std::collections::BTreeSet;
use std::process::ExitCode;

use gors::prelude::*;

/// A case in which goroutines are lost: its name, what loses them, and how many.
type Lost = (&'static str, fn(), usize);

const LOST: &[Lost] = &[
    ("circle", lost::circle, 2),
    ("own", lost::own, 1),
    ("select", lost::select, 1),
    ("nil-arms", lost::nil_arms, 2),
    ("group", lost::group, 1),
    ("chain", lost::chain, 2),
    ("join", lost::join, 3),
    ("park", lost::park, 3),
];

const WAITING: &[(&str, fn())] = &[
    ("live", waiting::live),
    ("timer", waiting::timer),
    ("timeout", waiting::timeout),
    ("buffer", waiting::buffer),
    ("caller", waiting::caller),
    ("thread", waiting::thread),
    ("waiting-thread", waiting::waiting_thread),
    ("lock", waiting::lock),
    ("live-group", waiting::live_group),
    ("borrowed", waiting::borrowed),
    ("live-join", waiting::live_join),
    ("live-park", waiting::live_park),
];

fn main() -> ExitCode {
    let case = std::env::args().nth(1).unwrap_or_default();
    if let Some(&(_, lose, goroutines)) = LOST.iter().find(|(name, ..)| *name == case) {
        gors::run(move || until_found(lose, goroutines));
    } else if let Some((_, waiting)) = WAITING.iter().find(|(name, _)| *name == case) {
        gors::run(*waiting);
    } else {
        eprintln!("Usage: see the first lines of this example");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Starts a goroutine with a name.
fn named<T: Send + 'static>(name: &str, f: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    let builder = gors::Builder::new().name(name);
    builder.spawn(f).expect("a stack")
}

/// As [`named`], and drops what it has returned.
fn lose(name: &str, f: impl FnOnce() + Send + 'static) {
    let builder = gors::Builder::new().name(name);
    builder.go(f).expect("a stack");
}

/// The names of what is found, when everybody has had the time to wait.
fn found() -> BTreeSet<String> {
    gors::time::sleep(Duration::from_millis(20));
    let leaks = gors::runtime::leaks();
    let names = leaks.into_iter().filter_map(|leak| leak.name);
    names.map(|name| name.to_string()).collect()
}

fn print(found: &BTreeSet<String>) {
    let names: Vec<&str> = found.iter().map(|name| &**name).collect();
    println!("found: {}", names.join(" "));
}

/// What `lost` leaves somewhere in memory may look like a handle, so there are a few attempts.
fn until_found(lost: fn(), goroutines: usize) {
    for attempt in 1..=20 {
        // What it leaves on its stack is nobody's when it has ended.
        named("starter", lost).join().expect("it returns");
        let found = found();
        if found.len() >= goroutines || attempt == 20 {
            print(&found);
            return;
        }
    }
}

/// Looks a few times, and nobody must be found. Then `wake` wakes them.
fn none(wake: impl FnOnce(), waiting: Vec<JoinHandle<()>>) {
    for _ in 0..5 {
        print(&found());
    }
    wake();
    for goroutine in waiting {
        goroutine.join().expect("it has been woken");
    }
}
