//! flume's async side, on tokio's multi-threaded runtime.

use ::flume::{Receiver, Sender, TryRecvError};

use super::{Contender, Programs};
use crate::shapes::Polled;
use crate::tasks::{AsyncChannels, AsyncMpmc, channels, enter};

/// The column.
pub(super) const CONTENDER: Contender = Contender {
    name: "flume",
    about: "flume's async channels on tokio's runtime",
    spawned_bytes: 600,
    parked_bytes: 700,
    programs: &[PROGRAMS],
    refusals: &[
        (
            "select",
            "no select macro; a cancelled receive may lose a wake-up (its #104, #124)",
        ),
        (
            "chan-popular",
            "no select macro; a cancelled receive may lose a wake-up (its #104, #124)",
        ),
        ("", "channel rows only"),
    ],
    notes: &[],
};

const PROGRAMS: Programs = &[
    ("pingpong", |task| {
        enter(task.procs, channels::ping_pong::<Flume>(*task))
    }),
    ("stream", |task| {
        enter(task.procs, channels::stream::<Flume>(*task))
    }),
    ("mpmc", |task| {
        enter(task.procs, channels::mpmc::<Flume>(*task))
    }),
    ("ring", |task| {
        enter(task.procs, channels::ring::<Flume>(*task))
    }),
    ("sieve", |task| {
        enter(task.procs, channels::sieve::<Flume>(*task))
    }),
    ("make", |task| {
        enter(task.procs, channels::make::<Flume>(*task))
    }),
    ("chan-nonblocking", |task| {
        enter(task.procs, channels::nonblocking::<Flume>(*task))
    }),
    ("chan-uncontended", |task| {
        enter(task.procs, channels::uncontended::<Flume>(*task))
    }),
    ("chan-contended", |task| {
        enter(task.procs, channels::contended::<Flume>(*task))
    }),
    ("chan-sync", |task| {
        enter(task.procs, channels::sync::<Flume>(*task))
    }),
    ("prodcons", |task| {
        enter(task.procs, channels::prod_cons::<Flume>(*task))
    }),
    ("chan-drain-closed", |task| {
        enter(task.procs, channels::drain_closed::<Flume>(*task))
    }),
    ("chan-creation", |task| {
        enter(task.procs, channels::creation::<Flume>(*task))
    }),
    ("chan-sem", |task| {
        enter(task.procs, channels::sem::<Flume>(*task))
    }),
    ("chan-closed", |task| {
        enter(task.procs, channels::closed::<Flume>(*task))
    }),
    ("growth-chans", |task| {
        enter(task.procs, channels::growth_chans::<Flume>(*task))
    }),
];

/// flume as a contender.
struct Flume;

impl AsyncChannels for Flume {
    type Tx<T: Send + 'static> = Sender<T>;
    type Rx<T: Send + 'static> = Receiver<T>;

    fn chan<T: Send + 'static>(capacity: usize) -> (Sender<T>, Receiver<T>) {
        ::flume::bounded(capacity)
    }

    async fn send<T: Send + 'static>(tx: &Sender<T>, value: T) {
        assert!(tx.send_async(value).await.is_ok(), "the receiver is gone");
    }

    async fn recv<T: Send + 'static>(rx: &mut Receiver<T>) -> Option<T> {
        rx.recv_async().await.ok()
    }

    fn try_recv<T: Send + 'static>(rx: &mut Receiver<T>) -> Polled<T> {
        match rx.try_recv() {
            Ok(value) => Polled::Value(value),
            Err(TryRecvError::Empty) => Polled::Empty,
            Err(TryRecvError::Disconnected) => Polled::Closed,
        }
    }
}

impl AsyncMpmc for Flume {
    fn share<T: Send + 'static>(rx: &Receiver<T>) -> Receiver<T> {
        rx.clone()
    }
}
