//! Bubbles of virtual time, after the examples of Go's `testing/synctest`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gors::context::{self, Context, ContextError};
use gors::prelude::*;
use gors::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use gors::sync::{Condvar, Mutex};
use gors::testing::{explore, synctest, wait};
use gors::time::{self, Ticker, Timer, after, after_func};

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn an_hour_passes_at_once() {
    let begin = Instant::now();
    let slept = synctest(|| {
        let begin = time::now();
        time::sleep(24 * HOUR);
        time::now() - begin
    });
    assert_eq!(slept, 24 * HOUR);
    assert!(begin.elapsed() < HOUR);
}

#[test]
fn time_stands_still_while_somebody_runs() {
    synctest(|| {
        let begin = time::now();
        let n: u64 = (0..100_000).map(std::hint::black_box).sum();
        assert_eq!(n, 4_999_950_000);
        gosched();
        blocking(std::thread::yield_now);
        assert_eq!(time::now(), begin);
    });
}

#[test]
fn after_func_of_a_context_runs_when_it_is_cancelled() {
    synctest(|| {
        let (ctx, cancel) = context::with_cancel(&Context::background());
        let called = Arc::new(AtomicBool::new(false));
        let theirs = called.clone();
        let _stop = context::after_func(&ctx, move || theirs.store(true, Ordering::SeqCst));
        wait();
        assert!(!called.load(Ordering::SeqCst));
        cancel.cancel();
        wait();
        assert!(called.load(Ordering::SeqCst));
    });
}

#[test]
fn a_context_times_out_to_the_nanosecond() {
    synctest(|| {
        let timeout = 5 * HOUR;
        let (ctx, _cancel) = context::with_timeout(&Context::background(), timeout);
        time::sleep(timeout - Duration::from_nanos(1));
        wait();
        assert_eq!(ctx.err(), None);
        time::sleep(Duration::from_nanos(1));
        wait();
        assert_eq!(ctx.err(), Some(ContextError::DeadlineExceeded));
    });
}

/// A client that sends its body only when the server asks for it, over channels instead of pipes.
#[test]
fn a_conversation_is_followed_step_by_step() {
    synctest(|| {
        let (headers, go_on, body) = (make(0), make::<()>(0), make(0));
        let sent = Arc::new(AtomicBool::new(false));
        let client = {
            let (headers, go_on, body, sent) =
                (headers.clone(), go_on.clone(), body.clone(), sent.clone());
            spawn(move || {
                headers.send("Expect: 100-continue");
                go_on.recv();
                sent.store(true, Ordering::SeqCst);
                body.send("request body");
            })
        };
        assert_eq!(headers.recv(), Some("Expect: 100-continue"));
        wait();
        assert!(!sent.load(Ordering::SeqCst), "before it was asked to");
        go_on.send(());
        wait();
        assert!(sent.load(Ordering::SeqCst));
        assert_eq!(body.recv(), Some("request body"));
        client.join().unwrap();
    });
}

#[test]
fn waiting_for_a_lock_counts() {
    synctest(|| {
        let mutex = Arc::new(Mutex::new(0));
        let guard = mutex.lock();
        let theirs = mutex.clone();
        let locker = spawn(move || *theirs.lock() += 1);
        // Go's Wait would not return: a mutex is nothing durable there.
        wait();
        // And time goes on although the other one waits for a lock.
        time::sleep(HOUR);
        drop(guard);
        locker.join().unwrap();
        assert_eq!(*mutex.lock(), 1);
    });
}

#[test]
fn limited_waits_end_in_virtual_time() {
    synctest(|| {
        let begin = time::now();
        let mutex = Mutex::new(());
        let guard = mutex.lock();
        assert!(mutex.try_lock_for(HOUR).is_none());
        let condvar = Condvar::new();
        drop(guard);
        let mut guard = mutex.lock();
        assert!(condvar.wait_for(&mut guard, HOUR).timed_out());
        let c = make::<i32>(0);
        assert!(c.recv_timeout(HOUR).is_err());
        assert!(c.send_timeout(1, HOUR).is_err());
        assert!(!WaitGroup::new_with_one().wait_timeout(HOUR));
        let parker = gors::Parker::new();
        parker.park_timeout(HOUR);
        let sleeper = spawn(|| time::sleep(2 * HOUR));
        let sleeper = sleeper.join_timeout(HOUR).unwrap_err();
        sleeper.join().unwrap();
        assert_eq!(time::now() - begin, 8 * HOUR);
    });
}

trait NewWithOne {
    fn new_with_one() -> Self;
}

impl NewWithOne for WaitGroup {
    fn new_with_one() -> Self {
        let wg = WaitGroup::new();
        wg.add(1);
        wg
    }
}

#[test]
fn timers_fire_in_order_of_deadline() {
    synctest(|| {
        let order = Arc::new(Mutex::new(Vec::new()));
        for hours in [3, 1, 2] {
            let order = order.clone();
            after_func(hours * HOUR, move || order.lock().push(hours));
        }
        let stopped = after_func(HOUR, || unreachable!());
        assert!(stopped.stop());
        let timer = Timer::new(5 * HOUR);
        timer.reset(4 * HOUR);
        let begin = time::now();
        timer.c().recv().unwrap();
        assert_eq!(time::now() - begin, 4 * HOUR);
        assert_eq!(*order.lock(), [1, 2, 3]);
    });
}

#[test]
fn tickers_and_selects_share_the_clock() {
    synctest(|| {
        let begin = time::now();
        let ticker = Ticker::new(HOUR);
        let deadline = after(10 * HOUR + Duration::from_secs(1));
        let mut ticks = 0;
        loop {
            select! {
                recv(ticker.c()) -> at => {
                    ticks += 1;
                    assert_eq!(at.unwrap() - begin, ticks * HOUR);
                }
                recv(deadline) -> _ => break,
            }
        }
        assert_eq!(ticks, 10);
    });
}

#[test]
fn goroutines_of_goroutines_are_inside() {
    let total = synctest(|| {
        let begin = time::now();
        let wg = WaitGroup::new();
        let woken = Arc::new(AtomicUsize::new(0));
        for n in 1..=10 {
            let (wg, woken) = (wg.clone(), woken.clone());
            let again = wg.clone();
            wg.go(move || {
                time::sleep(n * HOUR);
                let woken = woken.clone();
                again.go(move || {
                    time::sleep(n * HOUR);
                    woken.fetch_add(1, Ordering::SeqCst);
                });
            });
        }
        wg.wait();
        assert_eq!(time::now() - begin, 20 * HOUR);
        woken.load(Ordering::SeqCst)
    });
    assert_eq!(total, 10);
}

#[test]
fn scopes_and_futures_work_inside() {
    synctest(|| {
        let mut words = vec![String::from("one")];
        let length = gors::scope(|s| {
            let first = s.spawn(|| {
                time::sleep(HOUR);
                words[0].len()
            });
            first.join().unwrap()
        });
        words.push(length.to_string());
        assert_eq!(words[1], "3");
        let handle = spawn(|| {
            time::sleep(HOUR);
            5
        });
        assert_eq!(block_on(handle).unwrap(), 5);
    });
}

#[test]
fn the_end_waits_for_all() {
    static ENDED: AtomicUsize = AtomicUsize::new(0);
    synctest(|| {
        for _ in 0..5 {
            go!(|| {
                gosched();
                ENDED.fetch_add(1, Ordering::SeqCst);
            });
        }
    });
    assert_eq!(ENDED.load(Ordering::SeqCst), 5);
}

#[test]
fn goexit_and_goroutine_locals_end_as_ever() {
    goroutine_local! { static HELD: std::cell::RefCell<Option<Bell>> = const { std::cell::RefCell::new(None) }; }
    struct Bell(Sender<()>);
    impl Drop for Bell {
        fn drop(&mut self) {
            time::sleep(HOUR);
            self.0.send(()).unwrap();
        }
    }
    synctest(|| {
        let rung = make(0);
        let bell = Bell(rung.sender());
        go!(move || {
            HELD.with(|held| *held.borrow_mut() = Some(bell));
            gors::goexit();
        });
        assert_eq!(rung.recv(), Some(()));
    });
}

#[test]
fn many_bubbles_at_once_beside_ordinary_goroutines() {
    let ordinary = spawn(|| {
        for _ in 0..20 {
            let begin = Instant::now();
            time::sleep(Duration::from_millis(1));
            assert!(begin.elapsed() >= Duration::from_millis(1));
        }
    });
    let bubbles: Vec<_> = (1..=8)
        .map(|n| {
            spawn(move || {
                synctest(move || {
                    let c = make(0);
                    for k in 0..50 {
                        let c = c.clone();
                        go!(move || {
                            time::sleep(k * n * HOUR);
                            c.send(k);
                        });
                    }
                    let order: Vec<u32> = c.iter().take(50).collect();
                    assert!(order.is_sorted());
                })
            })
        })
        .collect();
    for bubble in bubbles {
        bubble.join().unwrap();
    }
    ordinary.join().unwrap();
}

#[test]
fn wait_works_under_exploration() {
    explore(200, || {
        let n = Arc::new(AtomicUsize::new(0));
        for _ in 0..3 {
            let n = n.clone();
            go!(move || {
                let old = n.fetch_add(1, Ordering::SeqCst);
                time::sleep(HOUR);
                n.fetch_add(10 + old - old, Ordering::SeqCst);
            });
        }
        wait();
        assert_eq!(n.load(Ordering::SeqCst), 3);
        time::sleep(HOUR);
        wait();
        assert_eq!(n.load(Ordering::SeqCst), 33);
    });
}

/// A value from a thread outside arrives like any other.
#[test]
fn threads_outside_can_send_to_a_goroutine_that_blocks() {
    synctest(|| {
        let c = make(1);
        let theirs = c.clone();
        let n = blocking(move || {
            let thread = std::thread::spawn(move || theirs.send(7));
            thread.join().unwrap();
            c.recv()
        });
        assert_eq!(n, Some(7));
    });
}
