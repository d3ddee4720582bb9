//! The skynet benchmark: a goroutine starts ten, each of which starts ten, until there are a
//! million leaves. Every leaf sends its number up, every other goroutine the sum of its ten.
//!
//! ```text
//! cargo run --release --example skynet
//! ```
//!
//! The first round touches every page of every stack for the first time, the later ones do not.

#[path = "support/format.rs"]
mod format;

use std::process::ExitCode;
use std::time::Instant;

use gors::prelude::*;

use crate::format::{grouped, print_table};

const LEAVES: u64 = 1_000_000;
const CHILDREN: u64 = 10;
/// Leaves and all those above them.
const GOROUTINES: u64 = (LEAVES * CHILDREN - 1) / (CHILDREN - 1);
/// 0 + 1 + … + 999,999
const EXPECTED: u64 = LEAVES * (LEAVES - 1) / 2;
const ROUNDS: usize = 5;

fn skynet(result: Sender<u64>, first: u64, leaves: u64) {
    let sum = if leaves == 1 {
        first
    } else {
        let results = make(0);
        let share = leaves / CHILDREN;
        for child in 0..CHILDREN {
            go!(skynet(results.sender(), first + child * share, share));
        }
        results.iter().take(CHILDREN as usize).sum()
    };
    result.send(sum).expect("the parent waits for it");
}

#[gors::main]
fn main() -> ExitCode {
    let mut rows = Vec::new();
    let mut right = true;
    for round in 1..=ROUNDS {
        let result = make(0);
        let begin = Instant::now();
        go!(skynet(result.sender(), 0, LEAVES));
        let sum = result.recv().unwrap_or_default();
        let time = begin.elapsed();

        right &= sum == EXPECTED;
        let verdict = if sum == EXPECTED { "right" } else { "WRONG" };
        let each = time.as_nanos() / u128::from(GOROUTINES);
        rows.push((
            if round == 1 {
                "first round (cold)"
            } else {
                "again (warm)"
            },
            format!("{:.3} s", time.as_secs_f64()),
            format!("{each} ns per goroutine, sum {} is {verdict}", grouped(sum)),
        ));
    }
    let title = format!(
        "skynet: {} goroutines, {} permits",
        grouped(GOROUTINES),
        gomaxprocs(0)
    );
    print_table(&title, &rows);
    if right {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
