//! What the tests of `sync`, `time`, `context`, `signal` and `patterns` share.
#![allow(dead_code, reason = "each test binary uses a part")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Runs `test` with 1, 2 and 8 permits.
pub(crate) fn at_all_permits(test: impl Fn(usize)) {
    for procs in [1, 2, 8] {
        let before = gors::gomaxprocs(procs);
        test(procs);
        gors::gomaxprocs(before);
    }
}

/// The message that `f` panics with.
pub(crate) fn panic_text(f: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(f)).expect_err("a panic");
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => (*payload.downcast::<&str>().expect("a text")).to_owned(),
    }
}

/// Returns when the goroutine waits for something, or has ended.
pub(crate) fn until_blocked<T>(goroutine: &gors::JoinHandle<T>) {
    while gors::runtime::wait_reason_of(goroutine.id()).is_none() && !goroutine.is_finished() {
        gors::time::sleep(Duration::from_millis(1));
    }
}

/// Runs `f` in a goroutine, and returns when that waits for something.
pub(crate) fn spawn_blocked<T: Send + 'static>(
    f: impl FnOnce() -> T + Send + 'static,
) -> gors::JoinHandle<T> {
    let goroutine = gors::spawn(f);
    until_blocked(&goroutine);
    goroutine
}

/// A small generator for tests, so that a failure can be repeated.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

/// Where two threads meet in a spin, to go on within nanoseconds of each other; on a busy machine a spin
/// alone would last a slice of the kernel's.
#[derive(Default)]
pub(crate) struct Meeting(AtomicUsize);

impl Meeting {
    /// Returns when both have called it `count` times.
    pub(crate) fn meet(&self, count: usize) {
        self.0.fetch_add(1, Ordering::SeqCst);
        for spins in 0_u32.. {
            if self.0.load(Ordering::SeqCst) >= 2 * count {
                break;
            }
            if spins > 2_000 {
                std::thread::yield_now();
            }
        }
    }
}
