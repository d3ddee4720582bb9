//! crossbeam-channel on OS threads, pinned to as many CPUs as permits.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TryRecvError, after, bounded, select};

use super::{Contender, Programs};
use crate::measure::{Report, Task, work};
use crate::shapes::channels::{self, CALLS_PER_SCHED};
use crate::shapes::{Budget, Channels, Fibers, Polled, classic, memory, parallel, timed};

const CHANNELS_ONLY: &str = "channel rows only";

/// The column.
pub(super) const CONTENDER: Contender = Contender {
    name: "crossbeam",
    about: "crossbeam-channel on OS threads",
    spawned_bytes: 0,
    parked_bytes: 0,
    programs: &[PROGRAMS],
    refusals: &[
        ("chan-popular", "1,000 OS threads"),
        ("sieve", "an OS thread for each prime"),
        ("", CHANNELS_ONLY),
    ],
    notes: &[],
};

const PROGRAMS: Programs = &[
    ("pingpong", channels::ping_pong::<Threads>),
    ("stream", channels::stream::<Threads>),
    ("mpmc", channels::mpmc::<Threads>),
    ("ring", classic::ring::<Threads>),
    ("make", channels::make::<Threads>),
    ("chan-nonblocking", channels::nonblocking::<Threads>),
    ("chan-uncontended", channels::uncontended::<Threads>),
    ("chan-contended", channels::contended::<Threads>),
    ("chan-sync", channels::sync::<Threads>),
    ("prodcons", channels::prod_cons::<Threads>),
    ("chan-drain-closed", channels::drain_closed::<Threads>),
    ("chan-creation", channels::creation::<Threads>),
    ("chan-sem", channels::sem::<Threads>),
    ("chan-closed", channels::closed::<Threads>),
    ("growth-chans", memory::growth_chans::<Threads>),
    ("select-3", select_3),
    ("select-uncontended", select_uncontended),
    ("select-sync", select_sync),
    ("select-async", select_async),
    ("select-nonblock", select_nonblock),
    ("select-prodcons", select_prodcons),
];

/// OS threads as a contender.
pub(super) struct Threads;

/// A countdown on std's primitives.
#[derive(Clone)]
pub(super) struct Countdown(Arc<(Mutex<u64>, Condvar)>);

impl Fibers for Threads {
    type Handle<T: Send + 'static> = JoinHandle<T>;
    type Group = Countdown;

    fn go<F: FnOnce() + Send + 'static>(f: F) {
        thread::spawn(f);
    }

    fn spawn<T: Send + 'static, F: FnOnce() -> T + Send + 'static>(f: F) -> JoinHandle<T> {
        thread::spawn(f)
    }

    fn join<T: Send + 'static>(handle: JoinHandle<T>) -> T {
        handle.join().expect("the thread panicked")
    }

    fn yield_now() {
        thread::yield_now();
    }

    fn sleep(time: Duration) {
        thread::sleep(time);
    }

    fn blocking<F: FnOnce()>(f: F) {
        f();
    }

    fn group(n: u64) -> Countdown {
        Countdown(Arc::new((Mutex::new(n), Condvar::new())))
    }

    fn done(group: &Countdown) {
        let mut left = group.0.0.lock().expect("poisoned");
        *left -= 1;
        if *left == 0 {
            group.0.1.notify_all();
        }
    }

    fn wait(group: &Countdown) {
        let left = group.0.0.lock().expect("poisoned");
        drop(
            group
                .0
                .1
                .wait_while(left, |left| *left > 0)
                .expect("poisoned"),
        );
    }
}

impl Channels for Threads {
    type Tx<T: Send + 'static> = Sender<T>;
    type Rx<T: Send + 'static> = Receiver<T>;

    fn chan<T: Send + 'static>(capacity: usize) -> (Sender<T>, Receiver<T>) {
        bounded(capacity)
    }

    fn send<T: Send + 'static>(tx: &Sender<T>, value: T) {
        assert!(tx.send(value).is_ok(), "the receiver is gone");
    }

    fn recv<T: Send + 'static>(rx: &Receiver<T>) -> Option<T> {
        rx.recv().ok()
    }

    fn try_recv<T: Send + 'static>(rx: &Receiver<T>) -> Polled<T> {
        match rx.try_recv() {
            Ok(value) => Polled::Value(value),
            Err(TryRecvError::Empty) => Polled::Empty,
            Err(TryRecvError::Disconnected) => Polled::Closed,
        }
    }

    fn close<T: Send + 'static>(tx: Sender<T>) {
        drop(tx);
    }
}

/// One receiver, three senders with an unbuffered channel each.
fn select_3(task: &Task) -> Report {
    timed(task, |n| {
        let each = n / 3 + 1;
        let start = Instant::now();
        // The original sender stays, so that no channel is ever disconnected.
        let [(_a, rx1), (_b, rx2), (_c, rx3)] = [(); 3].map(|()| {
            let (tx, rx) = bounded::<u64>(0);
            let sender = tx.clone();
            thread::spawn(move || (0..each).for_each(|i| Threads::send(&sender, i)));
            (tx, rx)
        });
        for _ in 0..3 * each {
            select! {
                recv(rx1) -> _ => (),
                recv(rx2) -> _ => (),
                recv(rx3) -> _ => (),
            }
        }
        start.elapsed()
    })
}

fn select_uncontended(task: &Task) -> Report {
    parallel::<Threads, _>(task, 1, || {
        |budget: &mut Budget| {
            let ((tx1, rx1), (tx2, rx2)) = (bounded::<u64>(1), bounded::<u64>(1));
            Threads::send(&tx1, 0);
            while budget.take() {
                select! {
                    recv(rx1) -> _ => Threads::send(&tx2, 0),
                    recv(rx2) -> _ => Threads::send(&tx1, 0),
                }
            }
        }
    })
}

fn select_sync(task: &Task) -> Report {
    parallel::<Threads, _>(task, 1, || {
        let channels = [(); 3].map(|()| bounded::<u64>(0));
        let (quit, done) = bounded::<()>(0);
        move |budget: &mut Budget| {
            // Disconnected when the last body is gone, as Go closes its channel.
            let _quit = &quit;
            let senders = channels.clone().map(|(tx, _)| tx);
            let [rx1, rx2, rx3] = channels.clone().map(|(_, rx)| rx);
            let done = done.clone();
            thread::spawn(move || {
                let [tx1, tx2, tx3] = senders;
                loop {
                    select! {
                        send(tx1, 0) -> _ => (),
                        send(tx2, 0) -> _ => (),
                        send(tx3, 0) -> _ => (),
                        recv(done) -> _ => return,
                    }
                }
            });
            while budget.take() {
                select! {
                    recv(rx1) -> _ => (),
                    recv(rx2) -> _ => (),
                    recv(rx3) -> _ => (),
                }
            }
        }
    })
}

fn select_async(task: &Task) -> Report {
    let procs = task.procs;
    parallel::<Threads, _>(task, 1, || {
        let ((tx1, rx1), (tx2, rx2)) = (bounded::<u64>(procs), bounded::<u64>(procs));
        move |budget: &mut Budget| {
            Threads::send(&tx1, 0);
            while budget.take() {
                select! {
                    recv(rx1) -> _ => Threads::send(&tx2, 0),
                    recv(rx2) -> _ => Threads::send(&tx1, 0),
                }
            }
        }
    })
}

fn select_nonblock(task: &Task) -> Report {
    parallel::<Threads, _>(task, 1, || {
        let ((tx1, rx1), (tx2, rx2)) = (bounded::<u64>(0), bounded::<u64>(0));
        let ((tx3, rx3), (tx4, rx4)) = (bounded::<u64>(1), bounded::<u64>(1));
        move |budget: &mut Budget| {
            // The unused ends keep the channels open.
            let _open = (&tx1, &rx2, &tx3, &rx4);
            while budget.take() {
                select! { recv(rx1) -> _ => (), default => () }
                select! { send(tx2, 0) -> _ => (), default => () }
                select! { recv(rx3) -> _ => (), default => () }
                select! { send(tx4, 0) -> _ => (), default => () }
            }
        }
    })
}

fn select_prodcons(task: &Task) -> Report {
    let procs = task.procs;
    timed(task, |n| {
        let start = Instant::now();
        let batches = Arc::new(AtomicI64::new((n / CALLS_PER_SCHED) as i64));
        let (tx, rx) = bounded::<u64>(128);
        let (quit_tx, quit) = bounded::<()>(0);
        let group = Threads::group(2 * procs as u64);
        for _ in 0..procs {
            let (batches, tx, quit_rx, done) = (
                Arc::clone(&batches),
                tx.clone(),
                quit.clone(),
                group.clone(),
            );
            thread::spawn(move || {
                let never_fires = after(Duration::from_secs(3_600));
                while batches.fetch_sub(1, Ordering::SeqCst) > 0 {
                    for _ in 0..CALLS_PER_SCHED {
                        work(100);
                        select! {
                            send(tx, 1) -> _ => (),
                            recv(never_fires) -> _ => (),
                            recv(quit_rx) -> _ => (),
                        }
                    }
                }
                Threads::send(&tx, 0);
                Threads::done(&done);
            });
            let (rx, quit, done) = (rx.clone(), quit.clone(), group.clone());
            thread::spawn(move || {
                let never_fires = after(Duration::from_secs(3_600));
                loop {
                    select! {
                        recv(rx) -> v => if v == Ok(0) { break },
                        recv(never_fires) -> _ => (),
                        recv(quit) -> _ => (),
                    }
                    work(100);
                }
                Threads::done(&done);
            });
        }
        Threads::wait(&group);
        drop(quit_tx);
        start.elapsed()
    })
}
