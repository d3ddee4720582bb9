//! `explore` finds bugs that ordinary runs do not show, and repeats them; correct programs pass.

use std::sync::Arc;
use std::time::Duration;

use failure::text_of_failure;
use gors::prelude::*;
use gors::sync::Mutex;
use gors::sync::atomic::Ordering;
use gors::testing::{explore, trace_hash};

#[path = "support/failure.rs"]
mod failure;

const SEEDS: usize = 1000;

/// The message with which exploring `body` fails.
#[track_caller]
fn failure(body: impl Fn() + Send + Sync + 'static) -> String {
    text_of_failure(|| explore(SEEDS, body))
}

#[test]
fn a_goroutine_left_behind_fails() {
    let text = failure(|| {
        let c = make::<()>(0);
        go!(move || c.recv());
    });
    assert!(text.contains("main bubble goroutine has exited"), "{text}");
}

#[test]
fn a_run_without_end_fails() {
    let text = failure(|| {
        loop {
            gosched();
        }
    });
    assert!(text.contains("no end"), "{text}");
}

#[test]
fn both_orders_of_two_sends_occur() {
    static FIRST: [std::sync::atomic::AtomicUsize; 2] =
        [const { std::sync::atomic::AtomicUsize::new(0) }; 2];
    explore(200, || {
        let c = make(2);
        let wg = WaitGroup::new();
        for n in 0..2 {
            let c = c.clone();
            wg.go(move || c.send(n));
        }
        wg.wait();
        FIRST[c.recv().unwrap()].fetch_add(1, Ordering::Relaxed);
    });
    assert!(FIRST.iter().all(|n| n.load(Ordering::Relaxed) > 20));
}

#[test]
fn time_is_virtual() {
    let begin = std::time::Instant::now();
    explore(50, || {
        let begin = gors::time::now();
        gors::time::sleep(Duration::from_secs(3600));
        assert_eq!(gors::time::now() - begin, Duration::from_secs(3600));
    });
    assert!(begin.elapsed() < Duration::from_secs(3600));
}

/// A body in which much can come first.
fn traffic() -> (u64, Vec<i32>) {
    let c = make(2);
    let total = Arc::new(Mutex::new(Vec::new()));
    let wg = WaitGroup::new();
    for n in 0..4 {
        let (c, total) = (c.clone(), total.clone());
        wg.go(move || {
            for i in 0..3 {
                gors::time::sleep(Duration::from_millis(n % 2));
                select! {
                    send(c, i) -> _ => total.lock().push(1),
                    recv(c) -> _ => total.lock().push(2),
                    default => total.lock().push(3),
                }
            }
        });
    }
    wg.wait();
    let order = total.lock().clone();
    (trace_hash(), order)
}

#[test]
fn seeds_repeat_and_differ() {
    let hashes = Arc::new(Mutex::new(Vec::new()));
    for _ in 0..3 {
        let hashes = hashes.clone();
        explore(100, move || hashes.lock().push(traffic()));
    }
    let hashes = hashes.lock();
    let (first, rest) = hashes.split_at(100);
    for (n, again) in rest.iter().enumerate() {
        assert_eq!(*again, first[n % 100], "seed {}", n % 100 + 1);
    }
    let mut different: Vec<u64> = first.iter().map(|(hash, _)| *hash).collect();
    different.sort_unstable();
    different.dedup();
    assert!(different.len() > 90, "{} schedules", different.len());
}

#[test]
fn panics_of_joined_goroutines_are_theirs() {
    explore(20, || {
        assert!(spawn(|| panic!("expected")).join().unwrap_err().is_panic());
    });
}

#[test]
fn unwinding_and_locked_goroutines_take_their_turns() {
    explore(200, || {
        let c = make(0);
        let wg = WaitGroup::new();
        let sender = c.clone();
        wg.go(move || {
            gors::lock_os_thread();
            let here = std::thread::current().id();
            for n in 0..3 {
                sender.send(n);
                gosched();
                gors::time::sleep(Duration::from_secs(1));
            }
            assert_eq!(std::thread::current().id(), here);
            gors::unlock_os_thread();
        });
        let receiver = c.clone();
        let unwinds = spawn(move || {
            defer!(for n in 0..3 {
                assert_eq!(receiver.recv(), Some(n));
            });
            std::panic::resume_unwind(Box::new(()));
        });
        assert!(unwinds.join().unwrap_err().is_panic());
        blocking(|| wg.wait());
    });
}

#[test]
fn beside_other_goroutines_and_each_other() {
    let stop = make::<()>(0);
    let busy: Vec<_> = (0..2)
        .map(|_| {
            let stop = stop.clone();
            spawn(move || {
                while !stop.is_closed() {
                    gors::time::sleep(Duration::from_micros(50));
                    gosched();
                }
            })
        })
        .collect();
    let explorers: Vec<_> = (0..3)
        .map(|_| spawn(|| explore(100, || drop(traffic()))))
        .collect();
    for explorer in explorers {
        explorer.join().unwrap();
    }
    stop.close();
    for goroutine in busy {
        goroutine.join().unwrap();
    }
}
