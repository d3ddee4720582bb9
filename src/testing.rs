//! Tests whose schedule and time are under control.
//!
//! | question | answer |
//! | --- | --- |
//! | Does it work in every order of events? | [`explore`] runs a test under many schedules |
//! | How do I test a timeout of an hour? | [`synctest`] runs a test on a clock of its own |
//! | How do I know that all others wait now? | [`wait`] |
//! | How do I run the one schedule that failed? | the environment variable `GORS_SEED` |
//!
//! Both run their body in a *bubble*: a group of goroutines, beginning with the body and inherited
//! with every `go!`, that take turns on a virtual clock. Goroutines and threads outside are not
//! affected, so such tests can stand beside others and run at the same time.
//!
//! # In a bubble
//!
//! * One goroutine runs at a time. Which one is drawn from the bubble's seed whenever the running
//!   one waits, yields or ends; so is the choice of `select!` among ready arms.
//! * [`time::now`](crate::time::now) begins at the time of day and stands still while anybody can
//!   run. When all goroutines wait, it jumps to the next timer. A loop that waits for time to pass
//!   must therefore sleep.
//! * *Waiting* is every wait of this library: channels, `select!`, locks, condition variables, wait
//!   groups, joins, sleeps, parkers. (Go does not count locks.) Whatever blocks the thread, in
//!   [`blocking`](crate::blocking) or without, counts as running.
//! * If all wait and no timer is set, that is a deadlock, reported with everybody's wait.
//! * When the body has returned time stops. The bubble ends when its other goroutines have ended;
//!   if some never will, that is a deadlock too. So nothing outlives its test.
//! * A panic in a goroutine of the bubble ends the test and not the process.
//! * Goroutines of a bubble that failed are abandoned: they never run again and are not unwound.
//!
//! Keep to channels, locks and timers of the same bubble. A value from outside arrives, but the
//! bubble does not wait for it: its clock jumps on, or it calls a deadlock, meanwhile.
//!
//! `docs/testing.md` is the guide.

mod explore;
mod synctest;

pub use self::explore::explore;
pub use self::synctest::{synctest, wait};

/// A number that stands for every choice made so far in the caller's bubble: two runs that are alike
/// have the same. In the seeded mode (`GORS_SEED`) the whole process is one bubble. 0 elsewhere.
///
/// ```
/// use gors::prelude::*;
/// use gors::testing::{synctest, trace_hash};
///
/// fn run() -> u64 {
///     synctest(|| {
///         let c = make(0);
///         for n in 0..3 {
///             let c = c.clone();
///             go!(move || c.send(n));
///         }
///         for _ in 0..3 {
///             c.recv();
///         }
///         trace_hash()
///     })
/// }
/// assert_eq!(run(), run());
/// ```
#[must_use]
pub fn trace_hash() -> u64 {
    gors_runtime::raw::trace_hash()
}
