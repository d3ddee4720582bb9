//! Waits for locks that a context ends.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::{Random, at_all_permits, until_blocked};
use gors::context::{self, Context, ContextError};
use gors::prelude::*;
use gors::sync::{Mutex, RwLock};

/// Catches a wait that outlives its context, and a lock that a cancelled waiter keeps.
#[gors::test]
fn a_cancelled_wait_ends_and_the_lock_goes_on() {
    at_all_permits(|_| {
        let mutex = Arc::new(Mutex::new(0));
        let guard = mutex.lock();
        let (ctx, cancel) = context::with_cancel(&Context::background());
        let waiters: Vec<_> = (0..10)
            .map(|n| {
                let (mutex, ctx) = (mutex.clone(), ctx.clone());
                spawn(move || {
                    if n % 2 == 0 {
                        mutex.lock_ctx(&ctx).map(|mut n| *n += 1)
                    } else {
                        *mutex.lock() += 1;
                        Ok(())
                    }
                })
            })
            .collect();
        waiters.iter().for_each(until_blocked);
        cancel.cancel();
        let mut waiters: Vec<_> = waiters.into_iter().map(Some).collect();
        for waiter in waiters.iter_mut().step_by(2) {
            let ended = waiter.take().unwrap().join().unwrap();
            assert_eq!(ended, Err(ContextError::Canceled));
        }
        drop(guard);
        for waiter in waiters.into_iter().flatten() {
            assert_eq!(waiter.join().unwrap(), Ok(()));
        }
        assert_eq!(*mutex.lock(), 5);
    });
}

/// Catches cancellations that meet unlocks: lost wake-ups, waiters left in a list.
#[gors::test]
fn cancellations_race_with_unlocks() {
    at_all_permits(|procs| {
        let (mutex, rwlock) = (Arc::new(Mutex::new(0)), Arc::new(RwLock::new(0)));
        let taken = Arc::new(AtomicUsize::new(0));
        let wg = WaitGroup::new();
        let work =
            move |n: u64, mutex: &Mutex<usize>, rwlock: &RwLock<usize>, taken: &AtomicUsize| {
                let mut random = Random(0x9E37_79B9 + n * 77 + procs as u64);
                for _ in 0..150 {
                    let (ctx, cancel) = context::with_cancel(&Context::background());
                    let after = Duration::from_micros(random.below(60));
                    let timer = gors::time::after_func(after, move || cancel.cancel());
                    match random.below(6) {
                        0 | 1 => {
                            if let Ok(mut n) = mutex.lock_ctx(&ctx) {
                                *n += 1;
                                taken.fetch_add(1, Ordering::Relaxed);
                                gosched();
                            }
                        }
                        2 => {
                            *mutex.lock() += 1;
                            taken.fetch_add(1, Ordering::Relaxed);
                        }
                        3 => {
                            if let Ok(mut n) = rwlock.write_ctx(&ctx) {
                                *n += 1;
                                taken.fetch_add(1, Ordering::Relaxed);
                                gosched();
                            }
                        }
                        4 => drop(rwlock.read_ctx(&ctx)),
                        _ => {
                            let _guard = rwlock.read();
                            gosched();
                        }
                    }
                    timer.stop();
                }
            };
        for n in 0..12 {
            let (mutex, rwlock, taken) = (mutex.clone(), rwlock.clone(), taken.clone());
            wg.go(move || work(n, &mutex, &rwlock, &taken));
        }
        let threads: Vec<_> = (0..2)
            .map(|n| {
                let (mutex, rwlock, taken) = (mutex.clone(), rwlock.clone(), taken.clone());
                std::thread::spawn(move || work(100 + n, &mutex, &rwlock, &taken))
            })
            .collect();
        wg.wait();
        for thread in threads {
            blocking(|| thread.join()).unwrap();
        }
        assert_eq!(
            *mutex.lock() + *rwlock.write(),
            taken.load(Ordering::Relaxed)
        );
    });
}

/// Catches a context that is over and still lets a lock be taken.
#[gors::test]
fn a_cancelled_context_wins_over_a_free_lock() {
    let (ctx, cancel) = context::with_cancel(&Context::background());
    let mutex = Mutex::new(());
    assert!(mutex.lock_ctx(&ctx).is_ok());
    cancel.cancel();
    assert_eq!(mutex.lock_ctx(&ctx).unwrap_err(), ContextError::Canceled);
    assert!(mutex.lock_ctx(&Context::background()).is_ok());
}
