//! Which goroutines `leaks` finds, and that it names none that something could still wake.

#[path = "support/child.rs"]
mod child;
mod common;

use std::mem;
use std::sync::{Arc, LazyLock};

use gors::prelude::*;
use gors::runtime::{Leak, leaks, stack_dump};

use crate::common::until_blocked;

/// Runs `f` in a goroutine of its own and returns what it returns when it has ended: what it leaves on
/// its stack is nobody's then.
fn elsewhere<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> T {
    gors::spawn(f).join().expect("it returns")
}

fn find(id: u64) -> Option<Leak> {
    leaks().into_iter().find(|leak| leak.goroutine == id)
}

/// A sender and a receiver, each alone with its channel.
fn leak_two() -> (u64, u64) {
    elsewhere(|| {
        let c = make::<u32>(0);
        let receiver = gors::spawn(move || {
            c.recv();
        });
        let c = make::<u32>(1);
        let sender = gors::spawn(move || {
            c.send(1);
            c.send(2);
        });
        until_blocked(&sender);
        until_blocked(&receiver);
        (sender.id(), receiver.id())
    })
}

/// Catches a sender or a receiver that is alone with its channel and is not found.
///
/// In a process of its own, and a few times: what others leave in memory may look like a handle.
#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "stacks are read on x86-64 only")]
fn who_has_the_only_handle_is_found() {
    let ended = child::run("who_has_the_only_handle_is_found", &[], || {
        gors::run(|| {
            let found = (0..20).find_map(|_| {
                let (sender, receiver) = leak_two();
                Some((find(sender)?, find(receiver)?))
            });
            let Some((sender, receiver)) = found else {
                panic!("{}", stack_dump());
            };
            assert_eq!(sender.reason.as_str(), "chan send");
            assert_eq!(receiver.reason.as_str(), "chan receive");
            let place = receiver.created.expect("it was created somewhere");
            assert_eq!(place.file(), "tests/leaks.rs");
            let dump = stack_dump();
            let start = "leaked goroutines, which can never wake: ";
            assert!(dump.starts_with(start), "{dump}");
            let line = format!("goroutine {} [chan send, ", sender.goroutine);
            let (_, rest) = dump.split_once(&line).expect("it is listed");
            let line = rest.lines().next().unwrap_or_default();
            assert!(line.ends_with("leaked]:"), "{dump}");
            assert!(find(sender.goroutine).is_some(), "forgotten after a dump");
        });
    });
    ended.assert_success();
}

/// Catches the losers of a race that are not found: each has a handle, and nobody else.
#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "stacks are read on x86-64 only")]
fn who_have_all_handles_together_are_found() {
    let ended = child::run("who_have_all_handles_together_are_found", &[], || {
        gors::run(|| {
            let found = (0..20).any(|_| {
                let losers = elsewhere(|| {
                    let c = make::<u32>(0);
                    // No join handles: what a result lies in may be made on a stack where a handle
                    // has been, and bring its address along.
                    let (tell, told) = gors::unbounded::<u64>();
                    for n in 0..4 {
                        let (c, tell) = (c.clone(), tell.clone());
                        gors::go!(move || {
                            tell.send(gors::runtime::goid()).expect("somebody listens");
                            c.send(n);
                        });
                    }
                    let ids: Vec<u64> = told.iter().take(4).collect();
                    for id in &ids {
                        while gors::runtime::wait_reason_of(*id).is_none() {
                            gors::runtime::gosched();
                        }
                    }
                    // One handle is still here.
                    assert!(leaks().iter().all(|leak| !ids.contains(&leak.goroutine)));
                    drop(c);
                    ids
                });
                let found: Vec<u64> = leaks().iter().map(|leak| leak.goroutine).collect();
                losers.iter().all(|id| found.contains(id))
            });
            assert!(found, "{}", stack_dump());
        });
    });
    ended.assert_success();
}

/// Catches a select that is not found although nobody is at the other end of any arm, and one that is
/// although somebody is at one; beside threads that run.
#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "stacks are read on x86-64 only")]
fn a_select_is_lost_if_all_its_arms_are() {
    let ended = child::run("a_select_is_lost_if_all_its_arms_are", &[], || {
        gors::run(|| {
            let found = (0..20).any(|_| {
                let (ids, other) = elsewhere(|| {
                    let (c, d, e) = (make::<u32>(0), make::<u32>(0), make::<u32>(0));
                    let (tell, told) = gors::unbounded::<u64>();
                    let other = Box::new(e.clone());
                    // The first is lost only if the second is, which has the other handle.
                    let (both, theirs) = (d.clone(), tell.clone());
                    gors::go!(move || {
                        theirs
                            .send(gors::runtime::goid())
                            .expect("somebody listens");
                        select! {
                            recv(c) -> _ => {},
                            send(both, 1) -> _ => {},
                        }
                    });
                    let theirs = tell.clone();
                    gors::go!(move || {
                        theirs
                            .send(gors::runtime::goid())
                            .expect("somebody listens");
                        d.send(1);
                        // Never: two senders.
                    });
                    let first: Vec<u64> = told.iter().take(2).collect();
                    gors::go!(move || {
                        tell.send(gors::runtime::goid()).expect("somebody listens");
                        let never = make::<u32>(0);
                        select! {
                            recv(never) -> _ => {},
                            recv(e) -> _ => {},
                        }
                    });
                    let last = told.recv().expect("it tells");
                    for id in first.iter().chain([&last]) {
                        while gors::runtime::wait_reason_of(*id).is_none() {
                            gors::runtime::gosched();
                        }
                    }
                    ((first, last), other)
                });
                let found: Vec<u64> = leaks().iter().map(|leak| leak.goroutine).collect();
                assert!(!found.contains(&ids.1), "{}", stack_dump());
                other.send(1);
                ids.0.iter().all(|id| found.contains(id))
            });
            assert!(found, "{}", stack_dump());
        });
    });
    ended.assert_success();
}

/// Catches waits for ever that are not found, and timed ones that are.
#[gors::test]
fn waits_for_ever_are_found() {
    let nil = gors::spawn(|| {
        Chan::<()>::nil().recv();
    });
    let select = gors::spawn(|| -> () {
        select! {}
    });
    let timed = gors::spawn(|| {
        let end = Chan::<()>::nil().recv_timeout(Duration::from_secs(3600));
        assert!(end.is_err());
    });
    until_blocked(&nil);
    until_blocked(&select);
    until_blocked(&timed);
    assert!(find(nil.id()).is_some());
    assert!(find(select.id()).is_some());
    assert!(find(timed.id()).is_none());
}

static SHARED: LazyLock<Chan<u32>> = LazyLock::new(|| make(0));

/// Catches a suspicion against goroutines that others can wake: through another handle, a static, an
/// `Arc`, a goroutine that has not run, a borrow by a goroutine or by a thread.
#[gors::test]
fn who_can_be_woken_is_not_suspected() {
    let mut waiting = Vec::new();
    let mut wake: Vec<Box<dyn FnOnce() + Send>> = Vec::new();

    // Another handle, which is the only trace of it on the heap.
    let (goroutine, other) = elsewhere(|| {
        let c = make::<u32>(0);
        let other = Box::new(c.clone());
        (gors::spawn(move || c.recv()), other)
    });
    waiting.push(goroutine);
    wake.push(Box::new(move || other.send(1)));

    // One handle, in a static.
    waiting.push(gors::spawn(|| SHARED.recv()));
    wake.push(Box::new(|| SHARED.send(1)));

    // One handle, shared.
    let (goroutine, other) = elsewhere(|| {
        let c = Arc::new(make::<u32>(0));
        let other = Arc::clone(&c);
        (gors::spawn(move || c.recv()), other)
    });
    waiting.push(goroutine);
    wake.push(Box::new(move || other.send(1)));

    // A handle split in two.
    let (goroutine, other) = elsewhere(|| {
        let (sender, receiver) = gors::bounded::<u32>(0);
        (gors::spawn(move || receiver.recv().ok()), sender)
    });
    waiting.push(goroutine);
    wake.push(Box::new(move || other.send(1).expect("it waits")));

    for goroutine in &waiting {
        until_blocked(goroutine);
    }
    for goroutine in &waiting {
        assert!(find(goroutine.id()).is_none(), "{}", stack_dump());
    }
    for wake in wake {
        wake();
    }
    for goroutine in waiting {
        assert_eq!(goroutine.join().expect("it returns"), Some(1));
    }
}

/// Catches a suspicion against the owner of a handle that is lent to others, which only they know.
#[gors::test]
fn who_has_lent_the_handle_is_not_suspected() {
    for by_thread in [false, true] {
        let gate = make::<()>(0);
        let theirs = gate.clone();
        let owner = gors::spawn(move || {
            let c = make::<u32>(0);
            let lend = || {
                theirs.recv();
                c.send(7);
            };
            if by_thread {
                std::thread::scope(|scope| {
                    scope.spawn(lend);
                    c.recv()
                })
            } else {
                gors::scope(|scope| {
                    scope.go(lend);
                    c.recv()
                })
            }
        });
        until_blocked(&owner);
        while gate.__waiters().0 == 0 {
            gors::time::sleep(Duration::from_millis(1));
        }
        for _ in 0..3 {
            assert!(find(owner.id()).is_none(), "{}", stack_dump());
        }
        gate.send(());
        assert_eq!(owner.join().expect("it returns"), Some(7));
    }
}

/// Catches a goroutine that is named while others, which come and go, talk to it.
#[gors::test]
fn busy_goroutines_are_not_suspected() {
    let rounds: Vec<_> = (0..8)
        .map(|_| {
            gors::spawn(|| {
                for n in 0..300 {
                    let c = make::<u32>(0);
                    let theirs = c.clone();
                    go!(move || {
                        gosched();
                        theirs.send(n);
                    });
                    let moved = Box::new(c);
                    assert_eq!(moved.recv(), Some(n));
                }
            })
        })
        .collect();
    let ids: Vec<u64> = rounds.iter().map(gors::JoinHandle::id).collect();
    while rounds.iter().any(|round| !round.is_finished()) {
        let found = leaks();
        assert!(
            found.iter().all(|leak| !ids.contains(&leak.goroutine)),
            "{found:#?}"
        );
        gosched();
    }
    for round in rounds {
        round.join().expect("it returns");
    }
}

/// Catches a suspicion because handles of one direction are counted as `Chan`s: two wait, and the third
/// handle is where nobody looks, as in a register.
#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "stacks are read on x86-64 only")]
fn clones_of_lent_handles_are_counted() {
    let ended = child::run("clones_of_lent_handles_are_counted", &[], || {
        gors::run(|| {
            for _ in 0..20 {
                let (hidden, waiting) = elsewhere(|| {
                    let c = make::<u32>(0);
                    let (s, r) = (c.as_sender().clone(), c.as_receiver().clone());
                    let (tell, told) = gors::unbounded::<u64>();
                    let tell_too = tell.clone();
                    gors::go!(move || {
                        tell.send(gors::runtime::goid()).expect("somebody listens");
                        c.recv();
                    });
                    gors::go!(move || {
                        tell_too
                            .send(gors::runtime::goid())
                            .expect("somebody listens");
                        r.recv().ok();
                    });
                    let waiting: Vec<u64> = told.iter().take(2).collect();
                    for id in &waiting {
                        while gors::runtime::wait_reason_of(*id).is_none() {
                            gors::runtime::gosched();
                        }
                    }
                    // SAFETY: a handle is one pointer.
                    (!unsafe { mem::transmute::<Sender<u32>, usize>(s) }, waiting)
                });
                let found = leaks()
                    .into_iter()
                    .any(|leak| waiting.contains(&leak.goroutine));
                // SAFETY: the handle from above.
                unsafe { mem::transmute::<usize, Sender<u32>>(!hidden) }.close();
                assert!(!found, "somebody has a sender");
            }
        });
    });
    ended.assert_success();
}

/// What `examples/leaks` prints of a case. Beside the threads of the test runner nobody is found by
/// references alone.
fn case(name: &str) -> String {
    let mut command = std::process::Command::new(child::example("leaks"));
    let (audit, off) = child::NO_AUDIT;
    let ended = child::wait(command.arg(name).env(audit, off));
    ended.assert_success();
    ended.stdout
}

/// Catches goroutines that wait for each other, or for one that waits for ever, and are not found.
#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "stacks are read on x86-64 only")]
fn who_wait_for_each_other_are_found() {
    for (name, found) in [
        ("circle", "found: a b\n"),
        ("own", "found: worker\n"),
        ("select", "found: selects\n"),
        ("nil-arms", "found: nothing selects\n"),
        ("group", "found: waits\n"),
        ("chain", "found: for ever waits\n"),
        ("join", "found: for ever joins joins, too\n"),
        ("park", "found: alone for ever parks\n"),
    ] {
        assert_eq!(case(name), found, "{name}");
    }
}

/// Catches a goroutine that is named although one that sleeps, asks, waits for a lock or borrows, a thread,
/// a buffer or a timer can wake it.
#[test]
fn who_only_seem_to_wait_for_each_other_are_not_suspected() {
    for name in [
        "live",
        "timer",
        "timeout",
        "buffer",
        "caller",
        "thread",
        "waiting-thread",
        "lock",
        "live-group",
        "borrowed",
        "live-join",
        "live-park",
    ] {
        assert_eq!(case(name), "found: \n".repeat(5), "{name}");
    }
}
