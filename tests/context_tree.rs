//! Contexts: who is cancelled by whom, when, and why.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use common::{Meeting, Random, at_all_permits, until_blocked};
use gors::context::{
    self, AfterFunc, CancelFunc, Context, ContextError, with_cancel, with_cancel_cause,
    with_timeout,
};
use gors::prelude::*;

fn is_done(ctx: &Context) -> bool {
    ctx.done()
        .try_recv()
        .is_err_and(|error| error.is_disconnected())
}

/// Catches a parent that does not cancel its children, or a child that cancels its parent.
#[gors::test]
fn cancellation_goes_down_and_not_up() {
    let (parent, cancel_parent) = with_cancel(&Context::background());
    let (left, cancel_left) = with_cancel(&parent);
    let (right, _cancel) = with_cancel(&parent);
    let below = context::with_value(&right, 1_u8);
    let (leaf, _cancel) = with_cancel(&below);
    cancel_left.cancel();
    assert!(is_done(&left) && !is_done(&parent) && !is_done(&leaf));
    cancel_parent.cancel();
    for ctx in [&parent, &right, &below, &leaf] {
        assert!(is_done(ctx));
        assert_eq!(ctx.err(), Some(ContextError::Canceled));
    }
    let (late, _cancel) = with_cancel(&leaf);
    assert!(
        is_done(&late),
        "a child of a cancelled context is cancelled"
    );
}

/// Catches a done channel that ends before, or later than, the error is there (Go's
/// TestErrDoneRace, #75533).
#[gors::test]
fn an_error_means_that_done_is_ready() {
    at_all_permits(|_| {
        for _ in 0..300 {
            let (ctx, cancel) = with_cancel(&Context::background());
            go!(move || cancel.cancel());
            while ctx.err().is_none() {
                gosched();
            }
            assert!(is_done(&ctx));

            let (ctx, cancel) = with_cancel(&Context::background());
            go!(move || cancel.cancel());
            ctx.done().recv().unwrap_err();
            assert_eq!(ctx.err(), Some(ContextError::Canceled));
        }
    });
}

/// Catches deadlocks between cancellations that meet in a tree (Go's TestSimultaneousCancels).
#[gors::test]
fn simultaneous_cancels() {
    at_all_permits(|procs| {
        let mut random = Random(42 + procs as u64);
        let (root, cancel) = with_cancel(&Context::background());
        let mut contexts = vec![root];
        let mut cancels = vec![cancel];
        while contexts.len() < 100 {
            let parent = &contexts[random.below(contexts.len() as u64) as usize];
            let (ctx, cancel) = with_cancel(parent);
            contexts.push(ctx);
            cancels.push(cancel);
        }
        while !cancels.is_empty() {
            let cancel = cancels.swap_remove(random.below(cancels.len() as u64) as usize);
            go!(move || cancel.cancel());
        }
        for ctx in &contexts {
            ctx.done().recv().unwrap_err();
        }
    });
}

/// Catches two contexts that cancel each other and hang (Go's TestInterlockedCancels).
#[gors::test]
fn interlocked_cancels() {
    at_all_permits(|_| {
        let (parent, cancel_parent) = with_cancel(&Context::background());
        let (child, cancel_child) = with_cancel(&parent);
        let done = parent.done().clone();
        go!(move || {
            let _ = done.recv();
            cancel_child.cancel();
        });
        cancel_parent.cancel();
        child.done().recv().unwrap_err();
    });
}

/// Catches trees too deep for a goroutine's stack, when they are cancelled and when they are dropped.
#[gors::test]
fn a_deep_chain() {
    let (root, cancel) = with_cancel(&Context::background());
    let mut deepest = root.clone();
    for n in 0..100_000_u32 {
        deepest = if n % 2 == 0 {
            with_cancel(&deepest).0
        } else {
            context::with_value(&deepest, n)
        };
    }
    cancel.cancel();
    assert!(is_done(&deepest));
    spawn(move || drop(deepest)).join().unwrap();
    drop(root);
}

/// Catches deadlines that are missed, early, or that a parent's earlier one does not shorten.
#[gors::test]
fn deadlines() {
    at_all_permits(|_| {
        let start = Instant::now();
        let (ctx, _cancel) = with_timeout(&Context::background(), Duration::from_millis(20));
        let (below, _cancel) = with_timeout(&ctx, Duration::from_secs(3600));
        assert_eq!(below.deadline(), ctx.deadline());
        below.done().recv().unwrap_err();
        assert!(start.elapsed() >= Duration::from_millis(20));
        assert_eq!(below.err(), Some(ContextError::DeadlineExceeded));
        assert_eq!(
            below.cause().unwrap().to_string(),
            "context deadline exceeded"
        );

        let (ctx, cancel) = with_timeout(&Context::background(), Duration::from_secs(3600));
        cancel.cancel();
        assert_eq!(ctx.err(), Some(ContextError::Canceled));

        let (ctx, _cancel) = with_timeout(&Context::background(), Duration::ZERO);
        assert_eq!(ctx.err(), Some(ContextError::DeadlineExceeded), "at once");
        assert!(Context::background().deadline().is_none());
    });
}

/// Catches a cause that is lost, replaced, or goes the wrong way (Go's TestCause).
#[gors::test]
fn causes() {
    let cause = |ctx: &Context| ctx.cause().map(|cause| cause.to_string());
    let (parent, cancel_parent) = with_cancel_cause(&Context::background());
    let (child, cancel_child) = with_cancel_cause(&parent);
    let (other, cancel_other) = with_cancel(&parent);
    assert_eq!(cause(&parent), None);
    cancel_child.cancel("child's");
    cancel_child.cancel("too late");
    cancel_other.cancel();
    cancel_parent.cancel("parent's");
    assert_eq!(cause(&parent).as_deref(), Some("parent's"));
    assert_eq!(cause(&child).as_deref(), Some("child's"));
    assert_eq!(cause(&other).as_deref(), Some("context canceled"));
    let (late, _cancel) = with_cancel(&parent);
    assert_eq!(cause(&late).as_deref(), Some("parent's"));
    assert_eq!(late.err(), Some(ContextError::Canceled));

    let (slow, _cancel) =
        context::with_timeout_cause(&Context::background(), Duration::from_millis(1), "too slow");
    slow.done().recv().unwrap_err();
    assert_eq!(cause(&slow).as_deref(), Some("too slow"));
    assert_eq!(slow.err(), Some(ContextError::DeadlineExceeded));
}

/// Catches values that are lost on the way, or found by another type.
#[gors::test]
fn values() {
    #[derive(PartialEq, Debug)]
    struct User(&'static str);
    let ctx = context::with_value(&Context::background(), User("ann"));
    let (ctx, _cancel) = with_cancel(&ctx);
    let ctx = context::with_value(&ctx, 7_u32);
    let (ctx, _cancel) = with_timeout(&ctx, Duration::from_secs(3600));
    assert_eq!(ctx.value(), Some(&User("ann")));
    assert_eq!(ctx.value(), Some(&7_u32));
    assert_eq!(ctx.value::<u64>(), None);
    let shadow = context::with_value(&ctx, User("bob"));
    assert_eq!(shadow.value(), Some(&User("bob")));
    assert_eq!(context::without_cancel(&shadow).value(), Some(&User("bob")));
}

/// Catches a context that is cancelled though it was to go on, or that keeps its deadline.
#[gors::test]
fn without_cancel() {
    let (ctx, cancel) = with_timeout(&Context::background(), Duration::from_secs(3600));
    let on = context::without_cancel(&ctx);
    let (below, cancel_below) = with_cancel(&on);
    cancel.cancel();
    assert!(on.err().is_none() && on.deadline().is_none() && on.cause().is_none());
    assert!(below.err().is_none());
    cancel_below.cancel();
    assert!(is_done(&below));
}

/// Catches a function that runs too early, twice, not at all, or after it was taken back
/// (Go's TestAfterFunc…).
#[gors::test]
fn after_functions() {
    at_all_permits(|_| {
        let runs = Arc::new(AtomicUsize::new(0));
        let ran = make::<()>(10);
        let counted = |ctx: &Context| -> AfterFunc {
            let (runs, ran) = (runs.clone(), ran.clone());
            context::after_func(ctx, move || {
                runs.fetch_add(1, Ordering::SeqCst);
                ran.send(());
            })
        };
        let (ctx, cancel) = with_cancel(&Context::background());
        let first = counted(&ctx);
        let taken_back = counted(&ctx);
        let _second = counted(&ctx);
        assert!(taken_back.stop());
        assert_eq!(runs.load(Ordering::SeqCst), 0);
        cancel.cancel();
        cancel.cancel();
        ran.recv();
        ran.recv();
        assert!(!first.stop(), "it has run");
        let _late = counted(&ctx);
        ran.recv();
        assert_eq!(runs.load(Ordering::SeqCst), 3);
        for never in [Context::background(), context::without_cancel(&ctx)] {
            assert!(counted(&never).stop(), "it will not run");
        }
        assert_eq!(runs.load(Ordering::SeqCst), 3);
    });
}

/// Catches a receiver that waits for ever because every handle of its context is gone.
#[gors::test]
fn a_receiver_outlives_its_context() {
    let (parent, cancel) = with_cancel(&Context::background());
    let done = with_cancel(&parent).0.done().clone();
    let late = with_timeout(&Context::background(), Duration::from_millis(5))
        .0
        .done()
        .clone();
    cancel.cancel();
    done.recv().unwrap_err();
    late.recv().unwrap_err();
}

/// Catches children that a long-lived parent remembers for ever (Go's TestCancelRemoves).
#[gors::test]
fn forgotten_children_cost_nothing() {
    let (parent, _cancel) = with_cancel(&Context::background());
    let counted = Arc::new(());
    for n in 0..1_000 {
        let (ctx, cancel) = with_timeout(&parent, Duration::from_secs(3600));
        let ctx = context::with_value(&ctx, counted.clone());
        if n % 2 == 0 {
            let _ = ctx.done();
            cancel.cancel();
        }
    }
    assert_eq!(Arc::strong_count(&counted), 1);
    let text = format!("{parent:?}");
    assert_eq!(text, "Context { err: None, deadline: None, .. }");
}

/// Catches a guard that does not cancel, and a cancel function whose drop does.
#[gors::test]
fn dropping() {
    let (ctx, cancel) = with_cancel(&Context::background());
    drop::<CancelFunc>(cancel.clone());
    assert!(ctx.err().is_none());
    drop(cancel.cancel_on_drop());
    assert!(ctx.err().is_some());
}

/// Catches contexts that plain threads cannot wait for.
#[test]
fn on_plain_threads() {
    let (ctx, cancel) = with_cancel(&Context::background());
    let waiter = std::thread::spawn(move || ctx.done().recv());
    cancel.cancel();
    waiter.join().unwrap().unwrap_err();
    let (ctx, _cancel) = with_timeout(&Context::background(), Duration::from_millis(2));
    ctx.done().recv().unwrap_err();
}

/// Catches layers that end for another reason than the innermost that ended first
/// (Go's TestLayersCancel).
#[gors::test]
fn layers() {
    at_all_permits(|procs| {
        for round in 0..20 {
            let mut random = Random(1 + round * 31 + procs as u64);
            let mut ctx = Context::background();
            let mut cancels = Vec::new();
            for n in 0..30_u64 {
                ctx = match random.below(3) {
                    0 => context::with_value(&ctx, n),
                    1 => {
                        let (ctx, cancel) = with_cancel(&ctx);
                        cancels.push(cancel);
                        ctx
                    }
                    _ => with_timeout(&ctx, Duration::from_secs(3600)).0,
                };
            }
            let (ctx, cancel) = with_cancel(&ctx);
            cancels.push(cancel);
            assert!(!is_done(&ctx));
            let waiters: Vec<_> = (0..5)
                .map(|_| {
                    let ctx = ctx.clone();
                    spawn(move || ctx.done().recv().is_err())
                })
                .collect();
            if round % 2 == 0 {
                waiters.iter().for_each(until_blocked);
            }
            let which = random.below(cancels.len() as u64) as usize;
            cancels[which].cancel();
            for waiter in waiters {
                assert!(waiter.join().unwrap());
            }
            assert_eq!(ctx.err(), Some(ContextError::Canceled));
        }
    });
}

/// Catches a done channel that is made while the context is being cancelled, and that ends before the
/// error is there.
#[test]
fn done_made_during_a_cancellation_does_not_outrun_the_error() {
    const ROUNDS: u32 = 20_000;
    let meeting = Meeting::default();
    let contexts: Vec<_> = (0..ROUNDS)
        .map(|_| with_cancel(&Context::background()))
        .collect();
    let mut wrong = 0;
    std::thread::scope(|threads| {
        threads.spawn(|| {
            for (round, (_, cancel)) in contexts.iter().enumerate() {
                meeting.meet(round + 1);
                cancel.cancel();
            }
        });
        for (round, (ctx, _)) in contexts.iter().enumerate() {
            meeting.meet(round + 1);
            for _ in 0..round % 32 {
                std::hint::spin_loop();
            }
            // A panic here would leave the other thread alone.
            let ended = ctx.done().recv().is_err();
            if !ended || ctx.err() != Some(ContextError::Canceled) {
                wrong += 1;
            }
        }
    });
    assert_eq!(wrong, 0, "of {ROUNDS}");
}

/// Catches a child that is not cancelled when its parent's cancellation has returned, because another
/// thread is just about to cancel it.
#[test]
fn a_child_that_is_being_cancelled_is_cancelled_with_its_parent() {
    const ROUNDS: usize = 20_000;
    let meeting = Meeting::default();
    let contexts: Vec<_> = (0..ROUNDS)
        .map(|_| {
            let (parent, cancel_parent) = with_cancel(&Context::background());
            let (child, cancel_child) = with_cancel(&parent);
            (cancel_parent, child, cancel_child)
        })
        .collect();
    let mut wrong = 0;
    std::thread::scope(|threads| {
        threads.spawn(|| {
            for (round, (_, _, cancel_child)) in contexts.iter().enumerate() {
                meeting.meet(round + 1);
                cancel_child.cancel();
            }
        });
        for (round, (cancel_parent, child, _)) in contexts.iter().enumerate() {
            meeting.meet(round + 1);
            for _ in 0..round % 32 {
                std::hint::spin_loop();
            }
            cancel_parent.cancel();
            // A panic here would leave the other thread alone.
            wrong += usize::from(child.err().is_none());
        }
    });
    assert_eq!(wrong, 0, "of {ROUNDS}");
}
