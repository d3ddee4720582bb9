//! What the sanitizers must be told about goroutines. In normal builds every function here is empty.
//!
//! Switched by `--cfg`, never by a feature, because each needs the compiler's `-Zsanitizer`:
//!
//! | cfg | set by | what for |
//! | --- | --- | --- |
//! | `gors_asan` | whoever builds with `-Zsanitizer=address` | AddressSanitizer and LeakSanitizer |
//! | `gors_tsan` | whoever builds with `-Zsanitizer=thread` | ThreadSanitizer on the runtime |
//! | `gors_race` and `gors_tsan` | `cargo gors-race` | ThreadSanitizer on programs: the race detector |
//!
//! # Stacks that change under the sanitizer
//!
//! corosensei's feature `sanitizer`, which these cfgs turn on, announces each switch. For
//! AddressSanitizer that is all. For ThreadSanitizer the announcement is ours (`sanitize/tsan.rs`): each
//! goroutine is a *fibre* with a clock and a call stack of its own.
//!
//! # Two ways to look
//!
//! *The runtime's own races* (`gors_tsan` alone): every line of the runtime is watched. A switch
//! orders what came before it on the worker before what comes after it on the goroutine, because
//! both are steps of one thread. Edges between threads come from the runtime's atomics or are
//! missing, which is what this mode finds.
//!
//! *The program's races* (`gors_race`): two goroutines on one worker are as unordered as on two, so
//! a switch orders nothing. The runtime is then not watched: workers' threads are [hidden](hide) for
//! their whole life, and so is what goroutines do in the scheduler, as in Go, whose runtime is not
//! instrumented. What does order goroutines is said where it happens:
//!
//! | edge | from | to |
//! | --- | --- | --- |
//! | `go!` | the fibre is made by the one that spawns | the first instruction |
//! | ready | [`release`] of the record | [`acquire`] behind the park |
//! | a lock that a park opens | [`SpinLock::leave`](crate::raw::SpinLock::leave) | the lock's next holder |
//! | a timer's function | `release` of the timer when it is armed | the goroutine's first instruction |
//! | a bubble's `wait` and its end | `release` of the bubble before a member waits or ends | `acquire` behind `wait` and `run` |
//!
//! Channels, locks, `WaitGroup` and the other types above the scheduler are watched as any code is:
//! their atomics make their edges.
//!
//! Memory that the runtime gives from one goroutine to the next (records, stacks) is
//! [forgotten](fresh) in between, so that the two do not seem to share it.

#[cfg(gors_tsan)]
mod tsan;

#[cfg(gors_tsan)]
pub(crate) use tsan::{Back, Fiber, acquire, before_resume, fresh, hide, release};

#[cfg(gors_asan)]
unsafe extern "C" {
    fn __lsan_register_root_region(start: *const u8, len: usize);
}

/// LeakSanitizer shall look for pointers in a range that the runtime has mapped and never unmaps.
#[inline(always)]
pub(crate) fn root(start: usize, len: usize) {
    // SAFETY: the callers give ranges that stay readable for ever.
    #[cfg(gors_asan)]
    unsafe {
        __lsan_register_root_region(std::ptr::with_exposed_provenance(start), len);
    }
    let _ = (start, len);
}

// Knows nothing of the runtime: the models compile it as it is.
#[cfg(not(gors_tsan))]
mod off {
    /// A goroutine as ThreadSanitizer knows it.
    pub(crate) struct Fiber;

    impl Fiber {
        #[inline(always)]
        pub(crate) fn create() -> Self {
            Self
        }

        #[inline(always)]
        pub(crate) fn give_to<R>(self, _record: &R, _name: Option<&str>) {}

        #[inline(always)]
        pub(crate) fn destroy(&self) {}
    }

    /// Where a goroutine's switch leads.
    pub(crate) struct Back;

    impl Back {
        pub(crate) const fn new() -> Self {
            Self
        }
    }

    /// While it lives, the caller's accesses and edges are not watched.
    #[must_use]
    pub(crate) struct Hidden;

    #[inline(always)]
    pub(crate) fn hide() -> Hidden {
        Hidden
    }

    #[inline(always)]
    pub(crate) fn release<T>(_at: *const T) {}

    #[inline(always)]
    pub(crate) fn acquire<T>(_at: *const T) {}

    #[inline(always)]
    pub(crate) fn fresh(_start: usize, _len: usize) {}

    #[inline(always)]
    pub(crate) fn before_resume<S>(_slot: &S) {}
}

#[cfg(not(gors_tsan))]
pub(crate) use off::{Back, Fiber, acquire, before_resume, fresh, hide, release};
