//! `Once`, `OnceLock`, `LazyLock`, `once_func`, `once_value`.

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{at_all_permits, panic_text, spawn_blocked};
use gors::prelude::*;
use gors::sync::{LazyLock, Once, OnceLock, once_func, once_value};

/// Catches a second run, and callers that return before the first run has ended.
#[gors::test]
fn once_runs_once_and_the_others_wait() {
    at_all_permits(|_| {
        for _ in 0..200 {
            let (once, runs, seen) = (
                Arc::new(Once::new()),
                Arc::new(AtomicUsize::new(0)),
                Arc::new(AtomicUsize::new(0)),
            );
            let wg = WaitGroup::new();
            let call = {
                let (once, runs, seen) = (once.clone(), runs.clone(), seen.clone());
                move || {
                    once.call_once(|| {
                        gosched();
                        runs.fetch_add(1, Ordering::Relaxed);
                    });
                    seen.fetch_add(runs.load(Ordering::Relaxed), Ordering::Relaxed);
                }
            };
            for _ in 0..10 {
                wg.go(call.clone());
            }
            let thread = std::thread::spawn(call);
            wg.wait();
            blocking(|| thread.join()).unwrap();
            assert_eq!(runs.load(Ordering::Relaxed), 1);
            assert_eq!(seen.load(Ordering::Relaxed), 11);
        }
    });
}

/// Catches a panic or `goexit` that leaves the others waiting, or that does not count as a run.
#[gors::test]
fn a_panic_and_a_goexit_count_as_runs() {
    let once = Once::new();
    assert!(catch_unwind(AssertUnwindSafe(|| once.call_once(|| panic!("failed")))).is_err());
    once.call_once(|| unreachable!("it has run"));
    assert!(once.is_completed());

    let once = Arc::new(Once::new());
    let theirs = once.clone();
    let handle = spawn(move || theirs.call_once(|| goexit()));
    assert!(handle.join().unwrap_err().is_goexit());
    once.call_once(|| unreachable!("it has run"));
}

/// Catches two values in one cell, and a value that is visible before it is written.
#[gors::test]
fn once_lock_is_written_once() {
    at_all_permits(|_| {
        for round in 0..200 {
            let cell = Arc::new(OnceLock::new());
            let handles: Vec<_> = (0..8)
                .map(|n| {
                    let cell = cell.clone();
                    spawn(move || {
                        *cell
                            .get_or_init(|| {
                                if round % 2 == 0 {
                                    gosched();
                                }
                                Box::new(n)
                            })
                            .clone()
                    })
                })
                .collect();
            let mut values = handles.into_iter().map(|handle| handle.join().unwrap());
            let first = values.next().unwrap();
            assert!(values.all(|value| value == first));
        }
    });
}

/// Catches a cell that is stuck after its function has panicked.
#[gors::test]
fn a_panic_leaves_the_cell_to_the_next() {
    let cell = Arc::new(OnceLock::new());
    let theirs = cell.clone();
    let begun = make::<()>(0);
    let tell = begun.clone();
    let panics = spawn(move || {
        theirs.get_or_init(|| {
            tell.send(());
            gosched();
            panic!("expected by the test")
        });
    });
    begun.recv();
    assert_eq!(*cell.get_or_init(|| 2), 2);
    assert!(panics.join().unwrap_err().is_panic());
    assert_eq!(cell.set(3), Err(3));
    assert_eq!(*cell.wait(), 2);
}

/// Catches values that are dropped twice, or not at all.
#[gors::test]
fn once_lock_drops_its_value_once() {
    let counted = Arc::new(());
    let mut cell = OnceLock::new();
    assert!(cell.set(counted.clone()).is_ok());
    assert!(cell.set(counted.clone()).is_err());
    assert_eq!(Arc::strong_count(&counted), 2);
    assert!(cell.take().is_some());
    assert!(cell.get().is_none());
    cell.set(counted.clone()).unwrap();
    drop(cell);
    assert_eq!(Arc::strong_count(&counted), 1);
    assert_eq!(OnceLock::from(4).into_inner(), Some(4));
}

/// Catches a `wait` that misses the value.
#[gors::test]
fn waiting_for_a_value() {
    at_all_permits(|_| {
        for _ in 0..100 {
            let cell = Arc::new(OnceLock::new());
            let waiters: Vec<_> = (0..5)
                .map(|_| {
                    let cell = cell.clone();
                    spawn(move || *cell.wait())
                })
                .collect();
            gosched();
            cell.set(9).unwrap();
            for waiter in waiters {
                assert_eq!(waiter.join().unwrap(), 9);
            }
        }
    });
}

/// Catches a lazy value that is made twice, and one that hides its panic.
#[gors::test]
fn lazy_lock() {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    static LAZY: LazyLock<usize> = LazyLock::new(|| {
        gosched();
        RUNS.fetch_add(1, Ordering::Relaxed) + 5
    });
    let wg = WaitGroup::new();
    for _ in 0..20 {
        wg.go(|| assert_eq!(*LAZY, 5));
    }
    wg.wait();

    let broken = LazyLock::<u32, _>::new(|| panic!("no value"));
    assert_eq!(
        panic_text(|| drop(LazyLock::force(&broken).to_string())),
        "no value"
    );
    assert!(panic_text(|| drop(LazyLock::force(&broken).to_string())).contains("has panicked"));
}

/// Catches a call inside its own function that runs it again, or that returns (Go: a deadlock).
#[gors::test]
fn a_call_within_its_own_function_blocks() {
    static ONCE: Once = Once::new();
    let inner = spawn_blocked(|| ONCE.call_once(|| ONCE.call_once(|| unreachable!())));
    assert!(inner.join_timeout(Duration::from_millis(10)).is_err());
    assert!(!ONCE.is_completed());
}

/// Catches a function that is kept, with all it holds, when it has run.
#[gors::test]
fn a_once_function_is_dropped_when_it_has_run() {
    let held = Arc::new(());
    let theirs = held.clone();
    let f = once_func(move || drop(theirs.clone()));
    assert_eq!(Arc::strong_count(&held), 2);
    f();
    assert_eq!(Arc::strong_count(&held), 1);
    f();
}

/// Catches a second run, and later calls that do not panic as the first did.
#[gors::test]
fn once_functions() {
    let runs = AtomicUsize::new(0);
    let f = once_func(|| {
        runs.fetch_add(1, Ordering::Relaxed);
    });
    f();
    f();
    assert_eq!(runs.load(Ordering::Relaxed), 1);

    let value = once_value(|| (1, String::from("two")));
    assert_eq!(value(), value());

    let panics = once_func(|| panic!("the first and only message"));
    for _ in 0..3 {
        assert_eq!(panic_text(&panics), "the first and only message");
    }

    let exits = Arc::new(once_value::<u8, _>(|| goexit()));
    for _ in 0..2 {
        let exits = exits.clone();
        assert!(spawn(move || exits()).join().unwrap_err().is_goexit());
    }
}
