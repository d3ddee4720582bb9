//! Three threads and a few operations each, in thousands of schedules.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use lock_api::{RawCondvar as _, RwLockWriteGuard};
use shuttle::rand::Rng;
use shuttle::thread;
use sync_model::raw::{
    Cancel, Limit, Notified, RawCondvar, RawMutex, RawOnce, RawRwLock, RawSemaphore, WaitList,
    WaitReason, lock_limited, read_limited, write_limited,
};

/// Runs the model under random schedules, and under such that switch seldom, where it hurts (PCT:
/// Burckhardt et al., «A randomized scheduler with probabilistic guarantees of finding bugs»).
/// `ITERATIONS` says how many of each.
fn check(model: impl Fn() + Send + Sync + 'static) {
    let iterations = std::env::var("ITERATIONS")
        .ok()
        .and_then(|text| text.parse().ok());
    let iterations = iterations.unwrap_or(20_000);
    let model = Arc::new(model);
    let theirs = model.clone();
    shuttle::check_random(move || theirs(), iterations);
    shuttle::check_pct(move || model(), iterations, 4);
}

fn below(n: u32) -> u32 {
    shuttle::rand::thread_rng().gen_range(0..n)
}

/// A limit of a random kind.
fn with_limit<R>(cancel: &Cancel, f: impl FnOnce(&Limit<'_>) -> R) -> R {
    f(&match below(4) {
        0 => Limit::until(Some(Instant::now())),
        1 => Limit::cancelled_by(cancel),
        2 => Limit {
            deadline: Some(Instant::now()),
            cancel: Some(cancel),
        },
        _ => Limit::NONE,
    })
}

/// Runs `body` in `n` threads, which a canceller joins at some time.
fn threads(n: u32, body: impl Fn(&Cancel) + Send + Sync + 'static) {
    let body = Arc::new(body);
    let cancel = Arc::new(Cancel::new());
    let handles: Vec<_> = (0..n)
        .map(|_| {
            let (body, cancel) = (body.clone(), cancel.clone());
            thread::spawn(move || body(&cancel))
        })
        .collect();
    if below(2) == 0 {
        cancel.cancel();
    }
    for handle in handles {
        handle.join().unwrap();
    }
}

/// Catches two holders, lost wake-ups, waiters that are readied twice.
#[test]
fn mutex() {
    check(|| {
        let mutex = Arc::new(lock_api::Mutex::<RawMutex, _>::new((0, 0)));
        let theirs = mutex.clone();
        threads(3, move |cancel| {
            for _ in 0..2 {
                let guard = with_limit(cancel, |limit| lock_limited(&theirs, limit));
                if let Ok(mut guard) = guard {
                    guard.0 += 1;
                    thread::yield_now();
                    guard.1 += 1;
                    assert_eq!(guard.0, guard.1);
                }
            }
        });
        assert!(mutex.try_lock().is_some());
    });
}

/// Catches a writer beside others, lost wake-ups, readers that a writer who gave up keeps out.
#[test]
fn rwlock() {
    check(|| {
        let lock = Arc::new(lock_api::RwLock::<RawRwLock, _>::new(()));
        let inside = Arc::new(AtomicI64::new(0));
        let theirs = lock.clone();
        threads(4, move |cancel| {
            let reading = || {
                assert!(inside.fetch_add(1, Ordering::SeqCst) >= 0);
                thread::yield_now();
                inside.fetch_sub(1, Ordering::SeqCst);
            };
            for _ in 0..2 {
                if below(2) == 0 {
                    if let Ok(_guard) = with_limit(cancel, |limit| read_limited(&theirs, limit)) {
                        reading();
                    }
                } else if let Ok(guard) = with_limit(cancel, |limit| write_limited(&theirs, limit))
                {
                    assert_eq!(inside.fetch_sub(1_000, Ordering::SeqCst), 0);
                    thread::yield_now();
                    inside.fetch_add(1_000, Ordering::SeqCst);
                    if below(3) == 0 {
                        let _guard = RwLockWriteGuard::downgrade(guard);
                        reading();
                    }
                }
            }
        });
        assert!(lock.try_write().is_some());
    });
}

/// Catches too many tokens, lost ones, and requests that nobody serves.
#[test]
fn semaphore() {
    check(|| {
        let semaphore = Arc::new(RawSemaphore::new(2));
        let held = Arc::new(AtomicI64::new(0));
        let theirs = semaphore.clone();
        threads(3, move |cancel| {
            for _ in 0..2 {
                let n = below(2) as usize + 1;
                if with_limit(cancel, |limit| theirs.acquire(n, limit)).is_ok() {
                    assert!(held.fetch_add(n as i64, Ordering::SeqCst) + n as i64 <= 2);
                    thread::yield_now();
                    held.fetch_sub(n as i64, Ordering::SeqCst);
                    assert!(theirs.release(n));
                }
            }
        });
        assert_eq!(semaphore.available(), 2);
    });
}

/// Catches notifications that are lost between queueing and parking, or taken by those who gave up.
#[test]
fn condvar() {
    check(|| {
        let shared = Arc::new((lock_api::Mutex::<RawMutex, _>::new(0), RawCondvar::new()));
        let theirs = shared.clone();
        let consumer = thread::spawn(move || {
            let (mutex, condvar) = &*theirs;
            for _ in 0..2 {
                let mut tokens = mutex.lock();
                while *tokens == 0 {
                    condvar.wait_limited(&mut tokens, &Limit::NONE).unwrap();
                }
                *tokens -= 1;
            }
        });
        let theirs = shared.clone();
        threads(2, move |cancel| {
            let (mutex, condvar) = &*theirs;
            let mut tokens = mutex.lock();
            if below(2) == 0 {
                let limit = Limit {
                    deadline: Some(Instant::now()),
                    cancel: Some(cancel),
                };
                if condvar.wait_limited(&mut tokens, &limit).is_ok() {
                    // Not for us: pass it on.
                    condvar.notify_one();
                }
            }
            *tokens += 1;
            drop(tokens);
            if below(2) == 0 {
                condvar.notify_one();
            } else {
                condvar.notify_all();
            }
        });
        consumer.join().unwrap();
    });
}

/// Catches two runs, and callers that nobody wakes when an attempt was abandoned.
#[test]
fn once() {
    check(|| {
        let once = Arc::new(RawOnce::new());
        let runs = Arc::new(AtomicI64::new(0));
        let (theirs, counted) = (once.clone(), runs.clone());
        threads(3, move |_| {
            while let Some(attempt) = theirs.begin() {
                if below(2) == 0 {
                    drop(attempt);
                    thread::yield_now();
                } else {
                    counted.fetch_add(1, Ordering::SeqCst);
                    attempt.finish();
                }
            }
            assert!(theirs.is_done());
        });
        assert_eq!(runs.load(Ordering::SeqCst), 1);
    });
}

/// Catches waiters that a change of their condition passes by.
#[test]
fn wait_list() {
    check(|| {
        let shared = Arc::new((WaitList::new(), AtomicI64::new(0)));
        let waiters: Vec<_> = (0..3)
            .map(|n| {
                let shared = shared.clone();
                thread::spawn(move || {
                    let (list, flag) = &*shared;
                    let deadline = (n == 0).then(Instant::now);
                    let ready = || flag.load(Ordering::SeqCst) == 1;
                    let notified = list.wait(WaitReason::Park, deadline, ready);
                    assert!(notified == Notified::TimedOut || ready());
                })
            })
            .collect();
        shared.1.store(1, Ordering::SeqCst);
        shared.0.notify_all();
        for waiter in waiters {
            waiter.join().unwrap();
        }
    });
}

/// Catches a cancellation that a waiter misses: nobody else ends its wait.
#[test]
fn cancel() {
    check(|| {
        let mutex = Arc::new(lock_api::Mutex::<RawMutex, _>::new(()));
        let cancel = Arc::new(Cancel::new());
        let guard = mutex.lock();
        let waiters: Vec<_> = (0..2)
            .map(|_| {
                let (mutex, cancel) = (mutex.clone(), cancel.clone());
                thread::spawn(move || {
                    let limit = Limit::cancelled_by(&cancel);
                    assert!(lock_limited(&mutex, &limit).is_err());
                })
            })
            .collect();
        cancel.cancel();
        for waiter in waiters {
            waiter.join().unwrap();
        }
        drop(guard);
        assert!(mutex.try_lock().is_some());
    });
}
