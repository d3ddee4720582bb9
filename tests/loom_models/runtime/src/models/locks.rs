//! The locks that are made of waiters, but for the mutex.

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

const RWLOCK: &str = "runtime/src/raw/rwlock/writers.rs";
const ONCE: &str = "runtime/src/raw/once.rs";
const CANCEL: &str = "runtime/src/raw/cancel.rs";
const SEMAPHORE: &str = "runtime/src/raw/semaphore.rs";
const CONDVAR: &str = "runtime/src/raw/condvar.rs";

pub(super) fn models() -> Vec<Model> {
    vec![
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
type RwLock<T> = lock_api::RwLock<RawRwLock, T>;

fn read(lock: &RwLock<UnsafeCell<u32>>, at_most: u32) {
    let value = lock.read();
    // SAFETY: the model watches it.
    assert!(value.with(|value| unsafe { *value }) <= at_most);
}

fn write(lock: &RwLock<UnsafeCell<u32>>) {
    let value = lock.write();
    // SAFETY: the model watches it.
    value.with_mut(|value| unsafe { *value += 1 });
}

/// A goroutine reads, another one writes, and the thread does one of both.
fn read_and_write(writers: u32, here: fn(&RwLock<UnsafeCell<u32>>)) {
    let lock = Arc::new(RwLock::new(UnsafeCell::new(0)));
    model::touch(&*lock);
    let (reader, writer) = (lock.clone(), lock.clone());
    let reader = goroutine(move || read(&reader, writers));
    let writer = goroutine(move || write(&writer));
    here(&lock);
    reader.join().unwrap();
    writer.join().unwrap();
    let value = lock.try_write().expect("it is open at the end");
    // SAFETY: the model watches it.
    assert_eq!(value.with(|value| unsafe { *value }), writers);
}

fn rwlock() {
    read_and_write(1, |lock| read(lock, 1));
}

fn rwlock_writers() {
    read_and_write(2, write);
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
