//! Holding parked goroutines still, while others run.
//!
//! # Protocol
//!
//! A dump reads the stacks of parked goroutines, from outside. Nobody may resume them meanwhile. A
//! lock that every resume takes would cost the hot path; instead the rare side, the dump, pays:
//!
//! 1. The dump writes down whom it wants to hold (a batch, under a mutex) and sets the HELD bit in
//!    each one's flags.
//! 2. It makes every running thread of the process execute a full barrier (`membarrier`).
//! 3. It looks at each: *held* are those that are parked **and** still have the bit.
//! 4. It reads the held ones' stacks, and lets the whole batch go: under the mutex it clears the bits
//!    and forgets the batch. Then it readies those whose turn came meanwhile.
//!
//! A worker that is about to run a goroutine looks at its flags, as ever (other bits are there for
//! other reasons). With HELD set it takes the mutex: if the goroutine is in the batch it is marked
//! as *deferred* and the worker goes on to the next, because the dump will submit it; else the bit is
//! a leftover, is cleared, and the goroutine runs.
//!
//! # Why nobody runs on a held stack
//!
//! A resume is: state := RUNNING (by the waker), *look at the flags*, switch. If the look came before
//! the barrier of step 2, then so did the store of RUNNING, and step 3 sees it, or a later state. If
//! it came after the barrier it sees HELD, unless the bit was lost.
//!
//! The bit can be lost because the flags' owner, a running goroutine, changes other bits by a load
//! and a store. A store that overwrites HELD belongs to a load before step 1, so the goroutine ran
//! then. To be seen as parked in step 3 it must have parked after that store, on the same thread, so
//! step 3 sees the loss too, and does not count it as held. A goroutine that was seen as held cannot
//! lose the bit any more: nobody owns its flags until it runs.
//!
//! By the same load and store an owner may bring HELD back after step 4: the leftover above.
//!
//! # Why no goroutine is forgotten
//!
//! Deferring and letting go both happen under the mutex. A deferred goroutine was popped from a queue
//! by one worker, so it is in no queue, and the dump submits it exactly once.

use crate::goroutine::RecordPtr;
use crate::goroutine::record::{flag, state};
use crate::sched::queue::{self, Lane};
use crate::shim::Mutex;
use crate::shim::atomic::Ordering;
use crate::sys;

struct Wanted {
    record: RecordPtr,
    deferred: bool,
}

static BATCH: Mutex<Vec<Wanted>> = Mutex::new(Vec::new());

/// A batch of goroutines of which some are held; lets them go when dropped.
pub(crate) struct Hold(());

impl Hold {
    /// Tries to hold these goroutines. `None` if the kernel has no `membarrier`. One at a time:
    /// callers hold the dump's lock.
    pub(crate) fn new(records: impl Iterator<Item = RecordPtr>) -> Option<Self> {
        sys::register_for_barriers();
        if !sys::has_barriers() {
            return None;
        }
        let mut batch = BATCH.lock();
        debug_assert!(batch.is_empty(), "one dump at a time");
        batch.extend(records.map(|record| Wanted {
            record,
            deferred: false,
        }));
        for wanted in &*batch {
            let flags = &wanted.record.get().flags;
            flags.fetch_or(flag::HELD, Ordering::SeqCst);
        }
        drop(batch);
        let hold = Self(());
        sys::barrier_all_threads().then_some(hold)
    }

    /// Whether `record`, one of the batch, is parked and stays so while `self` lives.
    pub(crate) fn holds(&self, record: RecordPtr) -> bool {
        let g = record.get();
        // The state first; see above.
        state::is_parked(g.state.load(Ordering::SeqCst))
            && g.flags.load(Ordering::SeqCst) & flag::HELD != 0
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut batch = BATCH.lock();
        for wanted in &*batch {
            let flags = &wanted.record.get().flags;
            flags.fetch_and(!flag::HELD, Ordering::SeqCst);
        }
        let batch = std::mem::take(&mut *batch);
        for wanted in batch {
            if wanted.deferred {
                queue::inject(wanted.record, Lane::Woken);
            }
        }
    }
}

/// A worker has popped a goroutine with HELD set. True if the dump will submit it again; false if
/// the worker shall run it.
pub(crate) fn defer(record: RecordPtr) -> bool {
    let mut batch = BATCH.lock();
    match batch.iter_mut().find(|wanted| wanted.record == record) {
        Some(wanted) => {
            debug_assert!(!wanted.deferred, "a goroutine is in one queue at most");
            wanted.deferred = true;
            true
        }
        None => {
            record.get().flags.fetch_and(!flag::HELD, Ordering::SeqCst);
            false
        }
    }
}
