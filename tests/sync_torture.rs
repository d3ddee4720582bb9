//! All locks at the same time, with every kind of wait, in goroutines and threads.
//!
//! Each goroutine does what its generator says. Whoever holds something checks that nobody holds what
//! excludes it. `GORS_TORTURE=SECONDS` makes it long.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use common::{Random, at_all_permits};
use gors::context::{self, Context};
use gors::prelude::*;
use gors::sync::{Condvar, Mutex, RwLock, RwLockWriteGuard, Semaphore};

const TOKENS: i64 = 4;
/// What a writer adds to the count of those inside.
const WRITER: i64 = -1_000;

struct Shared {
    /// Both numbers are equal whenever nobody has the lock.
    mutex: Mutex<(u64, u64)>,
    lock: RwLock<()>,
    /// Readers inside, or one writer.
    inside: AtomicI64,
    semaphore: Semaphore,
    held: AtomicI64,
    condvar: Condvar,
    stop: AtomicBool,
}

struct Torture {
    shared: Arc<Shared>,
    random: Random,
}

impl Torture {
    fn run(mut self) {
        let shared = self.shared.clone();
        while !shared.stop.load(Ordering::Relaxed) {
            self.step(&shared);
        }
    }

    fn step(&mut self, shared: &Shared) {
        let patience = Duration::from_micros(self.random.below(100));
        let (ctx, cancel) = context::with_cancel(&Context::background());
        let kind = self.random.below(20);
        let timer = matches!(kind, 2 | 5 | 8 | 11 | 13)
            .then(|| gors::time::after_func(patience, move || cancel.cancel()));
        match kind {
            0 => self.in_mutex(Some(shared.mutex.lock())),
            1 => self.in_mutex(shared.mutex.try_lock_for(patience)),
            2 => self.in_mutex(shared.mutex.lock_ctx(&ctx).ok()),
            3 => self.reading(shared, shared.lock.read()),
            4 => self.reading_if(shared, shared.lock.try_read_for(patience)),
            5 => self.reading_if(shared, shared.lock.read_ctx(&ctx).ok()),
            6 => self.writing(shared, Some(shared.lock.write())),
            7 => self.writing(shared, shared.lock.try_write_for(patience)),
            8 => self.writing(shared, shared.lock.write_ctx(&ctx).ok()),
            9..=14 => {
                let n = self.random.below(TOKENS as u64) as usize + 1;
                let semaphore = &shared.semaphore;
                let taken = match kind {
                    9 | 10 => {
                        semaphore.acquire(n);
                        true
                    }
                    11 | 13 => semaphore.acquire_ctx(&ctx, n).is_ok(),
                    _ => semaphore.acquire_timeout(n, patience),
                };
                if taken {
                    self.with_tokens(shared, n);
                }
            }
            15 | 16 => {
                let mut guard = shared.mutex.lock();
                let _ = shared.condvar.wait_for(&mut guard, patience);
                self.in_mutex(Some(guard));
            }
            17 => {
                shared.condvar.notify_one();
            }
            18 => {
                shared.condvar.notify_all();
            }
            _ => self.reading(shared, shared.lock.read()),
        }
        if let Some(timer) = timer {
            timer.stop();
        }
    }

    fn pause(&mut self) {
        match self.random.below(12) {
            0 => gosched(),
            1 => (0..self.random.below(200)).for_each(|_| std::hint::spin_loop()),
            2 if self.random.below(50) == 0 => gors::time::sleep(Duration::from_micros(40)),
            _ => {}
        }
    }

    fn in_mutex(&mut self, guard: Option<gors::sync::MutexGuard<'_, (u64, u64)>>) {
        if let Some(mut guard) = guard {
            guard.0 += 1;
            self.pause();
            guard.1 += 1;
            assert_eq!(guard.0, guard.1, "two in the mutex");
        }
    }

    fn reading_if<G>(&mut self, shared: &Shared, guard: Option<G>) {
        if let Some(guard) = guard {
            self.reading(shared, guard);
        }
    }

    fn reading<G>(&mut self, shared: &Shared, guard: G) {
        let inside = shared.inside.fetch_add(1, Ordering::SeqCst);
        assert!(inside >= 0, "a reader beside a writer");
        self.pause();
        shared.inside.fetch_sub(1, Ordering::SeqCst);
        drop(guard);
    }

    fn writing(&mut self, shared: &Shared, guard: Option<RwLockWriteGuard<'_, ()>>) {
        if let Some(guard) = guard {
            let inside = shared.inside.fetch_add(WRITER, Ordering::SeqCst);
            assert_eq!(inside, 0, "a writer beside others");
            self.pause();
            shared.inside.fetch_sub(WRITER, Ordering::SeqCst);
            if self.random.below(3) == 0 {
                self.reading(shared, RwLockWriteGuard::downgrade(guard));
            }
        }
    }

    fn with_tokens(&mut self, shared: &Shared, n: usize) {
        let held = shared.held.fetch_add(n as i64, Ordering::SeqCst) + n as i64;
        assert!(held <= TOKENS, "{held} tokens are held");
        self.pause();
        shared.held.fetch_sub(n as i64, Ordering::SeqCst);
        shared.semaphore.release(n);
    }
}

/// Catches what the tests of single rules do not think of: two where one should be, and waits that
/// nobody ends.
#[gors::test(timeout = "600s")]
fn everything_at_once() {
    let seconds = std::env::var("GORS_TORTURE")
        .ok()
        .and_then(|text| text.parse().ok());
    let each = seconds.map_or(Duration::from_millis(700), Duration::from_secs);
    at_all_permits(|procs| {
        let shared = Arc::new(Shared {
            mutex: Mutex::new((0, 0)),
            lock: RwLock::new(()),
            inside: AtomicI64::new(0),
            semaphore: Semaphore::new(TOKENS as usize),
            held: AtomicI64::new(0),
            condvar: Condvar::new(),
            stop: AtomicBool::new(false),
        });
        let torture = |n: u64| Torture {
            shared: shared.clone(),
            random: Random((n + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ procs as u64),
        };
        let wg = WaitGroup::new();
        for n in 0..24 {
            let torture = torture(n);
            wg.go(move || torture.run());
        }
        let threads: Vec<_> = (24..27)
            .map(|n| {
                let torture = torture(n);
                std::thread::spawn(move || torture.run())
            })
            .collect();
        gors::time::sleep(each);
        shared.stop.store(true, Ordering::Relaxed);
        wg.wait();
        for thread in threads {
            blocking(|| thread.join()).unwrap();
        }
        assert!(shared.mutex.try_lock().is_some() && shared.lock.try_write().is_some());
        assert_eq!(shared.semaphore.available(), TOKENS as usize);
    });
}
