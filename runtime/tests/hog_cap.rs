//! The cap on hogs counts those that use a CPU, not those that once did.
//!
//! One test in this file: it needs the process's only permit for itself.
#![allow(missing_docs, clippy::disallowed_methods)]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use gors_runtime::{
    blocking, checkpoint, go, gomaxprocs, gosched, lock_os_thread, run, spawn, stats,
};

static TICKS: AtomicU64 = AtomicU64::new(0);
static FULL: AtomicBool = AtomicBool::new(false);
static STOP: AtomicBool = AtomicBool::new(false);

fn spin(time: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < time {
        std::hint::spin_loop();
    }
}

/// What this thread has used of a CPU.
fn thread_cpu_time() -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is a place for the answer.
    let refused = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert_eq!(refused, 0);
    Duration::from_secs(time.tv_sec.cast_unsigned())
        + Duration::from_nanos(time.tv_nsec.cast_unsigned())
}

/// Catches hogs that keep their place under the cap (four for one permit) after they began to
/// block, or that count twice: each further hog would then stop the others for a second.
#[test]
fn former_hogs_leave_their_place() {
    gomaxprocs(1);
    run(|| {
        for _ in 0..4 {
            go!(|| {
                while stats().hogs_running < 4 && !FULL.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
                // The cap is full: all four are hogs.
                FULL.store(true, Ordering::Relaxed);
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
        blocking(|| {
            while !FULL.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(1));
            }
            std::thread::sleep(Duration::from_millis(500));
        });
        let begun = Instant::now();
        let mut used = Duration::ZERO;
        for _ in 0..10 {
            let before = TICKS.load(Ordering::Relaxed);
            let hog = spawn(move || {
                let begun = thread_cpu_time();
                while TICKS.load(Ordering::Relaxed) == before {
                    std::hint::spin_loop();
                }
                thread_cpu_time() - begun
            });
            used += hog.join().expect("no panic");
            checkpoint();
        }
        // Ten hogs, each relieved after 10 ms; behind a full cap each would take a second. On a busy
        // machine the second passes without a CPU.
        let took = begun.elapsed();
        assert!(
            took < Duration::from_secs(8) || used < Duration::from_millis(1500),
            "{took:?}, of them {used:?} on a CPU"
        );
        STOP.store(true, Ordering::Relaxed);
    });
}
