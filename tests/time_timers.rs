//! Timers with channels, tickers, sleeping: Go 1.23's rules.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use common::{at_all_permits, panic_text, spawn_blocked};
use gors::prelude::*;
use gors::time::{Ticker, Timer, after, sleep, tick};

const HOUR: Duration = Duration::from_secs(3600);

/// True if `attempt`, given a unit of time, succeeds with one of several units: a machine that stalls
/// for longer than the smaller ones must not fail a test of order (Go's tests do the same).
fn in_some_unit(attempt: impl Fn(Duration) -> bool) -> bool {
    [10, 25, 50, 100, 250]
        .map(Duration::from_millis)
        .into_iter()
        .any(attempt)
}

/// Catches sleeps that end early, or out of order.
#[gors::test]
fn sleeps() {
    at_all_permits(|_| {
        assert!(in_some_unit(|unit| {
            let order = make::<u32>(10);
            for n in (0..10).rev() {
                let order = order.clone();
                go!(move || {
                    let (start, d) = (Instant::now(), unit * n);
                    sleep(d);
                    assert!(start.elapsed() >= d);
                    order.send(n);
                });
            }
            let came: Vec<_> = (0..10).filter_map(|_| order.recv()).collect();
            came.is_sorted()
        }));
        sleep(Duration::ZERO);
    });
}

/// Catches a stale value after a stop or a reset.
#[gors::test]
fn nothing_old_comes_after_stop_and_reset() {
    let timer = Timer::new(Duration::ZERO);
    sleep(Duration::from_millis(2));
    assert_eq!((timer.c().len(), timer.c().capacity()), (0, Some(0)));
    assert!(timer.stop(), "the value was not received");
    assert!(timer.c().try_recv().is_err());
    assert!(!timer.stop());

    assert!(!timer.reset(Duration::ZERO));
    sleep(Duration::from_millis(2));
    assert!(timer.reset(HOUR), "the value was not received");
    assert!(timer.c().try_recv().is_err());
    assert!(timer.reset(Duration::from_millis(1)));
    assert!(timer.c().recv().is_ok());
    assert!(!timer.stop(), "the value was received");
}

/// Catches a result of `stop` that disagrees with what is received, when both happen at once
/// (Go's TestStopResult).
#[gors::test]
fn stop_tells_whether_the_value_came() {
    at_all_permits(|_| {
        let wg = WaitGroup::new();
        for _ in 0..100 {
            wg.go(|| {
                for round in 0..20 {
                    let timer = Timer::new(Duration::from_micros(round * 5));
                    if round % 3 == 0 {
                        gosched();
                    }
                    if timer.stop() {
                        assert!(timer.c().try_recv().is_err(), "stopped, and a value came");
                    } else {
                        unreachable!("nobody has received");
                    }
                }
            });
        }
        wg.wait();
    });
}

/// Catches a value that two receive, or that nobody receives, when a stop races with a receiver.
#[gors::test]
fn a_stop_races_with_a_receiver() {
    at_all_permits(|_| {
        for round in 0..200 {
            let timer = Arc::new(Timer::new(Duration::from_micros(round % 50)));
            let theirs = timer.clone();
            let receiver = spawn(move || theirs.c().recv_timeout(Duration::from_millis(3)).is_ok());
            if round % 2 == 0 {
                sleep(Duration::from_micros(round % 60));
            }
            let stopped = timer.stop();
            assert_ne!(receiver.join().unwrap(), stopped, "round {round}");
        }
    });
}

/// Catches a clone of the channel that misses the value when the timer was dropped.
#[gors::test]
fn a_dropped_timer_fires() {
    let c = Timer::new(Duration::from_millis(1)).c().clone();
    assert!(c.recv().is_ok());
}

/// Catches tickers that tick too early, keep ticks for slow receivers, or go on after a stop.
#[gors::test]
fn tickers() {
    let period = Duration::from_millis(5);
    let start = Instant::now();
    let ticker = Ticker::new(period);
    for n in 1..=4 {
        let when = ticker.c().recv().unwrap();
        assert!(when >= start + period * n);
    }
    let one_is_kept_and_no_more = in_some_unit(|period| {
        let ticker = Ticker::new(period);
        sleep(period * 5);
        ticker.c().try_recv().is_ok() && ticker.c().try_recv().is_err()
    });
    assert!(one_is_kept_and_no_more);
    ticker.reset(Duration::from_millis(1));
    ticker.c().recv().unwrap();
    assert!(ticker.stop());
    sleep(Duration::from_millis(5));
    assert!(ticker.c().try_recv().is_err());
    assert!(!ticker.stop());
}

/// Catches words that are not Go's, and a `tick(0)` that is ready.
#[gors::test]
fn intervals_of_zero() {
    assert_eq!(
        panic_text(|| drop(Ticker::new(Duration::ZERO))),
        "non-positive interval for NewTicker"
    );
    let ticker = Ticker::new(HOUR);
    assert_eq!(
        panic_text(|| {
            ticker.reset(Duration::ZERO);
        }),
        "non-positive interval for Ticker.Reset"
    );
    assert!(tick(Duration::ZERO).try_recv().is_err());
}

/// Catches durations that overflow (Go's TestOverflowSleep).
#[gors::test]
fn durations_beyond_the_clock() {
    let (timer, ticker) = (Timer::new(Duration::MAX), Ticker::new(Duration::MAX));
    select! {
        recv(ticker.c()) -> _ => unreachable!(),
        recv(timer.c()) -> _ => unreachable!(),
        recv(after(Duration::MAX)) -> _ => unreachable!(),
        recv(after(Duration::from_millis(5))) -> _ => {}
    }
    assert!(timer.stop() && ticker.stop());
}

/// Catches timers that fire out of order (Go's TestAfterQueuing).
#[gors::test]
fn after_in_order() {
    let slots = [5, 3, 6, 6, 6, 1, 1, 2, 7, 9, 4, 8, 0_u32];
    assert!(in_some_unit(|unit| {
        let results = make::<u32>(slots.len());
        for slot in slots {
            let results = results.clone();
            go!(move || {
                after(unit * slot).recv().unwrap();
                results.send(slot);
            });
        }
        let came: Vec<_> = slots.iter().filter_map(|_| results.recv()).collect();
        came.is_sorted()
    }));
}

/// Catches timers that are lost when many are made, moved and stopped (Go's TestTimerStopStress,
/// TestAdjustTimers).
#[gors::test]
fn many_timers_move() {
    at_all_permits(|_| {
        let fired = Arc::new(AtomicUsize::new(0));
        let wg = WaitGroup::new();
        for n in 0..200_u64 {
            let fired = fired.clone();
            wg.go(move || {
                let timer = Timer::new(HOUR);
                for round in 0..20 {
                    assert!(timer.reset(Duration::from_millis(1000 + n * round)));
                }
                assert!(timer.reset(Duration::from_micros(n * 50)));
                timer.c().recv().unwrap();
                fired.fetch_add(1, Ordering::Relaxed);
            });
        }
        wg.wait();
        assert_eq!(fired.load(Ordering::Relaxed), 200);
    });
}

/// Catches a result of `stop` or `reset` that disagrees with what comes, between two timers that are due
/// in the same instant (Go's TestStopResult, TestResetResult, #69312).
#[gors::test]
fn one_of_two_timers_is_stopped() {
    at_all_permits(|_| {
        let wg = WaitGroup::new();
        for n in 0..60 {
            wg.go(move || {
                for _ in 0..30 {
                    let soon = Duration::from_micros(300);
                    let (one, two) = (Timer::new(soon), Timer::new(soon));
                    let other = select! {
                        recv(one.c()) -> _ => two,
                        recv(two.c()) -> _ => one,
                    };
                    let was_to_come = if n % 2 == 0 {
                        other.stop()
                    } else {
                        other.reset(HOUR)
                    };
                    // If not, it has been received; only this goroutine could.
                    assert!(was_to_come);
                    assert!(other.c().try_recv().is_err());
                }
            });
        }
        wg.wait();
    });
}

/// Moves and stops what three goroutines wait for, and lets it fire; returns how many of them got a value.
fn move_under_three(
    c: &Receiver<Instant>,
    reset: impl Fn(Duration) -> bool,
    stop: impl Fn() -> bool,
) -> usize {
    let end = make::<()>(0);
    let waiters = [0; 3].map(|_| {
        let (c, end) = (c.clone(), end.clone());
        spawn_blocked(move || {
            select! {
                recv(c) -> at => at.is_ok(),
                recv(end) -> _ => false,
            }
        })
    });
    assert!(reset(2 * HOUR) && stop() && !stop() && !reset(HOUR));
    assert!(waiters.iter().all(|waiter| !waiter.is_finished()));
    assert!(reset(Duration::from_nanos(1)));
    while !waiters.iter().any(JoinHandle::is_finished) {
        sleep(Duration::from_micros(100));
    }
    stop();
    end.close();
    let got = waiters.map(|waiter| waiter.join().unwrap());
    got.into_iter().filter(|got| *got).count()
}

/// Catches a receiver that sleeps on when its timer or ticker is stopped, put off or brought forward, and
/// a value that two get (Go's TestChan).
#[gors::test]
fn timers_move_under_those_who_wait() {
    at_all_permits(|_| {
        let timer = Timer::new(HOUR);
        let got = move_under_three(timer.c(), |d| timer.reset(d), || timer.stop());
        assert_eq!(got, 1);
        let ticker = Ticker::new(HOUR);
        let got = move_under_three(ticker.c(), |d| ticker.reset(d), || ticker.stop());
        assert!(got >= 1);
    });
}

/// Catches a value that is stamped with the time at which it was received (Go's TestAfterTimes,
/// TestTickTimes).
#[gors::test]
fn values_bear_the_time_they_were_due() {
    let ten = Duration::from_millis(10);
    for make in [after as fn(Duration) -> Receiver<Instant>, tick] {
        let c = make(ten);
        let latest = Instant::now() + ten;
        sleep(ten * 4);
        // A deadline may be half a microsecond late; the receive is 30 ms late.
        assert!(c.recv().unwrap() < latest + ten);
    }
}

/// Catches a ping-pong that never lets a due timer's function run (Go's TestAfterFuncStarvation,
/// #65178).
#[gors::test]
fn a_ping_pong_does_not_starve_a_function() {
    let before = gomaxprocs(1);
    for _ in 0..10 {
        let stop = Arc::new(AtomicUsize::new(0));
        let c = make::<()>(1);
        let wg = WaitGroup::new();
        let (theirs, stopped) = (c.clone(), stop.clone());
        wg.go(move || {
            while stopped.load(Ordering::Relaxed) == 0 {
                theirs.send(());
            }
            theirs.close();
        });
        wg.go(move || c.iter().for_each(drop));
        gors::time::after_func(Duration::from_micros(1), move || {
            stop.store(1, Ordering::Relaxed);
        });
        wg.wait();
    }
    gomaxprocs(before);
}

/// Catches a ticker that a thread cannot receive from, or that needs a runtime.
#[test]
fn on_plain_threads() {
    std::thread::scope(|s| {
        for _ in 0..3 {
            s.spawn(|| {
                let ticker = Ticker::new(Duration::from_millis(1));
                ticker.c().recv().unwrap();
                assert!(after(Duration::from_millis(1)).recv().is_ok());
                sleep(Duration::from_millis(1));
            });
        }
    });
}
