//! Cost against size: does the millionth cost what the thousandth did?

use super::{Area, Need, Row, Unit};

/// Name in the row, size, size with `--quick` (0: left out).
const SIZES: [(&str, u64, u64); 6] = [
    ("1k", 1_000, 1_000),
    ("10k", 10_000, 10_000),
    ("100k", 100_000, 0),
    ("1m", 1_000_000, 0),
    ("4m", 4_000_000, 0),
    ("10m", 10_000_000, 0),
];

/// From this size on a row runs once, at the end.
const ONCE: u64 = 4_000_000;

/// The families in the order of the charts: program, what one operation is,
/// metrics, memory for each.
pub(super) const FAMILIES: [(&str, &str, &[&str], Need); 4] = [
    (
        "growth-spawn",
        "spawn + done",
        &["cold", "warm"],
        Need::Spawned,
    ),
    (
        "growth-park",
        "spawn and park; wake and end",
        &["park", "wake"],
        Need::Parked,
    ),
    (
        "growth-timers",
        "start and stop a timer",
        &["start", "stop"],
        Need::Bytes(400),
    ),
    (
        "growth-chans",
        "make a channel; send and receive through it",
        &["make", "use"],
        Need::Bytes(700),
    ),
];

pub(super) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for (program, op, metrics, need) in FAMILIES {
        for (label, full, quick) in SIZES {
            rows.push(
                Row::timed(Area::Growth, format!("{program}-{label}"), program, op)
                    .fixed(full, quick)
                    .measures(Unit::Nanos, metrics)
                    .need(need)
                    .once(full >= ONCE),
            );
        }
    }
    rows
}
