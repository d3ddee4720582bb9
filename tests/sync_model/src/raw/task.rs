//! Tasks: shuttle threads that park, and may be timed out at any moment.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use shuttle::rand::Rng;

use super::WaitReason;

pub const OPEN: usize = 0;
pub const TIMED_OUT: usize = 1;
pub const FIRST_TOKEN: usize = 2;

struct Record {
    claim: AtomicUsize,
    parked: AtomicBool,
    thread: shuttle::thread::Thread,
}

#[derive(Clone, Copy)]
pub struct Task(&'static Record);

shuttle::thread_local! {
    static RECORD: &'static Record = Box::leak(Box::new(Record {
        claim: AtomicUsize::new(OPEN),
        parked: AtomicBool::new(false),
        thread: shuttle::thread::current(),
    }));
}

impl Task {
    pub fn current() -> Self {
        Self(RECORD.with(|record| *record))
    }

    pub fn arm(self) {
        self.0.claim.store(OPEN, Ordering::Relaxed);
    }

    pub fn try_claim(self, token: usize) -> bool {
        let claim = &self.0.claim;
        claim
            .compare_exchange(OPEN, token, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok()
    }

    pub fn claim_sole(self, token: usize) {
        let old = self.0.claim.swap(token, Ordering::Release);
        assert_eq!(old, OPEN, "claimed twice");
    }

    pub fn claimed(self) -> usize {
        self.0.claim.load(Ordering::Acquire)
    }

    /// # Safety
    ///
    /// As the runtime's.
    pub unsafe fn ready_from(self, _: Task) {
        // SAFETY: the caller's promise.
        unsafe { self.ready() }
    }

    /// # Safety
    ///
    /// As the runtime's.
    pub unsafe fn ready_beside(self) {
        // SAFETY: the caller's promise.
        unsafe { self.ready() }
    }

    /// # Safety
    ///
    /// As the runtime's.
    pub unsafe fn park(
        self,
        reason: WaitReason,
        deadline: Option<Instant>,
        unlock: Option<Unlock>,
    ) {
        // SAFETY: the caller's promise.
        unsafe { park(reason, deadline, unlock) }
    }

    /// # Safety
    ///
    /// As the runtime's.
    pub unsafe fn ready(self) {
        let was_parked = self.0.parked.swap(false, Ordering::AcqRel);
        assert!(was_parked, "readied twice, or while it runs");
        self.0.thread.unpark();
    }
}

pub type Unlock = (unsafe fn(*const ()), *const ());

/// # Safety
///
/// As the runtime's.
pub unsafe fn park(_: WaitReason, deadline: Option<Instant>, unlock: Option<Unlock>) {
    let task = Task::current();
    task.0.parked.store(true, Ordering::Release);
    if let Some((unlock, data)) = unlock {
        // SAFETY: the caller's promise.
        unsafe { unlock(data) };
    }
    while task.0.parked.load(Ordering::Acquire) {
        if deadline.is_none() {
            shuttle::thread::park();
        } else if shuttle::rand::thread_rng().gen_bool(0.3) && task.try_claim(TIMED_OUT) {
            task.0.parked.store(false, Ordering::Release);
        } else {
            shuttle::thread::yield_now();
        }
    }
}

pub fn exit_point() {}
