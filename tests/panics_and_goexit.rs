//! How goroutines and programs end other than by returning. Every test that may end its process has
//! one of its own.

#[path = "support/child.rs"]
mod child;
#[path = "support/threads.rs"]
mod threads;

use std::panic::catch_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use gors::prelude::*;
use gors::runtime::{PanicPolicy, set_panic_policy};
use gors::time::sleep;
use gors::{Builder, JoinError};

/// Would catch another exit code than Go's, and a message that does not name the goroutine and
/// where it was made.
#[test]
fn a_panic_in_a_goroutine_ends_the_process() {
    let ended = child::run("a_panic_in_a_goroutine_ends_the_process", &[], || {
        gors::run(|| {
            go!(|| panic!("boom"));
            make::<()>(0).recv();
        });
    });
    ended.assert_fatal("boom");
    let line = ended
        .stderr
        .lines()
        .find(|line| line.starts_with("goroutine "))
        .unwrap_or_default();
    assert!(line.ends_with(" [running]:"), "{ended:#?}");
    assert!(
        ended.stderr.contains("panics_and_goexit.rs:"),
        "where it was made: {ended:#?}"
    );
}

/// Would catch a lost name in the message.
#[test]
fn the_message_names_the_goroutine() {
    let ended = child::run("the_message_names_the_goroutine", &[], || {
        gors::run(|| {
            Builder::new()
                .name("parser")
                .go(|| panic!("boom"))
                .expect("there are stacks");
            make::<()>(0).recv();
        });
    });
    ended.assert_fatal("\"parser\"");
}

/// Would catch a program that ends with code 0 because `main` returned while a goroutine was still
/// unwinding.
#[test]
fn main_cannot_outrun_a_panic() {
    child::run("main_cannot_outrun_a_panic", &[], || {
        let unwinding = make::<()>(0);
        let seen = unwinding.clone();
        gors::run(move || {
            go!(move || {
                defer!({
                    unwinding.close();
                    // `main` is on its way out now.
                    for _ in 0..1_000 {
                        thread::yield_now();
                    }
                });
                panic!("boom");
            });
            seen.recv();
        });
    })
    .assert_fatal("boom");
}

/// Would catch a policy that is not looked at, and goroutines that are not cleaned up after their
/// panic.
#[test]
fn isolated_panics_leave_the_process_alone() {
    child::run("isolated_panics_leave_the_process_alone", &[], || {
        set_panic_policy(PanicPolicy::Isolate);
        gors::run(|| {
            let wg = WaitGroup::new();
            for _ in 0..100 {
                let wg = wg.clone();
                wg.add(1);
                go!(move || {
                    defer!(wg.done());
                    panic!("isolated");
                });
            }
            wg.wait();
            while num_goroutine() > 1 {
                gosched();
            }
        });
    })
    .assert_success();
}

/// Would catch a builder's policy that is ignored, or that becomes everybody's.
#[test]
fn a_builder_can_isolate_one_goroutine() {
    let ended = child::run("a_builder_can_isolate_one_goroutine", &[], || {
        gors::run(|| {
            let ended = make::<()>(0);
            let first = ended.clone();
            Builder::new()
                .panic_policy(PanicPolicy::Isolate)
                .go(move || {
                    defer!(first.send(()));
                    panic!("the isolated one");
                })
                .expect("there are stacks");
            ended.recv();
            println!("still here");
            go!(|| panic!("the fatal one"));
            ended.recv();
        });
    });
    ended.assert_fatal("the fatal one");
    assert!(ended.stdout.contains("still here"), "{ended:#?}");
}

/// Would catch a panic of a `spawn`ed goroutine, or one that the goroutine itself catches, that
/// ends the process.
#[test]
fn a_caught_panic_is_not_fatal() {
    child::run("a_caught_panic_is_not_fatal", &[], || {
        gors::run(|| {
            assert!(spawn(|| panic!("kept for join")).join().is_err());
            let done = make(0);
            let result = done.clone();
            go!(move || result.send(catch_unwind(|| panic!("caught")).is_err()));
            assert_eq!(done.recv(), Some(true));
        });
    })
    .assert_success();
}

/// Waits in its destructor, and says what it saw there.
struct WaitsInDrop {
    values: Chan<u32>,
    saw: Chan<Saw>,
}

/// What a destructor saw while it waited.
#[derive(Debug, PartialEq, Eq)]
struct Saw {
    value: Option<u32>,
    same_thread: bool,
    panicking: (bool, bool),
}

impl Drop for WaitsInDrop {
    fn drop(&mut self) {
        let (thread, panicking) = (threads::current(), thread::panicking());
        let value = self.values.recv();
        self.saw.send(Saw {
            value,
            same_thread: threads::current() == thread,
            panicking: (panicking, thread::panicking()),
        });
    }
}

/// Would catch a goroutine that changes threads while it unwinds, which would leave one thread with
/// a panic that is not its own, and another without its own.
#[test]
fn a_destructor_may_wait_while_its_goroutine_unwinds() {
    let name = "a_destructor_may_wait_while_its_goroutine_unwinds";
    for procs in ["1", "2", "4"] {
        child::run(name, &[("GOMAXPROCS", procs)], || {
            gors::run(|| {
                for round in 0..50 {
                    destructor_waits(round);
                }
                assert_nobody_panics();
            });
        })
        .assert_success();
    }
}

fn destructor_waits(round: u32) {
    let (values, saw) = (make(0), make(1));
    let waits = WaitsInDrop {
        values: values.clone(),
        saw: saw.clone(),
    };
    let unwinds = spawn(move || {
        let _waits = waits;
        // What began on one thread may unwind on another.
        gosched();
        panic!("on purpose");
    });
    // Others use the permit, and do not inherit the panic.
    assert_nobody_panics();
    values.send(round);
    assert_eq!(
        saw.recv(),
        Some(Saw {
            value: Some(round),
            same_thread: true,
            panicking: (true, true)
        })
    );
    assert!(unwinds.join().is_err_and(|error| error.is_panic()));
    assert!(!thread::panicking());
}

/// Many goroutines look whether their thread thinks that it panics.
fn assert_nobody_panics() {
    let looks: Vec<_> = (0..50)
        .map(|_| {
            spawn(|| {
                let before = thread::panicking();
                gosched();
                before || thread::panicking()
            })
        })
        .collect();
    for look in looks {
        assert!(!look.join().expect("looking does not panic"));
    }
}

/// Would catch locks, sleeps, joins and selects that cannot wait while their goroutine unwinds.
#[gors::test]
fn every_kind_of_wait_works_while_unwinding() {
    let log = make(10);
    let out = log.clone();
    let mutex = Arc::new(gors::sync::Mutex::new(0));
    let held = mutex.clone();
    let (locked, unlock) = (make::<()>(0), make::<()>(0));
    let (is_locked, may_unlock) = (locked.clone(), unlock.clone());
    go!(move || {
        let mut guard = held.lock();
        locked.close();
        unlock.recv();
        *guard = 1;
    });
    is_locked.recv();
    let unwinds = spawn(move || {
        defer!({
            gosched();
            out.send("gosched");
        });
        defer!({
            sleep(Duration::from_millis(1));
            out.send("sleep");
        });
        defer!({
            assert_eq!(spawn(|| 6).join().expect("it does not panic"), 6);
            out.send("join");
        });
        defer!({
            let never = make::<()>(0);
            select! {
                recv(never) -> _ => {}
                default(Duration::from_millis(1)) => out.send("select"),
            }
        });
        defer!({
            may_unlock.close();
            assert_eq!(*mutex.lock(), 1);
            out.send("lock");
        });
        panic!("on purpose");
    });
    assert!(unwinds.join().is_err_and(|error| error.is_panic()));
    log.close();
    assert_eq!(
        log.into_iter().collect::<Vec<_>>(),
        ["lock", "select", "join", "sleep", "gosched"]
    );
}

/// Would catch a goexit that skips destructors, runs them in another order, or lets the body go on.
#[gors::test]
fn goexit_runs_what_was_deferred() {
    let log = make(10);
    let out = log.clone();
    fn inner(out: &Chan<&'static str>) {
        defer!(out.send("inner"));
        goexit();
    }
    let handle = spawn(move || {
        defer!(out.send("outer"));
        inner(&out);
        out.send("not reached");
    });
    assert!(handle.join().is_err_and(|error| error.is_goexit()));
    log.close();
    assert_eq!(log.into_iter().collect::<Vec<_>>(), ["inner", "outer"]);
}

/// Would catch a goexit that prints a panic message, or that ends the process.
#[test]
fn goexit_is_silent() {
    let ended = child::run("goexit_is_silent", &[], || {
        gors::run(|| {
            let wg = WaitGroup::new();
            for _ in 0..10 {
                wg.go(|| goexit());
            }
            wg.wait();
        });
    });
    ended.assert_success();
    assert!(!ended.stderr.contains("panicked"), "{ended:#?}");
}

/// Would catch a goroutine that lives on after user code has caught its goexit.
#[gors::test]
fn a_swallowed_goexit_still_ends_the_goroutine() {
    let operations: [(&str, fn()); 5] = [
        ("gosched", gosched),
        ("sleep", || sleep(Duration::from_secs(3600))),
        ("recv", || assert_eq!(make::<()>(0).recv(), None)),
        ("join", || assert!(spawn(|| ()).join().is_ok())),
        (
            "select",
            || select! { default(Duration::from_secs(3600)) => {} },
        ),
    ];
    for (name, operation) in operations {
        let lived_on = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&lived_on);
        let result: Result<(), JoinError> = spawn(move || {
            assert!(catch_unwind(|| goexit()).is_err());
            operation();
            flag.store(true, Ordering::SeqCst);
        })
        .join();
        assert!(result.is_err_and(|error| error.is_goexit()), "{name}");
        assert!(!lived_on.load(Ordering::SeqCst), "{name}");
    }
}

/// Would catch a program that hangs, or ends well, after its main goroutine and all others are
/// gone.
#[test]
fn goexit_of_main_lets_the_others_finish() {
    let ended = child::run("goexit_of_main_lets_the_others_finish", &[], || {
        gors::run(|| {
            go!(|| {
                for _ in 0..100 {
                    gosched();
                }
                sleep(Duration::from_millis(20));
                println!("the other has finished");
            });
            goexit();
        });
    });
    ended.assert_fatal("fatal error: no goroutines (main called runtime.Goexit) - deadlock!");
    assert!(
        ended.stdout.contains("the other has finished"),
        "{ended:#?}"
    );
}

/// Would catch a goexit that unwinds a plain thread, whose caller does not expect it.
#[test]
fn goexit_on_a_plain_thread_aborts() {
    let ended = child::run("goexit_on_a_plain_thread_aborts", &[], || goexit());
    assert_eq!(ended.code, None, "ended by SIGABRT: {ended:#?}");
    assert!(
        ended.stderr.contains("goexit called on a plain thread"),
        "{ended:#?}"
    );
}

/// All of `count` goroutines wait in a destructor, then they may go on.
fn block_in_destructors(count: usize) {
    let gate = make::<()>(0);
    let waiting = WaitGroup::new();
    let ended = Arc::new(AtomicUsize::new(0));
    let all = WaitGroup::new();
    waiting.add(count.cast_signed());
    all.add(count.cast_signed());
    for _ in 0..count {
        let (gate, waiting) = (gate.receiver(), waiting.clone());
        let (ended, all) = (Arc::clone(&ended), all.clone());
        go!(move || {
            defer!({
                waiting.done();
                gate.recv().unwrap_err();
                ended.fetch_add(1, Ordering::SeqCst);
                all.done();
            });
            goexit();
        });
    }
    waiting.wait();
    gate.close();
    all.wait();
    assert_eq!(ended.load(Ordering::SeqCst), count);
    println!("all have finished");
}

/// Would catch a hang where more goroutines wait in destructors than there can be threads.
#[test]
fn too_many_waiting_destructors_are_fatal() {
    let name = "too_many_waiting_destructors_are_fatal";
    child::run(name, &[("GORS_MAX_THREADS", "32")], || {
        gors::run(|| block_in_destructors(20_000))
    })
    .assert_fatal("fatal error: thread exhaustion");
}

/// Would catch a hang on the way to the default limit of threads, whichever limit the system has.
#[test]
fn twenty_thousand_waiting_destructors_do_not_hang() {
    let name = "twenty_thousand_waiting_destructors_do_not_hang";
    let ended = child::run(name, &[], || gors::run(|| block_in_destructors(20_000)));
    let finished = ended.code == Some(0) && ended.stdout.contains("all have finished");
    let exhausted =
        ended.code == Some(2) && ended.stderr.contains("fatal error: thread exhaustion");
    assert!(
        finished || exhausted,
        "code {:?}, {}",
        ended.code,
        ended.stderr
    );
}

/// Would catch threads that are not given back, or goroutines that do not come back, below the
/// limit.
#[test]
fn some_waiting_destructors_finish() {
    child::run(
        "some_waiting_destructors_finish",
        &[("GORS_MAX_THREADS", "200")],
        || {
            gors::run(|| {
                for _ in 0..5 {
                    block_in_destructors(100);
                }
            });
        },
    )
    .assert_success();
}
