//! Calls that block their thread, and goroutines that are bound to one.

#[path = "support/child.rs"]
mod child;
#[path = "support/threads.rs"]
mod threads;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use gors::prelude::*;
use gors::time::sleep;

/// Runs `body` as the main goroutine of a process with one permit.
#[track_caller]
fn with_one_permit(name: &str, body: impl FnOnce() + Send) {
    child::run(name, &[("GOMAXPROCS", "1")], || gors::run(body)).assert_success();
}

/// Would catch a `blocking` that keeps the only permit: the thread waits for what another goroutine
/// must do.
#[test]
fn others_run_while_one_blocks_its_thread() {
    with_one_permit("others_run_while_one_blocks_its_thread", || {
        for n in 0..100 {
            let (sender, receiver) = mpsc::channel();
            go!(move || sender.send(n).expect("somebody waits for it"));
            // std's channel blocks the thread.
            assert_eq!(blocking(|| receiver.recv()), Ok(n));
        }
    });
}

/// Would catch a goroutine that is spawned, woken or waited for inside `blocking` and never runs.
#[test]
fn waiting_and_spawning_work_inside() {
    with_one_permit("waiting_and_spawning_work_inside", || {
        let id = goid();
        let sum = blocking(|| {
            assert_eq!(goid(), id, "the goroutine stays itself");
            let thread = threads::current();
            let values = make(0);
            for n in 0..100 {
                go!(values.clone().send(n));
            }
            let sum: u32 = values.iter().take(100).sum();
            sleep(Duration::from_millis(1));
            assert_eq!(spawn(|| 7).join().expect("no panic"), 7);
            let wg = WaitGroup::new();
            wg.go(gosched);
            wg.wait();
            select! {
                recv(values) -> _ => unreachable!("all were received"),
                default(Duration::from_millis(1)) => {}
            }
            assert_eq!(threads::current(), thread, "inside, it stays on its thread");
            sum
        });
        assert_eq!(sum, 4_950);
    });
}

/// Would catch a lost result, a swallowed panic, and a nested call that gives the permit back too
/// early.
#[test]
fn results_and_panics_pass_through() {
    with_one_permit("results_and_panics_pass_through", || {
        let text = String::from("borrowed");
        assert_eq!(blocking(|| text.len()), 8);
        assert_eq!(blocking(|| blocking(|| 1) + blocking(|| 2)), 3);
        let caught = catch_unwind(AssertUnwindSafe(|| blocking(|| panic!("inside"))));
        let payload = caught.expect_err("the panic goes on");
        assert_eq!(payload.downcast_ref::<&str>(), Some(&"inside"));
        // The goroutine has its permit again and can wait.
        assert_eq!(spawn(|| 5).join().expect("no panic"), 5);
    });
}

/// Would catch a goexit that does not leave `blocking`, or leaves it without the permit.
#[test]
fn goexit_leaves_blocking() {
    with_one_permit("goexit_leaves_blocking", || {
        let error = spawn(|| blocking(|| goexit()))
            .join()
            .expect_err("it has no result");
        assert!(error.is_goexit());
        assert_eq!(spawn(|| 5).join().expect("no panic"), 5);
    });
}

/// Would catch permits that get lost, or are made up, when many goroutines enter and leave at once.
#[gors::test]
fn many_enter_and_leave() {
    let count = Arc::new(AtomicUsize::new(0));
    let wg = WaitGroup::new();
    for n in 0..64 {
        let count = Arc::clone(&count);
        wg.go(move || {
            for _ in 0..50 {
                blocking(|| {
                    if n % 8 == 0 {
                        std::thread::yield_now();
                    }
                    count.fetch_add(1, Ordering::Relaxed);
                });
            }
        });
    }
    wg.wait();
    assert_eq!(count.load(Ordering::Relaxed), 64 * 50);
}

/// Would catch a `blocking` that does something else than call on a plain thread.
#[test]
fn on_a_plain_thread_it_is_a_call() {
    child::run("on_a_plain_thread_it_is_a_call", &[], || {
        assert_eq!(blocking(|| 3), 3);
        assert_eq!(threads::of_the_runtime(), []);
    })
    .assert_success();
}

/// Would catch a locked goroutine that changes threads, and others that run on its thread.
#[test]
fn a_locked_goroutine_keeps_its_thread() {
    let name = "a_locked_goroutine_keeps_its_thread";
    for procs in ["1", "2", "4"] {
        child::run(name, &[("GOMAXPROCS", procs)], || {
            gors::run(stay_on_one_thread)
        })
        .assert_success();
    }
}

fn stay_on_one_thread() {
    gors::lock_os_thread();
    let thread = threads::current();
    let values = make(0);
    for round in 0..50 {
        let others: Vec<_> = (0..4)
            .map(|_| {
                spawn(|| {
                    gosched();
                    threads::current()
                })
            })
            .collect();
        go!(values.clone().send(round));
        assert_eq!(values.recv(), Some(round));
        assert_eq!(threads::current(), thread, "after a receive");
        gosched();
        assert_eq!(threads::current(), thread, "after a gosched");
        for other in others {
            assert_ne!(
                other.join().expect("no panic"),
                thread,
                "the thread is taken"
            );
        }
    }
    sleep(Duration::from_millis(1));
    assert_eq!(threads::current(), thread, "after a sleep");
    blocking(|| assert_eq!(threads::current(), thread, "inside blocking"));
    assert_eq!(threads::current(), thread, "after blocking");

    // Locks are counted.
    gors::lock_os_thread();
    gors::unlock_os_thread();
    gosched();
    assert_eq!(threads::current(), thread, "one lock is left");
    gors::unlock_os_thread();
    gors::unlock_os_thread(); // one too many does nothing
    gosched();
}

/// Would catch a locked goroutine that keeps its permit while it yields, sends or sleeps, or is never given one
/// again (Go's TestYieldLocked, TestYieldLockedProgress, TestBlockLocked).
#[test]
fn a_locked_goroutine_takes_its_turns() {
    let name = "a_locked_goroutine_takes_its_turns";
    for procs in ["1", "2", "8"] {
        child::run(name, &[("GOMAXPROCS", procs)], || {
            gors::run(|| {
                let (values, stop, stopped) = (make(0), make::<()>(0), make(0));
                let (out, until, tell) = (values.clone(), stop.clone(), stopped.clone());
                go!(move || {
                    gors::lock_os_thread();
                    for n in 0..10 {
                        gosched();
                        sleep(Duration::from_micros(100));
                        out.send(n);
                    }
                    loop {
                        select! {
                            // It ends locked.
                            recv(until) -> _ => return tell.send(()),
                            default => gosched(),
                        }
                    }
                });
                for n in 0..10 {
                    assert_eq!(values.recv(), Some(n));
                }
                stop.close();
                stopped.recv();
            });
        })
        .assert_success();
    }
}

/// Would catch goroutines that come out of `blocking` all the time and keep others from the permits (Go's
/// TestPreemptionAfterSyscall).
#[test]
fn short_calls_do_not_keep_the_permits() {
    let name = "short_calls_do_not_keep_the_permits";
    child::run(name, &[("GOMAXPROCS", "2")], || {
        gors::run(|| {
            const MANY: usize = 8;
            for micros in [10, 100, 1000] {
                let (begun, stop) = (make(MANY), Arc::new(AtomicUsize::new(0)));
                let wg = WaitGroup::new();
                for _ in 0..MANY {
                    let (begun, stop) = (begun.clone(), Arc::clone(&stop));
                    wg.go(move || {
                        begun.send(());
                        while stop.load(Ordering::Relaxed) == 0 {
                            blocking(|| spin_for(Duration::from_micros(micros)));
                        }
                    });
                }
                // The last one begins beside seven that never wait.
                for _ in 0..MANY {
                    begun.recv();
                }
                stop.store(1, Ordering::Relaxed);
                wg.wait();
            }
        });
    })
    .assert_success();
}

fn spin_for(time: Duration) {
    let begun = std::time::Instant::now();
    while begun.elapsed() < time {
        std::hint::spin_loop();
    }
}

/// Would catch, in about every second run, sysmon taking the CPU clock of a worker's new thread for that of the one
/// before, which ends the process in builds that check for overflow.
#[test]
fn workers_whose_threads_end_are_watched() {
    let name = "workers_whose_threads_end_are_watched";
    for procs in ["1", "2", "3"] {
        child::run(name, &[("GOMAXPROCS", procs)], || {
            gors::run(|| {
                let wg = WaitGroup::new();
                for n in 0..300 {
                    wg.go(move || {
                        gors::lock_os_thread();
                        // Long enough to be measured.
                        spin_for(Duration::from_micros(100 + n * 7 % 900));
                        if n % 3 == 0 {
                            gosched();
                        }
                    });
                }
                wg.wait();
            });
        })
        .assert_success();
    }
}

/// Would catch a hang where locked goroutines have taken all threads there may be (Go's TestThreadExhaustion).
#[test]
fn more_locked_goroutines_than_threads_are_fatal() {
    let name = "more_locked_goroutines_than_threads_are_fatal";
    child::run(name, &[("GORS_MAX_THREADS", "10"), child::NO_AUDIT], || {
        gors::run(|| {
            let begun = make(0);
            for _ in 0..100 {
                let begun = begun.clone();
                go!(move || {
                    gors::lock_os_thread();
                    begun.send(());
                    select! {}
                });
            }
            for _ in 0..100 {
                begun.recv();
            }
        });
    })
    .assert_fatal("fatal error: thread exhaustion");
}

/// Would catch a thread that goes on to run others after its locked goroutine has ended.
#[test]
fn a_goroutine_that_ends_locked_ends_its_thread() {
    child::run(
        "a_goroutine_that_ends_locked_ends_its_thread",
        &[("GOMAXPROCS", "2")],
        || {
            gors::run(|| {
                let thread = spawn(|| {
                    gors::lock_os_thread();
                    threads::current()
                })
                .join()
                .expect("no panic");
                while threads::all().iter().any(|other| other.id == thread) {
                    gosched();
                }
            });
        },
    )
    .assert_success();
}
