//! What cannot be undone ends the process, in Go's words.

#[path = "support/child.rs"]
mod child;

use lock_api::GuardSend;

/// Catches an unlock of an open mutex that passes, or that can be recovered from.
#[test]
fn unlock_of_unlocked_mutex() {
    let ended = child::run("unlock_of_unlocked_mutex", &[], || {
        let mutex = gors::sync::Mutex::new(());
        drop(mutex.lock());
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            // SAFETY: none; that is the point.
            unsafe { mutex.as_lock_api().force_unlock(GuardSend::new()) };
        }));
    });
    ended.assert_fatal("fatal error: sync: unlock of unlocked mutex");
}

/// Catches a read unlock that takes a reader off who was never there.
#[test]
fn runlock_of_unlocked_rwmutex() {
    let ended = child::run("runlock_of_unlocked_rwmutex", &[], || {
        let lock = gors::sync::RwLock::new(());
        // SAFETY: none; that is the point.
        unsafe { lock.as_lock_api().force_unlock_read(GuardSend::new()) };
    });
    ended.assert_fatal("fatal error: sync: RUnlock of unlocked RWMutex");
}

/// Catches a write unlock that opens a lock which readers hold.
#[test]
fn unlock_of_unlocked_rwmutex() {
    let ended = child::run("unlock_of_unlocked_rwmutex", &[], || {
        let lock = gors::sync::RwLock::new(());
        let _reader = lock.read();
        // SAFETY: none; that is the point.
        unsafe { lock.as_lock_api().force_unlock_write(GuardSend::new()) };
    });
    ended.assert_fatal("fatal error: sync: Unlock of unlocked RWMutex");
}

/// Catches a panic in `WaitGroup::go` that lets the waiter go on before the process ends
/// (Go's issue 76126).
#[test]
fn a_panic_in_wait_group_go_is_not_outrun() {
    let ended = child::run("a_panic_in_wait_group_go_is_not_outrun", &[], || {
        gors::run(|| {
            let wg = gors::sync::WaitGroup::new();
            wg.go(|| panic!("first"));
            wg.wait();
            println!("the waiter went on");
        });
    });
    assert_eq!(ended.code, Some(2), "{ended:#?}");
    assert!(!ended.stdout.contains("went on"), "{ended:#?}");
}
