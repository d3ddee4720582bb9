//! Stand-ins of what is below waiting and waking.

#[path = "../../shared/around.rs"]
mod around;
#[path = "../../shared/clock.rs"]
pub(crate) mod clock;
pub mod world;

pub(crate) use self::around::{bubble, exit, fence, fork, mode, observe, sysmon};

pub(crate) mod random {
    pub(crate) fn fresh() -> u64 {
        0
    }
}

pub(crate) mod sys {
    use std::time::Duration;

    use crate::shim::atomic::AtomicU32;

    pub(crate) fn futex_wait(word: &AtomicU32, expected: u32, timeout: Option<Duration>) {
        match timeout {
            None => model::futex::wait(word, expected),
            Some(_) => crate::shim::thread::yield_now(),
        }
    }

    pub(crate) fn futex_wake_one(word: *const AtomicU32) {
        model::futex::wake_one(word.addr());
    }

    pub(crate) fn sleep(_: Duration) {
        crate::shim::thread::yield_now();
    }

    pub(crate) fn yield_thread() {
        crate::shim::thread::yield_now();
    }

    pub(crate) fn thread_id() -> u32 {
        0
    }

    /// One fence is enough.
    pub(crate) const BARRIER_IN_FENCES: u32 = 0;

    pub(crate) fn has_barriers() -> bool {
        super::world::unfences()
    }

    #[track_caller]
    pub(crate) fn barrier_all_threads() -> bool {
        if super::world::refuses_barriers() {
            return model::mutated();
        }
        model::barrier_all_threads();
        true
    }

    #[track_caller]
    pub(crate) fn barrier_or_wait() {
        model::barrier_all_threads();
    }
}

pub(crate) mod spin {
    /// Spinning: no round, or as many as the model says.
    pub(crate) struct Spins(u32);

    impl Spins {
        pub(crate) const fn new() -> Self {
            Self(0)
        }

        pub(crate) const fn close() -> Self {
            Self(0)
        }

        pub(crate) const fn away() -> Self {
            Self(0)
        }

        pub(crate) fn worthwhile(&self) -> bool {
            self.0 < super::world::spins()
        }

        pub(crate) fn spin(&mut self) {
            self.0 += 1;
            crate::shim::thread::yield_now();
        }
    }

    pub(crate) fn doze(_: crate::raw::WaitReason) {
        crate::shim::thread::yield_now();
    }
}

pub(crate) mod current {
    use crate::goroutine::Record;

    pub(crate) fn record() -> &'static Record {
        super::world::me()
    }

    pub(crate) fn worker_number() -> Option<usize> {
        super::world::worker_number()
    }

    pub(crate) fn goroutine() -> Option<&'static Record> {
        super::stack::current_slot().map(|slot| slot.record())
    }
}

pub(crate) mod blocking {
    use std::time::Instant;

    use crate::goroutine::Record;
    use crate::raw::Unlock;

    /// # Safety
    ///
    /// As the real one.
    pub(crate) unsafe fn wait_in_place(_: &'static Record, _: Option<Instant>, _: Option<Unlock>) {
        unreachable!("no model blocks its thread");
    }
}

pub(crate) mod sched {
    pub(crate) mod idle {
        pub(crate) fn timer_added(_: u64) {}
    }

    pub(crate) mod queue {
        use crate::goroutine::RecordPtr;
        use crate::stack::Worker;

        pub(crate) enum Lane {
            Woken,
        }

        pub(crate) fn submit_woken(record: RecordPtr) {
            crate::stack::resume(record);
        }

        pub(crate) fn submit_next(_: &'static Worker, record: RecordPtr) {
            crate::stack::resume(record);
        }

        pub(crate) fn inject(record: RecordPtr, _: Lane) {
            crate::stack::resume(record);
        }
    }

    pub(crate) mod wake {
        pub(crate) fn after_submit() {}
    }
}

pub(crate) mod stack {
    use std::cell::Cell;
    use std::ptr;

    use self::slot::Commit;
    use crate::goroutine::record::state;
    use crate::goroutine::{Record, RecordPtr};
    use crate::shim::atomic::{AtomicU32, AtomicU64, Ordering};
    use crate::timer;

    pub(crate) mod slot {
        #[derive(Clone, Copy)]
        pub(crate) struct Commit {
            pub(crate) unlock: Option<crate::raw::Unlock>,
            pub(crate) timer: *const crate::timer::Node,
        }
    }

    pub(crate) enum Action {
        Park,
    }

    /// There is one.
    pub(crate) struct SizeClass;

    /// The worker under a goroutine: it has its permit always.
    pub(crate) struct Worker;

    impl Worker {
        pub(crate) fn runs(&self) -> bool {
            true
        }

        pub(crate) fn random(&self) -> u64 {
            super::world::random()
        }
    }

    /// A goroutine's stack, and its place in a queue.
    pub(crate) struct Slot {
        record: &'static Record,
        pub(crate) commit: Cell<Commit>,
        pub(crate) parked_at: AtomicU64,
        /// Popped and resumed; stands for the queue, which orders push before pop.
        resumed: AtomicU32,
    }

    impl Slot {
        pub(super) fn new(record: &'static Record) -> Self {
            let slot = Self {
                record,
                commit: Cell::new(Commit {
                    unlock: None,
                    timer: ptr::null(),
                }),
                parked_at: AtomicU64::new(0),
                resumed: AtomicU32::new(0),
            };
            model::touch(&slot);
            slot
        }

        pub(crate) fn record(&self) -> &'static Record {
            self.record
        }

        pub(crate) fn worker(&self) -> &'static Worker {
            &Worker
        }

        /// # Safety
        ///
        /// As the real one.
        pub(crate) unsafe fn switch_out(&self, _: Action) {
            // The stack is left. `commit` of runtime/src/sched.rs:
            let commit = self.commit.get();
            self.record.state.store(state::PARKED, Ordering::Relaxed);
            if !commit.timer.is_null() {
                // SAFETY: as there.
                unsafe { timer::insert(commit.timer, Some(0)) };
            }
            if let Some((unlock, data)) = commit.unlock {
                // SAFETY: as there.
                unsafe { unlock(data) };
            }
            // Somebody pops the record and resumes.
            while self.resumed.swap(0, Ordering::Acquire) == 0 {
                model::futex::wait(&self.resumed, 0);
            }
        }
    }

    /// The caller's slot; `None` on a plain thread.
    pub(crate) fn current_slot() -> Option<&'static Slot> {
        // SAFETY: null or a slot that stays.
        unsafe { super::world::me().slot().as_ref() }
    }

    /// A worker pops the record.
    pub(crate) fn resume(record: RecordPtr) {
        // SAFETY: a readied goroutine has a slot, which stays.
        let slot = unsafe { &*record.get().slot() };
        let before = slot.resumed.swap(1, Ordering::Release);
        assert_eq!(before, 0, "a goroutine is in two queues");
        model::futex::wake_one(ptr::from_ref(&slot.resumed).addr());
    }
}
