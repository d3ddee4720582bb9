//! Bytes: resident memory plus page tables, for each goroutine.

use super::{Area, Need, Row, Unit};

pub(super) fn rows() -> Vec<Row> {
    let row =
        |name: &str, program, op| Row::timed(Area::Memory, name, program, op).need(Need::Parked);
    let bytes = |row: Row| row.measures(Unit::Bytes, &["bytes"]);
    let parked = "one goroutine parked in a channel receive";
    vec![
        bytes(row("parked-10k", "parked", parked).fixed(10_000, 10_000)),
        bytes(row("parked-100k", "parked", parked).fixed(100_000, 0)),
        bytes(row("parked-1m", "parked", parked).fixed(1_000_000, 0)),
        bytes(
            row(
                "unstarted-1m",
                "unstarted",
                "one goroutine spawned, none of them started yet",
            )
            .fixed(1_000_000, 100_000),
        ),
        row(
            "burst-rest",
            "burst-rest",
            "one of 1 M that were parked at once and ended; 5 s later, and asked for",
        )
        .args(5, 0)
        .fixed(1_000_000, 10_000)
        .measures(Unit::Bytes, &["rest", "freed"]),
    ]
}
