//! Which types may be sent and shared, and what is const: the compiler is the test.

use std::cell::Cell;

use gors::context::{CancelFunc, Context};
use gors::sync::{
    Barrier, Condvar, LazyLock, Map, MappedMutexGuard, Mutex, MutexGuard, Once, OnceLock, Pool,
    RwLock, RwLockReadGuard, RwLockWriteGuard, Semaphore, SemaphoreGuard, WaitGroup, errgroup,
    singleflight,
};
use gors::time::{Ticker, Timer};

fn sent<T: Send>() {}
fn shared<T: Send + Sync>() {}

/// Catches a type that lost `Send` or `Sync`, which would break programs that use it.
#[test]
fn auto_traits() {
    shared::<Mutex<Cell<u8>>>();
    shared::<RwLock<u8>>();
    shared::<OnceLock<u8>>();
    shared::<LazyLock<u8>>();
    shared::<Map<u8, u8>>();
    shared::<Pool<Cell<u8>>>();
    shared::<(Barrier, Condvar, Once, Semaphore, WaitGroup)>();
    shared::<(errgroup::Group<u8>, singleflight::Group<u8, u8>)>();
    shared::<(Context, CancelFunc, Timer, Ticker)>();
    sent::<MutexGuard<'_, Cell<u8>>>();
    sent::<MappedMutexGuard<'_, u8>>();
    shared::<RwLockReadGuard<'_, u8>>();
    shared::<RwLockWriteGuard<'_, u8>>();
    sent::<SemaphoreGuard<'_>>();
}

/// Catches a `new` that is const no more.
#[test]
fn statics() {
    static MUTEX: Mutex<u8> = Mutex::new(1);
    static RWLOCK: RwLock<u8> = RwLock::new(1);
    static CONDVAR: Condvar = Condvar::new();
    static ONCE: Once = Once::new();
    static CELL: OnceLock<u8> = OnceLock::new();
    static LAZY: LazyLock<u8> = LazyLock::new(|| 1);
    static BARRIER: Barrier = Barrier::new(1);
    static SEMAPHORE: Semaphore = Semaphore::new(1);
    static GROUP: WaitGroup = WaitGroup::new();
    static MAP: Map<u8, u8> = Map::new();
    static BACKGROUND: Context = Context::background();
    assert_eq!(*MUTEX.lock() + *RWLOCK.read() + *LAZY, 3);
    assert!(!CONDVAR.notify_one() && CELL.get().is_none() && MAP.is_empty());
    ONCE.call_once(|| ());
    assert!(BARRIER.wait().is_leader() && SEMAPHORE.try_acquire(1));
    GROUP.wait();
    assert!(BACKGROUND.err().is_none());
}

/// Catches locks that have grown: they stand beside every value that is shared.
#[test]
fn sizes() {
    // With debug assertions a lock knows who holds it.
    let owner = if cfg!(debug_assertions) { 8 } else { 0 };
    assert_eq!(size_of::<Mutex<()>>(), 16 + owner);
    assert!(size_of::<RwLock<()>>() <= 56 + owner);
    assert!(size_of::<Once>() <= 48);
    assert!(size_of::<WaitGroup>() <= 16);
}
