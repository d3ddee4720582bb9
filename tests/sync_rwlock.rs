//! `RwLock`: readers or one writer, who goes first, limits, in goroutines and on plain threads.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use common::{at_all_permits, spawn_blocked};
use gors::context::{self, Context};
use gors::prelude::*;
use gors::sync::RwLock;

/// What is inside: readers count 1, a writer 10,000, as in Go's TestRWMutex.
struct Watched {
    lock: RwLock<()>,
    inside: AtomicI64,
}

impl Watched {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            lock: RwLock::new(()),
            inside: AtomicI64::new(0),
        })
    }

    fn read(&self, rounds: u32) {
        for round in 0..rounds {
            let guard = self.lock.read();
            self.reading(round);
            drop(guard);
        }
    }

    fn reading(&self, round: u32) {
        let inside = self.inside.fetch_add(1, Ordering::SeqCst);
        assert!((0..10_000).contains(&inside), "a reader beside {inside}");
        if round.is_multiple_of(5) {
            gosched();
        }
        self.inside.fetch_sub(1, Ordering::SeqCst);
    }

    fn write(&self, rounds: u32) {
        for round in 0..rounds {
            let guard = self.lock.write();
            self.writing(round);
            drop(guard);
        }
    }

    fn writing(&self, round: u32) {
        let inside = self.inside.fetch_add(10_000, Ordering::SeqCst);
        assert_eq!(inside, 0, "a writer beside {inside}");
        if round.is_multiple_of(3) {
            gosched();
        }
        self.inside.fetch_sub(10_000, Ordering::SeqCst);
    }
}

/// Catches a writer beside anybody, and waiters that nobody wakes.
#[gors::test]
fn hammer() {
    at_all_permits(|_| {
        for readers in [1, 3, 10] {
            let watched = Watched::new();
            let wg = WaitGroup::new();
            for n in 0..readers + 2 {
                let watched = watched.clone();
                wg.go(move || {
                    if n % 5 == 1 {
                        watched.write(1_000);
                    } else {
                        watched.read(1_000);
                    }
                });
            }
            wg.wait();
        }
    });
}

/// Catches a hand-over between threads and goroutines that loses somebody.
#[gors::test]
fn hammer_with_threads() {
    at_all_permits(|_| {
        let watched = Watched::new();
        let threads: Vec<_> = (0..4)
            .map(|n| {
                let watched = watched.clone();
                std::thread::spawn(move || {
                    if n == 0 {
                        watched.write(500);
                    } else {
                        watched.read(1_000);
                    }
                })
            })
            .collect();
        let wg = WaitGroup::new();
        for n in 0..8 {
            let watched = watched.clone();
            wg.go(move || {
                if n % 4 == 0 {
                    watched.write(500);
                } else {
                    watched.read(1_000);
                }
            });
        }
        wg.wait();
        for thread in threads {
            blocking(|| thread.join()).unwrap();
        }
    });
}

/// Catches writers that give up and leave readers shut out, and readers that time out while they are
/// let in.
#[gors::test]
fn hammer_with_deadlines() {
    at_all_permits(|_| {
        let watched = Watched::new();
        let wg = WaitGroup::new();
        for n in 0..16_u64 {
            let watched = watched.clone();
            wg.go(move || {
                for round in 0..400_u32 {
                    let patience = Duration::from_micros(n * 7 + u64::from(round % 40));
                    match n % 4 {
                        0 => watched.read(1),
                        1 => watched.write(1),
                        2 => {
                            if let Some(_guard) = watched.lock.try_read_for(patience) {
                                watched.reading(round);
                            }
                        }
                        _ => {
                            if let Some(_guard) = watched.lock.try_write_for(patience) {
                                watched.writing(round);
                            }
                        }
                    }
                }
            });
        }
        wg.wait();
        assert!(watched.lock.try_write().is_some());
    });
}

/// Catches readers that exclude each other (Go's TestParallelReaders).
#[gors::test]
fn readers_share() {
    let lock = Arc::new(RwLock::new(()));
    let (inside, leave) = (make::<()>(0), make::<()>(0));
    for _ in 0..4 {
        let (lock, inside, leave) = (lock.clone(), inside.clone(), leave.clone());
        go!(move || {
            let _guard = lock.read();
            inside.send(());
            leave.recv();
        });
    }
    for _ in 0..4 {
        inside.recv();
    }
    leave.close();
}

/// Catches new readers that overtake a writer that waits, and readers that are not let in before the
/// next writer.
#[gors::test]
fn a_waiting_writer_goes_before_new_readers_and_after_it_all_readers_go() {
    at_all_permits(|_| {
        let lock = Arc::new(RwLock::new(Vec::new()));
        let order = Arc::new(gors::sync::Mutex::new(Vec::new()));
        let first = lock.read();
        let writer = |name: &'static str| {
            let (lock, order) = (lock.clone(), order.clone());
            spawn_blocked(move || {
                let mut words = lock.write();
                words.push(name);
                order.lock().push(name);
            })
        };
        let reader = |name: &'static str| {
            let (lock, order) = (lock.clone(), order.clone());
            spawn_blocked(move || {
                let _words = lock.read();
                order.lock().push(name);
            })
        };
        let mut all = vec![writer("writer 1")];
        assert!(lock.try_read().is_none(), "a pending writer stops readers");
        all.push(reader("reader"));
        all.push(writer("writer 2"));
        all.push(reader("reader"));
        drop(first);
        for one in all {
            one.join().unwrap();
        }
        assert_eq!(*order.lock(), ["writer 1", "reader", "reader", "writer 2"]);
    });
}

/// Catches a writer that gives up and still keeps readers out.
#[gors::test]
fn a_writer_that_gives_up_lets_readers_in() {
    let lock = Arc::new(RwLock::new(()));
    let first = lock.read();
    let theirs = lock.clone();
    let (ctx, cancel) = context::with_cancel(&Context::background());
    let writer = spawn_blocked(move || theirs.write_ctx(&ctx).is_err());
    assert!(lock.try_read().is_none());
    let theirs = lock.clone();
    let reader = spawn_blocked(move || drop(theirs.read()));
    cancel.cancel();
    assert!(writer.join().unwrap());
    reader.join().unwrap();
    drop(first);
}

/// Catches a downgrade that lets a writer in between, or that forgets readers that wait.
#[gors::test]
fn downgrade_admits_readers_and_no_writer() {
    at_all_permits(|_| {
        let lock = Arc::new(RwLock::new(1));
        let mut guard = lock.write();
        let wrote = Arc::new(AtomicBool::new(false));
        let writer = {
            let (lock, wrote) = (lock.clone(), wrote.clone());
            spawn_blocked(move || {
                *lock.write() += 1;
                wrote.store(true, Ordering::SeqCst);
            })
        };
        let theirs = lock.clone();
        let reader = spawn_blocked(move || *theirs.read());
        *guard = 5;
        let guard = gors::sync::RwLockWriteGuard::downgrade(guard);
        assert_eq!(reader.join().unwrap(), 5);
        assert!(!wrote.load(Ordering::SeqCst));
        drop(guard);
        writer.join().unwrap();
        assert_eq!(*lock.read(), 6);
    });
}

/// Catches locks that count for the goroutine that took them: one takes them here, two for reading and
/// then one for writing, and the other opens them (Go's TestRLocker).
#[gors::test]
fn guards_change_hands() {
    static LOCK: RwLock<()> = RwLock::new(());
    at_all_permits(|_| {
        const ROUNDS: usize = 50;
        let (reading, writing) = (make(1), make(1));
        let theirs = (reading.clone(), writing.clone());
        go!(move || {
            for _ in 0..ROUNDS {
                theirs.0.send((LOCK.read(), LOCK.read()));
                theirs.1.send(LOCK.write());
            }
        });
        for _ in 0..ROUNDS {
            let (first, second) = reading.recv().unwrap();
            drop(first);
            assert!(writing.try_recv().is_err(), "a reader is inside");
            drop(second);
            let writer = writing.recv().unwrap();
            assert!(reading.try_recv().is_err(), "a writer is inside");
            drop(writer);
        }
    });
}

/// Catches `try_` methods that wait or lie.
#[gors::test]
fn tries() {
    let lock = RwLock::new(0);
    let reader = lock.try_read().unwrap();
    assert!(lock.try_write().is_none());
    assert!(lock.try_read().is_some());
    drop(reader);
    let writer = lock.try_write().unwrap();
    assert!(lock.try_read().is_none());
    assert!(lock.is_locked());
    drop(writer);
    assert!(!lock.is_locked());
}
