//! How goroutines and programs end other than by returning. Every test that may end its process has
//! one of its own.

#[path = "support/child.rs"]
mod child;

use std::panic::catch_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use gors::prelude::*;
use gors::runtime::{PanicPolicy, set_panic_policy};
use gors::time::sleep;
use gors::{Builder, JoinError};

/// Would catch another exit code than Go's, and a message that does not name the goroutine and
/// where it was made.
#[test]
fn a_panic_in_a_goroutine_ends_the_process() {
    let ended = child::run("a_panic_in_a_goroutine_ends_the_process", &[], || {
        gors::run(|| {
            go!(|| panic!("boom"));
            make::<()>(0).recv();
        });
    });
    ended.assert_fatal("boom");
    let line = ended
        .stderr
        .lines()
        .find(|line| line.starts_with("goroutine "))
        .unwrap_or_default();
    assert!(line.ends_with(" [running]:"), "{ended:#?}");
    assert!(
        ended.stderr.contains("panics_and_goexit.rs:"),
        "where it was made: {ended:#?}"
    );
}

/// Would catch a lost name in the message.
#[test]
fn the_message_names_the_goroutine() {
    let ended = child::run("the_message_names_the_goroutine", &[], || {
        gors::run(|| {
            Builder::new()
                .name("parser")
                .go(|| panic!("boom"))
                .expect("there are stacks");
            make::<()>(0).recv();
        });
    });
    ended.assert_fatal("\"parser\"");
}

/// Would catch a program that ends with code 0 because `main` returned while a goroutine was still
/// unwinding.
#[test]
fn main_cannot_outrun_a_panic() {
    child::run("main_cannot_outrun_a_panic", &[], || {
        let unwinding = make::<()>(0);
        let seen = unwinding.clone();
        gors::run(move || {
            go!(move || {
                defer!({
                    unwinding.close();
                    // `main` is on its way out now, and waits for some seconds.
                    sleep_on_thread(Duration::from_millis(100));
                });
                panic!("boom");
            });
            seen.recv();
        });
    })
    .assert_fatal("boom");
}

#[expect(
    clippy::disallowed_methods,
    reason = "blocking the thread is the point"
)]
fn sleep_on_thread(time: Duration) {
    thread::sleep(time);
}

/// Would catch a policy that is not looked at, and goroutines that are not cleaned up after their
/// panic.
#[test]
fn isolated_panics_leave_the_process_alone() {
    child::run("isolated_panics_leave_the_process_alone", &[], || {
        set_panic_policy(PanicPolicy::Isolate);
        gors::run(|| {
            let wg = WaitGroup::new();
            for _ in 0..100 {
                let wg = wg.clone();
                wg.add(1);
                go!(move || {
                    defer!(wg.done());
                    panic!("isolated");
                });
            }
            wg.wait();
            while num_goroutine() > 1 {
                gosched();
            }
        });
    })
    .assert_success();
}

/// Would catch a builder's policy that is ignored, or that becomes everybody's.
#[test]
fn a_builder_can_isolate_one_goroutine() {
    let ended = child::run("a_builder_can_isolate_one_goroutine", &[], || {
        gors::run(|| {
            let ended = make::<()>(0);
            let first = ended.clone();
            Builder::new()
                .panic_policy(PanicPolicy::Isolate)
                .go(move || {
                    defer!(first.send(()));
                    panic!("the isolated one");
                })
                .expect("there are stacks");
            ended.recv();
            println!("still here");
            go!(|| panic!("the fatal one"));
            ended.recv();
        });
    });
    ended.assert_fatal("the fatal one");
    assert!(ended.stdout.contains("still here"), "{ended:#?}");
}

/// Would catch a panic of a `spawn`ed goroutine, or one that the goroutine itself catches, that
/// ends the process.
#[test]
fn a_caught_panic_is_not_fatal() {
    child::run("a_caught_panic_is_not_fatal", &[], || {
        gors::run(|| {
            assert!(spawn(|| panic!("kept for join")).join().is_err());
            let done = make(0);
            let result = done.clone();
            go!(move || result.send(catch_unwind(|| panic!("caught")).is_err()));
            assert_eq!(done.recv(), Some(true));
        });
    })
    .assert_success();
}

/// Would catch a program that waits at its end for a goroutine that has caught its panic.
#[test]
fn a_caught_panic_does_not_hold_up_the_end() {
    let name = "a_caught_panic_does_not_hold_up_the_end";
    child::run(name, &[], || {
        let begun = std::time::Instant::now();
        gors::run(|| {
            let caught = Arc::new(AtomicBool::new(false));
            let tell = Arc::clone(&caught);
            go!(move || {
                assert!(catch_unwind(|| panic!("caught")).is_err());
                blocking(|| {
                    tell.store(true, Ordering::SeqCst);
                    sleep_on_thread(Duration::from_secs(3600));
                });
            });
            while !caught.load(Ordering::SeqCst) {
                gosched();
            }
        });
        // The end waits at most ten seconds for one that unwinds.
        assert!(begun.elapsed() < Duration::from_secs(9));
    })
    .assert_success();
}

/// Would catch a goexit that skips destructors, runs them in another order, or lets the body go on.
#[gors::test]
fn goexit_runs_what_was_deferred() {
    let log = make(10);
    let out = log.clone();
    fn inner(out: &Chan<&'static str>) {
        defer!(out.send("inner"));
        goexit();
    }
    let handle = spawn(move || {
        defer!(out.send("outer"));
        inner(&out);
        out.send("not reached");
    });
    assert!(handle.join().is_err_and(|error| error.is_goexit()));
    log.close();
    assert_eq!(log.into_iter().collect::<Vec<_>>(), ["inner", "outer"]);
}

/// Would catch a goexit that prints a panic message, or that ends the process.
#[test]
fn goexit_is_silent() {
    let ended = child::run("goexit_is_silent", &[], || {
        gors::run(|| {
            let wg = WaitGroup::new();
            for _ in 0..10 {
                wg.go(|| goexit());
            }
            wg.wait();
        });
    });
    ended.assert_success();
    assert!(!ended.stderr.contains("panicked"), "{ended:#?}");
}

/// Would catch a goroutine that lives on after user code has caught its goexit.
#[gors::test]
fn a_swallowed_goexit_still_ends_the_goroutine() {
    let operations: [(&str, fn()); 5] = [
        ("gosched", gosched),
        ("sleep", || sleep(Duration::from_secs(3600))),
        ("recv", || assert_eq!(make::<()>(0).recv(), None)),
        ("join", || assert!(spawn(|| ()).join().is_ok())),
        (
            "select",
            || select! { default(Duration::from_secs(3600)) => {} },
        ),
    ];
    for (name, operation) in operations {
        let lived_on = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&lived_on);
        let result: Result<(), JoinError> = spawn(move || {
            assert!(catch_unwind(|| goexit()).is_err());
            operation();
            flag.store(true, Ordering::SeqCst);
        })
        .join();
        assert!(result.is_err_and(|error| error.is_goexit()), "{name}");
        assert!(!lived_on.load(Ordering::SeqCst), "{name}");
    }
}

/// Would catch a goexit that ends at a panic which is caught while it unwinds (Go's
/// TestRecoveredPanicAfterGoexit).
#[gors::test]
fn a_caught_panic_does_not_stop_a_goexit() {
    let log = make(10);
    let [inner, outer] = [log.clone(), log.clone()];
    let handle = spawn(move || {
        defer!(outer.send("outer"));
        defer!({
            gosched();
            assert!(catch_unwind(|| panic!("in a destructor")).is_err());
            inner.send("inner");
        });
        goexit();
    });
    assert!(handle.join().is_err_and(|error| error.is_goexit()));
    log.close();
    assert_eq!(log.into_iter().collect::<Vec<_>>(), ["inner", "outer"]);
}

/// Would catch a panic that is lost after `main` has ended by goexit.
#[test]
fn a_panic_ends_the_process_after_goexit_of_main() {
    let name = "a_panic_ends_the_process_after_goexit_of_main";
    child::run(name, &[], || {
        gors::run(|| {
            go!(|| {
                sleep(Duration::from_millis(1));
                panic!("boom");
            });
            goexit();
        });
    })
    .assert_fatal("boom");
}

/// Would catch a panic whose message is never printed because it takes a lock, or yields, while it is made (Go's
/// TestPanicDeadlockGosched).
#[test]
fn a_panics_message_may_wait() {
    struct Waits(Arc<gors::sync::Mutex<u32>>);
    impl std::fmt::Display for Waits {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            gosched();
            write!(f, "the value is {}", self.0.lock())
        }
    }
    let name = "a_panics_message_may_wait";
    for procs in ["1", "2"] {
        child::run(name, &[("GOMAXPROCS", procs)], || {
            gors::run(|| {
                let value = Arc::new(gors::sync::Mutex::new(1));
                let theirs = Arc::clone(&value);
                let mut held = value.lock();
                go!(move || panic!("{}", Waits(theirs)));
                sleep(Duration::from_millis(5));
                *held = 7;
                drop(held);
                make::<()>(0).recv();
            });
        })
        .assert_fatal("the value is 7");
    }
}

/// Would catch a program that hangs, or ends well, after its main goroutine and all others are
/// gone.
#[test]
fn goexit_of_main_lets_the_others_finish() {
    let ended = child::run("goexit_of_main_lets_the_others_finish", &[], || {
        gors::run(|| {
            go!(|| {
                for _ in 0..100 {
                    gosched();
                }
                sleep(Duration::from_millis(20));
                println!("the other has finished");
            });
            goexit();
        });
    });
    ended.assert_fatal("fatal error: no goroutines (main called runtime.Goexit) - deadlock!");
    assert!(
        ended.stdout.contains("the other has finished"),
        "{ended:#?}"
    );
}

/// Would catch a goexit that unwinds a plain thread, whose caller does not expect it.
#[test]
fn goexit_on_a_plain_thread_aborts() {
    let ended = child::run("goexit_on_a_plain_thread_aborts", &[], || goexit());
    assert_eq!(ended.code, None, "ended by SIGABRT: {ended:#?}");
    assert!(
        ended.stderr.contains("goexit called on a plain thread"),
        "{ended:#?}"
    );
}
