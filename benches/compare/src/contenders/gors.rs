//! gors: goroutines, Go's face of its channels, its own locks and timers.
//!
//! The programs are grouped by the part of gors they need, a file for each
//! group. A group whose part is not there yet is taken out by its two lines, the
//! `mod` and the one in [`CONTENDER`]; the refusals then say so.

mod burst;
mod contexts;
mod groups;
mod locks;
mod once;
mod select;
mod tickers;
mod timers;

use std::time::Duration;

use ::gors::chan::{Chan, TryRecvError, make};
use ::gors::sync::WaitGroup;
use ::gors::{JoinHandle, go};

use super::{Contender, Program, Programs};
use crate::measure::{Report, Task};
use crate::shapes::{Channels, Fibers, Polled, channels, classic, memory, sched, sleeping};

/// The column.
pub(super) const CONTENDER: Contender = Contender {
    name: super::GORS,
    about: "goroutines of this repository",
    spawned_bytes: 200,
    parked_bytes: 5_100,
    programs: &[
        PROGRAMS,
        burst::PROGRAMS,
        contexts::PROGRAMS,
        groups::PROGRAMS,
        locks::PROGRAMS,
        once::PROGRAMS,
        select::PROGRAMS,
        tickers::PROGRAMS,
        timers::PROGRAMS,
    ],
    refusals: &[("", "gors does not have it yet")],
    notes: &[],
};

const PROGRAMS: Programs = &[
    ("pingpong", |task| main(task, channels::ping_pong::<Gors>)),
    ("stream", |task| main(task, channels::stream::<Gors>)),
    ("mpmc", |task| main(task, channels::mpmc::<Gors>)),
    ("gosched", |task| main(task, sched::gosched::<Gors>)),
    ("spawn-burst", |task| main(task, sched::spawn_burst::<Gors>)),
    ("spawn-join", |task| main(task, sched::spawn_join::<Gors>)),
    ("skynet", |task| main(task, classic::skynet::<Gors>)),
    ("sleeps", |task| main(task, sleeping::sleeps::<Gors>)),
    ("create-chain", |task| {
        main(task, sched::create_chain::<Gors>)
    }),
    ("create-parallel", |task| {
        main(task, sched::create_parallel::<Gors>)
    }),
    ("create-capture", |task| {
        main(task, sched::create_capture::<Gors>)
    }),
    ("create-single", |task| {
        main(task, sched::create_single::<Gors>)
    }),
    ("pingpong-hog", |task| main(task, one_permit_hog)),
    ("ring", |task| main(task, classic::ring::<Gors>)),
    ("sieve", |task| main(task, classic::sieve::<Gors>)),
    ("matmult", |task| main(task, classic::matmult::<Gors>)),
    ("wakeup", |task| main(task, sched::wakeup::<Gors>)),
    ("make", |task| main(task, channels::make::<Gors>)),
    ("chan-nonblocking", |task| {
        main(task, channels::nonblocking::<Gors>)
    }),
    ("chan-uncontended", |task| {
        main(task, channels::uncontended::<Gors>)
    }),
    ("chan-contended", |task| {
        main(task, channels::contended::<Gors>)
    }),
    ("chan-sync", |task| main(task, channels::sync::<Gors>)),
    ("prodcons", |task| main(task, channels::prod_cons::<Gors>)),
    ("chan-drain-closed", |task| {
        main(task, channels::drain_closed::<Gors>)
    }),
    ("chan-creation", |task| {
        main(task, channels::creation::<Gors>)
    }),
    ("chan-sem", |task| main(task, channels::sem::<Gors>)),
    ("chan-closed", |task| main(task, channels::closed::<Gors>)),
    ("sleep-accuracy", |task| {
        main(task, sleeping::accuracy::<Gors>)
    }),
    ("parked", |task| main(task, memory::parked::<Gors>)),
    ("unstarted", |task| main(task, memory::unstarted::<Gors>)),
    ("growth-spawn", |task| {
        main(task, sched::spawn_burst::<Gors>)
    }),
    ("growth-park", |task| {
        main(task, memory::growth_park::<Gors>)
    }),
    ("park-restart", |task| {
        main(task, memory::park_restart::<Gors>)
    }),
    ("growth-chans", |task| {
        main(task, memory::growth_chans::<Gors>)
    }),
];

/// Runs `program` as the main goroutine. GOMAXPROCS comes from the environment,
/// as in the Go programs.
fn main(task: &Task, program: Program) -> Report {
    ::gors::run(|| program(task))
}

/// PingPongHog sets GOMAXPROCS to 1 for its time, in Go as well.
fn one_permit_hog(task: &Task) -> Report {
    let before = ::gors::gomaxprocs(1);
    let report = sched::ping_pong_hog::<Gors>(task);
    ::gors::gomaxprocs(before);
    report
}

/// gors as a contender.
struct Gors;

impl Fibers for Gors {
    type Handle<T: Send + 'static> = JoinHandle<T>;
    type Group = WaitGroup;

    fn go<F: FnOnce() + Send + 'static>(f: F) {
        go!(f());
    }

    fn spawn<T: Send + 'static, F: FnOnce() -> T + Send + 'static>(f: F) -> JoinHandle<T> {
        ::gors::spawn(f)
    }

    fn join<T: Send + 'static>(handle: JoinHandle<T>) -> T {
        handle.join().expect("the goroutine panicked")
    }

    fn yield_now() {
        ::gors::gosched();
    }

    fn sleep(time: Duration) {
        ::gors::time::sleep(time);
    }

    fn blocking<F: FnOnce()>(f: F) {
        ::gors::blocking(f);
    }

    fn group(n: u64) -> WaitGroup {
        let group = WaitGroup::new();
        group.add(n as isize);
        group
    }

    fn done(group: &WaitGroup) {
        group.done();
    }

    fn wait(group: &WaitGroup) {
        group.wait();
    }
}

impl Channels for Gors {
    type Tx<T: Send + 'static> = Chan<T>;
    type Rx<T: Send + 'static> = Chan<T>;

    fn chan<T: Send + 'static>(capacity: usize) -> (Chan<T>, Chan<T>) {
        let chan = make::<T>(capacity);
        (chan.clone(), chan)
    }

    fn send<T: Send + 'static>(tx: &Chan<T>, value: T) {
        tx.send(value);
    }

    fn recv<T: Send + 'static>(rx: &Chan<T>) -> Option<T> {
        rx.recv()
    }

    fn try_recv<T: Send + 'static>(rx: &Chan<T>) -> Polled<T> {
        match rx.try_recv() {
            Ok(value) => Polled::Value(value),
            Err(TryRecvError::Empty) => Polled::Empty,
            Err(TryRecvError::Disconnected) => Polled::Closed,
        }
    }

    fn close<T: Send + 'static>(tx: Chan<T>) {
        tx.close();
    }
}
