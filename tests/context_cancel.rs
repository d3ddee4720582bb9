//! Cancellations that meet: what holds when one of them returns, and which cause counts.

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};

use common::{Random, at_all_permits};
use gors::context::{
    CancelFunc, Context, ContextError, after_func, with_cancel, with_cancel_cause,
};
use gors::prelude::*;

/// Two threads that begin together, round after round: a spin lets them meet within nanoseconds, but
/// on a busy machine a spin alone would last a slice of the kernel's.
struct Meeting(AtomicUsize);

impl Meeting {
    fn of_two(&self, round: usize) {
        self.0.fetch_add(1, Ordering::SeqCst);
        for spins in 0_u32.. {
            if self.0.load(Ordering::SeqCst) >= 2 * round + 2 {
                break;
            }
            if spins > 2_000 {
                std::thread::yield_now();
            }
        }
    }
}

/// A context with many children, of which some have some; and who cancels what in the other thread.
struct Tree {
    all: Vec<Context>,
    mine: CancelFunc,
    theirs: CancelFunc,
}

impl Tree {
    fn new(theirs_is_below: bool) -> Self {
        let (root, mine) = with_cancel(&Context::background());
        let (branch, below) = with_cancel(&root);
        let mut all: Vec<_> = (0..60).map(|_| with_cancel(&branch).0).collect();
        for n in 0..20 {
            all.push(with_cancel(&all[n]).0);
        }
        let theirs = if theirs_is_below { below } else { mine.clone() };
        Self { all, mine, theirs }
    }
}

/// Catches a `cancel` that returns while somebody else is still cancelling what is below, be it the same
/// context or one in between: what runs on behalf of it would not stop yet.
#[test]
fn who_cancels_leaves_nothing_below_running() {
    const ROUNDS: usize = 1_000;
    let trees: Vec<_> = (0..ROUNDS).map(|n| Tree::new(n % 2 == 0)).collect();
    let meeting = Meeting(AtomicUsize::new(0));
    let mut random = Random(3);
    let mut left = 0;
    std::thread::scope(|threads| {
        threads.spawn(|| {
            for (round, tree) in trees.iter().enumerate() {
                meeting.of_two(round);
                tree.theirs.cancel();
            }
        });
        for (round, tree) in trees.iter().enumerate() {
            meeting.of_two(round);
            for _ in 0..random.below(400) {
                std::hint::spin_loop();
            }
            tree.mine.cancel();
            // A panic here would leave the other thread alone.
            let ended = |ctx: &Context| {
                ctx.done().try_recv().is_err_and(|e| e.is_disconnected())
                    && ctx.err() == Some(ContextError::Canceled)
            };
            left += usize::from(!tree.all.iter().all(ended));
        }
    });
    assert_eq!(left, 0, "of {ROUNDS}");
}

/// Catches a cause from further up that reaches what another cancellation had begun to cancel.
#[test]
fn children_have_the_cause_of_their_parent() {
    const ROUNDS: usize = 1_000;
    let trees: Vec<_> = (0..ROUNDS)
        .map(|_| {
            let (root, above) = with_cancel_cause(&Context::background());
            let (branch, between) = with_cancel_cause(&root);
            let leaves: Vec<_> = (0..40).map(|_| with_cancel(&branch).0).collect();
            (branch, leaves, above, between)
        })
        .collect();
    let meeting = Meeting(AtomicUsize::new(0));
    let mut random = Random(5);
    std::thread::scope(|threads| {
        threads.spawn(|| {
            for (round, (.., between)) in trees.iter().enumerate() {
                meeting.of_two(round);
                between.cancel("between");
            }
        });
        for (round, (_, _, above, _)) in trees.iter().enumerate() {
            meeting.of_two(round);
            for _ in 0..random.below(400) {
                std::hint::spin_loop();
            }
            above.cancel("above");
        }
    });
    for (branch, leaves, ..) in &trees {
        let cause = branch.cause().unwrap().to_string();
        for leaf in leaves {
            assert_eq!(leaf.cause().unwrap().to_string(), cause);
        }
    }
}

/// Catches a child that is made while its parent is cancelled, and that is not cancelled or has no cause
/// (Go's TestWithCancelSimultaneouslyCanceledParent).
#[gors::test]
fn a_child_is_born_during_a_cancellation() {
    at_all_permits(|_| {
        for _ in 0..200 {
            let (parent, cancel) = with_cancel_cause(&Context::background());
            go!(move || cancel.cancel("because"));
            let (child, _cancel) = with_cancel(&parent);
            child.done().recv().unwrap_err();
            assert_eq!(child.err(), Some(ContextError::Canceled));
            assert_eq!(child.cause().unwrap().to_string(), "because");
        }
    });
}

/// Catches a cause that is there before it is the right one (Go's TestCauseRace).
#[gors::test]
fn a_cause_is_there_at_once() {
    at_all_permits(|_| {
        for _ in 0..200 {
            let (ctx, cancel) = with_cancel_cause(&Context::background());
            go!(move || cancel.cancel("the only one"));
            let cause = loop {
                if let Some(cause) = ctx.cause() {
                    break cause;
                }
                gosched();
            };
            assert_eq!(cause.to_string(), "the only one");
            assert_eq!(ctx.err(), Some(ContextError::Canceled));
        }
    });
}

/// Catches a function that was taken back and runs, or that neither runs nor was taken back; and a place
/// in the parent's list that its former owner still gives away.
#[gors::test]
fn functions_are_taken_back_during_a_cancellation() {
    at_all_permits(|_| {
        for round in 0..200 {
            let (ctx, cancel) = with_cancel(&Context::background());
            let (other, gone) = with_cancel(&ctx);
            gone.cancel();
            let ran = make::<()>(1);
            let tell = ran.clone();
            let after = after_func(&ctx, move || tell.send(()));
            drop(other);
            gone.cancel();
            go!(move || cancel.cancel());
            if round % 2 == 0 {
                gosched();
            }
            if after.stop() {
                // Its function has gone, and with it the other handle.
                ctx.done().recv().unwrap_err();
                assert!(ran.try_recv().is_err());
            } else {
                assert_eq!(ran.recv(), Some(()));
            }
        }
    });
}
