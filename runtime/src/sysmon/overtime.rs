//! Goroutines that run on without the permit that sysmon took from their worker.
//!
//! There are two kinds, capped apart. One that *blocks* its thread without saying so uses no CPU: as
//! many as there can be threads. A *hog* uses one: four for each permit, because every further
//! thread makes the others slower (beside 256 spinning threads 5 ms of work take half a second on
//! two CPUs). Which kind it is may change, so it is looked at again.
//!
//! While the cap is full, work that waits waits for one of the hogs to end, or to call the runtime.
//! If nothing moves for a second, one more thread is added, and again each second: slow is allowed,
//! stuck is not. The first time a warning names the hogs.
//!
//! `Worker::overtime` is set by sysmon before it takes the permit, and cleared by the worker when it
//! finds the permit gone; the list is sysmon's own.

use std::fmt::Write as _;
use std::ptr;

use crate::goroutine::RecordPtr;
use crate::sched::{resize, take};
use crate::shim::atomic::{AtomicU64, AtomicUsize, Ordering};
use crate::sys;
use crate::worker::{Worker, permit};

/// Threads of hogs without a permit, for each permit.
const HOGS_PER_PERMIT: usize = 4;
/// How long work waits behind a full cap before one more thread is added.
const CAP_PATIENCE: u64 = 1_000_000_000;
/// How often the kind of a hog is looked at, and that of one that blocks.
const LOOK_AT_HOGS: u64 = 10_000_000;
const LOOK_AT_BLOCKED: u64 = 100_000_000;
/// The share of a CPU that makes one that blocked a hog: 1 in this many.
const BUSY_SHARE: u64 = 20;
/// Hogs that a warning names.
const NAMED: usize = 10;

/// Permits taken from hogs, and from goroutines that blocked their thread, since the start.
static HOGS_SEEN: AtomicU64 = AtomicU64::new(0);
static BLOCKED_SEEN: AtomicU64 = AtomicU64::new(0);
/// Threads without a permit now, of both kinds.
static HOGS_NOW: AtomicUsize = AtomicUsize::new(0);
static BLOCKED_NOW: AtomicUsize = AtomicUsize::new(0);

/// Permits taken since the start: from hogs, and from goroutines that blocked.
pub(crate) fn totals() -> (u64, u64) {
    (
        HOGS_SEEN.load(Ordering::Relaxed),
        BLOCKED_SEEN.load(Ordering::Relaxed),
    )
}

/// Goroutines that run without a permit, as of sysmon's last look: hogs, and those that block.
pub(crate) fn now() -> (usize, usize) {
    (
        HOGS_NOW.load(Ordering::Relaxed),
        BLOCKED_NOW.load(Ordering::Relaxed),
    )
}

/// What a goroutine does instead of giving its permit back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Hog,
    Blocked,
}

struct Entry {
    worker: &'static Worker,
    kind: Kind,
    /// At the last look.
    cpu: u64,
    at: u64,
}

/// The list, and the state of the cap.
#[derive(Default)]
pub(super) struct Overtime {
    entries: Vec<Entry>,
    /// When a hog first met the full cap; since then no permit holder has begun a slice.
    full_since: Option<u64>,
    warned: bool,
}

impl Overtime {
    fn count(&self, kind: Kind) -> usize {
        self.entries
            .iter()
            .filter(|entry| entry.kind == kind)
            .count()
    }

    /// A permit holder has begun a slice.
    pub(super) fn something_moved(&mut self) {
        self.full_since = None;
    }

    /// Before a round of looks at permit holders. True if there are hogs in the list that were last
    /// asked to yield long enough ago.
    pub(super) fn look(&mut self, now: u64) -> bool {
        if self.entries.is_empty() {
            return false;
        }
        self.entries.retain(|entry| {
            entry.worker.overtime.load(Ordering::Relaxed)
                && entry.worker.permit.load(Ordering::Relaxed) == permit::NONE
        });
        let mut hogs_due = false;
        for entry in &mut self.entries {
            let elapsed = now - entry.at;
            let due = match entry.kind {
                Kind::Hog => elapsed >= LOOK_AT_HOGS,
                Kind::Blocked => elapsed >= LOOK_AT_BLOCKED,
            };
            if !due {
                continue;
            }
            let thread = entry.worker.thread.load(Ordering::Relaxed);
            let Some(cpu) = sys::thread_cpu_time(thread) else {
                continue;
            };
            let used = cpu.saturating_sub(entry.cpu);
            entry.kind = match entry.kind {
                Kind::Hog if used == 0 && sys::thread_sleeps(thread) => Kind::Blocked,
                Kind::Blocked if used > elapsed / BUSY_SHARE => Kind::Hog,
                kind => kind,
            };
            (entry.cpu, entry.at) = (cpu, now);
            hogs_due |= entry.kind == Kind::Hog;
        }
        self.publish();
        hogs_due
    }

    fn publish(&self) {
        HOGS_NOW.store(self.count(Kind::Hog), Ordering::Relaxed);
        BLOCKED_NOW.store(self.count(Kind::Blocked), Ordering::Relaxed);
    }

    /// Whether one more of this kind may lose its permit now.
    pub(super) fn has_room(&mut self, kind: Kind, worker: &'static Worker, now: u64) -> bool {
        if kind == Kind::Blocked {
            return true;
        }
        if self.count(Kind::Hog) < HOGS_PER_PERMIT * resize::procs() {
            return true;
        }
        let since = *self.full_since.get_or_insert(now);
        if now - since < CAP_PATIENCE {
            return false;
        }
        self.full_since = Some(now);
        if !std::mem::replace(&mut self.warned, true) {
            eprintln!("{}", self.warning(worker));
        }
        true
    }

    /// Takes the permit of a worker whose goroutine runs on, and passes it on.
    pub(super) fn relieve(&mut self, kind: Kind, worker: &'static Worker, cpu: u64, now: u64) {
        // Marked first: the worker may notice at once.
        worker.overtime.store(true, Ordering::Relaxed);
        if !take::take(worker, permit::RUN) {
            worker.overtime.store(false, Ordering::Relaxed);
            return;
        }
        match kind {
            Kind::Hog => &HOGS_SEEN,
            Kind::Blocked => &BLOCKED_SEEN,
        }
        .fetch_add(1, Ordering::Relaxed);
        // It may have come back and been relieved again since the last look.
        self.entries.retain(|entry| !ptr::eq(entry.worker, worker));
        self.entries.push(Entry {
            worker,
            kind,
            cpu,
            at: now,
        });
        self.publish();
        take::pass_on();
    }

    /// What is said about a full cap.
    fn warning(&self, last: &'static Worker) -> String {
        let hogs = self.entries.iter().filter(|entry| entry.kind == Kind::Hog);
        let mut names: Vec<String> = hogs
            .map(|entry| entry.worker)
            .chain([last])
            .filter_map(describe)
            .collect();
        names.sort_unstable();
        let mut text = format!(
            "gors: {} goroutines use the CPU without a pause while others have been waiting for a \
             second; call gors::checkpoint() in long loops, or use fewer of them:",
            names.len()
        );
        for name in names.iter().take(NAMED) {
            let _ = write!(text, "\n  {name}");
        }
        if names.len() > NAMED {
            let _ = write!(text, "\n  and {} more", names.len() - NAMED);
        }
        text
    }
}

/// The goroutine on a worker: its number and where it was created. A snapshot.
fn describe(worker: &'static Worker) -> Option<String> {
    let record = worker.running.load(Ordering::Relaxed);
    if record.is_null() {
        return None;
    }
    let g = RecordPtr(record).get();
    let mut text = format!("goroutine {}", g.goid());
    if let Some(created) = g.created() {
        let _ = write!(text, ", created at {created}");
    }
    Some(text)
}
