//! The last worker stops looking after timers without lying down: it waits in place, or ends with
//! its locked goroutine. Timers must fire all the same.
//!
//! One test in this file: it needs the process's only permit for itself.
#![allow(missing_docs)]

use std::sync::mpsc;
use std::time::{Duration, Instant};

use gors_runtime::{Parker, go, gomaxprocs, gosched, lock_os_thread, run, sleep, spawn};

/// Longer than sysmon stays awake beside idle permits.
const TIMER: Duration = Duration::from_secs(4);
const LIMIT: Duration = Duration::from_secs(30);

struct ParkOnDrop(Parker);

impl Drop for ParkOnDrop {
    fn drop(&mut self) {
        self.0.park();
    }
}

/// Catches a timekeeper that nobody is: sysmon slept, and no idle worker kept the time.
#[test]
fn timers_fire_although_no_idle_worker_keeps_the_time() {
    gomaxprocs(1);
    let begun = Instant::now();

    let locked = spawn(|| {
        let parker = Parker::new();
        let unparker = parker.unparker().clone();
        go!(move || {
            sleep(TIMER);
            unparker.unpark();
        });
        gosched();
        lock_os_thread();
        parker.park();
    });
    assert!(locked.join_timeout(LIMIT).is_ok(), "parked while locked");

    let unwinding = spawn(|| {
        let parker = Parker::new();
        let unparker = parker.unparker().clone();
        go!(move || {
            sleep(TIMER);
            unparker.unpark();
        });
        gosched();
        let _parks = ParkOnDrop(parker);
        std::panic::resume_unwind(Box::new("unwinds without a message"));
    });
    assert!(
        unwinding.join_timeout(LIMIT).is_ok(),
        "parked while unwinding"
    );

    let (sender, receiver) = mpsc::channel();
    run(move || {
        go!(move || {
            sleep(TIMER);
            let _ = sender.send(());
        });
        gosched();
        lock_os_thread();
    });
    assert!(receiver.recv_timeout(LIMIT).is_ok(), "ended while locked");
    assert!(begun.elapsed() >= 3 * TIMER);
}
