//! Signals: to whom they go, and what becomes of the others. Each test has a process of its own:
//! dispositions are the process's.

#[path = "support/child.rs"]
mod child;
mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use gors::context::{Context, ContextError, with_cancel_cause};
use gors::prelude::*;
use gors::signal::{self, Signal};

/// Runs `body` with 1, 2 and 8 permits, each time in a process of its own.
#[track_caller]
fn passes_in_child(name: &str, body: impl Fn() + Send + Sync) {
    for procs in ["1", "2", "8"] {
        child::run(name, &[("GOMAXPROCS", procs)], || gors::run(&body)).assert_success();
    }
}

/// Waits for a signal, but not for ever.
fn receive(chan: &Chan<Signal>) -> Option<Signal> {
    chan.recv_timeout(Duration::from_secs(20)).ok()
}

/// Catches signals that go to the wrong channel, or to one only.
#[test]
fn each_channel_gets_what_it_asked_for() {
    passes_in_child("each_channel_gets_what_it_asked_for", || {
        let (one, both, all) = (make(4), make(4), make(4));
        signal::notify(&one, &[Signal::USER1]);
        signal::notify(&both, &[Signal::USER1]);
        signal::notify(&both, &[Signal::USER2, Signal::USER1]);
        signal::notify(&all, &[]);
        Signal::USER1.raise().unwrap();
        for chan in [&one, &both, &all] {
            assert_eq!(receive(chan), Some(Signal::USER1));
        }
        Signal::USER2.raise().unwrap();
        assert_eq!(receive(&both), Some(Signal::USER2));
        assert_eq!(receive(&all), Some(Signal::USER2));
        Signal::WINDOW_CHANGE.raise().unwrap();
        assert_eq!(receive(&all), Some(Signal::WINDOW_CHANGE));
        assert!(one.try_recv().is_err());
        signal::reset(&[]);
    });
}

/// Catches a sender that waits for a receiver, and one that a full channel stops for good.
#[test]
fn a_full_channel_misses_signals_and_holds_nobody_up() {
    passes_in_child("a_full_channel_misses_signals_and_holds_nobody_up", || {
        let (full, other) = (make(1), make(1));
        signal::notify(&full, &[Signal::USER1]);
        signal::notify(&other, &[Signal::USER1]);
        for _ in 0..50 {
            Signal::USER1.raise().unwrap();
            assert_eq!(receive(&other), Some(Signal::USER1));
        }
        assert_eq!(full.len(), 1);
        let rendezvous = make(0);
        signal::notify(&rendezvous, &[Signal::USER1]);
        Signal::USER1.raise().unwrap();
        assert_eq!(receive(&other), Some(Signal::USER1));
    });
}

/// Keeps a thousand goroutines busy, with channels and new goroutines, while `f` runs.
fn beside_a_thousand(f: impl FnOnce()) {
    let stop = Arc::new(AtomicBool::new(false));
    let turns = Arc::new(AtomicUsize::new(0));
    let wg = WaitGroup::new();
    for _ in 0..1_000 {
        let (stop, turns) = (stop.clone(), turns.clone());
        wg.go(move || {
            while !stop.load(Ordering::Relaxed) {
                let c = make(0);
                let theirs = c.clone();
                go!(move || theirs.send(1));
                turns.fetch_add(c.recv().unwrap(), Ordering::Relaxed);
            }
        });
    }
    f();
    stop.store(true, Ordering::Relaxed);
    wg.wait();
    assert!(turns.load(Ordering::Relaxed) > 0);
}

/// Catches a process that dies of a signal under load, and one that stops delivering. The kernel
/// merges a signal with one that is pending, so what must hold is that after each there is a
/// delivery.
#[test]
fn a_storm() {
    passes_in_child("a_storm", || {
        const STORM: usize = 10_000;
        let signals = make(STORM);
        signal::notify(&signals, &[Signal::USER1]);
        beside_a_thousand(|| {
            let sender = std::thread::spawn(|| {
                for _ in 0..STORM {
                    Signal::USER1.raise().unwrap();
                }
            });
            blocking(|| sender.join()).unwrap();
            for _ in 0..100 {
                // None is on its way: the next one merges with nothing.
                while signals.recv_timeout(Duration::from_millis(1)).is_ok() {}
                Signal::USER1.raise().unwrap();
                assert_eq!(receive(&signals), Some(Signal::USER1));
            }
        });
        signal::stop(&signals);
    });
}

/// Catches a handler, or a thread behind it, that loses or merges: the kernel queues signals of this
/// kind, each on its own.
#[test]
fn a_storm_of_signals_that_are_counted() {
    passes_in_child("a_storm_of_signals_that_are_counted", || {
        const STORM: usize = 10_000;
        /// Fewer than the kernel queues for a user.
        const IN_FLIGHT: usize = 500;
        // SIGRTMIN and the numbers that libc keeps for itself are below.
        let counted = Signal::from_raw(40).unwrap();
        let signals = make(STORM);
        signal::notify(&signals, &[counted]);
        beside_a_thousand(|| {
            let received = signals.clone();
            let sender = std::thread::spawn(move || {
                for sent in 0..STORM {
                    while sent - received.len() >= IN_FLIGHT {
                        gors::time::sleep(Duration::from_micros(50));
                    }
                    counted.raise().unwrap();
                }
            });
            blocking(|| sender.join()).unwrap();
        });
        // The last of them may be with a thread that has not begun to handle it.
        while signals.len() < STORM {
            gors::time::sleep(Duration::from_micros(50));
        }
        signal::stop(&signals);
        assert_eq!(signals.len(), STORM);
    });
}

/// Catches a signal that is neither sent nor does what it always does, around a stop
/// (Go's TestAtomicStop).
#[test]
fn no_signal_is_swallowed_by_a_stop() {
    for _ in 0..30 {
        let ended = child::run("no_signal_is_swallowed_by_a_stop", &[], || {
            gors::run(|| {
                for _ in 0..10 {
                    let chan = make(1);
                    signal::notify(&chan, &[Signal::INTERRUPT]);
                    let theirs = chan.clone();
                    let stopper = spawn(move || signal::stop(&theirs));
                    Signal::INTERRUPT.raise().unwrap();
                    stopper.join().unwrap();
                    // It may still be on its way to a thread that it kills.
                    assert_eq!(receive(&chan), Some(Signal::INTERRUPT), "a lost signal");
                }
            });
        });
        let killed = ended.signal == Some(Signal::INTERRUPT.as_raw());
        assert!(killed || ended.code == Some(0), "{ended:#?}");
    }
}

/// Catches a stopped channel that keeps the signal from its default.
#[test]
fn after_stop_a_signal_does_what_it_always_does() {
    let ended = child::run("after_stop_a_signal_does_what_it_always_does", &[], || {
        gors::run(|| {
            let chan = make(1);
            signal::notify(&chan, &[Signal::TERMINATE]);
            Signal::TERMINATE.raise().unwrap();
            assert_eq!(receive(&chan), Some(Signal::TERMINATE));
            signal::stop(&chan);
            Signal::TERMINATE.raise().unwrap();
            gors::time::sleep(Duration::from_secs(20));
        });
    });
    ended.assert_killed_by(Signal::TERMINATE.as_raw());
}

/// Catches ignored signals that arrive, and a reset that does not bring the default back.
#[test]
fn ignore_and_reset() {
    let ended = child::run("ignore_and_reset", &[], || {
        gors::run(|| {
            let chan = make(1);
            signal::notify(&chan, &[Signal::USER1]);
            signal::ignore(&[Signal::USER1]);
            assert!(signal::ignored(Signal::USER1));
            Signal::USER1.raise().unwrap();
            gors::time::sleep(Duration::from_millis(20));
            assert!(chan.try_recv().is_err());
            signal::notify(&chan, &[Signal::USER1]);
            assert!(!signal::ignored(Signal::USER1));
            Signal::USER1.raise().unwrap();
            assert_eq!(receive(&chan), Some(Signal::USER1));
            signal::reset(&[Signal::USER1]);
            println!("reset");
            Signal::USER1.raise().unwrap();
            gors::time::sleep(Duration::from_secs(20));
        });
    });
    assert!(ended.stdout.contains("reset\n"), "{ended:#?}");
    ended.assert_killed_by(Signal::USER1.as_raw());
}

/// Catches a stop that makes an ignored signal deadly: it was ignored before somebody asked for it, and is
/// again when nobody does.
#[test]
fn what_was_ignored_is_ignored_again() {
    let ended = child::run("what_was_ignored_is_ignored_again", &[], || {
        gors::run(|| {
            let terminate = [Signal::TERMINATE];
            signal::ignore(&terminate);
            for _ in 0..2 {
                let chan = make(1);
                signal::notify(&chan, &terminate);
                assert!(!signal::ignored(Signal::TERMINATE));
                Signal::TERMINATE.raise().unwrap();
                assert_eq!(receive(&chan), Some(Signal::TERMINATE));
                signal::stop(&chan);
                assert!(signal::ignored(Signal::TERMINATE));
                Signal::TERMINATE.raise().unwrap();
            }
            let (ctx, stop) = signal::notify_context(&Context::background(), &terminate);
            stop.stop();
            assert!(ctx.err().is_some() && signal::ignored(Signal::TERMINATE));
            signal::reset(&terminate);
            assert!(!signal::ignored(Signal::TERMINATE));
            println!("reset");
            Signal::TERMINATE.raise().unwrap();
            gors::time::sleep(Duration::from_secs(20));
        });
    });
    assert!(ended.stdout.contains("reset\n"), "{ended:#?}");
    ended.assert_killed_by(Signal::TERMINATE.as_raw());
}

/// Catches a context that a signal does not cancel, and a cause that does not name it, or denies that the
/// context was cancelled (#77639).
#[test]
fn notify_context() {
    passes_in_child("notify_context", || {
        let signals = [Signal::INTERRUPT, Signal::USER2];
        let (ctx, stop) = signal::notify_context(&Context::background(), &signals);
        assert!(ctx.err().is_none());
        Signal::INTERRUPT.raise().unwrap();
        ctx.done().recv().unwrap_err();
        let cause = ctx.cause().unwrap();
        assert_eq!(cause.to_string(), "interrupt signal received");
        let source = cause.source().and_then(|error| error.downcast_ref());
        assert_eq!(source, Some(&ContextError::Canceled));
        // Registered until it is stopped: the program goes on.
        Signal::INTERRUPT.raise().unwrap();
        stop.stop();

        let (ctx, stop) = signal::notify_context(&Context::background(), &[Signal::USER2]);
        stop.stop();
        assert_eq!(ctx.cause().unwrap().to_string(), "context canceled");

        let (parent, cancel) = with_cancel_cause(&Context::background());
        let (ctx, stop) = signal::notify_context(&parent, &signals);
        cancel.cancel("the parent's");
        ctx.done().recv().unwrap_err();
        assert_eq!(ctx.cause().unwrap().to_string(), "the parent's");
        stop.stop();
    });
}

/// Catches a handler that needs the room of the stack it interrupts: all stacks here are small.
#[test]
fn signals_meet_goroutines_on_small_stacks() {
    passes_in_child("signals_meet_goroutines_on_small_stacks", || {
        let chan = make(1_000);
        signal::notify(&chan, &[Signal::USER1]);
        let stop = Arc::new(AtomicBool::new(false));
        let wg = WaitGroup::new();
        for _ in 0..gomaxprocs(0) * 2 {
            let stop = stop.clone();
            wg.go(move || {
                while !stop.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                    checkpoint();
                }
            });
        }
        for _ in 0..200 {
            Signal::USER1.raise().unwrap();
            assert_eq!(receive(&chan), Some(Signal::USER1));
        }
        stop.store(true, Ordering::Relaxed);
        wg.wait();
    });
}

/// Catches words that are not Go's.
#[gors::test]
fn misuse() {
    let text = common::panic_text(|| signal::notify(&Chan::nil(), &[Signal::USER1]));
    assert_eq!(text, "os/signal: Notify using nil channel");
}

/// Catches a program that Ctrl-C ends though it catches it, from outside.
#[test]
fn a_real_interrupt() {
    let mut process = child::start("a_real_interrupt", &[], || {
        gors::run(|| {
            let chan = make(1);
            signal::notify(&chan, &[Signal::INTERRUPT]);
            println!("ready");
            assert_eq!(receive(&chan), Some(Signal::INTERRUPT));
        });
    });
    process.wait_for("ready\n");
    process.send("INT");
    process.wait().assert_success();
}

/// Catches a fault that is told to a channel, and then comes again for ever.
#[test]
fn a_fault_is_not_for_channels() {
    fn descend(depth: usize) -> usize {
        let frame = std::hint::black_box([depth as u8; 1024]);
        if depth == usize::MAX {
            return 0;
        }
        usize::from(frame[depth % 1024]) + descend(depth + 1)
    }
    let ended = child::run("a_fault_is_not_for_channels", &[], || {
        gors::run(|| {
            let chan = make(1);
            signal::notify(&chan, &[Signal::SEGMENTATION]);
            Signal::SEGMENTATION.raise().unwrap();
            assert_eq!(receive(&chan), Some(Signal::SEGMENTATION));
            println!("{}", descend(0));
        });
    });
    ended.assert_killed_by(libc::SIGABRT);
    assert!(
        ended.stderr.contains("fatal error: stack overflow"),
        "{ended:#?}"
    );
}
