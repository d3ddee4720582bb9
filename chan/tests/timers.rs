//! Timer channels and owned channels: values from the clock, and ends that only the owner decides.

mod common;

use std::time::{Duration, Instant};

use common::{blocks, everywhere, go, ms, panics, settle};
use gors_chan::{
    Receiver, RecvError, RecvTimeoutError, Select, TryRecvError, after, at, done_channel, never,
    select, tick, timer_channel,
};

/// A value that comes early, twice, or with another stamp than the time it was due.
#[test]
fn one_value_with_its_due_time() {
    everywhere(|| {
        let when = Instant::now() + ms(80);
        let r = at(when);
        let clone = r.clone();
        assert_eq!((r.len(), r.capacity(), r.is_empty()), (0, Some(1), true));
        sleep_past(90);
        assert_eq!((r.len(), r.is_full()), (1, true));
        assert_eq!(clone.recv(), Ok(when));
        assert!(Instant::now() >= when);
        assert_eq!(r.try_recv(), Err(TryRecvError::Empty));
        assert_eq!(r.recv_timeout(ms(5)), Err(RecvTimeoutError::Timeout));
        let past = Instant::now() - ms(100);
        assert_eq!(at(past).recv(), Ok(past), "overdue at once");
        assert!(after(Duration::MAX).try_recv().is_err());
    });
}

/// One value, many receivers blocked on it: exactly one gets it.
#[test]
fn clones_share_the_value() {
    everywhere(|| {
        let r = after(ms(20));
        let all: Vec<_> = (0..4)
            .map(|_| {
                let r = r.clone();
                go(move || r.recv_timeout(ms(500)).is_ok())
            })
            .collect();
        let got = all
            .into_iter()
            .filter(|_| true)
            .map(|h| h.join().unwrap())
            .filter(|&b| b)
            .count();
        assert_eq!(got, 1);
    });
}

/// Ticks that pile up behind a slow reader.
#[test]
fn slow_readers_lose_ticks() {
    everywhere(|| {
        // A tick may be due just between the two looks, on a machine that is late by half a period.
        let one_is_kept = |period| {
            let r = tick(ms(period));
            sleep_past(period * 7 / 2);
            let first = r.recv().unwrap();
            let kept = r.try_recv().is_ok();
            assert!(r.recv().unwrap() > first);
            !kept
        };
        assert!(
            [50, 200, 500].into_iter().any(one_is_kept),
            "three ticks have passed, one is kept"
        );
    });
}

fn sleep_past(n: u64) {
    common::sleep(ms(n));
}

/// Ticks that drift: each reader is a little late, and the lateness must not add up.
#[test]
fn ticks_keep_their_beat() {
    everywhere(|| {
        let r = tick(ms(3));
        let first = r.recv().unwrap();
        for _ in 0..10 {
            let since = r.recv().unwrap() - first;
            assert_eq!(since.as_nanos() % ms(3).as_nanos(), 0);
        }
    });
}

/// `close` or dropped handles that end what only its owner may end.
#[test]
fn only_the_owner_ends() {
    everywhere(|| {
        fn immune<T: Send + 'static>(r: &Receiver<T>) {
            assert!(!r.close() && !r.clone().close() && !r.is_closed());
        }
        immune(&never::<()>());
        immune(&after(ms(10_000)));
        immune(&tick(ms(10_000)));
        let (owner, done) = done_channel();
        immune(&done);
        let (d, e) = (done.clone(), done.clone());
        let plain = blocks(move || d.recv());
        let selects = blocks(move || {
            select! {
                recv(e) -> v => v,
                recv(after(ms(20_000))) -> _ => unreachable!(),
            }
        });
        assert!(owner.finish() && !owner.finish() && owner.is_finished());
        assert_eq!(
            (plain.join(), selects.join()),
            (Ok(Err(RecvError)), Ok(Err(RecvError)))
        );
        assert_eq!(done.try_recv(), Err(TryRecvError::Disconnected));
        let (owner, done) = done_channel();
        drop(owner);
        assert_eq!(
            done.recv_timeout(ms(10)),
            Err(RecvTimeoutError::Timeout),
            "not ended by that"
        );
    });
}

/// Go 1.23's rules: no stale value after stop or reset, their results, length and capacity 0.
#[test]
fn timers_with_an_owner() {
    everywhere(|| {
        let (t, c) = timer_channel();
        assert!(!t.stop() && c.try_recv().is_err());
        assert!(!t.reset(ms(5)));
        settle();
        assert_eq!((c.len(), c.capacity()), (0, Some(0)));
        assert!(t.stop(), "due but not received counts as pending");
        assert!(c.try_recv().is_err(), "stale value after stop");
        assert!(!t.reset(ms(5)));
        settle();
        assert!(t.reset(ms(10_000)));
        assert!(c.try_recv().is_err(), "stale value after reset");
        assert!(t.reset(ms(1)));
        c.recv().unwrap();
        assert!(!t.stop());
    });
}

/// A receiver that sleeps on towards the old due time after a reset, plainly or in a select.
#[test]
fn reset_reaches_the_blocked() {
    everywhere(|| {
        for selecting in [false, true] {
            let (t, c) = timer_channel();
            t.reset(ms(50_000));
            let d = c.clone();
            let h = blocks(move || {
                if selecting {
                    select! { recv(d) -> v => v }
                } else {
                    d.recv()
                }
            });
            t.stop();
            settle();
            assert!(!h.is_finished());
            t.reset(ms(5));
            assert!(h.join().unwrap().is_ok());
            t.reset_periodic(ms(2));
            assert!(c.recv().unwrap() < c.recv().unwrap());
        }
    });
}

/// A value that a dropped operation gives back, and somebody who waits for it meanwhile: plainly, in a
/// select, only to know, and for ever.
#[test]
fn values_given_back_reach_the_blocked() {
    everywhere(|| {
        for form in 0..3 {
            let c = after(Duration::ZERO);
            let mut sel = Select::new();
            sel.recv(&c);
            let op = sel.select();
            let d = c.clone();
            let h = blocks(move || match form {
                0 => d.recv().is_ok(),
                1 => select! { recv(d) -> v => v.is_ok() },
                _ => {
                    let mut sel = Select::new();
                    sel.recv(&d);
                    sel.ready() == 0 && d.try_recv().is_ok()
                }
            });
            panics(|| drop(op));
            assert_eq!(h.join(), Ok(true), "form {form}");
        }
    });
}

/// Go 1.23's rules again: a value that was taken before a stop or a reset comes back after it.
#[test]
fn values_given_back_are_not_stale() {
    everywhere(|| {
        for stopped in [true, false] {
            let (t, c) = timer_channel();
            t.reset(Duration::ZERO);
            let mut sel = Select::new();
            sel.recv(&c);
            let op = sel.select();
            if stopped {
                t.stop();
            } else {
                t.reset(ms(50_000));
            }
            panics(|| drop(op));
            assert!(c.try_recv().is_err(), "a stale value");
            assert_eq!(t.stop(), !stopped);
        }
    });
}

/// A timer that is said to be ready because it was stopped, or set to another time.
#[test]
fn a_timer_that_was_set_is_not_ready() {
    everywhere(|| {
        let (t, c) = timer_channel();
        t.reset(ms(50_000));
        let h = blocks(move || {
            let mut sel = Select::new();
            sel.recv(&c);
            sel.ready();
            c.try_recv().is_ok()
        });
        t.stop();
        settle();
        assert!(!h.is_finished());
        t.reset(ms(40_000));
        settle();
        assert!(!h.is_finished());
        t.reset(ms(5));
        assert_eq!(h.join(), Ok(true));
    });
}
