//! `--against`: does an earlier run agree?
//!
//! Two full runs should agree within 15 % on the median ratio of nine rows in
//! ten, and the others should be marked noisy.

use std::error::Error;
use std::path::Path;

use super::sheet::line_name;
use super::{format, json};
use crate::contenders::GORS;
use crate::results::Results;
use crate::stats::NOISY;

/// Prints how far the two runs agree.
pub(crate) fn print(results: &Results, earlier: &Path) -> Result<(), Box<dyn Error>> {
    let before = json::read(earlier)?;
    let (mut compared, mut agree) = (0, 0);
    for row in &results.rows {
        let Some(old) = before
            .rows
            .iter()
            .find(|old| old.name == row.name && old.procs == row.procs)
        else {
            continue;
        };
        for metric in &row.metrics {
            let (Some(now), Some(then)) =
                (row.against_go(GORS, metric), old.against_go(GORS, metric))
            else {
                continue;
            };
            compared += 1;
            if (now.times / then.times - 1.0).abs() <= NOISY {
                agree += 1;
                continue;
            }
            let marked = if now.noisy || then.noisy {
                "marked noisy"
            } else {
                "not marked"
            };
            println!(
                "{} at {}: {} then, {} now; {marked}",
                line_name(row, metric),
                row.procs,
                format::times(then.times, then.noisy),
                format::times(now.times, now.noisy)
            );
        }
    }
    println!(
        "{agree} of {compared} ratios to Go agree within 15 % with {}",
        earlier.display()
    );
    Ok(())
}
