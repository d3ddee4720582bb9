//! Destructors that wait, while their goroutine unwinds from a panic or a goexit. Every test that may end its
//! process has one of its own.

#[path = "support/child.rs"]
mod child;
#[path = "support/threads.rs"]
mod threads;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use gors::prelude::*;
use gors::time::sleep;

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
