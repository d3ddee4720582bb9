//! `gors::sync`.

use std::cell::Cell;
use std::panic::{RefUnwindSafe, UnwindSafe, catch_unwind};
use std::time::Instant;

use gors::context::{self, Context, ContextError};
use gors::prelude::*;
use gors::sync::atomic::{AtomicUsize, Ordering};
use gors::sync::{
    Barrier, Condvar, LazyLock, Map, Mutex, MutexGuard, Once, OnceLock, Pool, RwLock,
    RwLockReadGuard, RwLockWriteGuard, Semaphore, errgroup, once_func, once_value, singleflight,
};

const SOON: Duration = Duration::from_millis(1);

static WG: WaitGroup = WaitGroup::new();
static MUTEX: Mutex<i32> = Mutex::new(0);
static RWLOCK: RwLock<i32> = RwLock::new(0);
static CONDVAR: Condvar = Condvar::new();
static ONCE: Once = Once::new();
static ONCE_LOCK: OnceLock<i32> = OnceLock::new();
static LAZY: LazyLock<i32> = LazyLock::new(|| 3);
static BARRIER: Barrier = Barrier::new(1);
static SEMAPHORE: Semaphore = Semaphore::new(3);
static MAP: Map<&str, i32> = Map::new();

fn background() -> Context {
    Context::background()
}

#[gors::test]
fn wait_group() {
    WG.add(2);
    WG.done();
    assert!(!WG.wait_timeout(SOON));
    WG.done();
    let handle = WG.clone();
    WG.go(move || handle.go(|| {}));
    WG.wait();
    assert!(gors::sync::WaitGroup::default().wait_timeout(SOON));
}

#[gors::test]
fn locks() {
    let guard: MutexGuard<'_, i32> = MUTEX.lock();
    assert!(MUTEX.try_lock().is_none() && MUTEX.try_lock_for(SOON).is_none());
    assert!(MUTEX.try_lock_until(Instant::now()).is_none());
    drop(guard);
    let guard: Result<MutexGuard<'_, i32>, ContextError> = MUTEX.lock_ctx(&background());
    drop(guard);
    let mut mutex = Mutex::new(1);
    *mutex.get_mut() = 2;
    assert_eq!(mutex.into_inner(), 2);

    {
        let read: RwLockReadGuard<'_, i32> = RWLOCK.read();
        let more = RWLOCK.try_read().unwrap();
        assert!(RWLOCK.try_write().is_none());
        drop((read, more));
    }
    let write: RwLockWriteGuard<'_, i32> = RWLOCK.write();
    assert!(RWLOCK.try_read().is_none());
    drop(write);
    let mut lock = RwLock::new(1);
    *lock.get_mut() = 2;
    assert_eq!(lock.into_inner(), 2);
    drop(RWLOCK.read_ctx(&background()).unwrap());
    drop(RWLOCK.write_ctx(&background()).unwrap());
    assert!(RWLOCK.try_read_for(SOON).is_some() && RWLOCK.try_write_for(SOON).is_some());
}

#[gors::test]
fn condvar() {
    let mut guard = MUTEX.lock();
    assert!(CONDVAR.wait_for(&mut guard, SOON).timed_out());
    let notifier = spawn(|| {
        *MUTEX.lock() = 5;
        CONDVAR.notify_one();
        CONDVAR.notify_all();
    });
    CONDVAR.wait_while(&mut guard, |n| *n != 5);
    drop(guard);
    notifier.join().unwrap();
    let notifier = spawn(|| {
        let _guard = MUTEX.lock();
        CONDVAR.notify_all();
    });
    // The notifier may come before the wait: then time ends it.
    let mut guard = MUTEX.lock();
    let (ctx, _cancel) = context::with_timeout(&background(), SOON);
    let _: Result<(), ContextError> = CONDVAR.wait_ctx(&mut guard, &ctx);
    drop(guard);
    notifier.join().unwrap();
}

#[gors::test]
fn once() {
    ONCE.call_once(|| {});
    assert!(ONCE.is_completed());
    assert_eq!(ONCE_LOCK.get(), None);
    assert_eq!(*ONCE_LOCK.get_or_init(|| 4), 4);
    assert_eq!(ONCE_LOCK.set(5), Err(5));
    assert_eq!(*LAZY, 3);
    assert!(BARRIER.wait().is_leader());
    let (f, v) = (once_func(|| {}), once_value(|| String::from("made")));
    f();
    assert_eq!(v(), "made");
}

#[gors::test]
fn semaphore() {
    SEMAPHORE.acquire(2);
    assert!(SEMAPHORE.try_acquire(1));
    assert!(!SEMAPHORE.acquire_timeout(1, SOON));
    SEMAPHORE.release(3);
    let taken: Result<(), ContextError> = SEMAPHORE.acquire_ctx(&background(), 1);
    taken.unwrap();
    SEMAPHORE.release(1);
    drop(SEMAPHORE.acquire_guard(3));
    let all = SEMAPHORE.try_acquire_guard(3);
    assert!(all.is_some() && SEMAPHORE.try_acquire_guard(1).is_none());
    drop(all);
    assert!(SEMAPHORE.try_acquire(3));
}

#[gors::test]
fn map_and_pool() {
    assert_eq!(MAP.load("a"), None);
    MAP.store("a", 1);
    assert_eq!(MAP.load_or_store("a", 2), (1, true));
    assert_eq!(MAP.swap("a", 3), Some(1));
    assert!(MAP.compare_and_swap("a", &3, 4));
    MAP.range(|key: &&str, value: &i32| *key == "a" && *value == 4);
    assert_eq!((MAP.len(), MAP.load_and_delete("a")), (1, Some(4)));
    MAP.store("b", 5);
    MAP.delete("b");
    MAP.clear();

    let pool = Pool::new(String::new);
    let mut word = pool.get();
    word.push('w');
    pool.put(word);
}

#[gors::test]
fn groups() {
    let group = errgroup::Group::new();
    group.set_limit(2);
    group.go(|| Ok(()));
    assert!(group.try_go(|| Err("failed")));
    assert_eq!(group.wait(), Err("failed"));
    let (group, ctx): (errgroup::Group<String>, Context) =
        errgroup::Group::with_context(&background());
    group.wait().unwrap();
    assert_eq!(ctx.err(), Some(ContextError::Canceled));

    let group: singleflight::Group<&str, i32> = singleflight::Group::new();
    let result: (i32, bool) = group.work("key", || 1);
    assert_eq!(result, (1, false));
    let result: Receiver<(i32, bool)> = group.work_chan("key", || 2);
    assert_eq!(result.recv(), Ok((2, false)));
    group.forget(&"key");
    group.forget("key");
    singleflight::Group::<String, i32>::new().forget("key");

    let n = AtomicUsize::new(1);
    n.fetch_add(1, Ordering::SeqCst);
    assert_eq!(n.into_inner(), 2);
}

fn count_std(n: &std::sync::atomic::AtomicUsize) {
    n.fetch_add(1, Ordering::Relaxed);
}

/// `sync::atomic` stands for `std::sync::atomic`: functions that take std's take these.
#[gors::test]
fn atomics_where_std_is_wanted() {
    let n = AtomicUsize::new(1);
    count_std(&n);
    assert_eq!(n.load(Ordering::Relaxed), 2);
}

/// As std's, all of it may be used on both sides of a `catch_unwind`.
#[gors::test]
fn unwind_safety() {
    fn both<T: UnwindSafe + RefUnwindSafe>() {}
    both::<Mutex<Cell<i32>>>();
    both::<RwLock<Cell<i32>>>();
    both::<(WaitGroup, Condvar, Once, Barrier, Semaphore)>();
    both::<(OnceLock<i32>, LazyLock<i32>, Pool<i32>)>();
    both::<Map<i32, Cell<i32>>>();
    both::<(errgroup::Group<i32>, singleflight::Group<i32, i32>)>();
    both::<(Context, context::CancelFunc, context::CancelCauseFunc)>();
    both::<(gors::time::Timer, gors::time::Ticker)>();
    both::<(JoinHandle<Cell<i32>>, gors::Parker, gors::Unparker)>();
    both::<(Chan<Cell<i32>>, Sender<Cell<i32>>, Receiver<Cell<i32>>)>();

    let wg = WaitGroup::new();
    assert!(catch_unwind(|| wg.done()).is_err());
    let mutex = Mutex::new(1);
    assert!(catch_unwind(|| assert_eq!(*mutex.lock(), 2)).is_err());
    assert_eq!(*mutex.lock(), 1);
}
