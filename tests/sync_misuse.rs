//! What cannot be undone ends the process, in Go's words.

mod common;

use common::{child, in_child};
use lock_api::GuardSend;

fn assert_fatal(name: &str, words: &str) {
    let output = in_child(name);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains(&format!("fatal error: {words}")),
        "{stderr}"
    );
    assert_eq!(output.status.code(), Some(2), "{stderr}");
}

/// Catches an unlock of an open mutex that passes, or that can be recovered from.
#[test]
fn unlock_of_unlocked_mutex() {
    const NAME: &str = "unlock_of_unlocked_mutex";
    child(NAME, || {
        let mutex = gors::sync::Mutex::new(());
        drop(mutex.lock());
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            // SAFETY: none; that is the point.
            unsafe { mutex.as_lock_api().force_unlock(GuardSend::new()) };
        }));
    });
    assert_fatal(NAME, "sync: unlock of unlocked mutex");
}

/// Catches a read unlock that takes a reader off who was never there.
#[test]
fn runlock_of_unlocked_rwmutex() {
    const NAME: &str = "runlock_of_unlocked_rwmutex";
    child(NAME, || {
        let lock = gors::sync::RwLock::new(());
        // SAFETY: none; that is the point.
        unsafe { lock.as_lock_api().force_unlock_read(GuardSend::new()) };
    });
    assert_fatal(NAME, "sync: RUnlock of unlocked RWMutex");
}

/// Catches a write unlock that opens a lock which readers hold.
#[test]
fn unlock_of_unlocked_rwmutex() {
    const NAME: &str = "unlock_of_unlocked_rwmutex";
    child(NAME, || {
        let lock = gors::sync::RwLock::new(());
        let _reader = lock.read();
        // SAFETY: none; that is the point.
        unsafe { lock.as_lock_api().force_unlock_write(GuardSend::new()) };
    });
    assert_fatal(NAME, "sync: Unlock of unlocked RWMutex");
}

/// Catches a panic in `WaitGroup::go` that lets the waiter go on before the process ends
/// (Go's issue 76126).
#[test]
fn a_panic_in_wait_group_go_is_not_outrun() {
    const NAME: &str = "a_panic_in_wait_group_go_is_not_outrun";
    child(NAME, || {
        gors::run(|| {
            let wg = gors::sync::WaitGroup::new();
            wg.go(|| panic!("first"));
            wg.wait();
            println!("the waiter went on");
        });
    });
    let output = in_child(NAME);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(
        !String::from_utf8_lossy(&output.stdout).contains("went on"),
        "{output:?}"
    );
}
