//! `GORS_SCHEDTRACE=ms`: a line on the scheduler's state at regular intervals, in the form of Go's
//! `GODEBUG=schedtrace`; and the thread that writes it, which writes the trace's buffer too.

use std::fmt::Write as _;
use std::time::Duration;

use super::THREAD;
use super::trace::Trace;
use crate::sched::word::WORD;
use crate::shim::atomic::Ordering;
use crate::{clock, sched, stats, sys};

/// How often the trace's buffer is written, at least.
const FLUSH: Duration = Duration::from_millis(100);

/// Starts the thread.
pub(super) fn start(trace: Option<&'static Trace>, every: Option<Duration>) {
    let thread = std::thread::Builder::new()
        .name("gors-observer".to_owned())
        .stack_size(128 << 10)
        .spawn(move || {
            THREAD.store(sys::thread_id(), Ordering::Relaxed);
            run(trace, every);
        });
    if let Err(error) = thread {
        eprintln!("gors: GORS_TRACE, GORS_SCHEDTRACE: cannot create a thread: {error}");
    }
}

fn run(trace: Option<&'static Trace>, every: Option<Duration>) -> ! {
    let begun = clock::now();
    let mut next = every;
    loop {
        let now = Duration::from_nanos(clock::now().saturating_sub(begun));
        if let (Some(due), Some(every)) = (next, every)
            && now >= due
        {
            eprintln!("{}", line(now));
            next = Some((due + every).max(now));
        }
        if let Some(trace) = trace {
            trace.flush();
        }
        let until = next.map(|due| due.saturating_sub(now));
        let pause = match (trace, until) {
            (Some(_), Some(until)) => until.min(FLUSH),
            (Some(_), None) => FLUSH,
            (None, until) => until.unwrap_or(FLUSH),
        };
        sys::sleep(pause.max(Duration::from_millis(1)));
    }
}

/// `SCHED 1007ms: gomaxprocs=2 idleprocs=1 …`: Go's words where Go has them, `procs` are permits.
fn line(since: Duration) -> String {
    let stats = stats::stats();
    let word = WORD.load();
    let mut text = format!(
        "SCHED {}ms: gomaxprocs={} idleprocs={} threads={} spinningthreads={} idlethreads={} \
         blockedthreads={} goroutines={} waiting={} runqueue={} [",
        since.as_millis(),
        stats.permits,
        stats.permits_idle,
        stats.workers,
        word.searching(),
        stats.workers_idle,
        stats.workers_blocked,
        stats.goroutines,
        stats.goroutines_waiting,
        stats.injected,
    );
    for (index, worker) in sched::roster::holders(0).enumerate() {
        let run_next = usize::from(!worker.run_next.is_empty());
        let space = if index == 0 { "" } else { " " };
        let _ = write!(text, "{space}{}", worker.stealer.len() + run_next);
    }
    let _ = write!(
        text,
        "] spawned={} ended={} steals={} handoffs={} unannounced={} hogs={} loans={}",
        stats.spawned,
        stats.ended,
        stats.steals,
        stats.hand_offs,
        stats.unannounced,
        stats.hogs,
        stats.loans
    );
    text
}
