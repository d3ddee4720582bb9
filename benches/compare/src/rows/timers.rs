//! Timers, sleeping and tickers: what they cost, and how late they are.

use super::{Area, Row, Unit};

pub(super) fn rows() -> Vec<Row> {
    let row = |name: &str, program, op| Row::timed(Area::Timers, name, program, op);
    let late = |row: Row| row.measures(Unit::Micros, &["p50", "p99"]);
    let mut rows = vec![
        row(
            "timer-afterfunc",
            "timer-afterfunc",
            "one of a chain of 1,000 due functions (AfterFunc1000)",
        )
        .per(1_000),
        row(
            "timer-after",
            "timer-after",
            "receive from after(1 ns) (After)",
        ),
        row(
            "timer-stop-chan",
            "timer-stop-chan",
            "start and stop a timer with a channel (Stop/chan)",
        ),
        row(
            "timer-stop-func",
            "timer-stop-func",
            "start and stop a timer with a function (Stop/func)",
        ),
        row(
            "timer-reset-chan",
            "timer-reset-chan",
            "reset a timer with a channel (Reset/chan)",
        ),
        row(
            "timer-reset-func",
            "timer-reset-func",
            "reset a timer with a function (Reset/func)",
        ),
        row(
            "timer-simultaneous",
            "timer-simultaneous",
            "one of 1,000 due at once (SimultaneousAfterFunc1000)",
        )
        .per(1_000),
        row(
            "timer-startstop",
            "timer-startstop",
            "start, later stop, 1 of 1,000 (StartStop1000)",
        )
        .per(1_000),
        row(
            "timer-sleep",
            "timer-sleep",
            "spawn and sleep 1 ns, 1 of 1,000 (Sleep1000)",
        )
        .per(1_000),
        row("ticker", "ticker", "one tick of a 1 ns ticker (Ticker)"),
        row(
            "ticker-reset",
            "ticker-reset",
            "reset a ticker (TickerReset)",
        ),
    ];
    for (load, word) in [(0, "idle"), (1, "load")] {
        for (micros, name, full, quick) in [
            (50, "50us", 2_000, 300),
            (1_000, "1ms", 800, 40),
            (10_000, "10ms", 100, 10),
        ] {
            let op = if load == 0 {
                "how late a sleep ends, nothing else running"
            } else {
                "how late a sleep ends beside 4 × GOMAXPROCS goroutines that yield every 20 µs"
            };
            let sleep = row(&format!("sleep-{name}-{word}"), "sleep-accuracy", op);
            rows.push(late(sleep.args(micros, load).fixed(full, quick)));
        }
    }
    rows.extend([
        // Half of a punctual ticker's gaps are no longer than its period: their
        // median beyond it is nothing, and a ratio to nothing says nothing.
        row(
            "ticker-hogs",
            "ticker-hogs",
            "gap beyond 1 ms between ticks at the 99th percentile, 2 × GOMAXPROCS CPU hogs",
        )
        .measures(Unit::Micros, &["p99"])
        .args(2, 0)
        .fixed(2_000, 300),
        late(row(
            "timer-latency",
            "timer-latency",
            "lateness of 1 ms timers (ParallelTimerLatency)",
        ))
        .fixed(300, 30)
        .min_procs(2),
        late(row(
            "ticker-staggered-300us",
            "ticker-staggered",
            "lateness of 5 × GOMAXPROCS 3 ms tickers that work 300 µs (StaggeredTickerLatency)",
        ))
        .args(300, 5)
        .fixed(200, 20)
        .min_procs(2),
        late(row(
            "ticker-staggered-2ms",
            "ticker-staggered",
            "lateness of GOMAXPROCS 3 ms tickers that work 2 ms (StaggeredTickerLatency)",
        ))
        .args(2_000, 1)
        .fixed(200, 20)
        .min_procs(2),
    ]);
    rows
}
