//! The files of `runtime/src/raw` that the scheduler uses.

#[path = "../../../../runtime/src/raw/lock.rs"]
mod lock;
#[path = "../../../../runtime/src/raw/task.rs"]
mod task;
#[path = "../../../../runtime/src/raw/wait_reason.rs"]
mod wait_reason;

pub use self::lock::SpinLock;
pub use self::task::{FIRST_TOKEN, OPEN, TIMED_OUT, Task, Unlock, exit_point, park};
pub(crate) use self::task::{ready_state, sleep_until_notified, wake_thread};
pub use self::wait_reason::WaitReason;
