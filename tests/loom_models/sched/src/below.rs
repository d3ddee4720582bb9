//! Stand-ins of what is around the scheduler.

#[path = "../../shared/around.rs"]
mod around;
#[path = "../../shared/clock.rs"]
pub(crate) mod clock;
pub(crate) mod world;

pub(crate) use self::around::{bubble, exit, fence, fork, mode, observe, sysmon};

pub(crate) mod config {
    use crate::stack::SizeClass;

    pub(crate) const MAX_PROCS: usize = 2;

    pub(crate) struct Config {
        pub(crate) procs: usize,
        pub(crate) max_threads: usize,
        pub(crate) stack_class: SizeClass,
    }

    /// No threads but those that the model begins with.
    pub(crate) fn get() -> Config {
        Config {
            procs: 1,
            max_threads: crate::below::world::max_threads(),
            stack_class: SizeClass,
        }
    }
}

pub(crate) mod current {
    use crate::goroutine::Record;

    pub(crate) fn record() -> &'static Record {
        match goroutine() {
            Some(record) => record,
            None => super::world::thread_record(),
        }
    }

    pub(crate) fn goroutine() -> Option<&'static Record> {
        crate::stack::current_slot().map(|slot| slot.record())
    }
}

/// What the documentation names.
pub(crate) fn goexit() {}
/// What the documentation names.
pub(crate) fn goid() {}

pub(crate) mod random {
    use std::cell::Cell;

    pub(crate) fn seed() -> u64 {
        1
    }

    pub(crate) fn fresh() -> u64 {
        1
    }

    pub(crate) fn step(_: &Cell<u64>) -> u64 {
        0
    }
}

pub(crate) mod spawn {
    pub(crate) fn goid_batch() -> (u64, u64) {
        (1, 2)
    }
}

pub(crate) mod sys {
    use std::time::Duration;

    use super::world;
    use crate::shim::atomic::AtomicU32;

    pub(crate) fn futex_wait(word: &AtomicU32, expected: u32, timeout: Option<Duration>) {
        match timeout {
            Some(timeout) if timeout.as_nanos() <= u128::from(world::DEADLINE) => world::expire(),
            _ => world::sleep(word, expected),
        }
    }

    pub(crate) fn futex_wake_one(word: *const AtomicU32) {
        model::futex::wake_one(word.addr());
    }

    pub(crate) fn yield_thread() {
        crate::shim::thread::yield_now();
    }

    pub(crate) fn register_for_barriers() {}

    pub(crate) fn register_for_barriers_if_alone() {}

    pub(crate) fn has_barriers() -> bool {
        world::has_barriers()
    }

    pub(crate) fn sleep(_: Duration) {
        crate::shim::thread::yield_now();
    }

    /// A mutant may leave it out.
    #[track_caller]
    pub(crate) fn barrier_all_threads() -> bool {
        model::barrier_all_threads();
        true
    }

    #[track_caller]
    pub(crate) fn barrier_or_wait() {
        model::barrier_all_threads();
    }

    pub(crate) fn precise_sleeps() {}

    pub(crate) fn ensure_signal_stack() {}

    pub(crate) fn thread_id() -> u32 {
        0
    }

    /// The same memory in each execution.
    pub(crate) fn reserve(len: usize) -> std::io::Result<*mut u8> {
        Ok(world::slab(len))
    }

    /// # Safety
    ///
    /// As the real one.
    pub(crate) unsafe fn commit(_: *mut u8, _: usize) -> std::io::Result<()> {
        Ok(())
    }

    /// # Safety
    ///
    /// As the real one.
    pub(crate) unsafe fn release(_: *mut u8, _: usize) {
        unreachable!("commit has succeeded")
    }

    /// A worker's thread, which the model starts later or not at all.
    pub(crate) fn new_thread(_: String, _: usize, _: impl FnOnce()) -> std::io::Result<()> {
        Ok(())
    }

    /// # Safety
    ///
    /// As the real one.
    pub(crate) unsafe fn discard(_: *mut u8, _: usize) -> std::io::Result<()> {
        unreachable!("nobody trims");
    }

    /// # Safety
    ///
    /// As the real one.
    pub(crate) unsafe fn renew(_: *mut u8, _: usize) -> std::io::Result<()> {
        unreachable!("nobody trims");
    }

    pub(crate) fn page_table_span() -> usize {
        unreachable!("nobody trims");
    }
}

/// There is none.
pub(crate) mod poller {
    use std::time::Duration;

    pub(crate) trait Poller {
        fn interrupt(&self);
    }

    pub(crate) fn get() -> Option<&'static dyn Poller> {
        None
    }

    pub(crate) fn wait(_: &dyn Poller, _: Option<Duration>) {}

    pub(crate) fn poll_if_unattended() {}
}
