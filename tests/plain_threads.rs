//! Plain OS threads are full citizens: every blocking operation works on them, and by itself starts
//! nothing.

#[path = "support/child.rs"]
mod child;
#[path = "support/threads.rs"]
mod threads;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use gors::chan::{after, bounded, unbounded};
use gors::prelude::*;
use gors::sync::Mutex;
use gors::time::sleep;

/// Would catch a channel, a lock or a timer that starts workers: a program that never says `go!`
/// pays for none.
#[test]
fn waiting_starts_no_threads() {
    child::run("waiting_starts_no_threads", &[], || {
        let (sender, receiver) = bounded(0);
        let other = thread::spawn(move || {
            for n in 0..100 {
                sender.send(n).expect("somebody receives");
            }
        });
        assert_eq!(receiver.iter().sum::<u32>(), 4_950);
        other.join().expect("no panic");

        let wg = WaitGroup::new();
        wg.add(1);
        let done = wg.clone();
        let other = thread::spawn(move || done.done());
        wg.wait();
        other.join().expect("no panic");

        let mutex = Mutex::new(0);
        thread::scope(|s| {
            for _ in 0..4 {
                s.spawn(|| (0..1_000).for_each(|_| *mutex.lock() += 1));
            }
        });
        assert_eq!(*mutex.lock(), 4_000);

        sleep(Duration::from_millis(1));
        select! {
            recv(receiver) -> value => assert!(value.is_err()),
            recv(after(Duration::from_secs(60))) -> _ => panic!("the channel is disconnected"),
        }
        assert!(after(Duration::from_millis(1)).recv().is_ok());
        gosched();
        assert_eq!(goid(), 0);
        assert_eq!(num_goroutine(), 0);
        assert_eq!(threads::of_the_runtime(), []);
    })
    .assert_success();
}

/// Would catch a wake-up that gets lost between a goroutine and a plain thread, in either
/// direction.
#[gors::test]
fn goroutines_and_threads_share_a_channel() {
    for cap in [0, 1, 16] {
        let (jobs_in, jobs) = bounded::<u64>(cap);
        let (results_in, results) = unbounded();
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let (jobs, results) = (jobs.clone(), results_in.clone());
                thread::spawn(move || jobs.iter().for_each(|n| results.send(n).expect("open")))
            })
            .collect();
        for _ in 0..2 {
            let (jobs, results) = (jobs.clone(), results_in.clone());
            go!(move || jobs.iter().for_each(|n| results.send(n).expect("open")));
        }
        drop((jobs, results_in));
        let producer = {
            let jobs_in = jobs_in.clone();
            thread::spawn(move || (1..=1_000).for_each(|n| jobs_in.send(n).expect("open")))
        };
        go!((1..=1_000).for_each(move |n| jobs_in.send(n).expect("open")));
        assert_eq!(results.iter().sum::<u64>(), 1_001_000);
        for thread in threads.into_iter().chain([producer]) {
            blocking(|| thread.join()).expect("no panic");
        }
    }
}

/// Would catch a WaitGroup or a handle that wakes only goroutines.
#[test]
fn a_thread_waits_for_goroutines() {
    let count = Arc::new(AtomicUsize::new(0));
    let wg = WaitGroup::new();
    for _ in 0..100 {
        let count = Arc::clone(&count);
        wg.go(move || {
            gosched();
            count.fetch_add(1, Ordering::SeqCst);
        });
    }
    wg.wait();
    assert_eq!(count.load(Ordering::SeqCst), 100);
    let handles: Vec<_> = (0..100).map(|n| spawn(move || n)).collect();
    let sum: u32 = handles
        .into_iter()
        .map(|handle| handle.join().expect("no panic"))
        .sum();
    assert_eq!(sum, 4_950);
}

/// Would catch a mutex that a thread and a goroutine can hold at the same time.
#[test]
fn a_mutex_excludes_threads_and_goroutines() {
    static NUMBER: Mutex<u64> = Mutex::new(0);
    fn count() {
        for _ in 0..2_000 {
            let mut number = NUMBER.lock();
            let before = *number;
            if before.is_multiple_of(64) {
                gosched();
            }
            *number = before + 1;
        }
    }
    let wg = WaitGroup::new();
    wg.go(count);
    wg.go(count);
    thread::scope(|s| {
        s.spawn(count);
        s.spawn(count);
    });
    wg.wait();
    assert_eq!(*NUMBER.lock(), 8_000);
}

/// Would catch a wake-up that gets lost when thousands of threads come and go.
#[test]
fn short_lived_threads_ping_a_goroutine() {
    let (pings, balls) = bounded(0);
    let (back, pongs) = bounded(0);
    go!(balls
        .into_iter()
        .for_each(move |n: u32| back.send(n + 1).expect("open")));
    for n in 0..1_000 {
        let (pings, pongs) = (pings.clone(), pongs.clone());
        thread::spawn(move || {
            pings.send(n).expect("open");
            assert_eq!(pongs.recv(), Ok(n + 1));
        })
        .join()
        .expect("no panic");
    }
}
