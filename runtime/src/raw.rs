//! What the storeys above are built on: waiting, waking, and the locks and lists made of them.
//!
//! **Not for programs.** `gors-chan` and `gors` use this module; its contracts are written for
//! them, may change with them, and are kept by `unsafe`. Programs have
//! [`Parker`](crate::Parker), channels and the types of `gors::sync`.
//!
//! How to wait, in three steps:
//!
//! 1. Call [`exit_point`]. Take the lock of whatever is waited for. If there is nothing to wait
//!    for, unlock and be done.
//! 2. [`Task::current`], [`Task::arm`], put a waiter that names the task into the list.
//! 3. [`park`] with the lock's release as argument. Afterwards [`Task::claimed`] says who won;
//!    unlink what is still linked.
//!
//! How to wake: find a waiter under the lock, [`Task::try_claim`] it, unlink it, hand over
//! what it waits for, unlock, [`Task::ready`].

mod biased;
mod cancel;
mod condvar;
mod func_timer;
mod guarded;
mod limited;
mod lock;
mod mutex;
mod once;
mod owner;
mod rwlock;
mod rwlock_traits;
mod semaphore;
pub mod signal;
mod spin;
mod task;
mod unwind;
mod wait_list;
mod wait_reason;
mod waiter;

pub use self::biased::BiasedLock;
pub use self::cancel::Cancel;
pub use self::condvar::RawCondvar;
pub use self::func_timer::FuncTimer;
pub use self::guarded::Guarded;
pub use self::limited::{lock_limited, read_limited, write_limited};
pub use self::lock::SpinLock;
pub use self::mutex::RawMutex;
pub use self::once::{Attempt, OnceCell, RawOnce};
pub(crate) use self::owner::{PLAIN_THREAD, Wants, holder_wanted};
pub use self::rwlock::RawRwLock;
pub use self::semaphore::RawSemaphore;
pub use self::task::{
    FIRST_TOKEN, OPEN, TIMED_OUT, Task, Unlock, exit_point, park, park_forever, random,
};
pub(crate) use self::task::{ready_state, sleep_until_notified, wake_thread};
pub use self::unwind::{apply_panic_policy, is_goexit};
pub use self::wait_list::{Notified, WaitList};
pub(crate) use self::wait_list::{joined, list_of};
pub use self::wait_reason::WaitReason;
pub use self::waiter::{Ended, Limit};
pub use crate::bubble::{
    End as BubbleEnd, Kind as BubbleKind, Point, Report as BubbleReport, explores, point,
    run as run_in_bubble, trace_hash, wait as wait_for_bubble,
};
pub use crate::clock::{deadline_in, end_of, epoch, instant as now};
pub use crate::config::seed;
pub use crate::dump::reach::Handles;
pub use crate::dump::waits::{Channels, CountHandles, know_channels, know_wait_groups};
pub use crate::poller::{Poller, install as install_poller};
