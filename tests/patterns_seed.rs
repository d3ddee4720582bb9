//! Runner, Pool, Work and SynchronizedMap behave as the programs they come from.

#[path = "support/child.rs"]
mod child;
mod common;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use common::{at_all_permits, panic_text};
use gors::patterns::runner::{self, Runner};
use gors::patterns::{SynchronizedMap, pool, work};
use gors::prelude::*;
use gors::signal::{self, Signal};

/// Catches tasks out of order, or with wrong numbers.
#[gors::test]
fn a_runner_runs_its_tasks_in_order() {
    let ran = make::<usize>(10);
    let mut runner = Runner::new(Duration::from_secs(30));
    for _ in 0..3 {
        let ran = ran.clone();
        runner.add(move |id| ran.send(id));
    }
    assert_eq!(runner.start(), Ok(()));
    ran.close();
    assert_eq!(ran.into_iter().collect::<Vec<_>>(), [0, 1, 2]);
}

/// Catches a runner that waits for a task longer than its time.
#[gors::test]
fn a_runner_times_out() {
    let start = Instant::now();
    let mut runner = Runner::new(Duration::from_millis(20));
    runner.add(|_| gors::time::sleep(Duration::from_secs(3600)));
    let error = runner.start().unwrap_err();
    assert_eq!(error, runner::Error::Timeout);
    assert_eq!(error.to_string(), "received timeout");
    assert!(start.elapsed() >= Duration::from_millis(20));
}

/// Catches a runner that an interrupt kills, or that goes on with its tasks. The interrupt is real.
#[test]
fn a_runner_is_interrupted() {
    let mut runner = child::start("a_runner_is_interrupted", &[], || {
        gors::run(|| {
            let mut runner = Runner::new(Duration::from_secs(60));
            for _ in 0..3 {
                runner.add(|id| {
                    let interrupted = make(1);
                    signal::notify(&interrupted, &[Signal::INTERRUPT]);
                    println!("task {id}");
                    if id == 0 {
                        interrupted.recv();
                    } else {
                        // The runner has its own channel, which may get it a moment later.
                        gors::time::sleep(Duration::from_secs(1));
                    }
                });
            }
            println!("{}", runner.start().unwrap_err());
        });
    });
    runner.wait_for("task 0\n");
    runner.send("INT");
    let ended = runner.wait();
    ended.assert_success();
    assert!(ended.stdout.contains("received interrupt"), "{ended:#?}");
    assert!(!ended.stdout.contains("task 2"), "{ended:#?}");
}

/// Catches a runner that keeps the interrupt for itself when its tasks have ended.
#[test]
fn after_a_runner_an_interrupt_ends_the_process() {
    let mut process = child::start("after_a_runner_an_interrupt_ends_the_process", &[], || {
        gors::run(|| {
            assert_eq!(Runner::new(Duration::from_secs(60)).start(), Ok(()));
            println!("no tasks");
            gors::time::sleep(Duration::from_secs(60));
        });
    });
    process.wait_for("no tasks\n");
    process.send("INT");
    process.wait().assert_killed_by(Signal::INTERRUPT.as_raw());
}

/// What counts how many of it live.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Catches resources that are made though one is pooled, lost, or kept beyond the pool's size.
#[gors::test]
fn a_pool_of_resources() {
    let live = Arc::new(AtomicUsize::new(0));
    let made = live.clone();
    let pool = pool::Pool::new(
        move || {
            made.fetch_add(1, Ordering::SeqCst);
            Ok::<_, Infallible>(Counted(made.clone()))
        },
        2,
    )
    .unwrap();
    let three: Vec<_> = (0..3).map(|_| pool.acquire().unwrap()).collect();
    assert_eq!(live.load(Ordering::SeqCst), 3);
    for resource in three {
        pool.release(resource);
    }
    assert_eq!(live.load(Ordering::SeqCst), 2, "no room for the third");
    let kept = pool.acquire().unwrap();
    assert_eq!(live.load(Ordering::SeqCst), 2, "taken from the pool");
    pool.close();
    pool.close();
    assert_eq!(
        live.load(Ordering::SeqCst),
        1,
        "closing drops what is pooled"
    );
    assert!(matches!(pool.acquire(), Err(pool::Error::Closed)));
    pool.release(kept);
    assert_eq!(
        live.load(Ordering::SeqCst),
        0,
        "a closed pool keeps nothing"
    );
}

/// Catches words that are not the program's, and a factory's error that is lost.
#[gors::test]
fn errors_of_a_pool() {
    let none = pool::Pool::<()>::new(|| Ok::<_, Infallible>(()), 0);
    assert_eq!(none.unwrap_err().to_string(), "Size value too small.");
    let broken = pool::Pool::<()>::new(|| Err("no route to host"), 1).unwrap();
    assert_eq!(
        broken.acquire().unwrap_err().to_string(),
        "no route to host"
    );
    broken.close();
    assert_eq!(
        broken.acquire().unwrap_err().to_string(),
        "Pool has been closed."
    );
}

/// Catches resources that two have at the same time, or that leak, when a pool is closed under load.
#[gors::test]
fn a_pool_is_closed_under_load() {
    at_all_permits(|_| {
        let live = Arc::new(AtomicUsize::new(0));
        let made = live.clone();
        let factory = move || {
            made.fetch_add(1, Ordering::SeqCst);
            Ok::<_, Infallible>(Counted(made.clone()))
        };
        let pool = Arc::new(pool::Pool::new(factory, 3).unwrap());
        let wg = WaitGroup::new();
        for _ in 0..20 {
            let pool = pool.clone();
            wg.go(move || {
                while let Ok(resource) = pool.acquire() {
                    gosched();
                    pool.release(resource);
                }
            });
        }
        gors::time::sleep(Duration::from_millis(3));
        pool.close();
        wg.wait();
        assert_eq!(live.load(Ordering::SeqCst), 0);
    });
}

struct Add(Arc<AtomicUsize>);

impl work::Worker for Add {
    fn task(&mut self) {
        gosched();
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Catches work that is lost, and a shutdown that does not wait for it.
#[gors::test]
fn a_work_pool_does_all_the_work() {
    at_all_permits(|_| {
        let done = Arc::new(AtomicUsize::new(0));
        let pool = Arc::new(work::Pool::new(3));
        let wg = WaitGroup::new();
        for _ in 0..20 {
            let (pool, done) = (pool.clone(), done.clone());
            wg.go(move || {
                for _ in 0..20 {
                    pool.run(Add(done.clone()));
                }
            });
        }
        wg.wait();
        pool.shutdown();
        assert_eq!(done.load(Ordering::SeqCst), 400);
        let late = Add(done.clone());
        assert_eq!(panic_text(|| pool.run(late)), "send on closed channel");
    });
}

/// Catches a map that two change at once.
#[gors::test]
fn a_synchronized_map() {
    at_all_permits(|_| {
        let map = Arc::new(SynchronizedMap::new());
        let wg = WaitGroup::new();
        for n in 0..8 {
            let map = map.clone();
            wg.go(move || {
                for key in 0..100 {
                    map.put((n, key), key);
                    assert_eq!(map.get(&(n, key)), Some(key));
                    if key % 2 == 0 {
                        assert_eq!(map.delete(&(n, key)), Some(key));
                    }
                }
            });
        }
        wg.wait();
        let mut sum = 0;
        map.each(|_, value| sum += value);
        assert_eq!((map.len(), sum), (400, 8 * 2_500));
    });
}
