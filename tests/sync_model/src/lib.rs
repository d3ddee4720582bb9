//! The raw locks under a model: their source files, unchanged, on [shuttle]'s threads and atomics.
//!
//! The model stands in for what is below the locks: a task parks on a shuttle thread, a deadline may
//! pass at any moment, the clock may jump past the starvation limit at any moment. It checks what the
//! runtime leans on: a task is readied once for each claim, and only when it is parked. Shuttle
//! reports a wake-up that is lost as a deadlock.
//!
//! Sequential consistency only: orderings that are too weak are not found here.
#![allow(dead_code, unused_imports, reason = "the files are used in part")]

extern crate model_std as std;

mod clock {
    use std::cell::Cell;

    /// Now and then more than the locks' patience has passed.
    pub(crate) fn callers() -> u64 {
        shuttle::rand::Rng::gen_range(&mut shuttle::rand::thread_rng(), 0..3) * 1_500_000
    }

    /// Deadlines pass when the model likes.
    pub(crate) fn instant() -> std::time::Instant {
        std::time::Instant::now()
    }

    pub(crate) fn deadline_in(timeout: std::time::Duration) -> Option<std::time::Instant> {
        std::time::Instant::now().checked_add(timeout)
    }
}

mod exit {
    pub(crate) fn fatal(message: &str) -> ! {
        panic!("fatal error: {message}");
    }
}

mod fence {
    pub(crate) fn store_load() {}

    pub(crate) fn store_load_after_exchange() {}

    pub(crate) fn unfenced() {}
}

mod sys {
    pub(crate) fn yield_thread() {
        shuttle::thread::yield_now();
    }

    pub(crate) const BARRIER_IN_FENCES: u32 = 1;

    pub(crate) fn has_barriers() -> bool {
        true
    }

    /// All is in order here, with barriers and without; now and then one is refused.
    pub(crate) fn barrier_all_threads() -> bool {
        shuttle::rand::Rng::gen_bool(&mut shuttle::rand::thread_rng(), 0.8)
    }
}

#[path = "../../../runtime/src/sanitize.rs"]
#[allow(dead_code, unused_imports, unexpected_cfgs)]
mod sanitize;
#[path = "../../../runtime/src/shim.rs"]
mod shim;

pub mod raw {
    #[path = "../../../../runtime/src/raw/cancel.rs"]
    mod cancel;
    #[path = "../../../../runtime/src/raw/condvar.rs"]
    mod condvar;
    #[path = "../../../../runtime/src/raw/limited.rs"]
    mod limited;
    #[path = "../../../../runtime/src/raw/lock.rs"]
    mod lock;
    #[path = "../../../../runtime/src/raw/mutex.rs"]
    mod mutex;
    #[path = "../../../../runtime/src/raw/once.rs"]
    mod once;
    #[path = "../../../loom_models/shared/owner.rs"]
    mod owner;
    #[path = "../../../../runtime/src/raw/rwlock.rs"]
    mod rwlock;
    #[path = "../../../../runtime/src/raw/rwlock_traits.rs"]
    mod rwlock_traits;
    #[path = "../../../../runtime/src/raw/semaphore.rs"]
    mod semaphore;
    mod spin;
    mod task;
    #[path = "../../../../runtime/src/raw/wait_list.rs"]
    mod wait_list;
    #[path = "../../../../runtime/src/raw/wait_reason.rs"]
    mod wait_reason;
    #[path = "../../../../runtime/src/raw/waiter.rs"]
    mod waiter;

    pub use self::cancel::Cancel;
    pub use self::condvar::RawCondvar;
    pub use self::limited::{lock_limited, read_limited, write_limited};
    pub use self::lock::SpinLock;
    pub use self::mutex::RawMutex;
    pub use self::once::{Attempt, OnceCell, RawOnce};
    pub use self::rwlock::RawRwLock;
    pub use self::semaphore::RawSemaphore;
    pub use self::task::{FIRST_TOKEN, OPEN, TIMED_OUT, Task, Unlock, exit_point, park};
    pub use self::wait_list::{Notified, WaitList};
    pub use self::wait_reason::WaitReason;
    pub use self::waiter::{Ended, Limit};
}
