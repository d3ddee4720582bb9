//! Tests in virtual time.

use std::panic::resume_unwind;

use gors_runtime::raw::{self, BubbleEnd, BubbleKind};

/// Runs `f` in a bubble with a clock of its own, and returns its result when all goroutines of the
/// bubble have ended. An hour of sleep takes no time.
///
/// See [the module](super) for the rules. The schedule is the same in every run (`GORS_SEED`
/// changes it); goroutines switch only where they wait or yield. To try many schedules use
/// [`explore`](super::explore), whose bubbles have the same clock.
///
/// Blocks the calling goroutine, or thread.
///
/// # Panics
///
/// * With the panic of `f`, or of a `go!` goroutine of the bubble.
/// * `deadlock: all goroutines in bubble are blocked`, with a list of them.
/// * `deadlock: main bubble goroutine has exited but blocked goroutines remain`, with a list of them,
///   when `f` has returned but others wait for ever, or for a timer.
/// * Within a bubble.
///
/// Go: `synctest.Test`.
///
/// ```
/// use gors::context::{self, Context, ContextError};
/// use gors::testing::{synctest, wait};
/// use gors::time::{self, Duration};
///
/// synctest(|| {
///     let (ctx, _cancel) = context::with_timeout(&Context::background(), Duration::from_secs(5));
///
///     time::sleep(Duration::from_secs(5) - Duration::from_nanos(1));
///     wait();
///     assert_eq!(ctx.err(), None);
///
///     time::sleep(Duration::from_nanos(1));
///     wait();
///     assert_eq!(ctx.err(), Some(ContextError::DeadlineExceeded));
/// });
/// ```
#[track_caller]
pub fn synctest<F, T>(f: F) -> T
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let seed = raw::seed().unwrap_or(0);
    let report = raw::run_in_bubble(BubbleKind::Synctest, seed, f);
    match report.end {
        BubbleEnd::Panicked(payload) => resume_unwind(payload),
        BubbleEnd::Deadlock(text) => panic!("{text}"),
        _ => match report.result {
            Some(value) => value,
            None => panic!("synctest: the function ended by goexit"),
        },
    }
}

/// Blocks until every other goroutine of the bubble waits for something that only another one, or
/// the clock, can bring about. Time does not go on meanwhile.
///
/// For tests that make something happen in the background and then look at what has become of it.
///
/// # Panics
///
/// `goroutine is not in a bubble`; and `wait already in progress` if another goroutine of the bubble
/// is in this function.
///
/// Go: `synctest.Wait`.
///
/// ```
/// use gors::prelude::*;
/// use gors::sync::atomic::{AtomicBool, Ordering};
/// use gors::testing::{synctest, wait};
/// use std::sync::Arc;
///
/// synctest(|| {
///     let done = Arc::new(AtomicBool::new(false));
///     let theirs = done.clone();
///     go!(move || theirs.store(true, Ordering::Relaxed));
///     wait();
///     assert!(done.load(Ordering::Relaxed));
/// });
/// ```
#[track_caller]
pub fn wait() {
    raw::wait_for_bubble();
}
