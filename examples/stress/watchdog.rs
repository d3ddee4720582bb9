//! Notices that a round does not end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// A plain thread, which does not depend on the scheduler that it watches.
pub(crate) struct Watchdog {
    rounds: Arc<AtomicU64>,
}

/// The count of rounds that ends the watch.
const STOPPED: u64 = u64::MAX;

impl Watchdog {
    /// Watches that a round ends at least every `patience`, if there is one.
    pub(crate) fn start(patience: Option<Duration>) -> Self {
        let rounds = Arc::new(AtomicU64::new(0));
        if let Some(patience) = patience {
            let seen = Arc::clone(&rounds);
            thread::Builder::new()
                .name("watchdog".to_owned())
                .spawn(move || watch(&seen, patience))
                .expect("the system has a thread to spare");
        }
        Self { rounds }
    }

    /// One more round has ended.
    pub(crate) fn round_ended(&self) {
        self.rounds.fetch_add(1, Ordering::Relaxed);
    }

    /// Ends the watch.
    pub(crate) fn stop(self) {
        self.rounds.store(STOPPED, Ordering::Relaxed);
    }
}

fn watch(rounds: &AtomicU64, patience: Duration) {
    let mut before = rounds.load(Ordering::Relaxed);
    loop {
        sleep_on_plain_thread(patience);
        let now = rounds.load(Ordering::Relaxed);
        if now == STOPPED {
            return;
        }
        if now == before {
            let pid = std::process::id();
            eprintln!("{}", gors::runtime::stack_dump());
            eprintln!("{:?}", gors::runtime::stats());
            eprintln!(
                "stress: HANG: round {now} has not ended within {patience:?} (process {pid})"
            );
            // Time to attach a debugger.
            if std::env::var_os("STRESS_LINGER").is_some() {
                sleep_on_plain_thread(Duration::from_secs(3600));
            }
            std::process::abort();
        }
        before = now;
    }
}

#[expect(clippy::disallowed_methods, reason = "on a plain thread")]
fn sleep_on_plain_thread(time: Duration) {
    thread::sleep(time);
}
