//! Go's `sync`, and its neighbours `errgroup`, `semaphore` and `singleflight`.
//!
//! The types have the shapes of `std::sync` and the manners of parking_lot: `lock()` returns the
//! guard, nothing is poisoned, guards may be sent to another goroutine. Waiting parks the goroutine,
//! never its worker; on a plain thread it parks the thread. They are fair as Go's. `new` is const
//! wherever std's is.
//!
//! | Go | here |
//! | --- | --- |
//! | `sync.WaitGroup` | [`WaitGroup`] |
//! | `sync.Mutex` | [`Mutex`] |
//! | `sync.RWMutex` | [`RwLock`] |
//! | `sync.Cond` | [`Condvar`] |
//! | `sync.Once` | [`Once`], [`OnceLock`], [`LazyLock`] |
//! | `sync.OnceFunc`, `OnceValue` | [`once_func`], [`once_value`] |
//! | `sync.Pool` | [`Pool`] |
//! | `sync.Map` | [`Map`] |
//! | `sync/atomic` | [`atomic`] |
//! | `x/sync/errgroup` | [`errgroup::Group`] |
//! | `x/sync/semaphore` | [`Semaphore`] |
//! | `x/sync/singleflight` | [`singleflight::Group`] |
//! | | [`Barrier`] |

pub mod atomic;
mod barrier;
#[cfg(doctest)]
mod bounds;
mod condvar;
pub mod errgroup;
mod map;
mod mutex;
mod once;
mod once_func;
mod pool;
mod rw_lock;
mod semaphore;
pub mod singleflight;
mod unwind;
mod wait_group;

pub use self::barrier::{Barrier, BarrierWaitResult};
pub use self::condvar::{Condvar, WaitTimeoutResult};
pub use self::map::Map;
pub use self::mutex::{MappedMutexGuard, Mutex, MutexGuard};
pub use self::once::{LazyLock, Once, OnceLock};
pub use self::once_func::{once_func, once_value};
pub use self::pool::Pool;
pub use self::rw_lock::{
    MappedRwLockReadGuard, MappedRwLockWriteGuard, RwLock, RwLockReadGuard, RwLockWriteGuard,
};
pub use self::semaphore::{Semaphore, SemaphoreGuard};
pub use self::wait_group::WaitGroup;
