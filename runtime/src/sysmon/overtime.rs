//! Goroutines that run on without the permit that sysmon took from their worker.
//!
//! There are two kinds, capped apart. One that *blocks* its thread without saying so uses no CPU: as
//! many as there can be threads. A *hog* uses one: four for each permit, because every further
//! thread makes the others slower (beside 256 spinning threads 5 ms of work take half a second on
//! two CPUs). Which kind it is may change, so it is looked at again.
//!
//! While the cap is full, work that waits waits for one of the hogs to end, or to call the runtime.
//! If no permit holder begins a slice for a second, one more thread is added, and again each second: slow
//! is allowed, stuck is not. The first time a warning names the hogs. Goroutines that were woken do not
//! wait for that: a hog's permit is [lent](crate::sched::loan) for them, so that there are up to
//! GOMAXPROCS threads more, and slices on such a permit do not count as a sign of life.
//!
//! If a woken goroutine is a hog itself it keeps the permit, and the lender is one beyond the cap. There
//! are so many of them as there could be loans; then woken goroutines wait as well.
//!
//! `Worker::overtime` is set by sysmon with the permit's taking, and cleared by the worker when it finds
//! the permit gone, or by who gives it one back; the list is sysmon's own.

use std::fmt::Write as _;
use std::ptr;

use crate::goroutine::RecordPtr;
use crate::sched::roster::{self, Left};
use crate::sched::{loan, resize, take};
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
/// Permits lent since the start.
static LOANS: AtomicU64 = AtomicU64::new(0);
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

/// Permits of hogs lent to goroutines that were woken, since the start.
pub(crate) fn loans() -> u64 {
    LOANS.load(Ordering::Relaxed)
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
    /// Hogs beyond the cap that were let in because nothing had moved.
    admitted: usize,
    warned: bool,
}

impl Overtime {
    fn count(&self, kind: Kind) -> usize {
        self.entries
            .iter()
            .filter(|entry| entry.kind == kind)
            .count()
    }

    /// The hogs that fill the cap, and permits on loan. A lender has its thread with the loan's end again.
    fn hogs(&self) -> (usize, usize) {
        let loans = roster::holders(0).filter(|worker| loan::is_borrower(worker));
        let loans = loans.count();
        (self.count(Kind::Hog).saturating_sub(loans), loans)
    }

    /// Whether hogs without a permit alone may keep the CPUs busy.
    pub(super) fn is_crowded(&self) -> bool {
        self.count(Kind::Hog) >= resize::procs()
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

    /// Whether one hog more may run without a permit now. `last` is it, if it has one yet.
    pub(super) fn has_room(&mut self, last: Option<&'static Worker>, now: u64) -> bool {
        let (hogs, _) = self.hogs();
        let cap = HOGS_PER_PERMIT * resize::procs();
        if hogs < cap {
            self.admitted = 0;
            return true;
        }
        let since = *self.full_since.get_or_insert(now);
        if now - since < CAP_PATIENCE {
            return false;
        }
        self.full_since = Some(now);
        self.admitted = hogs + 1 - cap;
        if !std::mem::replace(&mut self.warned, true) {
            eprintln!("{}", self.warning(last));
        }
        true
    }

    /// Lends the permit of a hog to goroutines that were woken, unless too many hogs have come so.
    pub(super) fn lend(&mut self, worker: &'static Worker, cpu: u64, now: u64) -> bool {
        let (hogs, loans) = self.hogs();
        let procs = resize::procs();
        let room = HOGS_PER_PERMIT * procs + self.admitted + procs;
        if hogs + loans >= room || !loan::lend(worker) {
            return false;
        }
        LOANS.fetch_add(1, Ordering::Relaxed);
        self.add(Kind::Hog, worker, cpu, now);
        true
    }

    /// Takes the permit of a worker whose goroutine runs on, and passes it on.
    pub(super) fn relieve(&mut self, kind: Kind, worker: &'static Worker, cpu: u64, now: u64) {
        let left = take::take_from_running(worker);
        if left == Left::Nothing {
            return;
        }
        match kind {
            Kind::Hog => &HOGS_SEEN,
            Kind::Blocked => &BLOCKED_SEEN,
        }
        .fetch_add(1, Ordering::Relaxed);
        self.add(kind, worker, cpu, now);
        if left == Left::InHand {
            take::pass_on();
        }
    }

    fn add(&mut self, kind: Kind, worker: &'static Worker, cpu: u64, now: u64) {
        // It may have come back and been relieved again since the last look.
        self.entries.retain(|entry| !ptr::eq(entry.worker, worker));
        self.entries.push(Entry {
            worker,
            kind,
            cpu,
            at: now,
        });
        self.publish();
    }

    /// What is said about a full cap.
    fn warning(&self, last: Option<&'static Worker>) -> String {
        let hogs = self.entries.iter().filter(|entry| entry.kind == Kind::Hog);
        let mut names: Vec<String> = hogs
            .map(|entry| entry.worker)
            .chain(last)
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
