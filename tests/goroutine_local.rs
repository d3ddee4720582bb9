//! Goroutine-local variables: one value for each goroutine, which goes with it from thread to
//! thread.

#[path = "support/child.rs"]
mod child;

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use gors::prelude::*;
use gors::sync::Mutex;

goroutine_local! {
    static NUMBER: Cell<u64> = Cell::new(0);
    static NAMES: RefCell<Vec<String>> = RefCell::new(vec!["first".to_owned()]);
}

/// Would catch a value that belongs to the thread, or that is left to the next goroutine of a
/// recycled record.
#[test]
fn each_goroutine_has_its_own() {
    child::run("each_goroutine_has_its_own", &[("GOMAXPROCS", "4")], || {
        gors::run(|| {
            let handles: Vec<_> = (1..=500)
                .map(|n| {
                    spawn(move || {
                        assert_eq!(NUMBER.with(Cell::get), 0);
                        NUMBER.with(|number| number.set(n));
                        for _ in 0..20 {
                            gosched();
                            assert_eq!(NUMBER.with(Cell::get), n);
                        }
                        NAMES.with(|names| names.borrow_mut().push(n.to_string()));
                        NAMES.with(|names| assert_eq!(names.borrow().len(), 2));
                    })
                })
                .collect();
            for handle in handles {
                handle.join().expect("no panic");
            }
            assert_eq!(NUMBER.with(Cell::get), 0);
        });
    })
    .assert_success();
}

/// Would catch a value that moves while somebody holds a reference to it across a wait.
#[gors::test]
fn a_reference_may_be_held_across_a_wait() {
    goroutine_local! { static VALUE: u64 = 7; static OTHER: [u8; 100] = [1; 100]; }
    VALUE.with(|value| {
        let before = std::ptr::from_ref(value).addr();
        for _ in 0..100 {
            gosched();
        }
        OTHER.with(|other| assert_eq!(other[99], 1));
        VALUE.with(|again| assert_eq!(std::ptr::from_ref(again).addr(), before));
        assert_eq!(*value, 7);
    });
}

/// Would catch a destructor that does not run, runs on another goroutine, or cannot wait.
#[gors::test]
fn values_are_dropped_when_the_goroutine_ends() {
    static DROPPED: Mutex<Vec<(u64, u64)>> = Mutex::new(Vec::new());
    struct Value(u64);
    impl Drop for Value {
        fn drop(&mut self) {
            gosched();
            DROPPED.lock().push((self.0, goid()));
        }
    }
    goroutine_local! { static VALUE: Value = Value(goid()); }

    let wg = WaitGroup::new();
    for _ in 0..20 {
        wg.go(|| VALUE.with(|_| ()));
    }
    wg.wait();
    // The values go after the goroutine's function has ended.
    while DROPPED.lock().len() < 20 {
        gosched();
    }
    assert!(DROPPED.lock().iter().all(|(made, dropped)| made == dropped));
}

/// Would catch a goexit that is raised again in destructors, which then end before they have begun.
#[gors::test]
fn destructors_can_wait_after_goexit() {
    struct Bell(Sender<()>);
    impl Drop for Bell {
        fn drop(&mut self) {
            gors::time::sleep(Duration::from_millis(1));
            self.0.send(()).expect("somebody listens");
        }
    }
    goroutine_local! { static BELL: Cell<Option<Bell>> = const { Cell::new(None) }; }

    let rung = make(0);
    let bell = Bell(rung.sender());
    let ended = spawn(|| {
        BELL.with(|held| held.set(Some(bell)));
        gors::goexit();
    });
    assert_eq!(rung.recv(), Some(()));
    assert!(ended.join().expect_err("goexit").is_goexit());
}

/// Would catch an initialiser that runs twice, or is not lazy.
#[gors::test]
fn the_initialiser_runs_at_the_first_use() {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    goroutine_local! { static VALUE: usize = MADE.fetch_add(1, Ordering::SeqCst); }
    spawn(|| {
        assert_eq!(MADE.load(Ordering::SeqCst), 0);
        VALUE.with(|_| ());
        VALUE.with(|_| ());
    })
    .join()
    .expect("no panic");
    assert_eq!(MADE.load(Ordering::SeqCst), 1);
}

/// Would catch plain threads that share a value, or leave it behind.
#[test]
fn on_plain_threads_it_is_thread_local() {
    static DROPPED: AtomicUsize = AtomicUsize::new(0);
    struct Value(Cell<u32>);
    impl Drop for Value {
        fn drop(&mut self) {
            DROPPED.fetch_add(1, Ordering::SeqCst);
        }
    }
    goroutine_local! { static VALUE: Value = Value(Cell::new(0)); }
    for n in 1..=10 {
        thread::spawn(move || {
            VALUE.with(|value| {
                assert_eq!(value.0.get(), 0);
                value.0.set(n);
            });
            VALUE.with(|value| assert_eq!(value.0.get(), n));
        })
        .join()
        .expect("no panic");
    }
    assert_eq!(DROPPED.load(Ordering::SeqCst), 10);
}

/// Would catch a value of the goroutine that `blocking` hides.
#[gors::test]
fn blocking_keeps_the_goroutines_values() {
    NUMBER.with(|number| number.set(5));
    blocking(|| assert_eq!(NUMBER.with(Cell::get), 5));
}

/// Would catch destructors without end: a value that its own destructor makes anew.
#[gors::test]
fn a_destructor_cannot_bring_its_variable_back() {
    static DROPPED: AtomicUsize = AtomicUsize::new(0);
    struct Value;
    impl Drop for Value {
        fn drop(&mut self) {
            DROPPED.fetch_add(1, Ordering::SeqCst);
            VALUE.with(|_| ());
        }
    }
    goroutine_local! { static VALUE: Value = Value; static OTHER: Other = Other; }
    struct Other;
    impl Drop for Other {
        fn drop(&mut self) {
            DROPPED.fetch_add(1, Ordering::SeqCst);
        }
    }

    spawn(|| {
        OTHER.with(|_| ());
        VALUE.with(|_| ());
    })
    .join()
    .expect("no panic");
    thread::spawn(|| VALUE.with(|_| ()))
        .join()
        .expect("no panic");
    // The goroutine's values go after its function has ended.
    while DROPPED.load(Ordering::SeqCst) < 3 {
        gosched();
    }
    gors::time::sleep(Duration::from_millis(10));
    assert_eq!(DROPPED.load(Ordering::SeqCst), 3);
}

/// Would catch a destructor that finds other values gone that are still there.
#[gors::test]
fn a_destructor_sees_the_values_that_are_left() {
    static SEEN: Mutex<Vec<u64>> = Mutex::new(Vec::new());
    struct Last;
    impl Drop for Last {
        fn drop(&mut self) {
            SEEN.lock().push(NUMBER.with(Cell::get));
        }
    }
    goroutine_local! { static LAST: Last = Last; }

    let use_both = |number| {
        NUMBER.with(|place| place.set(number));
        LAST.with(|_| ());
    };
    thread::spawn(move || use_both(1)).join().expect("no panic");
    assert_eq!(*SEEN.lock(), [1]);
    spawn(move || use_both(2)).join().expect("no panic");
    while SEEN.lock().len() < 2 {
        gosched();
    }
    assert_eq!(*SEEN.lock(), [1, 2]);
}
