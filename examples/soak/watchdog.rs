//! Notices a lane that makes no progress.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::lanes::Lanes;

/// A plain thread, which does not depend on the scheduler that it watches.
pub(crate) struct Watchdog {
    stop: Arc<AtomicBool>,
}

/// Between two looks. Patience is counted in looks: a process that was stopped for a while has not
/// hung.
const LOOK: Duration = Duration::from_secs(1);

impl Watchdog {
    /// Watches that each lane ends a round at least every `patience`, and all of them after the end.
    pub(crate) fn start(lanes: Arc<Lanes>, patience: Duration) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let its = Arc::clone(&stop);
        thread::Builder::new()
            .name("watchdog".to_owned())
            .spawn(move || watch(&lanes, patience, &its))
            .expect("the system has a thread to spare");
        Self { stop }
    }

    /// Ends the watch.
    pub(crate) fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn watch(lanes: &Lanes, patience: Duration, stop: &AtomicBool) {
    let mut seen: Vec<(u64, u64)> = lanes.iter().map(|_| (0, 0)).collect();
    loop {
        look_later();
        if stop.load(Ordering::Relaxed) {
            return;
        }
        for (lane, (rounds, looks)) in lanes.iter().zip(&mut seen) {
            if lane.has_ended() || lane.rounds() != *rounds {
                (*rounds, *looks) = (lane.rounds(), 0);
                continue;
            }
            *looks += 1;
            if *looks > patience.as_secs() {
                hang(lane.part.name, *rounds, patience);
            }
        }
    }
}

fn hang(part: &str, rounds: u64, patience: Duration) -> ! {
    let pid = std::process::id();
    eprintln!("{}", gors::runtime::stack_dump());
    eprintln!("{:?}", gors::runtime::stats());
    eprintln!(
        "soak: HANG: {part}: round {rounds} has not ended within {patience:?} (process {pid})"
    );
    // Time to attach a debugger.
    if std::env::var_os("SOAK_LINGER").is_some() {
        loop {
            look_later();
        }
    }
    std::process::abort();
}

#[expect(clippy::disallowed_methods, reason = "on a plain thread")]
fn look_later() {
    thread::sleep(LOOK);
}
