//! GOMAXPROCS: how many permits there are.
//!
//! Growing cancels debt first and makes the rest idle; shrinking takes idle permits first and
//! leaves the rest as debt, which the next permits given back pay: workers look for debt on their
//! 61st tick and whenever they are out of local work, and sysmon takes a hog's permit. Nothing
//! stops the world.

use super::wake;
use super::word::WORD;
use crate::config::{self, MAX_PROCS};
use crate::shim::Mutex;
use crate::shim::atomic::{AtomicUsize, Ordering};

static PROCS: AtomicUsize = AtomicUsize::new(0);
static RESIZE: Mutex<()> = Mutex::new(());

/// Makes the first permits. Once, at the start of the runtime.
pub(crate) fn init() {
    let _resize = RESIZE.lock();
    if PROCS.load(Ordering::Relaxed) == 0 {
        PROCS.store(config::get().procs, Ordering::Relaxed);
    }
    for _ in 0..PROCS.load(Ordering::Relaxed) {
        WORD.grow_one();
    }
    STARTED.store(1, Ordering::Relaxed);
}

/// Whether the permits exist; before that `gomaxprocs` only changes the number.
static STARTED: AtomicUsize = AtomicUsize::new(0);

/// How many permits there are.
pub(crate) fn procs() -> usize {
    match PROCS.load(Ordering::Relaxed) {
        0 => config::get().procs,
        procs => procs,
    }
}

/// Permits in use.
pub(crate) fn busy() -> u64 {
    (procs() as u64).saturating_sub(WORD.load().idle())
}

/// Sets how many goroutines may run at the same time, and returns the previous number; 0 only asks.
///
/// May be called at any time from any goroutine or thread. Growing takes effect at once; when
/// shrinking, goroutines that run finish their slice. At most 1,024. The default is the
/// environment variable `GOMAXPROCS`, else the CPUs within the affinity mask and the cgroup quota.
/// Goroutines that hog a CPU may run on more threads than that.
///
/// Go: `runtime.GOMAXPROCS`.
///
/// ```
/// let before = gors_runtime::gomaxprocs(4);
/// assert_eq!(gors_runtime::gomaxprocs(0), 4);
/// gors_runtime::gomaxprocs(before);
/// ```
pub fn gomaxprocs(n: usize) -> usize {
    if n == 0 {
        return procs();
    }
    let n = n.min(MAX_PROCS);
    let old = {
        let _resize = RESIZE.lock();
        let old = procs();
        PROCS.store(n, Ordering::Relaxed);
        if STARTED.load(Ordering::Relaxed) == 0 {
            return old;
        }
        for _ in old..n {
            WORD.grow_one();
        }
        for _ in n..old {
            WORD.shrink_one();
        }
        old
    };
    if n > old {
        // One searcher is enough: it wakes the next while there is work.
        crate::fence::store_load();
        if super::find::work_in_sight() {
            wake::wake_searcher();
        }
    }
    old
}
