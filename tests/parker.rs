//! `Parker`, the primitive for other people's blocking types.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use gors::prelude::*;
use gors::{Parker, Unparker};

/// Would catch a token that gets lost when it comes first.
#[gors::test]
fn a_token_that_comes_first_is_kept() {
    let parker = Parker::new();
    parker.unparker().unpark();
    parker.park();
}

/// Would catch tokens that add up.
#[gors::test]
fn there_is_one_token_at_most() {
    let parker = Parker::new();
    parker.unparker().unpark();
    parker.unparker().unpark();
    parker.park();
    let begin = Instant::now();
    parker.park_timeout(Duration::from_millis(5));
    assert!(
        begin.elapsed() >= Duration::from_millis(5),
        "the second token was dropped"
    );
}

/// Would catch a lost wake-up between goroutines, and between goroutines and plain threads.
#[gors::test]
fn two_wake_each_other() {
    const TURNS: usize = 10_000;
    fn play(me: Parker, other: Unparker, turns: Arc<AtomicUsize>) {
        for _ in 0..TURNS {
            me.park();
            turns.fetch_add(1, Ordering::Relaxed);
            other.unpark();
        }
    }
    for with_thread in [false, true] {
        let turns = Arc::new(AtomicUsize::new(0));
        let (first, second) = (Parker::new(), Parker::new());
        let (wake_first, wake_second) = (first.unparker().clone(), second.unparker().clone());
        let kick_off = wake_first.clone();
        let first = spawn({
            let turns = Arc::clone(&turns);
            move || play(first, wake_second, turns)
        });
        kick_off.unpark();
        if with_thread {
            let turns = Arc::clone(&turns);
            let second = thread::spawn(move || play(second, wake_first, turns));
            blocking(|| second.join()).expect("no panic");
        } else {
            play(second, wake_first, Arc::clone(&turns));
        }
        first.join().expect("no panic");
        assert_eq!(turns.load(Ordering::Relaxed), 2 * TURNS);
    }
}

/// Would catch an unparker that touches a parker which is gone.
#[gors::test]
fn an_unparker_may_outlive_its_parker() {
    for _ in 0..1_000 {
        let parker = Parker::new();
        let unparker = parker.unparker().clone();
        let late = unparker.clone();
        let waker = spawn(move || {
            unparker.unpark();
            unparker.unpark();
        });
        parker.park();
        drop(parker);
        waker.join().expect("no panic");
        late.unpark();
    }
}

/// Would catch a timeout and a token that arrive together and are both lost.
#[gors::test]
fn a_timeout_races_a_token() {
    for n in 0..500 {
        let parker = Parker::new();
        let unparker = parker.unparker().clone();
        let waker = spawn(move || {
            gors::time::sleep(Duration::from_micros(n % 50 * 2));
            unparker.unpark();
        });
        parker.park_timeout(Duration::from_micros(50));
        waker.join().expect("no panic");
        // Taken by the wait above, or still there: a further one must not hang.
        parker.unparker().unpark();
        parker.park();
    }
}
