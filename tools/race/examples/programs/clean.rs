//! Programs that share a variable and synchronise, each in another way. The race detector says
//! nothing about them.

mod bubbles;
mod locks;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use gors::context;
use gors::prelude::*;
use gors::sync::Mutex;
use gors::sync::errgroup::Group;
use gors::{Parker, time};

use crate::Program;
use crate::cell::Var;

pub(crate) const PROGRAMS: &[Program] = &[
    ("channel", channel),
    ("buffered_channel_as_lock", buffered_channel_as_lock),
    ("close", close),
    ("select", select),
    ("mutex", locks::mutex),
    ("rwlock", locks::rwlock),
    ("condvar", locks::condvar),
    ("semaphore", locks::semaphore),
    ("barrier", locks::barrier),
    ("once", locks::once),
    ("once_lock", locks::once_lock),
    ("atomic_flag", atomic_flag),
    ("wait_group", wait_group),
    ("join", join),
    ("scope", scope_),
    ("errgroup", errgroup),
    ("parker", parker),
    ("context", context_),
    ("timers", timers),
    ("threads_and_blocking", threads_and_blocking),
    ("virtual_time", bubbles::virtual_time),
    ("schedules", bubbles::schedules),
];

const GOROUTINES: u64 = 8;
const TURNS: u64 = 50;

/// Runs `f` in several goroutines, several times, with company; what they counted.
fn everybody(n: &Var<u64>, f: impl Fn() + Clone + Send + 'static) {
    let group = WaitGroup::new();
    for _ in 0..GOROUTINES {
        let f = f.clone();
        group.go(move || {
            for _ in 0..TURNS {
                f();
                gosched();
            }
        });
    }
    group.wait();
    assert_eq!(n.get(), GOROUTINES * TURNS);
}

/// Unbuffered, both ways: the variable is whose turn it is.
fn channel() {
    let n = Var::new(0_u64);
    let (ping, pong) = (make(0), make(0));
    let theirs = (n.clone(), ping.clone(), pong.clone());
    go!(move || {
        for () in &theirs.1 {
            theirs.0.with(|n| *n += 1);
            theirs.2.send(());
        }
    });
    for _ in 0..TURNS {
        n.with(|n| *n += 1);
        ping.send(());
        pong.recv();
    }
    assert_eq!(n.get(), 2 * TURNS);
}

/// A channel with one place is a mutex.
fn buffered_channel_as_lock() {
    let n = Var::new(0_u64);
    let lock = make(1);
    let theirs = n.clone();
    everybody(&n, move || {
        lock.send(());
        theirs.with(|n| *n += 1);
        lock.recv();
    });
}

/// A close is seen by everybody.
fn close() {
    let n = Var::new(0_u64);
    let ready: Chan<()> = make(0);
    let group = WaitGroup::new();
    for _ in 0..GOROUTINES {
        let (n, ready) = (n.clone(), ready.clone());
        group.go(move || {
            assert_eq!(ready.recv(), None);
            assert_eq!(n.get(), 1);
        });
    }
    gosched();
    n.set(1);
    ready.close();
    group.wait();
}

/// Whichever of two channels brings it.
fn select() {
    let values = [make(0), make(1)];
    let done = make(0);
    let group = WaitGroup::new();
    for c in values.clone() {
        let done: Chan<()> = done.clone();
        group.go(move || {
            for i in 0..TURNS {
                let value = Var::new(i);
                value.with(|v| *v += 1);
                select! {
                    send(c, value) -> _ => {},
                    recv(done) -> _ => return,
                }
            }
        });
    }
    let mut sum = 0;
    for _ in 0..2 * TURNS {
        let value: Option<Var<u64>> = select! {
            recv(values[0]) -> v => v,
            recv(values[1]) -> v => v,
            recv(time::after(Duration::from_secs(60))) -> _ => None,
        };
        sum += value.unwrap().with(|v| {
            *v += 1;
            *v
        });
    }
    group.wait();
    assert_eq!(sum, TURNS * (TURNS - 1) + 4 * TURNS);
}

/// Release and acquire publish the data.
fn atomic_flag() {
    let data = Var::new(0);
    let ready = Arc::new(AtomicBool::new(false));
    let count = Arc::new(AtomicUsize::new(0));
    let theirs = (data.clone(), Arc::clone(&ready), Arc::clone(&count));
    go!(move || {
        theirs.0.set(42);
        theirs.2.fetch_add(1, Ordering::Relaxed);
        theirs.1.store(true, Ordering::Release);
    });
    while !ready.load(Ordering::Acquire) {
        gosched();
    }
    count.fetch_add(1, Ordering::Relaxed);
    assert_eq!(data.get(), 42);
}

fn wait_group() {
    let results: Vec<_> = (0..GOROUTINES).map(|_| Var::new(0)).collect();
    let group = WaitGroup::new();
    for result in &results {
        let result = result.clone();
        group.go(move || {
            gosched();
            result.set(1);
        });
    }
    group.wait();
    assert!(results.iter().all(|n| n.get() == 1));
}

fn join() {
    let n = Var::new(0_u64);
    for _ in 0..TURNS {
        let theirs = n.clone();
        let handle = spawn(move || {
            gosched();
            theirs.with(|n| *n += 1);
            theirs
        });
        handle.join().unwrap().with(|n| *n += 1);
    }
    assert_eq!(n.get(), 2 * TURNS);
}

/// Goroutines that borrow from the frame that waits for them.
fn scope_() {
    let mut numbers = [0_u64; 16];
    for _ in 0..TURNS {
        scope(|s| {
            for half in numbers.chunks_mut(8) {
                s.go(move || half.iter_mut().for_each(|n| *n += 1));
            }
        });
        numbers.reverse();
    }
    assert!(numbers.iter().all(|&n| n == TURNS));
}

fn errgroup() {
    let n = Var::new(0_u64);
    let group = Group::<String>::new();
    group.set_limit(1);
    for _ in 0..GOROUTINES {
        let n = n.clone();
        group.go(move || {
            n.with(|n| *n += 1);
            Ok(())
        });
    }
    group.wait().unwrap();
    assert_eq!(n.get(), GOROUTINES);
}

fn parker() {
    let n = Var::new(0_u64);
    for _ in 0..TURNS {
        let parker = Parker::new();
        let theirs = (n.clone(), parker.unparker().clone());
        go!(move || {
            theirs.0.with(|n| *n += 1);
            theirs.1.unpark();
        });
        parker.park();
        n.with(|n| *n += 1);
    }
    assert_eq!(n.get(), 2 * TURNS);
}

/// What comes before a cancel is seen behind `done`.
fn context_() {
    let n = Var::new(0_u64);
    let (ctx, cancel) = context::with_cancel(&context::Context::background());
    let group = WaitGroup::new();
    for _ in 0..GOROUTINES {
        let (n, ctx) = (n.clone(), ctx.clone());
        group.go(move || {
            let _ = ctx.done().recv();
            assert_eq!(n.get(), 1);
        });
    }
    gosched();
    n.set(1);
    cancel.cancel();
    group.wait();
}

/// What comes before a timer is set is seen in its function.
fn timers() {
    let n = Var::new(0_u64);
    for _ in 0..10 {
        let done = make(0);
        let theirs = (n.clone(), done.clone());
        n.with(|n| *n += 1);
        let timer = time::after_func(Duration::from_millis(1), move || {
            theirs.0.with(|n| *n += 1);
            theirs.1.send(());
        });
        done.recv();
        n.with(|n| *n += 1);
        drop(timer);
        time::sleep(Duration::from_micros(100));
    }
    assert_eq!(n.get(), 30);
}

/// Plain threads, and goroutines that keep theirs.
fn threads_and_blocking() {
    let n = Var::new(0_u64);
    let lock = Arc::new(Mutex::new(()));
    let (to, back) = (make(0), make(1));
    let theirs = (n.clone(), Arc::clone(&lock), to.clone(), back.clone());
    let thread = std::thread::spawn(move || {
        for () in &theirs.2 {
            let _guard = theirs.1.lock();
            theirs.0.with(|n| *n += 1);
            theirs.3.send(());
        }
    });
    for turn in 0..TURNS {
        match turn % 3 {
            0 => to.send(()),
            1 => blocking(|| to.send(())),
            _ => {
                gors::lock_os_thread();
                to.send(());
                gors::unlock_os_thread();
            }
        }
        {
            let _guard = lock.lock();
            n.with(|n| *n += 1);
        }
        back.recv();
        n.with(|n| *n += 1);
    }
    to.close();
    blocking(|| thread.join()).unwrap();
    assert_eq!(n.get(), 3 * TURNS);
}
