//! `scope`: goroutines that borrow, and why none of them outlives what it borrows.

#[path = "support/child.rs"]
mod child;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use gors::prelude::*;

/// Would catch a scope that ends before its children, or a borrow that is not the original.
#[gors::test]
fn children_borrow_and_change_what_the_frame_owns() {
    let mut cells = [0_usize; 64];
    let bonus = 100;
    scope(|s| {
        for (n, cell) in cells.iter_mut().enumerate() {
            let bonus = &bonus;
            s.go(move || {
                gosched();
                *cell = n + bonus;
            });
        }
    });
    assert!(cells.iter().enumerate().all(|(n, &cell)| cell == n + bonus));
}

/// Would catch a scope that only works in a goroutine.
#[test]
fn a_plain_thread_can_open_a_scope() {
    let text = String::from("borrowed");
    let length = scope(|s| {
        let handle = s.spawn(|| text.len());
        handle.join().expect("it does not panic")
    });
    assert_eq!(length, text.len());
}

/// Would catch a child of a child that is not waited for.
#[gors::test]
fn children_can_start_children() {
    let count = AtomicUsize::new(0);
    scope(|s| {
        for _ in 0..10 {
            let count = &count;
            s.go(move || {
                for _ in 0..10 {
                    s.go(move || {
                        gosched();
                        count.fetch_add(1, Ordering::Relaxed);
                    });
                }
            });
        }
    });
    assert_eq!(count.into_inner(), 100);
}

/// Would catch a panic of the closure that leaves the frame while children still borrow from it.
#[gors::test]
fn a_panic_waits_for_the_children() {
    let gate = make::<()>(0);
    let ended = AtomicBool::new(false);
    let opener = gate.clone();
    let caught = catch_unwind(AssertUnwindSafe(|| {
        scope(|s| {
            s.go(|| {
                gate.recv();
                ended.store(true, Ordering::SeqCst);
            });
            // Opens the gate some time after the panic has begun.
            go!(move || {
                for _ in 0..100 {
                    gosched();
                }
                opener.close();
            });
            panic!("on purpose");
        });
    }));
    assert!(ended.load(Ordering::SeqCst), "the child was waited for");
    let payload = caught.expect_err("the panic goes on");
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"on purpose"));
}

/// Would catch a child's panic that is lost, or that ends the process.
#[gors::test]
fn a_childs_panic_becomes_the_scopes() {
    let sibling = AtomicBool::new(false);
    let caught = catch_unwind(AssertUnwindSafe(|| {
        scope(|s| {
            s.go(|| panic!("a child"));
            s.go(|| {
                gosched();
                sibling.store(true, Ordering::SeqCst);
            });
        });
    }));
    assert!(
        sibling.load(Ordering::SeqCst),
        "the other child was waited for"
    );
    let payload = caught.expect_err("the panic goes on");
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"a child"));
}

/// Would catch a panic that is reported twice: to the joiner and by the scope.
#[gors::test]
fn a_joined_panic_belongs_to_the_joiner() {
    scope(|s| {
        let handle = s.spawn(|| panic!("on purpose"));
        let error = handle.join().expect_err("it panics");
        assert!(error.is_panic());
    });
    // Without a join it is the scope's, whether the handle goes before the panic or after it.
    for finished_first in [false, true] {
        let caught = catch_unwind(AssertUnwindSafe(|| {
            scope(|s| {
                let handle = s.spawn(|| panic!("nobody joins"));
                while finished_first && !handle.is_finished() {
                    gosched();
                }
                drop(handle);
            });
        }));
        assert!(caught.is_err(), "finished first: {finished_first}");
    }
}

/// Would catch a `goexit` that ends the frame while children still borrow from it.
#[gors::test]
fn goexit_waits_for_the_children() {
    let (gate, opener) = (make::<()>(0), make::<()>(0));
    let (wait, started) = (gate.clone(), opener.clone());
    let child_ended = Arc::new(AtomicBool::new(false));
    let ended = Arc::clone(&child_ended);
    let parent = spawn(move || {
        // Poisoned when the frame goes, so that a child that outlives it would see it.
        struct Frame(AtomicUsize);
        impl Drop for Frame {
            fn drop(&mut self) {
                self.0.store(usize::MAX, Ordering::SeqCst);
            }
        }
        let frame = Frame(AtomicUsize::new(7));
        scope(|s| {
            s.go(|| {
                started.close();
                wait.recv();
                assert_eq!(
                    frame.0.load(Ordering::SeqCst),
                    7,
                    "the frame is still there"
                );
                ended.store(true, Ordering::SeqCst);
            });
            goexit();
        })
    });
    opener.recv();
    for _ in 0..100 {
        gosched();
    }
    assert!(!parent.is_finished(), "it waits for its child");
    gate.close();
    let error = parent.join().expect_err("goexit has no result");
    assert!(error.is_goexit());
    assert!(child_ended.load(Ordering::SeqCst));
}

/// Would catch a child's goexit that ends the parent, or leaves it waiting.
#[gors::test]
fn a_childs_goexit_ends_the_child_only() {
    let answer = scope(|s| {
        s.go(|| goexit());
        let handle = s.spawn(|| -> u8 { goexit() });
        assert!(handle.join().expect_err("it has no result").is_goexit());
        42
    });
    assert_eq!(answer, 42);
}

/// Would catch a goexit that was raised inside a scope's wait because user code had swallowed it
/// before.
#[gors::test]
fn a_swallowed_goexit_does_not_interrupt_the_scopes_wait() {
    let gate = make::<()>(0);
    let opener = gate.clone();
    let cell = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&cell);
    let parent = spawn(move || {
        let local = AtomicUsize::new(1);
        scope(|s| {
            s.go(|| {
                gate.recv();
                seen.store(local.load(Ordering::SeqCst), Ordering::SeqCst);
            });
            let swallowed = catch_unwind(|| goexit());
            assert!(swallowed.is_err());
        });
        local.store(2, Ordering::SeqCst);
        // The next blocking operation raises it again.
        gosched();
        unreachable!("the goroutine has called goexit");
    });
    opener.close();
    assert!(parent.join().expect_err("it has no result").is_goexit());
    assert_eq!(cell.load(Ordering::SeqCst), 1);
}

/// Would catch a scope that leaves early under load, with real parallelism and many children.
#[test]
fn ten_thousand_scopes() {
    child::run("ten_thousand_scopes", &[("GOMAXPROCS", "4")], || {
        gors::run(|| {
            for round in 0..10_000_usize {
                let mut cells = [0; 4];
                scope(|s| {
                    for cell in &mut cells {
                        s.go(move || *cell = round);
                    }
                });
                assert_eq!(cells, [round; 4]);
            }
        });
    })
    .assert_success();
}
