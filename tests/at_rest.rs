//! A process at rest costs nothing.

#[path = "support/child.rs"]
mod child;
#[path = "support/threads.rs"]
mod threads;

use std::thread;

use gors::prelude::*;
use gors::time::sleep;

/// After this time without work the runtime must sleep.
const SETTLE: Duration = Duration::from_secs(15);
/// How long it is watched then.
const WATCH: Duration = Duration::from_secs(4);

/// Would catch a worker or a sysmon that wakes up, or spins, while there is nothing to do.
#[test]
fn nothing_wakes_up_after_the_last_work() {
    child::run("nothing_wakes_up_after_the_last_work", &[], || {
        // Some of everything; goroutines stay behind and wait, one of them inside `blocking`.
        gors::run(|| {
            let forever = make::<()>(0);
            go!(forever.clone().recv());
            let inside = forever.clone();
            go!(blocking(|| inside.recv()));
            let wg = WaitGroup::new();
            for n in 0..1_000 {
                wg.go(move || {
                    gosched();
                    sleep(Duration::from_micros(n));
                });
            }
            for _ in 0..8 {
                wg.go(|| blocking(|| sleep(Duration::from_millis(5))));
            }
            wg.wait();
        });
        sleep_on_plain_thread(SETTLE);
        let here = threads::current();
        let mut looks = 0;
        loop {
            let before = others(here);
            assert!(
                before.iter().any(|thread| thread.name.starts_with("gors")),
                "{before:?}"
            );
            sleep_on_plain_thread(WATCH);
            let after = others(here);
            if after == before {
                break;
            }
            // On a busy machine it gets there later.
            looks += 1;
            assert!(looks < 10, "{before:?} and then {after:?}");
        }
    })
    .assert_success();
}

/// All threads but this one.
fn others(here: u64) -> Vec<threads::Thread> {
    let mut threads = threads::all();
    threads.retain(|thread| thread.id != here);
    threads
}

#[expect(
    clippy::disallowed_methods,
    reason = "the runtime's own sleep would be work for it"
)]
fn sleep_on_plain_thread(time: Duration) {
    thread::sleep(time);
}
