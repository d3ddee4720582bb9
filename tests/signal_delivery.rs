//! Signals: to whom they go, and what becomes of the others. Each test has a process of its own:
//! dispositions are the process's.

mod common;

use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use common::{child, command_for_child, in_child};
use gors::context::Context;
use gors::prelude::*;
use gors::signal::{self, Signal};

fn passes_in_child(name: &str, body: impl FnOnce() + Send) {
    child(name, || gors::run(body));
    let output = in_child(name);
    assert!(output.status.success(), "{output:?}");
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("child ended"),
        "{output:?}"
    );
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

/// Catches a process that dies of a signal under load, and one that stops delivering.
#[test]
fn a_storm() {
    passes_in_child("a_storm", || {
        let signals = make(10_000);
        signal::notify(&signals, &[Signal::USER1]);
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
        let sender = std::thread::spawn(|| {
            for _ in 0..10_000 {
                Signal::USER1.raise().unwrap();
            }
        });
        blocking(|| sender.join()).unwrap();
        stop.store(true, Ordering::Relaxed);
        wg.wait();
        // The kernel merges signals that are pending; the handler and we merge none.
        signal::stop(&signals);
        let received = signals.len();
        assert!(received > 0);
        println!("{received} of 10,000 received");
        assert!(turns.load(Ordering::Relaxed) > 0);
    });
}

/// Catches a signal that is neither sent nor does what it always does, around a stop
/// (Go's TestAtomicStop).
#[test]
fn no_signal_is_swallowed_by_a_stop() {
    const NAME: &str = "no_signal_is_swallowed_by_a_stop";
    child(NAME, || {
        gors::run(|| {
            let chan = make(1);
            signal::notify(&chan, &[Signal::INTERRUPT]);
            let raiser = spawn(|| Signal::INTERRUPT.raise().unwrap());
            signal::stop(&chan);
            raiser.join().unwrap();
            // Alive: so it was sent.
            assert_eq!(chan.try_recv(), Ok(Signal::INTERRUPT), "a lost signal");
        });
    });
    for _ in 0..30 {
        let output = in_child(NAME);
        let killed = output.status.signal() == Some(Signal::INTERRUPT.as_raw());
        assert!(killed || output.status.success(), "{output:?}");
    }
}

/// Catches a stopped channel that keeps the signal from its default.
#[test]
fn after_stop_a_signal_does_what_it_always_does() {
    const NAME: &str = "after_stop_a_signal_does_what_it_always_does";
    child(NAME, || {
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
    let output = in_child(NAME);
    assert_eq!(
        output.status.signal(),
        Some(Signal::TERMINATE.as_raw()),
        "{output:?}"
    );
}

/// Catches ignored signals that arrive, and a reset that does not bring the default back.
#[test]
fn ignore_and_reset() {
    const NAME: &str = "ignore_and_reset";
    child(NAME, || {
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
    let output = in_child(NAME);
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("reset"),
        "{output:?}"
    );
    assert_eq!(
        output.status.signal(),
        Some(Signal::USER1.as_raw()),
        "{output:?}"
    );
}

/// Catches a context that a signal does not cancel, and a cause that does not name it.
#[test]
fn notify_context() {
    passes_in_child("notify_context", || {
        let signals = [Signal::INTERRUPT, Signal::USER2];
        let (ctx, stop) = signal::notify_context(&Context::background(), &signals);
        assert!(ctx.err().is_none());
        Signal::INTERRUPT.raise().unwrap();
        ctx.done().recv().unwrap_err();
        assert_eq!(
            ctx.cause().unwrap().to_string(),
            "interrupt signal received"
        );
        stop.stop();

        let (ctx, stop) = signal::notify_context(&Context::background(), &[Signal::USER2]);
        stop.stop();
        assert_eq!(ctx.cause().unwrap().to_string(), "context canceled");
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

/// Catches a program that Ctrl-C ends though it catches it, from outside.
#[test]
fn a_real_interrupt() {
    const NAME: &str = "a_real_interrupt";
    child(NAME, || {
        gors::run(|| {
            let chan = make(1);
            signal::notify(&chan, &[Signal::INTERRUPT]);
            println!("ready");
            assert_eq!(receive(&chan), Some(Signal::INTERRUPT));
        });
    });
    let mut process = command_for_child(NAME)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    assert!(lines.by_ref().any(|line| line.unwrap().contains("ready")));
    let pid = process.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .unwrap()
            .success()
    );
    assert!(lines.any(|line| line.unwrap().contains("child ended")));
    assert!(process.wait().unwrap().success());
}
