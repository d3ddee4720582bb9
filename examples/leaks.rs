//! Goroutines that wait for each other while the program goes on, and some that only seem to:
//! `gors::runtime::leaks` tells them apart. Prints the names of those that it finds.
//!
//! ```text
//! cargo run --example leaks -- circle | own | select | nil-arms | group | chain
//! cargo run --example leaks -- live | timer | timeout | buffer | caller | thread | waiting-thread | lock | live-group | borrowed
//! ```
//!
//! The cases of the second line end only when those that wait have been woken.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::Arc;

use gors::chan::after;
use gors::prelude::*;
use gors::sync::Mutex;
use gors::{bounded, unbounded};

fn main() -> ExitCode {
    let case = std::env::args().nth(1).unwrap_or_default();
    let lost: Option<(fn(), usize)> = match &*case {
        "circle" => Some((circle, 2)),
        "own" => Some((own, 1)),
        "select" => Some((select, 1)),
        "nil-arms" => Some((nil_arms, 2)),
        "group" => Some((group, 1)),
        "chain" => Some((chain, 2)),
        _ => None,
    };
    let waiting: Option<fn()> = match &*case {
        "live" => Some(live),
        "timer" => Some(timer),
        "timeout" => Some(timeout),
        "buffer" => Some(buffer),
        "caller" => Some(caller),
        "thread" => Some(thread),
        "waiting-thread" => Some(waiting_thread),
        "lock" => Some(lock),
        "live-group" => Some(live_group),
        "borrowed" => Some(borrowed),
        _ => None,
    };
    if let Some((lost, goroutines)) = lost {
        gors::run(move || until_found(lost, goroutines));
    } else if let Some(waiting) = waiting {
        gors::run(waiting);
    } else {
        eprintln!("Usage: see the first lines of this example");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Starts a goroutine with a name.
fn named<T: Send + 'static>(name: &str, f: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    let builder = gors::Builder::new().name(name);
    builder.spawn(f).expect("a stack")
}

/// As [`named`], and drops what it has returned.
fn lose(name: &str, f: impl FnOnce() + Send + 'static) {
    let builder = gors::Builder::new().name(name);
    builder.go(f).expect("a stack");
}

/// The names of what is found, when everybody has had the time to wait.
fn found() -> BTreeSet<String> {
    gors::time::sleep(Duration::from_millis(20));
    let leaks = gors::runtime::leaks();
    let names = leaks.into_iter().filter_map(|leak| leak.name);
    names.map(|name| name.to_string()).collect()
}

fn print(found: &BTreeSet<String>) {
    let names: Vec<&str> = found.iter().map(|name| &**name).collect();
    println!("found: {}", names.join(" "));
}

/// What `lost` leaves somewhere in memory may look like a handle, so there are a few attempts.
fn until_found(lost: fn(), goroutines: usize) {
    for attempt in 1..=20 {
        // What it leaves on its stack is nobody's when it has ended.
        named("starter", lost).join().expect("it returns");
        let found = found();
        if found.len() >= goroutines || attempt == 20 {
            print(&found);
            return;
        }
    }
}

/// Looks a few times, and nobody must be found. Then `wake` wakes them.
fn none(wake: impl FnOnce(), waiting: Vec<JoinHandle<()>>) {
    for _ in 0..5 {
        print(&found());
    }
    wake();
    for goroutine in waiting {
        goroutine.join().expect("it has been woken");
    }
}

/// Each waits for the other to send, and would then send itself.
fn circle() {
    let (to_a, a) = bounded::<u32>(0);
    let (to_b, b) = bounded::<u32>(0);
    lose("a", move || {
        if let Ok(n) = a.recv() {
            let _ = to_b.send(n);
        }
    });
    lose("b", move || {
        if let Ok(n) = b.recv() {
            let _ = to_a.send(n);
        }
    });
}

/// A worker that owns the last sender of its jobs, so they never end.
fn own() {
    let (jobs, queue) = unbounded::<u32>();
    lose("worker", move || {
        for job in queue {
            let _ = jobs.send(job);
        }
    });
}

/// Nobody is left at the other end of either arm.
fn select() {
    let (c, d) = (make::<u32>(0), make::<u32>(0));
    lose("selects", move || {
        select! {
            recv(c) -> _ => {},
            send(d, 1) -> _ => {},
        }
    });
}

/// An arm may be nil.
fn nil_arms() {
    let c = make::<u32>(0);
    lose("selects", move || {
        let d = Chan::<u32>::nil();
        select! {
            recv(c) -> _ => {},
            recv(d) -> _ => {},
        }
    });
    lose("nothing", || {
        let (c, d) = (Chan::<u32>::nil(), Chan::<u32>::nil());
        select! {
            recv(c) -> _ => {},
            recv(d) -> _ => {},
        }
    });
}

/// A `done` is missing.
fn group() {
    let group = WaitGroup::new();
    group.add(2);
    let theirs = group.clone();
    lose("member", move || theirs.done());
    lose("waits", move || group.wait());
}

/// Waits for one that waits for ever.
fn chain() {
    let (sender, receiver) = bounded::<u32>(0);
    lose("for ever", move || {
        Chan::<()>::nil().recv();
        let _ = sender.send(1);
    });
    lose("waits", move || {
        let _ = receiver.recv();
    });
}

/// The circle, but somebody who sleeps has a sender as well.
fn live() {
    let gate = make::<()>(0);
    let theirs = gate.clone();
    let waiting = named("starter", move || {
        let (to_a, a) = bounded::<u32>(0);
        let (to_b, b) = bounded::<u32>(0);
        let third = to_a.clone();
        vec![
            named("a", move || {
                to_b.send(a.recv().expect("somebody sends"))
                    .expect("it waits");
            }),
            named("b", move || {
                b.recv().expect("somebody sends");
                drop(to_a);
            }),
            named("sleeps", move || {
                while theirs.try_recv().is_err() {
                    gors::time::sleep(Duration::from_millis(1));
                }
                third.send(7).expect("it waits");
            }),
        ]
    });
    none(|| gate.send(()), waiting.join().expect("it returns"));
}

/// An arm is a timer.
fn timer() {
    let waiting = named("timer", || {
        let (end, c) = (after(Duration::from_millis(500)), make::<()>(0));
        select! {
            recv(c) -> _ => {},
            recv(end) -> _ => {},
        }
    });
    none(|| {}, vec![waiting]);
}

/// The select ends by itself.
fn timeout() {
    let waiting = named("timeout", || {
        let c = make::<()>(0);
        select! {
            recv(c) -> _ => {},
            default(Duration::from_millis(500)) => {},
        }
    });
    none(|| {}, vec![waiting]);
}

/// The only sender lies in a channel's buffer.
fn buffer() {
    let shelf = make(1);
    let theirs = shelf.clone();
    let waiting = named("starter", move || {
        let (sender, receiver) = bounded::<u32>(0);
        theirs.send(sender);
        vec![named("waits", move || {
            receiver.recv().expect("somebody sends");
        })]
    });
    let waiting = waiting.join().expect("it returns");
    none(
        || {
            let sender = shelf.recv().expect("it lies there");
            sender.send(1).expect("it waits");
        },
        waiting,
    );
}

/// Who asks has the only sender.
fn caller() {
    let (sender, receiver) = bounded::<u32>(0);
    let waiting = named("waits", move || {
        receiver.recv().expect("somebody sends");
    });
    none(|| sender.send(1).expect("it waits"), vec![waiting]);
}

/// A plain thread has the only sender.
#[allow(clippy::disallowed_methods, reason = "a wait that is none of ours")]
fn thread() {
    let (sender, receiver) = bounded::<u32>(0);
    let thread = std::thread::spawn(move || {
        std::thread::park();
        sender.send(1).expect("it waits");
    });
    let waiting = named("waits", move || {
        receiver.recv().expect("somebody sends");
    });
    none(|| thread.thread().unpark(), vec![waiting]);
}

/// A plain thread that waits for a channel itself has the only sender.
fn waiting_thread() {
    let gate = make::<()>(0);
    let theirs = gate.clone();
    let (sender, receiver) = bounded::<u32>(0);
    std::thread::spawn(move || {
        theirs.recv();
        sender.send(1).expect("it waits");
    });
    let waiting = named("waits", move || {
        receiver.recv().expect("somebody sends");
    });
    none(|| gate.send(()), vec![waiting]);
}

/// The owner of the only sender waits for a lock, which will be opened.
fn lock() {
    let mutex = Arc::new(Mutex::new(()));
    let theirs = Arc::clone(&mutex);
    let guard = mutex.lock();
    let waiting = named("starter", move || {
        let (sender, receiver) = bounded::<u32>(0);
        vec![
            named("locks", move || {
                drop(theirs.lock());
                sender.send(1).expect("it waits");
            }),
            named("waits", move || {
                receiver.recv().expect("somebody sends");
            }),
        ]
    });
    let waiting = waiting.join().expect("it returns");
    none(|| drop(guard), waiting);
}

/// A member of the group still works.
fn live_group() {
    let waiting = named("starter", || {
        let group = WaitGroup::new();
        group.add(1);
        let theirs = group.clone();
        vec![
            named("member", move || {
                gors::time::sleep(Duration::from_millis(500));
                theirs.done();
            }),
            named("waits", move || group.wait()),
        ]
    });
    none(|| {}, waiting.join().expect("it returns"));
}

/// The only sender lies on the stack of one that waits, which has lent it.
fn borrowed() {
    let gate = make::<()>(0);
    let theirs = gate.clone();
    let waiting = named("starter", move || {
        let (sender, receiver) = bounded::<u32>(0);
        vec![
            named("lends", move || {
                let (none, never) = bounded::<u32>(0);
                gors::scope(|s| {
                    let sender = &sender;
                    let none = &none;
                    s.go(move || {
                        theirs.recv();
                        sender.send(1).expect("it waits");
                        none.send(1).expect("it waits");
                    });
                    never.recv().expect("somebody sends");
                });
            }),
            named("waits", move || {
                receiver.recv().expect("somebody sends");
            }),
        ]
    });
    none(|| gate.send(()), waiting.join().expect("it returns"));
}
