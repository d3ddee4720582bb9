//! tokio: the multi-threaded runtime with a worker for each permit, and tokio's
//! own channels and locks. It has no unbuffered channel and no channel with
//! many receivers.

mod locks;
mod memory;
mod sched;
mod sleeping;

use ::tokio::sync::mpsc::{Receiver, Sender, channel, error::TryRecvError};

use super::{Contender, Programs};
use crate::shapes::Polled;
use crate::tasks::{AsyncChannels, channels, enter};

const ONE_RECEIVER: &str = "its mpsc has one receiver";
const CAPACITY_ONE: &str = "capacity 1: no unbuffered channel";

/// The column.
pub(super) const CONTENDER: Contender = Contender {
    name: "tokio",
    about: "tokio's multi-threaded runtime and its sync primitives",
    spawned_bytes: 600,
    parked_bytes: 700,
    programs: &[PROGRAMS],
    refusals: &[
        (
            "context-tree",
            "no contexts; tokio-util has cancellation tokens",
        ),
        (
            "pingpong-hog",
            "no preemption: a task that does not await holds its worker for ever",
        ),
        ("mpmc", ONE_RECEIVER),
        ("prodcons", ONE_RECEIVER),
        ("chan-", ONE_RECEIVER),
        ("select-", ONE_RECEIVER),
        ("once", "one would use std's Once"),
        ("cond", "no condition variable"),
        ("wg-", "no wait group"),
        ("ticker-reset", "an Interval is reset when polled"),
        ("timer-stop-chan", "its timers have no channel"),
        ("timer-reset-chan", "its timers have no channel"),
    ],
    notes: &[
        ("pingpong", CAPACITY_ONE),
        ("select-3", CAPACITY_ONE),
        ("ring", CAPACITY_ONE),
        ("sieve", CAPACITY_ONE),
        ("wakeup", CAPACITY_ONE),
        ("create-", "joined by a countdown"),
        ("timer-afterfunc", "a spawned task that sleeps"),
        ("timer-simultaneous", "a spawned task that sleeps"),
    ],
};

const PROGRAMS: Programs = &[
    ("pingpong", |task| {
        enter(task.procs, channels::ping_pong::<Mpsc>(*task))
    }),
    ("stream", |task| {
        enter(task.procs, channels::stream::<Mpsc>(*task))
    }),
    ("gosched", |task| enter(task.procs, sched::gosched(*task))),
    ("spawn-burst", |task| {
        enter(task.procs, sched::spawn_burst(*task))
    }),
    ("spawn-join", |task| {
        enter(task.procs, sched::spawn_join(*task))
    }),
    ("skynet", |task| enter(task.procs, sched::skynet(*task))),
    ("select-3", |task| enter(task.procs, sched::select_3(*task))),
    ("select-uncontended", |task| {
        enter(task.procs, sched::select_uncontended(*task))
    }),
    ("mutex-goroutines", |task| {
        enter(task.procs, locks::mutex_tasks(*task))
    }),
    ("sleeps", |task| enter(task.procs, sleeping::sleeps(*task))),
    ("create-chain", |task| {
        enter(task.procs, sched::create_chains(*task, 1))
    }),
    ("create-parallel", |task| {
        enter(task.procs, sched::create_chains(*task, task.procs as u64))
    }),
    ("create-capture", |task| {
        enter(task.procs, sched::create_capture(*task))
    }),
    ("create-single", |task| {
        enter(task.procs, sched::create_single(*task))
    }),
    ("ring", |task| {
        enter(task.procs, channels::ring::<Mpsc>(*task))
    }),
    ("sieve", |task| {
        enter(task.procs, channels::sieve::<Mpsc>(*task))
    }),
    ("matmult", |task| enter(task.procs, sched::matmult(*task))),
    ("wakeup", |task| enter(task.procs, sched::wakeup(*task))),
    ("make", |task| {
        enter(task.procs, channels::make::<Mpsc>(*task))
    }),
    ("chan-uncontended", |task| {
        enter(task.procs, channels::uncontended::<Mpsc>(*task))
    }),
    ("chan-drain-closed", |task| {
        enter(task.procs, channels::drain_closed::<Mpsc>(*task))
    }),
    ("chan-creation", |task| {
        enter(task.procs, channels::creation::<Mpsc>(*task))
    }),
    ("mutex-uncontended", |task| {
        enter(task.procs, locks::mutex_uncontended(*task))
    }),
    ("mutex", |task| enter(task.procs, locks::mutex(*task))),
    ("mutex-nospin", |task| {
        enter(task.procs, locks::mutex_nospin(*task))
    }),
    ("mutex-spin", |task| {
        enter(task.procs, locks::mutex_spin(*task))
    }),
    ("rw-uncontended", |task| {
        enter(task.procs, locks::rw_uncontended(*task))
    }),
    ("rw", |task| enter(task.procs, locks::rw(*task))),
    ("timer-afterfunc", |task| {
        enter(task.procs, sleeping::after_func_chain(*task))
    }),
    ("timer-after", |task| {
        enter(task.procs, sleeping::after(*task))
    }),
    ("timer-stop-func", |task| {
        enter(task.procs, sleeping::stop(*task))
    }),
    ("timer-reset-func", |task| {
        enter(task.procs, sleeping::reset(*task))
    }),
    ("timer-simultaneous", |task| {
        enter(task.procs, sleeping::simultaneous(*task))
    }),
    ("timer-startstop", |task| {
        enter(task.procs, sleeping::start_stop(*task))
    }),
    ("timer-sleep", |task| {
        enter(task.procs, sleeping::sleep_1000(*task))
    }),
    ("ticker", |task| enter(task.procs, sleeping::ticker(*task))),
    ("sleep-accuracy", |task| {
        enter(task.procs, sleeping::accuracy(*task))
    }),
    ("ticker-hogs", |task| {
        enter(task.procs, sleeping::ticker_hogs(*task))
    }),
    ("timer-latency", |task| {
        enter(task.procs, sleeping::timer_latency(*task))
    }),
    ("ticker-staggered", |task| {
        enter(task.procs, sleeping::ticker_staggered(*task))
    }),
    ("parked", |task| enter(task.procs, memory::parked(*task))),
    ("unstarted", |task| {
        enter(task.procs, memory::unstarted(*task))
    }),
    ("burst-rest", |task| {
        enter(task.procs, memory::burst_rest(*task))
    }),
    ("growth-spawn", |task| {
        enter(task.procs, sched::spawn_burst(*task))
    }),
    ("growth-park", |task| {
        enter(task.procs, memory::growth_park(*task))
    }),
    ("park-restart", |task| {
        enter(task.procs, memory::park_restart(*task))
    }),
    ("growth-timers", |task| {
        enter(task.procs, memory::growth_timers(*task))
    }),
    ("growth-chans", |task| {
        enter(task.procs, channels::growth_chans::<Mpsc>(*task))
    }),
];

/// tokio's bounded channel; a capacity of 0 becomes 1.
struct Mpsc;

impl AsyncChannels for Mpsc {
    type Tx<T: Send + 'static> = Sender<T>;
    type Rx<T: Send + 'static> = Receiver<T>;

    fn chan<T: Send + 'static>(capacity: usize) -> (Sender<T>, Receiver<T>) {
        channel(capacity.max(1))
    }

    async fn send<T: Send + 'static>(tx: &Sender<T>, value: T) {
        assert!(tx.send(value).await.is_ok(), "the receiver is gone");
    }

    async fn recv<T: Send + 'static>(rx: &mut Receiver<T>) -> Option<T> {
        rx.recv().await
    }

    fn try_recv<T: Send + 'static>(rx: &mut Receiver<T>) -> Polled<T> {
        match rx.try_recv() {
            Ok(value) => Polled::Value(value),
            Err(TryRecvError::Empty) => Polled::Empty,
            Err(TryRecvError::Disconnected) => Polled::Closed,
        }
    }
}
