//! `Barrier`.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::at_all_permits;
use gors::prelude::*;
use gors::sync::Barrier;

/// Catches one that goes on alone, one that is left behind, and rounds with no or two leaders.
#[gors::test]
fn rounds_of_goroutines_and_threads() {
    at_all_permits(|_| {
        const N: usize = 7;
        const ROUNDS: usize = 200;
        let barrier = Arc::new(Barrier::new(N));
        let (came, leaders) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let body = {
            let (came, leaders) = (came.clone(), leaders.clone());
            move || {
                for round in 1..=ROUNDS {
                    came.fetch_add(1, Ordering::SeqCst);
                    if barrier.wait().is_leader() {
                        leaders.fetch_add(1, Ordering::SeqCst);
                    }
                    assert!(came.load(Ordering::SeqCst) >= round * N);
                }
            }
        };
        let wg = WaitGroup::new();
        for _ in 0..N - 2 {
            wg.go(body.clone());
        }
        let threads: Vec<_> = (0..2).map(|_| std::thread::spawn(body.clone())).collect();
        wg.wait();
        for thread in threads {
            blocking(|| thread.join()).unwrap();
        }
        assert_eq!(leaders.load(Ordering::SeqCst), ROUNDS);
    });
}

/// Catches one that comes while a round ends and is in neither. In a barrier for one it does not lead; in
/// larger ones it goes on alone, and leaves the one behind that it should have met.
#[test]
fn who_comes_while_a_round_ends_is_in_the_next() {
    static BARRIER: Barrier = Barrier::new(1);
    let leaders = || (0..200_000).filter(|_| BARRIER.wait().is_leader()).count();
    let both = std::thread::scope(|threads| {
        let other = threads.spawn(leaders);
        leaders() + other.join().unwrap()
    });
    assert_eq!(both, 400_000);
}

/// Catches a barrier for none that blocks.
#[gors::test]
fn a_barrier_for_none_is_one_for_one() {
    assert!(Barrier::new(0).wait().is_leader());
}
