//! Tests under many schedules.

use std::panic::resume_unwind;
use std::sync::Arc;

use gors_runtime::raw::{self, BubbleEnd, BubbleKind};

/// Runs `f` under `iterations` schedules, each drawn from another seed, and fails with the first that
/// fails: a panic (so every assertion), a deadlock, goroutines that are left waiting when `f` has
/// returned, or no end in sight after a million switches. Then it prints the seed and the schedule;
/// with `GORS_SEED` set to that seed, it runs that schedule only, again and again the same.
///
/// See [the module](super) for the rules. Beside the places where a goroutine waits, another one
/// may come first at `go!`, before every lock, channel operation and `select!`, at `try_`
/// operations and at every operation of [`gors::sync::atomic`](crate::sync::atomic). Some seeds
/// switch at each of these, others seldom. Whatever happens between two such places happens at
/// once: `std`'s atomics and locks are not seen.
///
/// The seeds are 1 to `iterations`, so that a test gives the same answer in each run. `f` is called
/// once for each and should make everything that it uses: state that outlives a call makes the next
/// one another test. A body that uses real time, threads, I/O or the order of a `HashMap` is not
/// repeatable.
///
/// Blocks the calling goroutine, or thread. A run costs some microseconds for each switch.
///
/// # Panics
///
/// When a schedule fails, with the panic of `f` if it is one; and within a bubble.
///
/// Go has no equivalent. Rust has `loom` and `shuttle` for other kinds of threads.
///
/// ```should_panic
/// use gors::prelude::*;
/// use gors::sync::atomic::{AtomicUsize, Ordering};
/// use gors::testing::explore;
/// use std::sync::Arc;
///
/// // Two goroutines add one each, but read and write in two steps.
/// explore(1000, || {
///     let n = Arc::new(AtomicUsize::new(0));
///     let wg = WaitGroup::new();
///     for _ in 0..2 {
///         let n = n.clone();
///         wg.go(move || {
///             let old = n.load(Ordering::SeqCst);
///             n.store(old + 1, Ordering::SeqCst);
///         });
///     }
///     wg.wait();
///     assert_eq!(n.load(Ordering::SeqCst), 2);
/// });
/// ```
#[track_caller]
pub fn explore<F>(iterations: usize, f: F)
where
    F: Fn() + Send + Sync + 'static,
{
    let f = Arc::new(f);
    match raw::seed() {
        Some(seed) => {
            run(seed, &f);
            eprintln!("gors: explore: seed {seed} (GORS_SEED) passes");
        }
        None => {
            for seed in 1..=iterations as u64 {
                run(seed, &f);
            }
        }
    }
}

/// Runs one schedule; panics if it fails.
#[track_caller]
fn run<F>(seed: u64, f: &Arc<F>)
where
    F: Fn() + Send + Sync + 'static,
{
    let body = Arc::clone(f);
    let report = raw::run_in_bubble(BubbleKind::Explore, seed, move || body());
    let what = match &report.end {
        BubbleEnd::Panicked(_) => "a panic".to_owned(),
        BubbleEnd::Deadlock(text) => text.clone(),
        BubbleEnd::Endless(steps) => format!("no end after {steps} switches"),
        _ => return,
    };
    eprintln!(
        "gors: explore: seed {seed} fails with {what}\n\n{}\n\
         GORS_SEED={seed} runs this schedule only",
        report.schedule
    );
    match report.end {
        BubbleEnd::Panicked(payload) => resume_unwind(payload),
        _ => panic!("seed {seed} (rerun it with GORS_SEED={seed}): {what}"),
    }
}
