//! may: stackful coroutines with work stealing.
//!
//! Its channels are unbounded, it has no select over channels that can be lost
//! and tried again, and no timers but `sleep`. Coroutines keep may's default
//! stack size and pool.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::TryRecvError;
use std::time::Duration;

use may::coroutine::{self, JoinHandle};
use may::sync::{Condvar, Mutex, MutexGuard, RwLock, SyncFlag, mpmc};

use super::{Contender, Program, Programs};
use crate::measure::{Report, Task};
use crate::shapes::locks::{self, Conds, Locks};
use crate::shapes::{Channels, Fibers, Polled, channels, classic, memory, sched, sleeping};

const UNBOUNDED: &str = "no bounded channel";
const HOG: &str = "no preemption: a coroutine that does not yield holds its worker for ever";

/// The column.
pub(super) const CONTENDER: Contender = Contender {
    name: "may",
    about: "stackful coroutines, as many workers as permits",
    spawned_bytes: 9_000,
    parked_bytes: 9_000,
    programs: &[PROGRAMS],
    refusals: &[
        ("context-tree", "no contexts"),
        ("pingpong-hog", HOG),
        ("ticker", "no ticker"),
        (
            "sieve",
            "no bounded channel: the generator would never wait",
        ),
        ("chan-sem", UNBOUNDED),
        (
            "chan-sync",
            "no unbuffered channel: a sender would receive its own value",
        ),
        (
            "select",
            "its select! spawns a coroutine for each arm and cancels the losers",
        ),
        (
            "chan-popular",
            "its select! spawns a coroutine for each arm and cancels the losers",
        ),
        ("once", "no Once"),
        (
            "wg-",
            "its WaitGroup has no add or done and can be waited for once",
        ),
        ("timer", "no timers but sleep"),
        ("growth-timers", "no timers but sleep"),
    ],
    notes: &[
        ("pingpong", UNBOUNDED),
        ("stream", UNBOUNDED),
        ("mpmc", UNBOUNDED),
        ("make", UNBOUNDED),
        ("chan-", UNBOUNDED),
        ("prodcons", UNBOUNDED),
        ("ring", UNBOUNDED),
    ],
};

const PROGRAMS: Programs = &[
    ("pingpong", |task| main(task, channels::ping_pong::<May>)),
    ("stream", |task| main(task, channels::stream::<May>)),
    ("mpmc", |task| main(task, channels::mpmc::<May>)),
    ("gosched", |task| main(task, sched::gosched::<May>)),
    ("spawn-burst", |task| main(task, sched::spawn_burst::<May>)),
    ("spawn-join", |task| main(task, sched::spawn_join::<May>)),
    ("skynet", |task| main(task, classic::skynet::<May>)),
    ("mutex-goroutines", |task| {
        main(task, locks::mutex_goroutines::<May>)
    }),
    ("sleeps", |task| main(task, sleeping::sleeps::<May>)),
    ("create-chain", |task| {
        main(task, sched::create_chain::<May>)
    }),
    ("create-parallel", |task| {
        main(task, sched::create_parallel::<May>)
    }),
    ("create-capture", |task| {
        main(task, sched::create_capture::<May>)
    }),
    ("create-single", |task| {
        main(task, sched::create_single::<May>)
    }),
    ("ring", |task| main(task, classic::ring::<May>)),
    ("matmult", |task| main(task, classic::matmult::<May>)),
    ("wakeup", |task| main(task, sched::wakeup::<May>)),
    ("make", |task| main(task, channels::make::<May>)),
    ("chan-nonblocking", |task| {
        main(task, channels::nonblocking::<May>)
    }),
    ("chan-uncontended", |task| {
        main(task, channels::uncontended::<May>)
    }),
    ("chan-contended", |task| {
        main(task, channels::contended::<May>)
    }),
    ("prodcons", |task| main(task, channels::prod_cons::<May>)),
    ("chan-drain-closed", |task| {
        main(task, channels::drain_closed::<May>)
    }),
    ("chan-creation", |task| {
        main(task, channels::creation::<May>)
    }),
    ("chan-closed", |task| main(task, channels::closed::<May>)),
    ("mutex-uncontended", |task| {
        main(task, locks::mutex_uncontended::<May>)
    }),
    ("mutex", |task| main(task, locks::mutex::<May>)),
    ("mutex-nospin", |task| {
        main(task, locks::mutex_nospin::<May>)
    }),
    ("mutex-spin", |task| main(task, locks::mutex_spin::<May>)),
    ("rw-uncontended", |task| {
        main(task, locks::rw_uncontended::<May>)
    }),
    ("rw", |task| main(task, locks::rw::<May>)),
    ("cond", |task| main(task, locks::cond::<May>)),
    ("timer-sleep", |task| {
        main(task, sleeping::sleep_1000::<May>)
    }),
    ("sleep-accuracy", |task| {
        main(task, sleeping::accuracy::<May>)
    }),
    ("parked", |task| main(task, memory::parked::<May>)),
    ("unstarted", |task| main(task, memory::unstarted::<May>)),
    ("burst-rest", |task| {
        main(task, |task| memory::burst_rest::<May>(task, None))
    }),
    ("growth-spawn", |task| main(task, sched::spawn_burst::<May>)),
    ("growth-park", |task| main(task, memory::growth_park::<May>)),
    ("park-restart", |task| {
        main(task, memory::park_restart::<May>)
    }),
    ("growth-chans", |task| {
        main(task, memory::growth_chans::<May>)
    }),
];

/// Runs `program` as a coroutine.
fn main(task: &Task, program: Program) -> Report {
    ::may::config().set_workers(task.procs);
    let task = *task;
    ::may::go!(move || program(&task))
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// may as a contender.
struct May;

/// A countdown in place of a wait group: may's own cannot be shared.
#[derive(Clone)]
struct Countdown(Arc<(AtomicU64, SyncFlag)>);

impl Fibers for May {
    type Handle<T: Send + 'static> = JoinHandle<T>;
    type Group = Countdown;

    fn go<F: FnOnce() + Send + 'static>(f: F) {
        ::may::go!(f);
    }

    fn spawn<T: Send + 'static, F: FnOnce() -> T + Send + 'static>(f: F) -> JoinHandle<T> {
        ::may::go!(f)
    }

    fn join<T: Send + 'static>(handle: JoinHandle<T>) -> T {
        handle.join().expect("the coroutine panicked")
    }

    fn yield_now() {
        coroutine::yield_now();
    }

    fn sleep(time: Duration) {
        coroutine::sleep(time);
    }

    /// may has no such call.
    fn blocking<F: FnOnce()>(f: F) {
        f();
    }

    fn group(n: u64) -> Countdown {
        let countdown = Countdown(Arc::new((AtomicU64::new(n), SyncFlag::new())));
        if n == 0 {
            countdown.0.1.fire();
        }
        countdown
    }

    fn done(group: &Countdown) {
        if group.0.0.fetch_sub(1, Ordering::AcqRel) == 1 {
            group.0.1.fire();
        }
    }

    fn wait(group: &Countdown) {
        group.0.1.wait();
    }
}

impl Channels for May {
    type Tx<T: Send + 'static> = mpmc::Sender<T>;
    type Rx<T: Send + 'static> = mpmc::Receiver<T>;

    fn chan<T: Send + 'static>(_capacity: usize) -> (mpmc::Sender<T>, mpmc::Receiver<T>) {
        mpmc::channel()
    }

    fn send<T: Send + 'static>(tx: &mpmc::Sender<T>, value: T) {
        assert!(tx.send(value).is_ok(), "the receiver is gone");
    }

    fn recv<T: Send + 'static>(rx: &mpmc::Receiver<T>) -> Option<T> {
        rx.recv().ok()
    }

    fn try_recv<T: Send + 'static>(rx: &mpmc::Receiver<T>) -> Polled<T> {
        match rx.try_recv() {
            Ok(value) => Polled::Value(value),
            Err(TryRecvError::Empty) => Polled::Empty,
            Err(TryRecvError::Disconnected) => Polled::Closed,
        }
    }

    fn close<T: Send + 'static>(tx: mpmc::Sender<T>) {
        drop(tx);
    }
}

impl Locks for May {
    type Mutex = Mutex<i64>;
    type Guard<'a> = MutexGuard<'a, i64>;
    type RwLock = RwLock<i64>;

    fn mutex() -> Mutex<i64> {
        Mutex::new(0)
    }

    fn lock(mutex: &Mutex<i64>) -> MutexGuard<'_, i64> {
        mutex.lock().expect("poisoned")
    }

    fn rwlock() -> RwLock<i64> {
        RwLock::new(0)
    }

    fn read<T>(lock: &RwLock<i64>, f: impl FnOnce() -> T) -> T {
        let _guard = lock.read().expect("poisoned");
        f()
    }

    fn write<T>(lock: &RwLock<i64>, f: impl FnOnce() -> T) -> T {
        let _guard = lock.write().expect("poisoned");
        f()
    }
}

impl Conds for May {
    type Condvar = Condvar;

    fn condvar() -> Condvar {
        Condvar::new()
    }

    fn wait_cond<'a: 'a>(condvar: &Condvar, guard: MutexGuard<'a, i64>) -> MutexGuard<'a, i64> {
        condvar.wait(guard).expect("poisoned")
    }

    fn broadcast(condvar: &Condvar) {
        condvar.notify_all();
    }
}
