//! The locks that are made of waiters.

use std::sync::Arc;

use lock_api::RawCondvar as _;
use model::mutant::{Change, Mutant};
use model::runner::Model;

use super::TWO_LOCK;
use crate::below::world::{self, goroutine};
use crate::raw::{
    Cancel, Limit, OnceCell, RawCondvar, RawMutex, RawRwLock, RawSemaphore, lock_limited,
};
use crate::shim::UnsafeCell;

const MUTEX: &str = "runtime/src/raw/mutex.rs";
const OPENING: &str = "runtime/src/raw/mutex/opening.rs";
const WAITING: &str = "runtime/src/raw/mutex/waiting.rs";
const RWLOCK: &str = "runtime/src/raw/rwlock/writers.rs";
const ONCE: &str = "runtime/src/raw/once.rs";
const CANCEL: &str = "runtime/src/raw/cancel.rs";
const SEMAPHORE: &str = "runtime/src/raw/semaphore.rs";
const TASK: &str = "runtime/src/raw/task.rs";
const CONDVAR: &str = "runtime/src/raw/condvar.rs";

/// Two take a free mutex.
const TWO_TAKE: Mutant = Mutant {
    file: MUTEX,
    after: "fn take(",
    line: ".compare_exchange(false, true",
    change: Change::Split,
};

pub(super) fn models() -> Vec<Model> {
    vec![
        Model {
            name: "mutex",
            property: "two goroutines and a thread: one holder at a time, each sees what the last one wrote, nobody is left in the queue; the lock is opened with a fence and, in between, without",
            body: mutex,
            preemptions: Some(2),
            mutants: &[
                TWO_TAKE,
                Mutant {
                    file: MUTEX,
                    after: "fn open(",
                    line: "self.held.store(false, Ordering::Release)",
                    change: Change::Relaxed,
                },
                Mutant {
                    file: MUTEX,
                    after: "fn take(",
                    line: ".compare_exchange(false, true",
                    change: Change::Relaxed,
                },
                Mutant {
                    file: OPENING,
                    after: "fn open_fenced(",
                    line: "self.held.swap(false",
                    change: Change::Relaxed,
                },
                // FENCED goes although somebody has queued.
                Mutant {
                    file: OPENING,
                    after: "fn count_fence(",
                    line: ".compare_exchange(FENCED, 0",
                    change: Change::Split,
                },
                // The waiter takes the lock for fenced.
                Mutant {
                    file: WAITING,
                    after: "fn announce(",
                    line: ".fetch_update(Ordering::SeqCst",
                    change: Change::Split,
                },
                // Whoever queues in between is forgotten.
                Mutant {
                    file: WAITING,
                    after: "if owns_woken {",
                    line: "self.flags.fetch_and(!WOKEN",
                    change: Change::Split,
                },
            ],
        },
        Model {
            name: "mutex_unfenced",
            property: "one opens the lock without a fence while another queues: the waiter is seen, by its barrier",
            body: mutex_unfenced,
            preemptions: Some(3),
            mutants: &[
                Mutant {
                    file: WAITING,
                    after: "fn announce(",
                    line: "sys::barrier_all_threads()",
                    change: Change::Skip,
                },
                // The second look.
                Mutant {
                    file: MUTEX,
                    after: "fence::unfenced();",
                    line: "self.flags.load(Ordering::Relaxed)",
                    change: Change::Pretend(0),
                },
                Mutant {
                    file: WAITING,
                    after: "fn announce(",
                    line: "self.held.load(Ordering::Relaxed)",
                    change: Change::Pretend(1),
                },
            ],
        },
        Model {
            name: "mutex_fenced",
            property: "the same where the lock stays fenced: fence against fence",
            body: mutex_fenced,
            preemptions: Some(3),
            mutants: &[
                Mutant {
                    file: WAITING,
                    after: "if old & FENCED != 0",
                    line: "fence::store_load_after_exchange()",
                    change: Change::Skip,
                },
                Mutant {
                    file: OPENING,
                    after: "fn open_fenced(",
                    line: "fence::store_load_after_exchange()",
                    change: Change::Skip,
                },
            ],
        },
        Model {
            name: "mutex_unsure",
            property: "the same when the kernel refuses the barrier: the waiter looks again until it has the lock",
            body: || {
                world::refuse_barriers();
                mutex_unfenced();
            },
            preemptions: Some(2),
            // The refusal is overlooked.
            mutants: &[Mutant {
                file: WAITING,
                after: "fn announce(",
                line: "sys::barrier_all_threads()",
                change: Change::Instead,
            }],
        },
        Model {
            name: "mutex_spinning",
            property: "two goroutines and a thread, and waiters that spin and take WOKEN for themselves",
            body: || {
                world::spin(1);
                mutex_and_again();
            },
            preemptions: Some(2),
            mutants: &[Mutant {
                file: WAITING,
                after: "if owns_woken {",
                line: "self.flags.fetch_and(!WOKEN",
                change: Change::Split,
            }],
        },
        Model {
            name: "mutex_starving",
            property: "the same when every waiter has waited for too long: the lock goes from hand to hand, in order",
            body: || {
                world::step_clock(2_000_000);
                mutex_and_again();
            },
            preemptions: Some(2),
            mutants: &[TWO_TAKE],
        },
        Model {
            name: "mutex_limits",
            property: "a waiter that gives up, by its deadline or cancelled, takes no wake-up with it",
            body: mutex_limits,
            preemptions: Some(2),
            mutants: &[Mutant {
                file: TASK,
                after: "pub fn try_claim(",
                line: ".compare_exchange(OPEN, token",
                change: Change::Split,
            }],
        },
        Model {
            name: "rwlock",
            property: "a writer is alone, readers see what it wrote, nobody is left waiting",
            body: rwlock,
            preemptions: Some(2),
            mutants: &[Mutant {
                file: RWLOCK,
                after: "fn open(",
                line: ".compare_exchange(WRITER, 0, Ordering::Release",
                change: Change::Relaxed,
            }],
        },
        Model {
            name: "rwlock_writers",
            property: "the same with two writers, and waiters that look twice before they park: who opens for one that is awake overlooks none that parks",
            body: || {
                world::spin(2);
                rwlock_writers();
            },
            preemptions: Some(2),
            mutants: &[
                // Who parks in between is forgotten.
                Mutant {
                    file: RWLOCK,
                    after: "fn open_slow(",
                    line: ".fetch_update(Ordering::Release",
                    change: Change::Split,
                },
                // A writer that is awake takes what another has taken.
                Mutant {
                    file: RWLOCK,
                    after: "fn look_at_head(",
                    line: "self.state.compare_exchange_weak(",
                    change: Change::Split,
                },
                Mutant {
                    file: RWLOCK,
                    after: "fn look_at_head(",
                    line: "self.state.compare_exchange_weak(",
                    change: Change::Relaxed,
                },
            ],
        },
        Model {
            name: "once",
            property: "one writer; whoever is told that it is done sees the value",
            body: once,
            preemptions: Some(3),
            mutants: &[Mutant {
                file: ONCE,
                after: "fn leave(",
                line: "self.state.store(state, Ordering::Release)",
                change: Change::Relaxed,
            }],
        },
        Model {
            name: "cancel",
            property: "a cancellation that comes before, in or after the wait begins ends it",
            body: cancel,
            preemptions: Some(3),
            mutants: &[Mutant {
                file: CANCEL,
                after: "unsafe fn park(",
                line: "if self.cancelled.load(Ordering::Relaxed)",
                change: Change::Pretend(0),
            }],
        },
        Model {
            name: "semaphore",
            property: "never more tokens than there are, and a release reaches who waits",
            body: semaphore,
            preemptions: Some(3),
            mutants: &[TWO_LOCK],
        },
        Model {
            name: "condvar",
            property: "a notification after the change reaches the waiter that has seen it not yet made",
            body: condvar,
            preemptions: Some(2),
            mutants: &[Mutant {
                file: CONDVAR,
                after: "fn notify_one",
                line: "self.count.load",
                change: Change::Pretend(0),
            }],
        },
    ]
}

type Mutex<T> = lock_api::Mutex<RawMutex, T>;

fn add_one(mutex: &Mutex<UnsafeCell<u32>>) {
    let value = mutex.lock();
    // SAFETY: the model watches it.
    value.with_mut(|value| unsafe { *value += 1 });
}

fn mutex() {
    let mutex = Arc::new(Mutex::new(UnsafeCell::new(0)));
    model::touch(&*mutex);
    let (first, second) = (mutex.clone(), mutex.clone());
    let first = goroutine(move || add_one(&first));
    let second = goroutine(move || add_one(&second));
    add_one(&mutex);
    first.join().unwrap();
    second.join().unwrap();
    let value = mutex.try_lock().expect("it is open at the end");
    // SAFETY: as above.
    assert_eq!(value.with(|value| unsafe { *value }), 3);
}

/// As [`mutex`], and the thread comes back once.
fn mutex_and_again() {
    let mutex = Arc::new(Mutex::new(UnsafeCell::new(0)));
    model::touch(&*mutex);
    let (first, second) = (mutex.clone(), mutex.clone());
    let first = goroutine(move || add_one(&first));
    let second = goroutine(move || add_one(&second));
    add_one(&mutex);
    add_one(&mutex);
    first.join().unwrap();
    second.join().unwrap();
    let value = mutex.try_lock().expect("it is open at the end");
    // SAFETY: as above.
    assert_eq!(value.with(|value| unsafe { *value }), 4);
}

/// The lock is not fenced when the two begin.
fn mutex_unfenced() {
    let mutex = Arc::new(Mutex::new(UnsafeCell::new(0)));
    model::touch(&*mutex);
    add_one(&mutex);
    two_add_one(&mutex);
}

/// The lock is fenced when the two begin, and stays so.
fn mutex_fenced() {
    world::never_unfence();
    let mutex = Arc::new(Mutex::new(UnsafeCell::new(1)));
    model::touch(&*mutex);
    two_add_one(&mutex);
}

fn two_add_one(mutex: &Arc<Mutex<UnsafeCell<u32>>>) {
    let theirs = mutex.clone();
    let other = goroutine(move || add_one(&theirs));
    add_one(mutex);
    other.join().unwrap();
    let value = mutex.try_lock().expect("it is open at the end");
    // SAFETY: as above.
    assert_eq!(value.with(|value| unsafe { *value }), 3);
}

fn mutex_limits() {
    let shared = Arc::new((Mutex::new(UnsafeCell::new(0)), Cancel::new()));
    model::touch(&*shared);
    let (first, second) = (shared.clone(), shared.clone());
    let first = goroutine(move || {
        drop(lock_limited(&first.0, &Limit::cancelled_by(&first.1)));
    });
    let second = goroutine(move || add_one(&second.0));
    add_one(&shared.0);
    shared.1.cancel();
    first.join().unwrap();
    second.join().unwrap();
    assert!(shared.0.try_lock().is_some(), "it is open at the end");
}

fn rwlock() {
    type RwLock<T> = lock_api::RwLock<RawRwLock, T>;
    let lock = Arc::new(RwLock::new(UnsafeCell::new(0)));
    model::touch(&*lock);
    let read = |lock: &RwLock<UnsafeCell<u32>>| {
        let value = lock.read();
        // SAFETY: the model watches it.
        assert!(value.with(|value| unsafe { *value }) <= 1);
    };
    let (reader, writer) = (lock.clone(), lock.clone());
    let reader = goroutine(move || read(&reader));
    let writer = goroutine(move || {
        let value = writer.write();
        // SAFETY: as above.
        value.with_mut(|value| unsafe { *value += 1 });
    });
    read(&lock);
    reader.join().unwrap();
    writer.join().unwrap();
    assert!(lock.try_write().is_some(), "it is open at the end");
}

fn rwlock_writers() {
    let lock = Arc::new(lock_api::RwLock::<RawRwLock, _>::new(UnsafeCell::new(0)));
    model::touch(&*lock);
    let write = |lock: &lock_api::RwLock<RawRwLock, UnsafeCell<u32>>| {
        let value = lock.write();
        // SAFETY: the model watches it.
        value.with_mut(|value| unsafe { *value += 1 });
    };
    let (reader, writer) = (lock.clone(), lock.clone());
    let reader = goroutine(move || {
        let value = reader.read();
        // SAFETY: as above.
        assert!(value.with(|value| unsafe { *value }) <= 2);
    });
    let writer = goroutine(move || write(&writer));
    write(&lock);
    reader.join().unwrap();
    writer.join().unwrap();
    let value = lock.try_write().expect("it is open at the end");
    // SAFETY: as above.
    assert_eq!(value.with(|value| unsafe { *value }), 2);
}

fn once() {
    let cell = Arc::new(OnceCell::new());
    let runs = Arc::new(UnsafeCell::new(0));
    assert!(cell.get().is_none());
    model::touch(&*cell);
    model::touch(&*runs);
    let fill = |cell: &OnceCell<u32>, runs: &UnsafeCell<u32>| {
        let made: Result<&u32, ()> = cell.get_or_try_init(|| {
            // SAFETY: the model watches it.
            runs.with_mut(|runs| unsafe { *runs += 1 });
            Ok(7)
        });
        assert_eq!(made, Ok(&7));
        // SAFETY: as above.
        assert_eq!(runs.with(|runs| unsafe { *runs }), 1);
    };
    let (theirs, their_runs) = (cell.clone(), runs.clone());
    let other = goroutine(move || fill(&theirs, &their_runs));
    fill(&cell, &runs);
    other.join().unwrap();
}

fn cancel() {
    let shared = Arc::new((Mutex::new(()), Cancel::new()));
    let held = shared.0.lock();
    model::touch(&*shared);
    let theirs = shared.clone();
    let waiter = goroutine(move || {
        assert!(lock_limited(&theirs.0, &Limit::cancelled_by(&theirs.1)).is_err());
    });
    shared.1.cancel();
    waiter.join().unwrap();
    drop(held);
    assert!(shared.0.try_lock().is_some());
}

fn semaphore() {
    let semaphore = Arc::new(RawSemaphore::new(1));
    let inside = Arc::new(UnsafeCell::new(0));
    model::touch(&*semaphore);
    model::touch(&*inside);
    let enter = |semaphore: &RawSemaphore, inside: &UnsafeCell<u32>| {
        semaphore.acquire(1, &Limit::NONE).unwrap();
        // SAFETY: the model watches it.
        inside.with_mut(|inside| unsafe { *inside += 1 });
        assert!(semaphore.release(1));
    };
    let (theirs, their_inside) = (semaphore.clone(), inside.clone());
    let other = goroutine(move || enter(&theirs, &their_inside));
    enter(&semaphore, &inside);
    other.join().unwrap();
    assert_eq!(semaphore.available(), 1);
}

fn condvar() {
    let shared = Arc::new((Mutex::new(false), RawCondvar::new()));
    model::touch(&*shared);
    let theirs = shared.clone();
    let waiter = goroutine(move || {
        let mut flag = theirs.0.lock();
        while !*flag {
            theirs.1.wait_limited(&mut flag, &Limit::NONE).unwrap();
        }
    });
    *shared.0.lock() = true;
    shared.1.notify_one();
    waiter.join().unwrap();
}
