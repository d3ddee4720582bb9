//! Stand-ins of what is around waiting and scheduling, and is not there in models.

/// Nothing unusual is on.
pub(crate) mod mode {
    pub(crate) fn any() -> bool {
        false
    }

    pub(crate) fn init() {}
}

/// There are no bubbles.
pub(crate) mod bubble {
    use std::time::Instant;

    use crate::goroutine::{Record, RecordPtr};
    use crate::raw::Unlock;
    use crate::stack::{Action, Slot, Worker};

    pub(crate) fn ready_member(_: &'static Record) {
        unreachable!("there are no members")
    }

    pub(crate) unsafe fn park(_: &'static Record, _: Option<Instant>, _: Option<Unlock>) {
        unreachable!("there are no members")
    }

    pub(crate) fn gosched(_: &'static Slot) {
        unreachable!("there are no members")
    }

    pub(crate) fn left(_: &'static Worker, _: RecordPtr, _: &Slot, _: Action) {
        unreachable!("there are no members")
    }

    pub(crate) fn ended(_: &'static Worker, (): &()) {
        unreachable!("there are no members")
    }

    /// As the real one; none is taken.
    #[derive(Clone, Copy, Debug)]
    pub enum Point {
        Try,
        Channel,
        Blocking,
        Lock,
    }

    pub fn point(_: Point) {}

    pub fn explores() -> bool {
        false
    }

    pub(crate) fn draw() -> Option<u64> {
        None
    }
}

/// Nobody observes.
pub(crate) mod observe {
    use crate::goroutine::Record;
    use crate::stack::{Action, Slot, Worker};

    pub(crate) fn readied(_: &Record) {}

    pub(crate) fn handed_off<W>(_: &W) {}

    pub(crate) fn start() {}

    /// # Safety
    ///
    /// As the real one.
    pub(crate) unsafe fn run(_: &'static Worker, _: &'static Record, _: &Slot) -> Action {
        unreachable!("nobody is observed")
    }
}

pub(crate) mod exit {
    use crate::goroutine::Record;

    /// Models end by unwinding.
    pub(crate) struct AbortOnUnwind;

    /// The payload of `goexit`, which no model calls.
    pub(crate) struct Goexit;

    pub(crate) fn install() {}

    pub(crate) fn fatal(message: &str) -> ! {
        panic!("fatal error: {message}");
    }

    pub(crate) fn attend(_: &Record) {
        unreachable!("no goexit in models");
    }

    pub(crate) fn settle(_: &Record) {
        unreachable!("nobody panics in models");
    }
}

pub(crate) mod fence {
    pub(crate) use model::store_load;
    pub(crate) use model::store_load as store_load_after_exchange;

    /// The model's barrier is the fence, wherever the thread is.
    pub(crate) fn unfenced() {}
}

pub(crate) mod sysmon {
    pub(crate) fn start() {}

    pub(crate) fn look_for_deadlock() {}

    pub(crate) fn rouse() {}

    pub(crate) fn end_nap() {}
}

/// Nobody forks.
pub(crate) mod fork {
    pub(crate) fn install() {}

    pub(crate) fn check() {}

    pub(crate) fn check_inside() {}
}
