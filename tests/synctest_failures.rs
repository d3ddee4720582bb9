//! How bubbles of virtual time fail: deadlocks, goroutines left behind, panics, misuse.

#[path = "support/failure.rs"]
mod failure;

use std::panic::catch_unwind;
use std::sync::Arc;
use std::time::Duration;

use failure::text_of_failure;
use gors::prelude::*;
use gors::testing::{synctest, wait};
use gors::time::{self, after_func};

const HOUR: Duration = Duration::from_secs(3600);

/// The message that `synctest` panics with.
#[track_caller]
fn failure<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> String {
    text_of_failure(|| synctest(body))
}

#[test]
fn a_deadlock_panics_with_everybodys_wait() {
    let text = failure(|| {
        let c = make::<i32>(0);
        let wg = WaitGroup::new();
        let theirs = c.clone();
        wg.go(move || theirs.send(1));
        wg.wait();
    });
    assert!(
        text.starts_with("deadlock: all goroutines in bubble are blocked"),
        "{text}"
    );
    for part in ["chan send", "sync.WaitGroup.Wait", "synctest_failures.rs:"] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn a_goroutine_that_outlives_the_test_panics() {
    let text = failure(|| {
        let c = make::<i32>(0);
        go!(move || c.recv());
    });
    assert!(
        text.starts_with(
            "deadlock: main bubble goroutine has exited but blocked goroutines remain"
        ),
        "{text}"
    );
    assert!(text.contains("chan receive"), "{text}");
}

#[test]
fn time_stops_with_the_test() {
    let text = failure(|| go!(|| time::sleep(HOUR)));
    assert!(text.contains("[sleep]"), "{text}");
    // A function that nobody waits for is not called, and is dropped.
    let alive = Arc::new(());
    let theirs = alive.clone();
    synctest(move || {
        after_func(HOUR, move || drop(theirs));
    });
    assert_eq!(Arc::strong_count(&alive), 1);
    // Nor if its timer is armed after the test.
    let theirs = alive.clone();
    let timer = synctest(move || after_func(HOUR, move || drop(theirs)));
    assert!(!timer.reset(HOUR));
    assert!(!timer.reset(HOUR), "it is not armed");
    drop(timer);
    assert_eq!(Arc::strong_count(&alive), 1);
}

#[test]
fn panics_are_the_tests() {
    assert_eq!(failure(|| panic!("in the body")), "in the body");
    let text = failure(|| {
        go!(|| panic!("in a goroutine"));
        time::sleep(HOUR);
    });
    assert_eq!(text, "in a goroutine");
}

#[test]
fn misuse_panics() {
    let outside = catch_unwind(wait).unwrap_err();
    assert_eq!(
        *outside.downcast::<&str>().unwrap(),
        "goroutine is not in a bubble"
    );
    assert!(failure(|| synctest(|| ())).contains("within a bubble"));
    let text = failure(|| {
        for _ in 0..2 {
            go!(wait());
        }
        time::sleep(HOUR);
    });
    assert_eq!(text, "wait already in progress");
}

#[test]
fn a_goexit_of_the_body_panics() {
    assert!(failure(|| -> () { gors::goexit() }).contains("goexit"));
}
