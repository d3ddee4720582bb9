//! Goroutines that use the CPU without a pause, or block their thread without saying so, beside others.
//! `examples/fairness.rs` measures the same; figures are in `docs/fairness.md`.

#[path = "support/child.rs"]
mod child;
#[path = "support/cpu_time.rs"]
mod cpu_time;

use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use gors::prelude::*;
use gors::runtime::stats;
use gors::time::sleep;

/// Would catch a goroutine in a call that blocks, outside `blocking`, that keeps the only permit; and
/// one that is taken for a hog.
#[test]
fn a_raw_blocking_call_does_not_stop_the_others() {
    let name = "a_raw_blocking_call_does_not_stop_the_others";
    child::run(name, &[("GOMAXPROCS", "1")], || {
        gors::run(|| {
            for _ in 0..5 {
                let (mut reader, mut writer) = std::io::pipe().expect("there are descriptors");
                let reads = spawn(move || reader.read(&mut [0]).expect("the pipe is open"));
                // Who ends the read must run first.
                for _ in 0..20 {
                    sleep(Duration::from_millis(1));
                    spawn(gosched).join().expect("no panic");
                }
                assert!(!reads.is_finished());
                writer.write_all(&[1]).expect("the pipe is open");
                assert_eq!(reads.join().expect("no panic"), 1);
            }
            let stats = stats();
            assert!(stats.unannounced >= 5, "{stats:?}");
            assert_eq!(stats.hogs, 0, "{stats:?}");
        });
    })
    .assert_success();
}

/// Would catch blocking calls that fall under the cap of the hogs, or that are not noticed; and threads that
/// stay.
#[test]
#[expect(clippy::disallowed_types, reason = "blocking the thread is the point")]
fn hundreds_of_raw_waits_go_on_at_once() {
    let name = "hundreds_of_raw_waits_go_on_at_once";
    // The audit keeps threads busy that would have ended.
    child::run(name, &[("GOMAXPROCS", "2"), child::NO_AUDIT], || {
        gors::run(|| {
            const MANY: usize = 300;
            // It opens when all stand in front of it. Behind a cap of eight that takes five minutes.
            let barrier = Arc::new(std::sync::Barrier::new(MANY));
            let wg = WaitGroup::new();
            for _ in 0..MANY {
                let barrier = Arc::clone(&barrier);
                wg.go(move || {
                    barrier.wait();
                });
            }
            wg.wait();
            while stats().workers > 3 {
                sleep(Duration::from_millis(50));
            }
            let stats = stats();
            assert!(stats.threads_started >= MANY as u64, "{stats:?}");
            assert!(stats.threads_ended >= MANY as u64 - 3, "{stats:?}");
            assert_eq!(stats.threads_refused, 0, "{stats:?}");
        });
    })
    .assert_success();
}

/// Would catch goroutines in an endless loop that stop all others, and a warning that does not say
/// which they are.
#[test]
fn endless_loops_are_named_and_do_not_stop_the_others() {
    let name = "endless_loops_are_named_and_do_not_stop_the_others";
    // The audit gives the permits on, so that the loops are not seen to keep them.
    let ended = child::run(name, &[("GOMAXPROCS", "2"), child::NO_AUDIT], || {
        gors::run(|| {
            for _ in 0..100 {
                go!(|| loop {
                    std::hint::spin_loop();
                });
            }
            // Until the cap is full, and hogs beyond it have been let in twice.
            while stats().hogs_running < 8 {
                sleep(Duration::from_millis(1));
            }
            let before = stats().hogs;
            while stats().hogs < before + 2 {
                sleep(Duration::from_millis(1));
            }
        });
    });
    ended.assert_success();
    for text in [
        "goroutines use the CPU without a pause",
        "gors::checkpoint()",
        "created at tests/starvation.rs:",
    ] {
        assert!(ended.stderr.contains(text), "{text:?}: {ended:#?}");
    }
    let warnings = ended.stderr.matches("without a pause").count();
    assert_eq!(warnings, 1, "{ended:#?}");
}

/// Would catch goroutines that wait, behind hogs that fill the cap, for the second after which a thread is
/// added: sleepers, and those that come out of `blocking`.
#[test]
fn woken_goroutines_do_not_wait_for_the_cap() {
    let name = "woken_goroutines_do_not_wait_for_the_cap";
    // Under the audit a switch takes another thread, which waits for a CPU behind the hogs.
    child::run(name, &[("GOMAXPROCS", "2"), child::NO_AUDIT], || {
        gors::run(|| {
            for _ in 0..30 {
                go!(|| loop {
                    std::hint::spin_loop();
                });
            }
            // Until the cap is full.
            while stats().loans == 0 {
                sleep(Duration::from_millis(1));
            }
            let begun = Instant::now();
            // A second each without loans, which is longer than the child may take; some milliseconds with
            // them, on a machine of its own.
            for _ in 0..100 {
                sleep(Duration::from_millis(1));
            }
            for _ in 0..100 {
                blocking(|| sleep_on_thread(Duration::from_millis(1)));
            }
            let took = begun.elapsed();
            // Two permits, eight hogs, two loans, a spare, and one for each second.
            let most = 13 + took.as_secs() as usize + 10;
            assert!(stats().workers <= most, "{took:?}, {:?}", stats());
        });
    })
    .assert_success();
}

/// Would catch hogs that get a thread each, or none.
#[test]
fn many_hogs_share_few_threads() {
    let name = "many_hogs_share_few_threads";
    child::run(name, &[("GOMAXPROCS", "2")], || {
        gors::run(|| {
            let stop = Arc::new(AtomicBool::new(false));
            let wg = WaitGroup::new();
            for _ in 0..100 {
                let stop = Arc::clone(&stop);
                wg.go(move || {
                    while !stop.load(Ordering::Relaxed) {
                        std::hint::spin_loop();
                    }
                });
            }
            let begun = Instant::now();
            // Until the cap is full.
            while stats().hogs_running < 8 {
                sleep(Duration::from_millis(1));
            }
            // Time in which, without a cap, there would be more than thirty threads.
            let before = cpu_time::of_process();
            while cpu_time::of_process() - before < Duration::from_secs(3) {
                sleep(Duration::from_millis(1));
            }
            let most = stats().workers;
            // Two permits, eight hogs, two loans, a spare, one for each second; and a few under the audit.
            let allowed = 13 + begun.elapsed().as_secs() as usize + 10;
            assert!(most <= allowed, "{most} threads, {:?}", begun.elapsed());
            stop.store(true, Ordering::Relaxed);
            wg.wait();
        });
    })
    .assert_success();
}

/// Would catch a pair, or a busy goroutine, that gets next to nothing beside the other.
#[test]
fn a_pair_and_a_busy_goroutine_share_one_permit() {
    let name = "a_pair_and_a_busy_goroutine_share_one_permit";
    // Under the audit a switch of the pair's is two of threads', and the permit is the busy one's between.
    child::run(name, &[("GOMAXPROCS", "1"), child::NO_AUDIT], || {
        gors::run(|| {
            let [pair_alone, _] = run_for(Duration::from_millis(300), true, false);
            let [_, busy_alone] = run_for(Duration::from_millis(300), false, true);
            let [pair, busy] = run_for(Duration::from_millis(600), true, true);
            // Its share is what it does alone in half of the time, 300 ms of a CPU.
            assert!(pair > pair_alone / 20, "pair: {pair} beside {pair_alone}");
            assert!(busy > busy_alone / 20, "busy: {busy} beside {busy_alone}");
        });
    })
    .assert_success();
}

/// Lets a ping-pong pair, a busy goroutine, or both run, until the process has used that much of a CPU;
/// what they did.
fn run_for(time: Duration, with_pair: bool, with_busy: bool) -> [u64; 2] {
    let before = cpu_time::of_process();
    let stop = Arc::new(AtomicBool::new(false));
    let wg = WaitGroup::new();
    let counts = [const { AtomicU64::new(0) }; 2];
    let counts = Arc::new(counts);
    if with_pair {
        let (there, back) = (make(0), make(0));
        let (balls, returns) = (there.clone(), back.clone());
        wg.go(move || {
            for ball in balls {
                returns.send(ball);
            }
        });
        let (stop, counts) = (Arc::clone(&stop), Arc::clone(&counts));
        wg.go(move || {
            while !stop.load(Ordering::Relaxed) {
                there.send(());
                back.recv();
                counts[0].fetch_add(1, Ordering::Relaxed);
            }
            there.close();
        });
    }
    if with_busy {
        let (stop, counts) = (Arc::clone(&stop), Arc::clone(&counts));
        wg.go(move || {
            while !stop.load(Ordering::Relaxed) {
                for _ in 0..1_000 {
                    std::hint::spin_loop();
                }
                counts[1].fetch_add(1, Ordering::Relaxed);
                checkpoint();
            }
        });
    }
    while cpu_time::of_process() - before < time {
        sleep(Duration::from_millis(1));
    }
    stop.store(true, Ordering::Relaxed);
    wg.wait();
    [0, 1].map(|n| counts[n].load(Ordering::Relaxed))
}

/// Would catch a pair that wakes each other quickly and gets next to nothing beside one that takes its time (Go's
/// TestPingPongHog).
#[test]
fn two_pairs_share_one_permit() {
    let name = "two_pairs_share_one_permit";
    // Under the audit switches cost more than what is measured.
    child::run(name, &[("GOMAXPROCS", "1"), child::NO_AUDIT], || {
        gors::run(|| {
            let stop = Arc::new(AtomicBool::new(false));
            let wg = WaitGroup::new();
            let pair = |loops: u64| {
                let ball = make(0);
                let done = Arc::new(AtomicU64::new(0));
                for _ in 0..2 {
                    let (ball, done, stop) = (ball.clone(), Arc::clone(&done), Arc::clone(&stop));
                    wg.go(move || {
                        for () in &ball {
                            if stop.load(Ordering::Relaxed) {
                                return ball.close();
                            }
                            for _ in 0..loops {
                                std::hint::spin_loop();
                            }
                            done.fetch_add(loops, Ordering::Relaxed);
                            ball.send(());
                        }
                    });
                }
                ball.send(());
                done
            };
            let (slow, quick) = (pair(20_000), pair(20));
            let before = cpu_time::of_process();
            while cpu_time::of_process() - before < Duration::from_millis(300) {
                sleep(Duration::from_millis(1));
            }
            let [slow, quick] = [&slow, &quick].map(|done| done.load(Ordering::Relaxed));
            stop.store(true, Ordering::Relaxed);
            wg.wait();
            assert!(quick > slow / 50, "quick: {quick} beside {slow}");
        });
    })
    .assert_success();
}

/// Would catch a limit on threads that ends the program although its work can wait, or says nothing.
#[test]
fn a_limit_on_threads_is_kept_and_named() {
    let name = "a_limit_on_threads_is_kept_and_named";
    let environment = [("GOMAXPROCS", "2"), ("GORS_MAX_THREADS", "3")];
    let ended = child::run(name, &environment, || {
        gors::run(|| {
            let wg = WaitGroup::new();
            for n in 0..20 {
                wg.go(move || {
                    if n % 2 == 0 {
                        blocking(|| sleep_on_thread(Duration::from_millis(100)));
                    } else {
                        sleep_on_thread(Duration::from_millis(100));
                    }
                    assert!(stats().workers <= 3);
                });
            }
            wg.wait();
            assert!(stats().threads_refused > 0, "{:?}", stats());
        });
    });
    ended.assert_success();
    let text = "the program exceeds the limit of 3 threads (GORS_MAX_THREADS)";
    assert!(ended.stderr.contains(text), "{ended:#?}");
}

/// Would catch a goroutine that waits for a permit on its own thread beside an idle one, because there is no
/// other thread to bring it: two that are locked and wait for each other, and no thread more.
#[test]
fn locked_goroutines_need_no_third_thread() {
    let name = "locked_goroutines_need_no_third_thread";
    // The audit's thread between two turns would be one more.
    let environment = [
        ("GOMAXPROCS", "1"),
        ("GORS_MAX_THREADS", "2"),
        child::NO_AUDIT,
    ];
    child::run(name, &environment, || {
        gors::run(|| {
            const TRIPS: u32 = 100;
            let (there, back) = (make(0), make(0));
            let (balls, returns) = (there.clone(), back.clone());
            let wg = WaitGroup::new();
            wg.go(move || {
                gors::lock_os_thread();
                for _ in 0..TRIPS {
                    returns.send(balls.recv().expect("nobody closes"));
                }
            });
            wg.go(move || {
                gors::lock_os_thread();
                for n in 0..TRIPS {
                    there.send(n);
                    assert_eq!(back.recv(), Some(n));
                }
            });
            wg.wait();
        });
    })
    .assert_success();
}

/// Would catch a program that is ended because all its threads wait in place at this moment, each for a
/// moment only, long after the first thread was not to be had.
#[test]
fn threads_that_come_back_are_not_exhausted() {
    let name = "threads_that_come_back_are_not_exhausted";
    let environment = [
        ("GOMAXPROCS", "4"),
        ("GORS_MAX_THREADS", "2"),
        child::NO_AUDIT,
    ];
    child::run(name, &environment, || {
        gors::run(|| {
            let end = Instant::now() + Duration::from_secs(6);
            // There is always something that waits for a thread.
            go!({
                while Instant::now() < end {
                    gosched();
                }
            });
            let wg = WaitGroup::new();
            for _ in 0..2 {
                let c = make(0);
                let wakes = c.clone();
                std::thread::spawn(move || {
                    while Instant::now() < end {
                        sleep_on_thread(Duration::from_millis(2));
                        wakes.send(());
                    }
                    wakes.close();
                });
                wg.go(move || {
                    while blocking(|| c.recv()).is_some() {
                        gosched();
                    }
                });
            }
            wg.wait();
        });
    })
    .assert_success();
}

#[expect(
    clippy::disallowed_methods,
    reason = "blocking the thread is the point"
)]
fn sleep_on_thread(time: Duration) {
    std::thread::sleep(time);
}
