//! The files of `runtime/src/raw`.

use crate::below::spin;

#[path = "../../../../runtime/src/raw/biased.rs"]
mod biased;
#[path = "../../../../runtime/src/raw/cancel.rs"]
mod cancel;
#[path = "../../../../runtime/src/raw/condvar.rs"]
mod condvar;
#[path = "../../../../runtime/src/raw/guarded.rs"]
mod guarded;
#[path = "../../../../runtime/src/raw/limited.rs"]
mod limited;
#[path = "../../../../runtime/src/raw/lock.rs"]
mod lock;
#[path = "../../../../runtime/src/raw/mutex.rs"]
mod mutex;
#[path = "../../../../runtime/src/raw/once.rs"]
mod once;
#[path = "../../shared/owner.rs"]
mod owner;
#[path = "../../../../runtime/src/raw/rwlock.rs"]
mod rwlock;
#[path = "../../../../runtime/src/raw/rwlock_traits.rs"]
mod rwlock_traits;
#[path = "../../../../runtime/src/raw/semaphore.rs"]
mod semaphore;
#[path = "../../../../runtime/src/raw/task.rs"]
mod task;
#[path = "../../../../runtime/src/raw/wait_list.rs"]
mod wait_list;
#[path = "../../../../runtime/src/raw/wait_reason.rs"]
mod wait_reason;
#[path = "../../../../runtime/src/raw/waiter.rs"]
mod waiter;

pub use self::biased::BiasedLock;
pub use self::cancel::Cancel;
pub use self::condvar::RawCondvar;
pub use self::guarded::Guarded;
pub use self::limited::{lock_limited, read_limited, write_limited};
pub use self::lock::SpinLock;
pub use self::mutex::RawMutex;
pub use self::once::{Attempt, OnceCell, RawOnce};
pub use self::rwlock::RawRwLock;
pub use self::semaphore::RawSemaphore;
pub use self::task::{
    FIRST_TOKEN, OPEN, TIMED_OUT, Task, Unlock, exit_point, park, park_forever, random,
};
pub(crate) use self::task::{ready_state, sleep_until_notified, wake_thread};
pub use self::wait_list::{Notified, WaitList};
pub use self::wait_reason::WaitReason;
pub use self::waiter::{Ended, Limit};

/// Nobody panics.
pub fn apply_panic_policy(_: Box<dyn std::any::Any + Send>) {
    unreachable!();
}

/// As the real one.
pub type CountHandles = unsafe fn(*const (), &mut dyn FnMut(usize)) -> Option<Handles>;

/// As the real one.
pub struct Handles {
    pub bytes: usize,
    pub whole: Option<usize>,
    pub least: usize,
}

/// What the search for leaked goroutines is told about channels; no model has it.
pub struct Channels {
    pub unlock: unsafe fn(*const ()),
    pub handles: CountHandles,
    pub unlock_select: unsafe fn(*const ()),
    pub arms: unsafe fn(*const (), &mut dyn FnMut(*const ())),
    pub source: &'static str,
}

/// Nobody searches.
pub fn know_channels<T>(_: &T) {}

/// Nobody searches.
pub fn know_wait_groups(_: usize, _: usize) {}

pub use crate::bubble::{Point, explores, point};

/// Deadlines pass when the model likes.
pub fn now() -> std::time::Instant {
    std::time::Instant::now()
}

pub fn deadline_in(timeout: std::time::Duration) -> Option<std::time::Instant> {
    now().checked_add(timeout)
}

pub fn end_of(timeout: std::time::Duration) -> Option<u64> {
    u64::try_from(epoch().elapsed().saturating_add(timeout).as_nanos()).ok()
}

pub fn epoch() -> std::time::Instant {
    static EPOCH: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    *EPOCH.get_or_init(now)
}
