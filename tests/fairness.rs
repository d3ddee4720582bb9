//! Nobody starves, with a single permit. Each test would hang, and be ended by its watchdog,
//! without the rule it is about.

#[path = "support/child.rs"]
mod child;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use gors::prelude::*;
use gors::time::sleep;

/// Runs `body` as the main goroutine of a process with one permit.
#[track_caller]
fn with_one_permit(name: &str, body: impl FnOnce() + Send) {
    child::run(name, &[("GOMAXPROCS", "1")], || gors::run(body)).assert_success();
}

/// Two goroutines that wake each other through the run-next slot until told to stop.
fn start_ping_pong(stop: &Arc<AtomicBool>) -> Arc<AtomicU64> {
    let trips = Arc::new(AtomicU64::new(0));
    let (there, back) = (make(0), make(0));
    let (balls, returns) = (there.clone(), back.clone());
    go!({
        for ball in balls {
            returns.send(ball);
        }
    });
    let (stop, count) = (Arc::clone(stop), Arc::clone(&trips));
    go!({
        while !stop.load(Ordering::Relaxed) {
            there.send(());
            back.recv();
            count.fetch_add(1, Ordering::Relaxed);
        }
        there.close();
    });
    trips
}

/// Would catch a ping-pong pair that keeps everybody else out of the queue.
#[test]
fn a_ping_pong_pair_does_not_starve_the_queue() {
    with_one_permit("a_ping_pong_pair_does_not_starve_the_queue", || {
        let stop = Arc::new(AtomicBool::new(false));
        let trips = start_ping_pong(&stop);
        while trips.load(Ordering::Relaxed) < 1_000 {
            gosched();
        }
        for _ in 0..100 {
            spawn(gosched).join().expect("no panic");
        }
        stop.store(true, Ordering::Relaxed);
    });
}

/// Would catch a busy yielder that keeps a ping-pong pair out, or the other way round.
#[test]
fn a_yielder_and_a_ping_pong_pair_both_go_on() {
    with_one_permit("a_yielder_and_a_ping_pong_pair_both_go_on", || {
        let stop = Arc::new(AtomicBool::new(false));
        let trips = start_ping_pong(&stop);
        let yields = Arc::new(AtomicU64::new(0));
        let (until, count) = (Arc::clone(&stop), Arc::clone(&yields));
        go!({
            while !until.load(Ordering::Relaxed) {
                gosched();
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        // Both must reach this.
        while trips.load(Ordering::Relaxed) < 10_000 || yields.load(Ordering::Relaxed) < 1_000 {
            gosched();
        }
        stop.store(true, Ordering::Relaxed);
    });
}

/// Would catch a goroutine that starts its own successor and so stays the next one to run for ever.
#[test]
fn a_goroutine_that_respawns_itself_does_not_starve_others() {
    fn again(stop: Arc<AtomicBool>) {
        if !stop.load(Ordering::Relaxed) {
            go!(again(stop));
        }
    }
    with_one_permit(
        "a_goroutine_that_respawns_itself_does_not_starve_others",
        || {
            let stop = Arc::new(AtomicBool::new(false));
            go!(again(Arc::clone(&stop)));
            for _ in 0..100 {
                spawn(gosched).join().expect("no panic");
            }
            stop.store(true, Ordering::Relaxed);
        },
    );
}

/// Would catch a `loop {}` that keeps the only permit.
#[test]
fn a_hog_does_not_stop_the_others() {
    with_one_permit("a_hog_does_not_stop_the_others", || {
        let stop = Arc::new(AtomicBool::new(false));
        let hogs: Vec<_> = (0..3)
            .map(|_| {
                let stop = Arc::clone(&stop);
                spawn(move || {
                    while !stop.load(Ordering::Relaxed) {
                        std::hint::spin_loop();
                    }
                })
            })
            .collect();
        for n in 0..10 {
            let value = make(0);
            go!(value.clone().send(n));
            assert_eq!(value.recv(), Some(n));
            sleep(Duration::from_millis(1));
        }
        stop.store(true, Ordering::Relaxed);
        for hog in hogs {
            hog.join().expect("no panic");
        }
        assert!(gors::runtime::stats().hogs > 0);
    });
}

/// Would catch goroutines that are left in the queue of a worker whose permit was taken.
#[test]
fn what_a_hog_has_started_runs() {
    with_one_permit("what_a_hog_has_started_runs", || {
        for _ in 0..3 {
            let ran = Arc::new(AtomicU64::new(0));
            let count = Arc::clone(&ran);
            let hog = spawn(move || {
                let mut started = 0;
                // Some at once, which are there when the permit goes; the others before, while and
                // after it goes.
                while started < 100 || count.load(Ordering::Relaxed) == 0 {
                    let count = Arc::clone(&count);
                    go!(move || {
                        count.fetch_add(1, Ordering::Relaxed);
                    });
                    started += 1;
                    for _ in 0..100 {
                        std::hint::spin_loop();
                    }
                }
                // Never gives its permit away itself.
                while count.load(Ordering::Relaxed) < started {
                    std::hint::spin_loop();
                }
            });
            hog.join().expect("no panic");
        }
    });
}

/// Makes goroutines for some tens of slices, and does nothing else. They count up what `make` is given.
fn only_spawn(make: impl Fn(Arc<AtomicU64>)) {
    const LOOKS: usize = 400;
    let ran = Arc::new(AtomicU64::new(0));
    let mut without_permit = 0;
    for _ in 0..LOOKS {
        for _ in 0..500 {
            make(Arc::clone(&ran));
        }
        without_permit += gors::runtime::stats().hogs_running;
    }
    assert!(ran.load(Ordering::Relaxed) > 0);
    // It may have met a page fault when it was asked.
    assert!(
        without_permit < LOOKS / 2,
        "{without_permit} of {LOOKS} looks"
    );
}

/// Would catch a goroutine that loses its permit for good, and so runs beside the others, although it
/// could be asked to yield whenever it makes one.
#[test]
fn who_only_spawns_shares_its_permit() {
    with_one_permit("who_only_spawns_shares_its_permit", || {
        only_spawn(|ran| {
            go!(move || {
                ran.fetch_add(1, Ordering::Relaxed);
            });
        });
    });
}

/// The same of goroutines with extras.
#[test]
fn who_only_builds_goroutines_shares_its_permit() {
    with_one_permit("who_only_builds_goroutines_shares_its_permit", || {
        only_spawn(|ran| {
            let made = gors::runtime::Builder::new().go(move || {
                ran.fetch_add(1, Ordering::Relaxed);
            });
            made.expect("there is room");
        });
    });
}

/// Would catch a `checkpoint` that does not yield to those who wait.
#[test]
fn a_checkpoint_lets_others_run() {
    with_one_permit("a_checkpoint_lets_others_run", || {
        let stop = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&stop);
        let busy = spawn(move || {
            while !until.load(Ordering::Relaxed) {
                checkpoint();
            }
        });
        for _ in 0..3 {
            spawn(gosched).join().expect("no panic");
        }
        stop.store(true, Ordering::Relaxed);
        busy.join().expect("no panic");
    });
}

/// Would catch a sleeper that queues behind everybody who yields.
#[test]
fn a_sleeper_wakes_up_among_yielders() {
    with_one_permit("a_sleeper_wakes_up_among_yielders", || {
        let stop = Arc::new(AtomicBool::new(false));
        let wg = WaitGroup::new();
        for _ in 0..100 {
            let stop = Arc::clone(&stop);
            wg.go(move || {
                while !stop.load(Ordering::Relaxed) {
                    gosched();
                }
            });
        }
        for _ in 0..20 {
            sleep(Duration::from_millis(1));
        }
        stop.store(true, Ordering::Relaxed);
        wg.wait();
    });
}

/// Would catch work on a plain thread's behalf that waits behind local work for ever.
#[test]
fn goroutines_of_plain_threads_get_their_turn() {
    with_one_permit("goroutines_of_plain_threads_get_their_turn", || {
        let stop = Arc::new(AtomicBool::new(false));
        let trips = start_ping_pong(&stop);
        let thread = std::thread::spawn(|| {
            for n in 0..100 {
                assert_eq!(spawn(move || n).join().expect("no panic"), n);
            }
        });
        blocking(|| thread.join()).expect("no panic");
        assert!(trips.load(Ordering::Relaxed) > 0);
        stop.store(true, Ordering::Relaxed);
    });
}

/// Would catch goroutines that no worker has started, and that wait for ever beside so many sleepers that
/// one of them is always due.
#[test]
fn goroutines_of_plain_threads_get_their_turn_beside_sleepers() {
    let name = "goroutines_of_plain_threads_get_their_turn_beside_sleepers";
    with_one_permit(name, || {
        let stop = Arc::new(AtomicBool::new(false));
        for _ in 0..1_000 {
            let stop = Arc::clone(&stop);
            go!({
                while !stop.load(Ordering::Relaxed) {
                    sleep(Duration::from_micros(1));
                }
            });
        }
        // The worker's own queue is never empty.
        for _ in 0..2 {
            let stop = Arc::clone(&stop);
            go!({
                while !stop.load(Ordering::Relaxed) {
                    gosched();
                }
            });
        }
        let thread = std::thread::spawn(|| {
            for n in 0..100 {
                assert_eq!(spawn(move || n).join().expect("no panic"), n);
            }
        });
        blocking(|| thread.join()).expect("no panic");
        stop.store(true, Ordering::Relaxed);
    });
}
