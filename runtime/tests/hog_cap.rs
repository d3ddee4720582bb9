//! The cap on hogs counts those that use a CPU, not those that once did.
//!
//! One test in this file: it needs the process's only permit for itself.
#![allow(missing_docs, clippy::disallowed_methods)]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use gors_runtime::{blocking, checkpoint, go, gomaxprocs, gosched, lock_os_thread, run, spawn};

static TICKS: AtomicU64 = AtomicU64::new(0);
static STOP: AtomicBool = AtomicBool::new(false);

fn spin(time: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < time {
        std::hint::spin_loop();
    }
}

/// Catches hogs that keep their place under the cap (four for one permit) after they began to
/// block, or that count twice: each further hog would then stop the others for a second.
#[test]
fn former_hogs_leave_their_place() {
    gomaxprocs(1);
    run(|| {
        for _ in 0..4 {
            go!(|| {
                spin(Duration::from_millis(100));
                // Ends with the process.
                blocking(|| std::thread::sleep(Duration::from_secs(3600)));
            });
        }
        go!(|| while !STOP.load(Ordering::Relaxed) {
            lock_os_thread();
            spin(Duration::from_millis(15));
            gosched();
        });
        go!(|| while !STOP.load(Ordering::Relaxed) {
            TICKS.fetch_add(1, Ordering::Relaxed);
            gosched();
        });
        blocking(|| std::thread::sleep(Duration::from_millis(1500)));
        let begun = Instant::now();
        for _ in 0..10 {
            let before = TICKS.load(Ordering::Relaxed);
            let hog = spawn(move || {
                while TICKS.load(Ordering::Relaxed) == before {
                    std::hint::spin_loop();
                }
            });
            assert!(hog.join_timeout(Duration::from_secs(20)).is_ok());
            checkpoint();
        }
        // Ten hogs, each relieved after 10 ms; behind a full cap each would take a second.
        assert!(begun.elapsed() < Duration::from_secs(8));
        STOP.store(true, Ordering::Relaxed);
    });
}
