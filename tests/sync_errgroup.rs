//! `errgroup::Group` and `singleflight::Group`.

#[path = "support/child.rs"]
mod child;
mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use common::{at_all_permits, panic_text, until_blocked};
use gors::context::{Context, ContextError};
use gors::prelude::*;
use gors::sync::{errgroup, singleflight};

/// Catches an error that is lost, or a later one that replaces it.
#[gors::test]
fn wait_returns_the_first_error() {
    at_all_permits(|_| {
        let (group, ctx) = errgroup::Group::with_context(&Context::background());
        let gate = make::<()>(0);
        for n in 0..10 {
            let gate = gate.clone();
            group.go(move || {
                if n == 3 {
                    return Err(n);
                }
                gate.recv();
                if n % 2 == 0 { Err(n) } else { Ok(()) }
            });
        }
        ctx.done().recv().unwrap_err();
        gate.close();
        assert_eq!(group.wait(), Err(3));
        assert_eq!(group.wait(), Ok(()));
    });
}

/// Catches a context that lives on after an error, or after the end (x/sync's TestWithContext).
#[gors::test]
fn the_context_ends_with_the_first_error_and_with_the_group() {
    let (group, ctx) = errgroup::Group::<&str>::with_context(&Context::background());
    let theirs = ctx.clone();
    group.go(move || {
        theirs.done().recv().unwrap_err();
        Err("late")
    });
    group.go(|| Err("early"));
    assert_eq!(group.wait(), Err("early"));
    assert_eq!(ctx.err(), Some(ContextError::Canceled));

    let (group, ctx) = errgroup::Group::<()>::with_context(&Context::background());
    group.go(|| Ok(()));
    assert_eq!(group.wait(), Ok(()));
    assert_eq!(ctx.err(), Some(ContextError::Canceled));
}

/// Catches more goroutines than the limit allows, and a limit that changes under them.
#[gors::test]
fn limits() {
    at_all_permits(|_| {
        let group = errgroup::Group::<()>::new();
        group.set_limit(3);
        let running = Arc::new(AtomicUsize::new(0));
        for _ in 0..50 {
            let running = running.clone();
            group.go(move || {
                assert!(running.fetch_add(1, Ordering::SeqCst) < 3);
                gosched();
                running.fetch_sub(1, Ordering::SeqCst);
                Ok(())
            });
        }
        assert_eq!(group.wait(), Ok(()));

        let gate = make::<()>(0);
        group.set_limit(1);
        let theirs = gate.clone();
        assert!(group.try_go(move || {
            theirs.recv();
            Ok(())
        }));
        assert!(!group.try_go(|| Ok(())));
        let text = panic_text(|| group.set_limit(2));
        assert_eq!(
            text,
            "errgroup: modify limit while 1 goroutines in the group are still active"
        );
        gate.close();
        group.wait().unwrap();
        group.set_limit(None);
    });
}

/// Catches a `try_go` that waits, or that a limit of none or a new limit does not stop (x/sync's
/// TestTryGo).
#[gors::test]
fn trying_at_the_limit() {
    let group = errgroup::Group::<()>::new();
    let gate = make::<()>(0);
    let passes = || {
        let gate = gate.clone();
        move || {
            gate.send(());
            Ok(())
        }
    };
    for limit in [42, 1] {
        group.set_limit(limit);
        for _ in 0..limit {
            assert!(group.try_go(passes()));
        }
        assert!(!group.try_go(passes()));
        for _ in 0..limit {
            gate.recv();
        }
        group.wait().unwrap();
    }
    group.set_limit(0);
    assert!(!group.try_go(passes()));
    group.wait().unwrap();
}

/// Catches a panic that ends the process or is swallowed, and a `goexit` that counts as a failure.
#[gors::test]
fn a_panic_goes_on_in_wait() {
    let group = errgroup::Group::<()>::new();
    group.go(|| panic!("from a child"));
    group.go(|| goexit());
    let text = panic_text(|| {
        let _ = group.wait();
    });
    assert_eq!(text, "from a child");
    assert_eq!(group.wait(), Ok(()));
}

/// Catches a goroutine that is counted for ever because the error that nobody wants panics when it is
/// dropped.
#[gors::test]
fn an_error_that_cannot_be_dropped_holds_nobody_up() {
    #[derive(Debug)]
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("nobody wants this error");
        }
    }
    let group = errgroup::Group::new();
    group.set_limit(1);
    for _ in 0..3 {
        group.go(|| Err(Bomb));
    }
    std::mem::forget(group.wait().expect_err("the first"));
    group.set_limit(None);
}

/// Catches a function that runs twice for those who ask together (x/sync's TestDoDupSuppress).
#[gors::test]
fn one_flight_for_all() {
    at_all_permits(|_| {
        let group = Arc::new(singleflight::Group::new());
        let (runs, gate) = (Arc::new(AtomicUsize::new(0)), make::<()>(0));
        let handles: Vec<_> = (0..10)
            .map(|_| {
                let (group, runs, gate) = (group.clone(), runs.clone(), gate.clone());
                spawn(move || {
                    group.work("key", || {
                        runs.fetch_add(1, Ordering::SeqCst);
                        gate.recv();
                        "value"
                    })
                })
            })
            .collect();
        handles.iter().for_each(until_blocked);
        let channel = group.work_chan("key", || unreachable!("a call is running"));
        gate.close();
        for handle in handles {
            assert_eq!(handle.join().unwrap(), ("value", true));
        }
        assert_eq!(channel.recv(), Ok(("value", true)));
        assert_eq!(runs.load(Ordering::SeqCst), 1);
        assert_eq!(group.work("key", || "again"), ("again", false));
    });
}

/// Catches a call that is joined after it was forgotten (x/sync's TestForget).
#[gors::test]
fn a_forgotten_call_is_not_joined() {
    let group = Arc::new(singleflight::Group::new());
    let (begun, gate) = (make::<()>(0), make::<()>(0));
    let theirs = (group.clone(), begun.clone(), gate.clone());
    let first = spawn(move || {
        let (group, begun, gate) = theirs;
        group.work(1, || {
            begun.send(());
            gate.recv();
            "first"
        })
    });
    begun.recv();
    group.forget(&1);
    assert_eq!(group.work(1, || "second"), ("second", false));
    gate.close();
    assert_eq!(first.join().unwrap(), ("first", false));
}

/// Catches the end of a forgotten call that takes the call with it that was begun after (x/sync's
/// TestForget).
#[gors::test]
fn a_forgotten_call_ends_beside_the_next() {
    at_all_permits(|_| {
        let group = Arc::new(singleflight::Group::new());
        let (begun, first_gate, gate) = (make::<()>(0), make::<()>(0), make::<()>(0));
        let theirs = (group.clone(), begun.clone(), first_gate.clone());
        let first = spawn(move || {
            let (group, begun, gate) = theirs;
            group.work("key", || {
                begun.send(());
                gate.recv();
                1
            })
        });
        begun.recv();
        group.forget(&"key");
        let theirs = gate.clone();
        let second = group.work_chan("key", move || {
            theirs.recv();
            2
        });
        first_gate.close();
        assert_eq!(first.join().unwrap(), (1, false));
        let third = group.work_chan("key", || unreachable!("the second call is running"));
        gate.close();
        assert_eq!(second.recv(), Ok((2, true)));
        assert_eq!(third.recv(), Ok((2, true)));
    });
}

/// Catches callers that wait for ever for a call that has unwound (x/sync's TestPanicDo,
/// TestGoexitDo).
#[gors::test]
fn a_panic_or_goexit_reaches_all_callers() {
    at_all_permits(|_| {
        for exit in [false, true] {
            let group = Arc::new(singleflight::Group::<_, ()>::new());
            let gate = make::<()>(0);
            let handles: Vec<_> = (0..5)
                .map(|_| {
                    let (group, gate) = (group.clone(), gate.clone());
                    spawn(move || {
                        group.work((), || {
                            gate.recv();
                            if exit {
                                goexit();
                            }
                            panic!("in flight")
                        })
                    })
                })
                .collect();
            handles.iter().for_each(until_blocked);
            gate.close();
            for handle in handles {
                let error = handle.join().unwrap_err();
                assert_eq!((error.is_goexit(), error.is_panic()), (exit, !exit));
            }
            let result = catch_unwind(AssertUnwindSafe(|| group.work((), || ())));
            assert!(!result.unwrap().1, "the group goes on");
        }
    });
}

/// Catches a `goexit` that is raised again, by the lock of a busy group, before those who wait were told.
#[gors::test]
fn a_goexit_in_a_busy_group_reaches_all_callers() {
    at_all_permits(|_| {
        let group = Arc::new(singleflight::Group::new());
        let is_over = Arc::new(AtomicBool::new(false));
        let busy: Vec<_> = (0..2)
            .map(|_| {
                let (group, is_over) = (group.clone(), is_over.clone());
                std::thread::spawn(move || {
                    while !is_over.load(Ordering::Relaxed) {
                        group.forget(&1);
                    }
                })
            })
            .collect();
        for _ in 0..500 {
            let theirs = group.clone();
            let first = spawn(move || theirs.work(0, || goexit()));
            assert!(first.join().unwrap_err().is_goexit());
            let theirs = group.clone();
            let next = spawn(move || theirs.work(0, || ()));
            let next = next.join_timeout(Duration::from_secs(60));
            assert!(next.expect("the first call has ended").is_ok());
        }
        is_over.store(true, Ordering::Relaxed);
        for thread in busy {
            blocking(|| thread.join()).unwrap();
        }
    });
}

/// Catches a panic of a call with channel waiters that somebody could recover from, or that the waiters
/// outrun (x/sync's TestPanicDoChan).
#[test]
fn a_panic_with_channels_ends_the_process() {
    let ended = child::run("a_panic_with_channels_ends_the_process", &[], || {
        gors::run(|| {
            let group = singleflight::Group::<_, ()>::new();
            let result = group.work_chan(1, || panic!("unrecoverable"));
            let _ = result.recv();
            println!("received");
        });
    });
    ended.assert_fatal("unrecoverable");
    assert!(!ended.stdout.contains("received"), "{ended:#?}");
}

/// Catches the same where the call is not a goroutine of the group's, and its caller would catch the
/// panic (x/sync's TestPanicDoSharedByDoChan).
#[test]
fn a_caught_panic_with_channels_ends_the_process() {
    let name = "a_caught_panic_with_channels_ends_the_process";
    let ended = child::run(name, &[], || {
        gors::run(|| {
            let group = Arc::new(singleflight::Group::<_, ()>::new());
            let (begun, gate) = (make::<()>(0), make::<()>(0));
            let theirs = (group.clone(), begun.clone(), gate.clone());
            go!(move || {
                let (group, begun, gate) = theirs;
                let call = || {
                    begun.send(());
                    gate.recv();
                    panic!("unrecoverable")
                };
                let _ = catch_unwind(AssertUnwindSafe(|| group.work(1, call)));
            });
            begun.recv();
            let result = group.work_chan(1, || unreachable!("a call is running"));
            gate.close();
            let _ = result.recv();
            println!("received");
        });
    });
    ended.assert_fatal("unrecoverable");
    assert!(!ended.stdout.contains("received"), "{ended:#?}");
}

/// Catches receivers that wait for ever for a call that panicked where panics end nothing.
#[test]
fn an_isolated_panic_ends_the_channels() {
    let ended = child::run("an_isolated_panic_ends_the_channels", &[], || {
        gors::runtime::set_panic_policy(gors::PanicPolicy::Isolate);
        gors::run(|| {
            let group = Arc::new(singleflight::Group::<_, ()>::new());
            let result = group.work_chan(1, || panic!("isolated"));
            assert!(result.recv().is_err());

            let (begun, gate) = (make::<()>(0), make::<()>(0));
            let theirs = (group.clone(), begun.clone(), gate.clone());
            let caller = spawn(move || {
                let (group, begun, gate) = theirs;
                group.work(1, || {
                    begun.send(());
                    gate.recv();
                    panic!("isolated, too")
                })
            });
            begun.recv();
            let result = group.work_chan(1, || unreachable!("a call is running"));
            gate.close();
            assert!(result.recv().is_err());
            let panicked = caller.join().unwrap_err().into_panic();
            assert_eq!(*panicked.downcast::<String>().unwrap(), "isolated, too");
        });
    });
    ended.assert_success();
}

/// Catches callers that wait for ever because a result's `clone` has panicked.
#[gors::test]
fn a_result_that_cannot_be_cloned() {
    struct Unique;
    impl Clone for Unique {
        fn clone(&self) -> Self {
            panic!("not twice")
        }
    }
    let group = Arc::new(singleflight::Group::new());
    let gate = make::<()>(0);
    let callers: Vec<_> = (0..3)
        .map(|_| {
            let (group, gate) = (group.clone(), gate.clone());
            spawn(move || {
                group.work((), || {
                    gate.recv();
                    Unique
                });
            })
        })
        .collect();
    callers.iter().for_each(until_blocked);
    gate.close();
    for caller in callers {
        assert!(caller.join().unwrap_err().is_panic());
    }
}
