//! Permits: where their number comes from, and that changing it loses nothing.

#[path = "support/child.rs"]
mod child;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use gors::prelude::*;
use gors::time::sleep;

/// Would catch an environment variable that is not read, and nonsense that is not ignored as Go
/// ignores it.
#[test]
fn the_default_comes_from_the_environment() {
    let name = "the_default_comes_from_the_environment";
    for (value, expected) in [
        ("1", Some(1)),
        ("3", Some(3)),
        ("0", None),
        ("-2", None),
        ("many", None),
    ] {
        child::run(name, &[("GOMAXPROCS", value)], || {
            let value = std::env::var("GOMAXPROCS").expect("the parent has set it");
            let expected = value.parse().ok().filter(|&n: &usize| n > 0);
            let unset = gomaxprocs(0);
            assert_eq!(unset, expected.unwrap_or(unset));
            assert!(unset >= 1 && (expected.is_some() || unset <= num_cpu()));
            gors::run(|| assert_eq!(gomaxprocs(0), unset));
        })
        .assert_success();
        assert_eq!(value.parse().ok().filter(|&n: &usize| n > 0), expected);
    }
}

/// Would catch another previous value than the one in force, and a 0 that changes something.
#[test]
fn setting_returns_the_previous_number() {
    child::run(
        "setting_returns_the_previous_number",
        &[("GOMAXPROCS", "3")],
        || {
            assert_eq!(gomaxprocs(5), 3, "before the start of the runtime");
            gors::run(|| {
                assert_eq!(gomaxprocs(0), 5);
                assert_eq!(gomaxprocs(2), 5);
                assert_eq!(gomaxprocs(0), 2);
                assert_eq!(gors::runtime::stats().permits, 2);
            });
            assert_eq!(thread::spawn(|| gomaxprocs(7)).join().expect("no panic"), 2);
            assert_eq!(gomaxprocs(0), 7);
        },
    )
    .assert_success();
}

/// Would catch more goroutines at a time than permits, as long as none of them is a hog.
#[test]
fn no_more_run_at_once_than_there_are_permits() {
    let name = "no_more_run_at_once_than_there_are_permits";
    child::run(name, &[("GOMAXPROCS", "1")], || {
        gors::run(|| {
            let hogs = || gors::runtime::stats().hogs;
            let mut rounds_without_hogs = 0;
            for _ in 0..200 {
                let before = hogs();
                let overlaps = count_overlaps();
                // A thread that the system stops for longer than a slice counts as a hog.
                if hogs() == before {
                    assert_eq!(overlaps, 0);
                    rounds_without_hogs += 1;
                }
            }
            assert!(rounds_without_hogs > 0);
        });
    })
    .assert_success();
}

/// How often one of several goroutines began while another had not paused.
fn count_overlaps() -> usize {
    let running = Arc::new(AtomicUsize::new(0));
    let overlaps = Arc::new(AtomicUsize::new(0));
    let wg = WaitGroup::new();
    for _ in 0..8 {
        let (running, overlaps) = (Arc::clone(&running), Arc::clone(&overlaps));
        wg.go(move || {
            for _ in 0..20 {
                if running.fetch_add(1, Ordering::SeqCst) > 0 {
                    overlaps.fetch_add(1, Ordering::SeqCst);
                }
                for _ in 0..100 {
                    std::hint::spin_loop();
                }
                running.fetch_sub(1, Ordering::SeqCst);
                gosched();
            }
        });
    }
    wg.wait();
    overlaps.load(Ordering::SeqCst)
}

/// Would catch goroutines that are left behind in a queue whose permit is gone, and permits that
/// get lost.
#[test]
fn a_storm_of_changes_loses_nothing() {
    child::run("a_storm_of_changes_loses_nothing", &[], || {
        gors::run(|| {
            let stop = Arc::new(AtomicBool::new(false));
            let storms: Vec<_> = (0..2_u64)
                .map(|seed| {
                    let stop = Arc::clone(&stop);
                    thread::spawn(move || storm(seed, &stop))
                })
                .collect();
            for _ in 0..100 {
                let sum = Arc::new(AtomicUsize::new(0));
                let wg = WaitGroup::new();
                for n in 0..2_000 {
                    let sum = Arc::clone(&sum);
                    wg.go(move || {
                        gosched();
                        if n % 50 == 0 {
                            sleep(Duration::from_micros(100));
                        }
                        sum.fetch_add(n, Ordering::Relaxed);
                    });
                }
                wg.wait();
                assert_eq!(sum.load(Ordering::Relaxed), 2_000 * 1_999 / 2);
            }
            stop.store(true, Ordering::Relaxed);
            for storm in storms {
                blocking(|| storm.join()).expect("a storm does not panic");
            }
            every_permit_is_there(4);
        });
    })
    .assert_success();
}

/// Changes the number of permits between 1 and 64 until told to stop.
fn storm(seed: u64, stop: &AtomicBool) {
    let mut random = fastrand::Rng::with_seed(seed);
    while !stop.load(Ordering::Relaxed) {
        gomaxprocs(random.usize(1..=64));
        for _ in 0..random.u32(0..2_000) {
            std::hint::spin_loop();
        }
    }
}

/// Goroutines that wait for each other without giving up their permit: there must be as many.
fn every_permit_is_there(permits: usize) {
    gomaxprocs(permits);
    let together = Arc::new(AtomicUsize::new(0));
    let wg = WaitGroup::new();
    for _ in 0..permits {
        let together = Arc::clone(&together);
        wg.go(move || {
            together.fetch_add(1, Ordering::SeqCst);
            while together.load(Ordering::SeqCst) < permits {
                std::hint::spin_loop();
            }
        });
    }
    wg.wait();
    while gors::runtime::stats().permits_idle + 1 < permits {
        gosched();
    }
}
