//! Whether anything unusual is switched on: bubbles ([`bubble`](crate::bubble)), the seeded mode,
//! the migration audit.
//!
//! The ordinary paths ask one question, [`any`]: a load and a branch. Everything behind it is out of
//! line. Goroutines that the modes concern carry flags, and those are looked at only where flags
//! are looked at anyway: in the slow halves of a park and a ready, and where a worker has popped a
//! goroutine.

use crate::shim::atomic::{AtomicUsize, Ordering};
use std::sync::OnceLock;

use crate::bubble::{self, Bubble, Point};
use crate::config;
use crate::goroutine::RecordPtr;
use crate::goroutine::record::flag;
use crate::sched::queue::{self, Lane};
use crate::stack::current_slot;
use crate::worker::Worker;

/// Two for each bubble that exists and for each mode of the whole process; and [`ASKED`].
static ON: AtomicUsize = AtomicUsize::new(0);
/// sysmon has just asked somebody to end its slice ([`slices`](crate::sysmon::slices)). In the same
/// word, so that operations that ask for both pay one load.
const ASKED: usize = 1;

/// Whether anything unusual is switched on.
#[inline(always)]
pub(crate) fn any() -> bool {
    ON.load(Ordering::Relaxed) & !ASKED != 0
}

/// Whether anything unusual is switched on, or sysmon asks for the end of a slice.
#[inline(always)]
pub(crate) fn any_or_asked() -> bool {
    ON.load(Ordering::Relaxed) != 0
}

/// Whether sysmon asks for the end of a slice.
#[inline(always)]
pub(crate) fn asked() -> bool {
    ON.load(Ordering::Relaxed) & ASKED != 0
}

/// For sysmon: sets or ends the request.
pub(crate) fn set_asked(asked: bool) {
    if asked {
        ON.fetch_or(ASKED, Ordering::Relaxed);
    } else {
        ON.fetch_and(!ASKED, Ordering::Relaxed);
    }
}

/// Something unusual begins.
pub(crate) fn enter() {
    ON.fetch_add(2, Ordering::SeqCst);
}

/// It has ended.
pub(crate) fn leave() {
    ON.fetch_sub(2, Ordering::SeqCst);
}

/// The start of the runtime: switches on what the environment asks for.
pub(crate) fn init() {
    if config::get().seed.is_some() || config::get().migrate {
        enter();
    }
}

/// The bubble of the seeded mode: all goroutines that are in no other.
pub(crate) fn process_bubble() -> Option<&'static std::sync::Arc<Bubble>> {
    static PROCESS: OnceLock<Option<std::sync::Arc<Bubble>>> = OnceLock::new();
    PROCESS
        .get_or_init(|| config::get().seed.map(Bubble::of_process))
        .as_ref()
}

/// Marks a new goroutine for the migration audit if that is on.
pub(crate) fn mark(record: RecordPtr) {
    if any() && config::get().migrate {
        record.get().set(flag::MIGRATE);
    }
}

/// The second half of making a goroutine while something unusual is switched on.
#[cold]
#[inline(never)]
pub(crate) fn submit_new(record: RecordPtr) {
    mark(record);
    if let Some(bubble) = bubble::for_new_goroutine() {
        bubble.enroll(record);
        bubble.ready(record);
        bubble::point(Point::Go);
        return;
    }
    let worker: Option<&'static Worker> = current_slot().map(|slot| slot.worker());
    match worker {
        Some(worker) if worker.runs() => queue::submit_next(worker, record),
        _ => queue::inject(record, Lane::New),
    }
}
