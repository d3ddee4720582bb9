//! kanal's async side, on tokio's multi-threaded runtime.

use ::kanal::{AsyncReceiver, AsyncSender};

use super::{Contender, Programs};
use crate::shapes::Polled;
use crate::tasks::{AsyncChannels, AsyncMpmc, channels, enter};

/// The column.
pub(super) const CONTENDER: Contender = Contender {
    name: "kanal",
    about: "kanal's async channels on tokio's runtime",
    spawned_bytes: 600,
    parked_bytes: 700,
    programs: &[PROGRAMS],
    refusals: &[
        (
            "select",
            "no select; a cancelled receive may lose the value (its #24, #50)",
        ),
        (
            "chan-popular",
            "no select; a cancelled receive may lose the value (its #24, #50)",
        ),
        ("", "channel rows only"),
    ],
    notes: &[],
};

const PROGRAMS: Programs = &[
    ("pingpong", |task| {
        enter(task.procs, channels::ping_pong::<Kanal>(*task))
    }),
    ("stream", |task| {
        enter(task.procs, channels::stream::<Kanal>(*task))
    }),
    ("mpmc", |task| {
        enter(task.procs, channels::mpmc::<Kanal>(*task))
    }),
    ("ring", |task| {
        enter(task.procs, channels::ring::<Kanal>(*task))
    }),
    ("sieve", |task| {
        enter(task.procs, channels::sieve::<Kanal>(*task))
    }),
    ("make", |task| {
        enter(task.procs, channels::make::<Kanal>(*task))
    }),
    ("chan-nonblocking", |task| {
        enter(task.procs, channels::nonblocking::<Kanal>(*task))
    }),
    ("chan-uncontended", |task| {
        enter(task.procs, channels::uncontended::<Kanal>(*task))
    }),
    ("chan-contended", |task| {
        enter(task.procs, channels::contended::<Kanal>(*task))
    }),
    ("chan-sync", |task| {
        enter(task.procs, channels::sync::<Kanal>(*task))
    }),
    ("prodcons", |task| {
        enter(task.procs, channels::prod_cons::<Kanal>(*task))
    }),
    ("chan-drain-closed", |task| {
        enter(task.procs, channels::drain_closed::<Kanal>(*task))
    }),
    ("chan-creation", |task| {
        enter(task.procs, channels::creation::<Kanal>(*task))
    }),
    ("chan-sem", |task| {
        enter(task.procs, channels::sem::<Kanal>(*task))
    }),
    ("chan-closed", |task| {
        enter(task.procs, channels::closed::<Kanal>(*task))
    }),
    ("growth-chans", |task| {
        enter(task.procs, channels::growth_chans::<Kanal>(*task))
    }),
];

/// kanal as a contender.
struct Kanal;

impl AsyncChannels for Kanal {
    type Tx<T: Send + 'static> = AsyncSender<T>;
    type Rx<T: Send + 'static> = AsyncReceiver<T>;

    fn chan<T: Send + 'static>(capacity: usize) -> (AsyncSender<T>, AsyncReceiver<T>) {
        ::kanal::bounded_async(capacity)
    }

    async fn send<T: Send + 'static>(tx: &AsyncSender<T>, value: T) {
        assert!(tx.send(value).await.is_ok(), "the receiver is gone");
    }

    async fn recv<T: Send + 'static>(rx: &mut AsyncReceiver<T>) -> Option<T> {
        rx.recv().await.ok()
    }

    fn try_recv<T: Send + 'static>(rx: &mut AsyncReceiver<T>) -> Polled<T> {
        match rx.try_recv() {
            Ok(Some(value)) => Polled::Value(value),
            Ok(None) => Polled::Empty,
            Err(_) => Polled::Closed,
        }
    }
}

impl AsyncMpmc for Kanal {
    fn share<T: Send + 'static>(rx: &AsyncReceiver<T>) -> AsyncReceiver<T> {
        rx.clone()
    }
}
