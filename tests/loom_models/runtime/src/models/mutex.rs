//! The mutex.

use std::sync::Arc;

use model::mutant::{Change, Mutant};
use model::runner::Model;

use crate::below::world::{self, goroutine};
use crate::raw::{Cancel, Limit, RawMutex, lock_limited};
use crate::shim::UnsafeCell;

const MUTEX: &str = "runtime/src/raw/mutex.rs";
const OPENING: &str = "runtime/src/raw/mutex/opening.rs";
const WAITING: &str = "runtime/src/raw/mutex/waiting.rs";
const TASK: &str = "runtime/src/raw/task.rs";

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
            body: || three_add(1),
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
                three_add(2);
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
                three_add(2);
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
    ]
}

type Mutex<T> = lock_api::Mutex<RawMutex, T>;

fn add_one(mutex: &Mutex<UnsafeCell<u32>>) {
    let value = mutex.lock();
    // SAFETY: the model watches it.
    value.with_mut(|value| unsafe { *value += 1 });
}

/// Two goroutines add one each, and the thread so many.
fn three_add(by_thread: u32) {
    let mutex = Arc::new(Mutex::new(UnsafeCell::new(0)));
    model::touch(&*mutex);
    let (first, second) = (mutex.clone(), mutex.clone());
    let first = goroutine(move || add_one(&first));
    let second = goroutine(move || add_one(&second));
    (0..by_thread).for_each(|_| add_one(&mutex));
    first.join().unwrap();
    second.join().unwrap();
    let value = mutex.try_lock().expect("it is open at the end");
    // SAFETY: as above.
    assert_eq!(value.with(|value| unsafe { *value }), 2 + by_thread);
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
