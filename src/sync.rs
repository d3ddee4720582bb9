//! Go's `sync`, and its neighbours `errgroup`, `semaphore` and `singleflight`.
//!
//! The types have the shapes of `std::sync` and the manners of parking_lot: `lock()` returns the
//! guard, nothing is poisoned, guards may be sent to another goroutine. Waiting parks the goroutine,
//! never its worker; on a plain thread it parks the thread. They are fair as Go's.
//!
//! | Go | here |
//! | --- | --- |
//! | `sync.WaitGroup` | [`WaitGroup`] |
//! | `sync.Mutex` | [`Mutex`] |
//! | `sync.RWMutex` | [`RwLock`] |
//! | `sync/atomic` | [`atomic`] |

mod mutex;
mod rw_lock;
mod wait_group;

pub use self::mutex::{MappedMutexGuard, Mutex, MutexGuard};
pub use self::rw_lock::{
    MappedRwLockReadGuard, MappedRwLockWriteGuard, RwLock, RwLockReadGuard, RwLockWriteGuard,
};
pub use self::wait_group::WaitGroup;

/// Go's `sync/atomic`: the standard library's.
pub mod atomic {
    pub use std::sync::atomic::*;
}
