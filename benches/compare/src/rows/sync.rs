//! Locks, condition variables, wait groups and contexts in the shapes of Go's
//! benchmarks.

use super::{Area, Row};

pub(super) fn rows() -> Vec<Row> {
    let row = |name: &str, program, op| Row::timed(Area::Sync, name, program, op);
    let mut rows = vec![
        row(
            "mutex-uncontended",
            "mutex-uncontended",
            "lock + unlock, a mutex each (MutexUncontended)",
        ),
        row(
            "mutex",
            "mutex",
            "lock + unlock, shared by GOMAXPROCS (Mutex)",
        )
        .args(1, 0),
        row(
            "mutex-slack",
            "mutex",
            "the same, shared by 10 × GOMAXPROCS (MutexSlack)",
        )
        .args(10, 0),
        row(
            "mutex-work",
            "mutex",
            "the same with 100 steps of work (MutexWork)",
        )
        .args(1, 100),
        row(
            "mutex-work-slack",
            "mutex",
            "the same, 10 × GOMAXPROCS with work (MutexWorkSlack)",
        )
        .args(10, 100),
        row(
            "mutex-1000",
            "mutex-goroutines",
            "lock + unlock, 1,000 goroutines on one mutex",
        )
        .args(1_000, 0),
        row(
            "mutex-nospin",
            "mutex-nospin",
            "lock in 1 of 4, else touch 32 KiB and yield (MutexNoSpin)",
        ),
        row(
            "mutex-spin",
            "mutex-spin",
            "lock, then touch 128 KiB (MutexSpin)",
        ),
        row(
            "rw-uncontended",
            "rw-uncontended",
            "2 read locks and 1 write lock (RWMutexUncontended)",
        ),
        row(
            "rw-write100",
            "rw",
            "read lock, 1 in 100 writes (RWMutexWrite100)",
        )
        .args(100, 0),
        row(
            "rw-write10",
            "rw",
            "read lock, 1 in 10 writes (RWMutexWrite10)",
        )
        .args(10, 0),
        row(
            "rw-work-write100",
            "rw",
            "1 in 100 writes, work inside (RWMutexWorkWrite100)",
        )
        .args(100, 100),
        row(
            "rw-work-write10",
            "rw",
            "1 in 10 writes, work inside (RWMutexWorkWrite10)",
        )
        .args(10, 100),
        row("once", "once", "a Once that is done (Once)"),
    ];
    for waiters in [1, 2, 4, 8, 16, 32] {
        let name = format!("cond-{waiters}");
        rows.push(
            row(
                &name,
                "cond",
                "one round of waiters and broadcast (Cond1…32)",
            )
            .args(waiters, 0),
        );
    }
    rows.extend([
        row(
            "wg-uncontended",
            "wg-uncontended",
            "add, done, wait, one each (WaitGroupUncontended)",
        ),
        row(
            "wg-adddone",
            "wg-adddone",
            "add + done, shared (WaitGroupAddDone)",
        ),
        row(
            "wg-adddone-work",
            "wg-adddone",
            "the same with work (WaitGroupAddDoneWork)",
        )
        .args(100, 0),
        row("wg-wait", "wg-wait", "wait for nothing (WaitGroupWait)"),
        row(
            "wg-wait-work",
            "wg-wait",
            "the same with work (WaitGroupWaitWork)",
        )
        .args(100, 0),
        row(
            "wg-actually-wait",
            "wg-actually-wait",
            "spawn, done, wait (WaitGroupActuallyWait)",
        ),
        row(
            "context-tree-10",
            "context-tree",
            "make 10 contexts, each below the one before, and cancel all (CancelTree)",
        )
        .args(10, 0),
        row(
            "context-tree-1000",
            "context-tree",
            "one of 1,000 contexts, each below the one before, and cancel all (CancelTree)",
        )
        .args(1_000, 0)
        .per(1_000),
    ]);
    rows
}
