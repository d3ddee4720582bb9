//! Programs with a data race. Each is found in every run, on one worker or on many: what
//! orders the two accesses in time, where anything does, is nothing that orders them in memory.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use gors::prelude::*;
use gors::sync::{Mutex, Once, RwLock};

use crate::Program;
use crate::cell::Var;

pub(crate) const PROGRAMS: &[Program] = &[
    ("counter", counter),
    ("parent_and_child", parent_and_child),
    ("slice", slice),
    ("map", map),
    ("string", string),
    ("lazy_init", lazy_init),
    ("double_checked", double_checked),
    ("flag", flag),
    ("relaxed_flag", relaxed_flag),
    ("wrong_lock", wrong_lock),
    ("write_under_read_lock", write_under_read_lock),
    ("loop_variable", loop_variable),
    ("done_too_early", done_too_early),
    ("after_unlock", after_unlock),
    ("failed_try_lock", failed_try_lock),
    ("once_each", once_each),
    ("write_after_send", write_after_send),
    ("select_default", select_default),
    ("sleep", sleep),
    ("detached", detached),
    ("bubble", bubble),
    ("bubble_sleep", bubble_sleep),
];

/// Runs two functions in goroutines of their own and waits for both.
fn both(first: impl FnOnce() + Send + 'static, second: impl FnOnce() + Send + 'static) {
    let group = WaitGroup::new();
    group.go(first);
    group.go(second);
    group.wait();
}

/// Lets others run until `reached`; relaxed, so it orders nothing.
fn wait_until(reached: &AtomicBool) {
    while !reached.load(Ordering::Relaxed) {
        gosched();
    }
}

/// Both add to the same number.
fn counter() {
    let n = Var::new(0_u64);
    let add = {
        let n = n.clone();
        move || n.with(|n| *n += 1)
    };
    both(add.clone(), add);
    println!("{}", n.get());
}

/// The parent goes on with what it has given to its child.
fn parent_and_child() {
    let n = Var::new(0);
    let child = spawn({
        let n = n.clone();
        move || n.set(1)
    });
    n.set(2);
    child.join().unwrap();
}

/// Two halves of a slice that overlap by one.
fn slice() {
    let numbers = Var::new([0_u64; 9]);
    let fill = |range: std::ops::Range<usize>| {
        let numbers = numbers.clone();
        move || numbers.with(|all| all[range].iter_mut().for_each(|n| *n += 1))
    };
    both(fill(0..5), fill(4..9));
}

/// Both insert into one map: Go's «concurrent map writes».
fn map() {
    let ages = Var::new(HashMap::from([("root", 0)]));
    let insert = |name| {
        let ages = ages.clone();
        move || {
            ages.with(|ages| ages.insert(name, 30));
        }
    };
    both(insert("ann"), insert("bob"));
}

/// Both append to one string.
fn string() {
    let log = Var::new(String::with_capacity(64));
    let append = |text: &'static str| {
        let log = log.clone();
        move || log.with(|log| log.push_str(text))
    };
    both(append("one"), append("two"));
}

/// Whoever comes first makes the value, and both are first.
fn lazy_init() {
    let config: Var<Option<u64>> = Var::new(None);
    let get = {
        let config = config.clone();
        move || {
            config.with(|config| {
                config.get_or_insert(7);
            });
        }
    };
    both(get.clone(), get);
}

/// The first look at the flag is not under the lock.
fn double_checked() {
    let ready = Var::new(false);
    let lock = Arc::new(Mutex::new(()));
    let init = move || {
        if !ready.get() {
            let _guard = lock.lock();
            if !ready.get() {
                ready.set(true);
            }
        }
    };
    both(init.clone(), init);
}

/// A goroutine is told to stop by a plain variable.
fn flag() {
    let stop = Var::new(false);
    let theirs = stop.clone();
    let worker = spawn(move || {
        for _ in 0..1_000 {
            if theirs.get() {
                break;
            }
            gosched();
        }
    });
    gosched();
    stop.set(true);
    worker.join().unwrap();
}

/// The flag is atomic, but relaxed: it does not publish the data.
fn relaxed_flag() {
    let data = Var::new(0);
    let ready = Arc::new(AtomicBool::new(false));
    let theirs = (data.clone(), Arc::clone(&ready));
    go!(move || {
        theirs.0.set(42);
        theirs.1.store(true, Ordering::Relaxed);
    });
    wait_until(&ready);
    assert_eq!(data.get(), 42);
}

/// Each has a lock of its own.
fn wrong_lock() {
    let n = Var::new(0);
    let add = || {
        let (n, lock) = (n.clone(), Mutex::new(()));
        move || {
            let _guard = lock.lock();
            n.with(|n| *n += 1);
        }
    };
    both(add(), add());
}

/// A read lock lets both in.
fn write_under_read_lock() {
    let n = Arc::new(RwLock::new(Var::new(0)));
    let inside = Arc::new(AtomicUsize::new(0));
    let add = move || {
        let n = n.read();
        n.with(|n| *n += 1);
        // Both are inside at the same time.
        inside.fetch_add(1, Ordering::Relaxed);
        while inside.load(Ordering::Relaxed) < 2 {
            gosched();
        }
    };
    both(add.clone(), add);
}

/// The goroutines look at the loop's variable while the loop goes on: Go before 1.22.
fn loop_variable() {
    let i = Var::new(0);
    let group = WaitGroup::new();
    while i.get() < 3 {
        let i = i.clone();
        group.go({
            let i = i.clone();
            move || assert!(i.get() <= 3)
        });
        i.with(|i| *i += 1);
    }
    group.wait();
}

/// `done` is called before the work is.
fn done_too_early() {
    let n = Var::new(0);
    let group = WaitGroup::new();
    group.add(1);
    let written = Arc::new(AtomicBool::new(false));
    let theirs = (n.clone(), group.clone(), Arc::clone(&written));
    go!(move || {
        theirs.1.done();
        theirs.0.set(1);
        theirs.2.store(true, Ordering::Relaxed);
    });
    group.wait();
    wait_until(&written);
    println!("{}", n.get());
}

/// The guard is dropped one line too early.
fn after_unlock() {
    let n = Var::new(0);
    let lock = Arc::new(Mutex::new(()));
    let written = Arc::new(AtomicBool::new(false));
    let theirs = (n.clone(), Arc::clone(&lock), Arc::clone(&written));
    go!(move || {
        drop(theirs.1.lock());
        theirs.0.set(1);
        theirs.2.store(true, Ordering::Relaxed);
    });
    wait_until(&written);
    let _guard = lock.lock();
    println!("{}", n.get());
}

/// What `try_lock` says is not looked at.
fn failed_try_lock() {
    let n = Var::new(0);
    let lock = Arc::new(Mutex::new(()));
    let (held, done) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicBool::new(false)),
    );
    let theirs = (
        n.clone(),
        Arc::clone(&lock),
        Arc::clone(&held),
        Arc::clone(&done),
    );
    go!(move || {
        let _guard = theirs.1.lock();
        theirs.0.set(1);
        theirs.2.store(true, Ordering::Relaxed);
        wait_until(&theirs.3);
    });
    wait_until(&held);
    let _guard = lock.try_lock();
    n.set(2);
    done.store(true, Ordering::Relaxed);
}

/// Each has a `Once` of its own.
fn once_each() {
    let n = Var::new(0);
    let init = || {
        let (n, once) = (n.clone(), Once::new());
        move || once.call_once(|| n.set(7))
    };
    both(init(), init());
}

/// The value is changed after it was sent.
fn write_after_send() {
    let n = Var::new(1);
    let c = make(1);
    let written = Arc::new(AtomicBool::new(false));
    let theirs = (n.clone(), c.clone(), Arc::clone(&written));
    go!(move || {
        theirs.1.send(theirs.0.clone());
        theirs.0.set(2);
        theirs.2.store(true, Ordering::Relaxed);
    });
    wait_until(&written);
    println!("{}", c.recv().unwrap().get());
}

/// Nobody has received the value, and it is used all the same.
fn select_default() {
    let n = Var::new(0);
    let c = make(0);
    let written = Arc::new(AtomicBool::new(false));
    let theirs = (n.clone(), c.clone(), Arc::clone(&written));
    go!(move || {
        theirs.0.set(1);
        theirs.2.store(true, Ordering::Relaxed);
        select! {
            send(theirs.1, ()) -> _ => {},
            default => {},
        }
    });
    wait_until(&written);
    select! {
        recv(c) -> _ => {},
        default => println!("{}", n.get()),
    }
}

/// «It will have finished by then.»
fn sleep() {
    let n = Var::new(0);
    let theirs = n.clone();
    go!(move || theirs.set(1));
    gors::time::sleep(Duration::from_secs(1));
    println!("{}", n.get());
}

/// Nobody waits for the goroutine, which ends long before.
fn detached() {
    let n = Var::new(0);
    let ended = Arc::new(AtomicBool::new(false));
    for _ in 0..2 {
        ended.store(false, Ordering::Relaxed);
        let theirs = (n.clone(), Arc::clone(&ended));
        go!(move || {
            theirs.0.with(|n| *n += 1);
            theirs.1.store(true, Ordering::Relaxed);
        });
        // The second one runs on the first one's stack.
        wait_until(&ended);
        gosched();
    }
}

/// In a bubble its goroutines take turns; that orders nothing.
fn bubble() {
    gors::testing::synctest(|| {
        let n = Var::new(0);
        let theirs = n.clone();
        go!(move || theirs.set(1));
        gosched();
        n.set(2);
    });
}

/// «It will have finished by then», on a bubble's clock.
fn bubble_sleep() {
    gors::testing::synctest(|| {
        let n = Var::new(0);
        let theirs = n.clone();
        go!(move || theirs.set(1));
        gors::time::sleep(Duration::from_secs(1));
        println!("{}", n.get());
    });
}
