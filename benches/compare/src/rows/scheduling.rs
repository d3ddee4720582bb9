//! Creation, wake-ups, fork and join.

use super::{Area, Need, Row, Unit};

pub(super) fn rows() -> Vec<Row> {
    let row = |name: &str, program, op| Row::timed(Area::Scheduling, name, program, op);
    let mut rows = vec![
        row(
            "create-chain",
            "create-chain",
            "one goroutine that spawns the next (CreateGoroutines)",
        ),
        row(
            "create-parallel",
            "create-parallel",
            "the same, GOMAXPROCS chains (…Parallel)",
        ),
        row(
            "create-capture",
            "create-capture",
            "one of 4 spawned, with captures, then awaited (…Capture)",
        )
        .per(4),
        row(
            "create-single",
            "create-single",
            "one goroutine of a single producer (…Single)",
        ),
        row(
            "pingpong-hog",
            "pingpong-hog",
            "half a round trip beside a CPU hog, 1 permit (PingPongHog)",
        )
        .fixed(200_000, 20_000),
        row("ring-1000", "ring", "one hop of a token in a ring of 1,000").args(1_000, 0),
        row("sieve", "sieve", "one prime of the concurrent prime sieve").fixed(1_000, 200),
        row(
            "matmult",
            "matmult",
            "one multiply-add, fork/join to 8×8×8 (Matmult)",
        ),
        row(
            "park-restart-1m",
            "park-restart",
            "spawn until all of 1 M wait on a channel: in a new process, and again after all have ended",
        )
        .fixed(1_000_000, 10_000)
        .measures(Unit::Nanos, &["first", "restart"])
        .need(Need::Parked),
    ];
    for (kind, word) in [(0, "spin"), (1, "syscall")] {
        for delay in [0, 10, 100] {
            let name = format!("wakeup-{word}-{delay}us");
            let op = if kind == 0 {
                "two wake-ups across threads, spinning in between (WakeupParallelSpinning)"
            } else {
                "two wake-ups across threads, in the kernel in between (WakeupParallelSyscall)"
            };
            let parallel = Row::timed(Area::Scheduling, name, "wakeup", op);
            rows.push(parallel.args(delay, kind).min_procs(2));
        }
    }
    rows
}
