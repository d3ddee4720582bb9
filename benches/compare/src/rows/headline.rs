//! The rows in which the project states its goals.

use super::{Area, Need, Row, Unit};

pub(super) fn rows() -> Vec<Row> {
    let row = |name: &str, program, op| Row::timed(Area::Headline, name, program, op);
    vec![
        row(
            "pingpong",
            "pingpong",
            "round trip of a value over two unbuffered channels",
        ),
        row(
            "stream-128",
            "stream",
            "one value, 1 producer, 1 consumer, buffer 128",
        )
        .args(128, 0),
        row(
            "stream-0",
            "stream",
            "one value, 1 producer, 1 consumer, unbuffered",
        ),
        row(
            "mpmc-4x4-128",
            "mpmc",
            "one value, 4 producers, 4 consumers, buffer 128",
        )
        .args(4, 128),
        row(
            "mpmc-4x4-0",
            "mpmc",
            "one value, 4 producers, 4 consumers, unbuffered",
        )
        .args(4, 0),
        row(
            "gosched",
            "gosched",
            "one gosched among 10 goroutines that do nothing else",
        )
        .args(10, 0),
        row(
            "spawn-burst",
            "spawn-burst",
            "spawn + done, all spawned before the wait",
        )
        .fixed(2_000_000, 50_000)
        .need(Need::Spawned)
        .measures(Unit::Nanos, &["cold", "warm"]),
        row(
            "spawn-join",
            "spawn-join",
            "spawn, then join, one after the other",
        ),
        row(
            "skynet-1m",
            "skynet",
            "one of a million leaves and their parents, ten children each",
        )
        .fixed(1_000_000, 10_000)
        .measures(Unit::Nanos, &["cold", "warm"])
        .need(Need::Parked),
        row(
            "select-3",
            "select-3",
            "one value by a select of 3 unbuffered channels, 3 senders",
        ),
        row(
            "mutex-4",
            "mutex-goroutines",
            "lock + unlock, 4 goroutines on one mutex",
        )
        .args(4, 0),
        row(
            "sleeps-100k",
            "sleeps",
            "100,000 goroutines asleep for 1 to 100 ms, all of it",
        )
        .fixed(100_000, 5_000)
        .need(Need::Parked)
        .measures(Unit::Millis, &["cold", "warm"]),
    ]
}
