//! Goroutines as such: their numbers, names, order, results, and handles.

#[path = "support/child.rs"]
mod child;

use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use gors::prelude::*;
use gors::sync::Mutex;
use gors::time::sleep;
use gors::{Builder, goroutine_name};

/// Would catch a system goroutine that is counted, and one that is counted after its end.
#[test]
fn num_goroutine_counts_what_exists() {
    child::run("num_goroutine_counts_what_exists", &[], || {
        assert_eq!(num_goroutine(), 0);
        gors::run(|| {
            assert_eq!(num_goroutine(), 1);
            let gate = make::<()>(0);
            let handles: Vec<_> = (0..100)
                .map(|_| {
                    let gate = gate.clone();
                    spawn(move || gate.recv())
                })
                .collect();
            assert_eq!(num_goroutine(), 101);
            gate.close();
            for handle in handles {
                handle.join().expect("none of them panics");
            }
            // A goroutine's end is counted after its result is there.
            while num_goroutine() > 1 {
                gosched();
            }
        });
        while num_goroutine() > 0 {
            std::thread::yield_now();
        }
    })
    .assert_success();
}

/// Would catch a main goroutine without its number 1, numbers given twice, and a number on a plain
/// thread.
#[test]
fn numbers_are_unique_and_main_is_1() {
    child::run("numbers_are_unique_and_main_is_1", &[], || {
        assert_eq!(goid(), 0);
        let mut ids = gors::run(|| {
            assert_eq!(goid(), 1);
            let handles: Vec<_> = (0..1_000)
                .map(|_| {
                    let handle = spawn(|| {
                        let before = goid();
                        gosched();
                        assert_eq!(goid(), before);
                        before
                    });
                    (handle.id(), handle)
                })
                .collect();
            handles
                .into_iter()
                .map(|(id, handle)| {
                    assert_eq!(handle.join().expect("none of them panics"), id);
                    id
                })
                .collect::<Vec<_>>()
        });
        ids.push(1);
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 1_001);
        assert_eq!(goid(), 0);
    })
    .assert_success();
}

/// Would catch a name that is lost, or left behind in a recycled record.
#[gors::test]
fn a_name_belongs_to_one_goroutine() {
    for round in 0..100 {
        let name = format!("parser {round}");
        let handle = Builder::new()
            .name(&name)
            .spawn(goroutine_name)
            .expect("there are stacks");
        assert_eq!(handle.name(), Some(name.as_str()));
        assert_eq!(handle.join().expect("it does not panic"), Some(name));
        let nameless = spawn(goroutine_name);
        assert_eq!(nameless.name(), None);
        assert_eq!(nameless.join().expect("it does not panic"), None);
    }
}

/// Would catch another order than Go's at one permit: the newest first, then the others as they
/// came.
#[test]
fn gosched_runs_the_others_in_gos_order() {
    child::run(
        "gosched_runs_the_others_in_gos_order",
        &[("GOMAXPROCS", "1")],
        || {
            gors::run(|| {
                let rounds = 100;
                let in_gos_order = (0..rounds)
                    .filter(|_| {
                        let order = Arc::new(Mutex::new(Vec::new()));
                        for n in 0..4 {
                            let order = Arc::clone(&order);
                            go!(move || order.lock().push(n));
                        }
                        while order.lock().len() < 4 {
                            gosched();
                        }
                        let order = order.lock();
                        *order == [3, 0, 1, 2]
                    })
                    .count();
                // A machine that stops for a moment looks like a goroutine that hogs the permit.
                assert!(in_gos_order > rounds / 2, "{in_gos_order} of {rounds}");
            });
        },
    )
    .assert_success();
}

/// Would catch a result that is lost, copied or dropped too early.
#[gors::test]
fn join_hands_the_result_over() {
    let dropped = Arc::new(AtomicUsize::new(0));
    struct Counted(Arc<AtomicUsize>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let result = Counted(Arc::clone(&dropped));
    let handle = spawn(move || result);
    let result = handle.join().expect("it does not panic");
    assert_eq!(dropped.load(Ordering::SeqCst), 0);
    drop(result);
    assert_eq!(dropped.load(Ordering::SeqCst), 1);
}

/// Would catch a detached goroutine that does not run, and a result that leaks with its handle.
#[gors::test]
fn a_dropped_handle_detaches() {
    struct Announced(Chan<()>);
    impl Drop for Announced {
        fn drop(&mut self) {
            self.0.close();
        }
    }
    let dropped = make::<()>(0);
    let result = Announced(dropped.clone());
    drop(spawn(move || {
        gosched();
        result
    }));
    assert_eq!(dropped.recv(), None);
}

/// Would catch a `join_timeout` that takes the handle away, returns early, or misses the result.
#[gors::test]
fn join_timeout_gives_the_handle_back() {
    let gate = make::<()>(0);
    let open = gate.clone();
    let handle = spawn(move || {
        gate.recv();
        7
    });
    let handle = handle
        .join_timeout(Duration::from_millis(5))
        .expect_err("it cannot have ended");
    assert!(!handle.is_finished());
    open.close();
    let result = handle.join_timeout(Duration::from_secs(30));
    assert_eq!(
        result.expect("it ends at once").expect("it does not panic"),
        7
    );
}

/// Would catch a panic that ends more than its goroutine, and an error that does not say what
/// happened.
#[gors::test]
fn join_reports_how_the_goroutine_ended() {
    let panicked = spawn(|| panic!("on purpose"))
        .join()
        .expect_err("it panics");
    assert!(panicked.is_panic() && !panicked.is_goexit());
    assert!(panicked.to_string().contains("on purpose"), "{panicked}");
    assert_eq!(
        panicked.into_panic().downcast_ref::<&str>(),
        Some(&"on purpose")
    );

    let left = spawn(|| goexit()).join().expect_err("it has no result");
    assert!(left.is_goexit() && !left.is_panic());
    assert!(left.to_string().contains("goexit"), "{left}");
}

struct CountingWaker(AtomicUsize);

impl Wake for CountingWaker {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Would catch a handle that wakes nobody, wakes a waker that was replaced, or loses the result.
#[gors::test]
fn a_handle_is_a_future() {
    let gate = make::<()>(0);
    let open = gate.clone();
    let mut handle = spawn(move || {
        gate.recv();
        7
    });
    let [first, second] = [(); 2].map(|()| Arc::new(CountingWaker(AtomicUsize::new(0))));
    for counter in [&first, &second] {
        let waker = Waker::from(Arc::clone(counter));
        let polled = Pin::new(&mut handle).poll(&mut Context::from_waker(&waker));
        assert!(polled.is_pending());
    }
    open.close();
    while second.0.load(Ordering::SeqCst) == 0 {
        gosched();
    }
    assert_eq!(first.0.load(Ordering::SeqCst), 0);
    let waker = Waker::from(second);
    match Pin::new(&mut handle).poll(&mut Context::from_waker(&waker)) {
        Poll::Ready(result) => assert_eq!(result.expect("it does not panic"), 7),
        Poll::Pending => panic!("woken, but not ready"),
    }
    assert_eq!(block_on(spawn(|| 8)).expect("it does not panic"), 8);
}

/// Would catch a stack that is smaller than asked for, and an absurd size that is accepted.
#[gors::test]
fn a_builder_gives_the_stack_that_was_asked_for() {
    fn deep(frames: usize) -> usize {
        let frame = std::hint::black_box([frames; 512]); // 4 KiB
        if frames == 0 {
            0
        } else {
            1 + deep(frames - 1) + usize::from(frame[7] == usize::MAX)
        }
    }
    let handle = Builder::new()
        .stack_size(16 << 20)
        .spawn(|| deep(2_000))
        .expect("stacks of 16 MiB exist");
    assert_eq!(handle.join().expect("8 MiB fit into 16"), 2_000);

    let error = Builder::new()
        .stack_size(usize::MAX)
        .go(|| ())
        .expect_err("nobody has that much");
    assert!(error.to_string().contains("stack"), "{error}");
}

/// Would catch a `run` that cannot borrow, be nested or be repeated, or that swallows a panic.
#[test]
fn run_is_the_main_goroutine() {
    let mut text = String::from("borrowed");
    let length = gors::run(|| {
        text.push('!');
        let outer = goid();
        assert_eq!(
            gors::run(goid),
            outer,
            "inside a goroutine it runs in place"
        );
        text.len()
    });
    assert_eq!((length, text.as_str()), (9, "borrowed!"));

    let panic =
        std::panic::catch_unwind(|| gors::run(|| panic!("on purpose"))).expect_err("it panics");
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"on purpose"));
    assert_eq!(gors::run(|| 3), 3);
}

/// Would catch `main_thread(true)` on another thread, or one where goroutines do not run beside it.
#[test]
fn the_main_goroutine_can_stay_on_its_thread() {
    let here = std::thread::current().id();
    let there = Builder::new().main_thread(true).run(|| {
        let answer = make(0);
        go!(answer.clone().send(42));
        assert_eq!(answer.recv(), Some(42));
        sleep(Duration::from_millis(1));
        std::thread::current().id()
    });
    assert_eq!(there, here);
}

/// Would catch a `main` whose `Result` is lost. Two `run`s at once, from plain threads, do not
/// disturb each other.
#[test]
fn several_mains_at_once() {
    let mains: Vec<_> = (0..4)
        .map(|n| {
            std::thread::spawn(move || gors::run(|| spawn(move || n * 2).join().expect("no panic")))
        })
        .collect();
    let results: Vec<_> = mains
        .into_iter()
        .map(|main| main.join().expect("no panic"))
        .collect();
    assert_eq!(results, [0, 2, 4, 6]);
}

/// Would catch dropped goroutines, double runs, and work lost between the queues.
#[gors::test]
fn a_hundred_thousand_run_once_each() {
    const COUNT: usize = 100_000;
    let sum = Arc::new(AtomicUsize::new(0));
    let wg = WaitGroup::new();
    wg.add(COUNT.cast_signed());
    for n in 0..COUNT {
        let (sum, wg) = (Arc::clone(&sum), wg.clone());
        go!(move || {
            sum.fetch_add(n, Ordering::Relaxed);
            wg.done();
        });
    }
    wg.wait();
    assert_eq!(sum.load(Ordering::Relaxed), COUNT * (COUNT - 1) / 2);
}

/// Would catch a `defer!` out of order or at the wrong end.
#[gors::test]
fn defers_run_last_one_first() {
    let order = make(8);
    let handle = spawn({
        let order = order.clone();
        move || {
            defer!(order.send("first deferred"));
            defer!(order.send("second deferred"));
            order.send("body");
        }
    });
    handle.join().expect("it does not panic");
    order.close();
    assert_eq!(
        order.into_iter().collect::<Vec<_>>(),
        ["body", "second deferred", "first deferred"]
    );
}
