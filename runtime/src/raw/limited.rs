//! Locks with a [`Limit`], as safe functions over `lock_api`'s types: its traits know deadlines, but
//! nothing that cancels.

use lock_api::{GuardSend, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::{Ended, Limit, RawMutex, RawRwLock};

/// Locks `mutex`, or gives up when the limit is reached.
///
/// # Errors
///
/// Why it gave up.
pub fn lock_limited<'a, T: ?Sized>(
    mutex: &'a Mutex<RawMutex, T>,
    limit: &Limit<'_>,
) -> Result<MutexGuard<'a, RawMutex, T>, Ended> {
    // SAFETY: the raw lock is only locked, and the guard is made for exactly that.
    unsafe {
        mutex.raw().lock_limited(limit)?;
        Ok(mutex.make_guard_unchecked(GuardSend::new()))
    }
}

/// Locks `lock` for reading, or gives up when the limit is reached.
///
/// # Errors
///
/// Why it gave up.
pub fn read_limited<'a, T: ?Sized>(
    lock: &'a RwLock<RawRwLock, T>,
    limit: &Limit<'_>,
) -> Result<RwLockReadGuard<'a, RawRwLock, T>, Ended> {
    // SAFETY: as above.
    unsafe {
        lock.raw().read_limited(limit)?;
        Ok(lock.make_read_guard_unchecked(GuardSend::new()))
    }
}

/// Locks `lock` for writing, or gives up when the limit is reached.
///
/// # Errors
///
/// Why it gave up.
pub fn write_limited<'a, T: ?Sized>(
    lock: &'a RwLock<RawRwLock, T>,
    limit: &Limit<'_>,
) -> Result<RwLockWriteGuard<'a, RawRwLock, T>, Ended> {
    // SAFETY: as above.
    unsafe {
        lock.raw().write_limited(limit)?;
        Ok(lock.make_write_guard_unchecked(GuardSend::new()))
    }
}
