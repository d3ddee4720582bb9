//! A great many messages through mixed topologies of channels: nothing is lost, doubled or out of
//! order.
//!
//! ```text
//! cargo run --release --example traffic -- --messages 1G
//! cargo run --release --example traffic -- --messages 20M --permits 2
//! ```
//!
//! A message holds its sender and its number. Every receiver checks that what it gets of each sender
//! comes in order; at the end of each round of a million messages the receivers together must have got
//! as many as were sent, with the same sum and the same sum of hashes.

#[path = "../support/count.rs"]
mod count;
#[path = "../support/format.rs"]
mod format;
mod options;
#[path = "../support/request.rs"]
mod request;
mod tally;
mod topologies;

use std::process::ExitCode;
use std::time::Instant;

use gors::prelude::*;

use crate::format::{grouped, print_table};
use crate::options::Options;
use crate::topologies::TOPOLOGIES;

/// Messages of one round: few enough that an unbounded channel holds them all.
const ROUND: u64 = 1_000_000;

#[gors::main]
fn main() -> ExitCode {
    let options = match request::options("traffic", options::HELP, options::read) {
        Ok(options) => options,
        Err(code) => return code,
    };
    for &permits in &options.permits {
        gomaxprocs(permits);
        if let Err(error) = run_all(&options, permits) {
            eprintln!("traffic: FAILED: permits {permits}: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// Runs every topology with its share of the messages.
fn run_all(options: &Options, permits: usize) -> Result<(), String> {
    let share = options.messages.div_ceil(TOPOLOGIES.len() as u64);
    let (mut rows, mut all) = (Vec::new(), 0);
    let begin = Instant::now();
    for topology in TOPOLOGIES {
        let began = Instant::now();
        let mut sent = 0;
        while sent < share {
            sent += topology
                .run(ROUND.min(share - sent))
                .map_err(|error| format!("{}, message {sent} on: {error}", topology.name))?;
        }
        all += sent;
        let nanos = began.elapsed().as_secs_f64() * 1e9;
        #[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
        let each = format!("{:.1} ns each", nanos / sent as f64);
        eprintln!(
            "permits {permits}: {}: {}, {each}",
            topology.name,
            grouped(sent)
        );
        rows.push((topology.name, grouped(sent), each));
    }
    rows.push((
        "all",
        grouped(all),
        format!("{:.1} s", begin.elapsed().as_secs_f64()),
    ));
    print_table(
        &format!("traffic, {permits} permits: nothing lost, doubled or out of order"),
        &rows,
    );
    Ok(())
}
