//! Channels and select in the shapes of Go's `runtime/chan_test.go`. Where one
//! iteration there holds many channel operations the value is divided, so that
//! all rows are in nanoseconds for one operation.

use super::{Area, Row};

pub(super) fn rows() -> Vec<Row> {
    let row = |name: &str, program, op| Row::timed(Area::Channels, name, program, op);
    let mut rows: Vec<Row> = ["byte", "int", "ptr", "struct0", "struct32", "struct40"]
        .iter()
        .zip(0..)
        .map(|(kind, index)| {
            row(
                &format!("make-{kind}"),
                "make",
                "make and drop a channel of 8 (MakeChan)",
            )
            .args(index, 0)
        })
        .collect();
    rows.extend([
        row(
            "chan-nonblocking",
            "chan-nonblocking",
            "failed receive from a shared channel (ChanNonblocking)",
        ),
        row(
            "chan-uncontended",
            "chan-uncontended",
            "send or receive, private buffer of 100 (ChanUncontended)",
        )
        .per(200),
        row(
            "chan-contended",
            "chan-contended",
            "send or receive, shared buffer (ChanContended)",
        )
        .per(200),
        row(
            "chan-sync",
            "chan-sync",
            "one value, unbuffered, taking turns (ChanSync)",
        ),
        row(
            "chan-sync-work",
            "chan-sync",
            "the same with 1,000 steps of work (ChanSyncWork)",
        )
        .args(1_000, 0),
    ]);
    for work in [0, 100] {
        for capacity in [0, 10, 100] {
            let infix = if work == 0 { "" } else { "work-" };
            rows.push(
                row(
                    &format!("prodcons-{infix}{capacity}"),
                    "prodcons",
                    "one value, GOMAXPROCS producers and consumers (ChanProdCons)",
                )
                .args(capacity, work),
            );
        }
    }
    rows.extend([
        row(
            "chan-drain-closed",
            "chan-drain-closed",
            "receive from a full closed channel (ReceiveDataFromClosedChan)",
        ),
        row(
            "chan-creation",
            "chan-creation",
            "make, send, receive, drop (ChanCreation)",
        ),
        row(
            "chan-sem",
            "chan-sem",
            "acquire and release a channel used as semaphore (ChanSem)",
        ),
        row(
            "chan-popular",
            "chan-popular",
            "one of 1,000 select wake-ups on a shared channel (ChanPopular)",
        )
        .per(1_000),
        row(
            "chan-closed",
            "chan-closed",
            "receive from a closed channel (ChanClosed)",
        ),
        row(
            "select-uncontended",
            "select-uncontended",
            "2-case select + send (SelectUncontended)",
        ),
        row(
            "select-sync",
            "select-sync",
            "3-case select, unbuffered, contended (SelectSyncContended)",
        ),
        row(
            "select-async",
            "select-async",
            "2-case select, buffered, contended (SelectAsyncContended)",
        ),
        row(
            "select-nonblock",
            "select-nonblock",
            "one select with default (SelectNonblock)",
        )
        .per(4),
        row(
            "select-prodcons",
            "select-prodcons",
            "one value, 3-case selects with a timer (SelectProdCons)",
        ),
    ]);
    rows
}
