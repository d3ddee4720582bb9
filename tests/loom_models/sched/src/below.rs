//! Stand-ins of what is around the scheduler.

pub(crate) mod world;

/// A clock that moves a step at each look, and to a deadline when a sleep ends by it.
/// Nothing unusual is on.
pub(crate) mod mode {
    pub(crate) fn any() -> bool {
        false
    }
}

/// There are no bubbles.
pub(crate) mod bubble {
    use std::time::Instant;

    use crate::goroutine::Record;
    use crate::raw::Unlock;

    pub(crate) fn ready_member(_: &'static Record) {
        unreachable!("there are no members")
    }

    pub(crate) unsafe fn park(_: &'static Record, _: Option<Instant>, _: Option<Unlock>) {
        unreachable!("there are no members")
    }

    pub(crate) fn gosched(_: &'static crate::stack::Slot) {
        unreachable!("there are no members")
    }

    pub(crate) fn draw() -> Option<u64> {
        None
    }
}

pub(crate) mod clock {
    pub(crate) fn now() -> u64 {
        super::world::tick()
    }

    pub(crate) fn tick() -> u64 {
        now()
    }

    pub(crate) fn callers() -> u64 {
        now()
    }

    pub(crate) fn instant() -> std::time::Instant {
        std::time::Instant::now()
    }

    pub(crate) fn deadline_in(timeout: std::time::Duration) -> Option<std::time::Instant> {
        std::time::Instant::now().checked_add(timeout)
    }

    pub(crate) fn at(_: std::time::Instant) -> u64 {
        super::world::SOON
    }
}

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

/// Nobody observes.
pub(crate) mod observe {
    use crate::goroutine::Record;

    pub(crate) fn readied(_: &Record) {}

    pub(crate) fn handed_off<W>(_: &W) {}
}

pub(crate) mod exit {
    use crate::goroutine::Record;

    pub(crate) fn fatal(message: &str) -> ! {
        panic!("fatal error: {message}");
    }

    pub(crate) fn attend(_: &Record) {
        unreachable!("no goexit in models");
    }
}

pub(crate) mod fence {
    pub(crate) use model::store_load;
    pub(crate) use model::store_load as store_load_after_exchange;
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
            Some(timeout) if timeout.as_nanos() <= u128::from(world::SOON) => world::expire(),
            _ => world::sleep(word, expected),
        }
    }

    pub(crate) fn futex_wake_one(word: *const AtomicU32) {
        model::futex::wake_one(word.addr());
    }

    pub(crate) fn yield_thread() {
        crate::shim::thread::yield_now();
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

pub(crate) mod sysmon {
    use crate::worker::Worker;

    pub(crate) fn look_for_deadlock() {}

    pub(crate) fn rouse() {}

    pub(crate) fn end_nap() {}

    pub(crate) fn overtime_ends(_: &Worker) {}
}

/// Nobody forks.
pub(crate) mod fork {
    pub(crate) fn check() {}

    pub(crate) fn check_inside() {}
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
