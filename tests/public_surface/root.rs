//! `gors` itself, by its prelude and by name.

use std::cell::{Cell, RefCell};
use std::io;

use gors::prelude::*;
use gors::runtime::{self, PanicPolicy, Stats, Unparker};
use gors::{Builder, JoinError, Parker};

struct Value(i32);

impl Value {
    fn send(self, c: Chan<i32>) {
        c.send(self.0);
    }
}

fn send(c: Chan<i32>, n: i32) {
    c.send(n);
}

goroutine_local! {
    static COUNT: i32 = 7;
    static DEPTH: Cell<u32> = Cell::new(1);
    static WORDS: RefCell<Vec<&'static str>> = RefCell::new(Vec::new());
}

/// `go!` in each form; the receiver and the arguments are moved.
#[gors::test]
fn go_in_each_form() {
    let c = make::<i32>(0);
    go!(self::send(c.clone(), 1));
    go!(Value(2).send(c.clone()));
    let kept = c.clone();
    go!(kept.clone().send(3));
    go!(move || kept.send(4));
    let kept = c.clone();
    go!({
        kept.send(5);
    });
    go!((|c: Chan<i32>| c.send(6))(c.clone()));
    let mut got: Vec<_> = (0..6).map(|_| c.recv().unwrap()).collect();
    got.sort_unstable();
    assert_eq!(got, [1, 2, 3, 4, 5, 6]);
}

#[gors::test]
fn spawn_and_its_handle() {
    let handle: JoinHandle<i32> = spawn(|| 5);
    let _: (u64, Option<&str>, bool) = (handle.id(), handle.name(), handle.is_finished());
    let joined: Result<i32, JoinError> = handle.join();
    assert_eq!(joined.unwrap(), 5);

    let parker = Parker::new();
    let unparker: Unparker = parker.unparker().clone();
    let waiting = spawn(move || parker.park());
    let waiting: JoinHandle<()> = waiting.join_timeout(Duration::from_millis(1)).unwrap_err();
    unparker.unpark();
    let done: Result<(), JoinError> = waiting.join_timeout(Duration::from_secs(60)).unwrap();
    done.unwrap();
    Parker::new().park_timeout(Duration::from_millis(1));

    let awaited = block_on(async { spawn(|| 6).await });
    assert_eq!(awaited.unwrap(), 6);

    let exited = spawn(|| -> () { goexit() }).join().unwrap_err();
    assert!(exited.is_goexit() && !exited.is_panic() && !exited.to_string().is_empty());
    let panicked = spawn(|| -> () { std::panic::resume_unwind(Box::new(3_u8)) }).join();
    let panicked: JoinError = panicked.unwrap_err();
    assert!(panicked.is_panic());
    assert_eq!(*panicked.into_panic().downcast::<u8>().unwrap(), 3);
}

#[gors::test]
fn scope_and_builder() {
    let mut words = vec!["a"];
    let length = scope(|s| {
        s.go(|| words.push("b"));
        let h = s.spawn(|| 5);
        h.join().unwrap()
    });
    assert_eq!((length, words), (5, vec!["a", "b"]));

    let named: io::Result<JoinHandle<Option<String>>> = Builder::new()
        .name("named")
        .stack_size(128 * 1024)
        .spawn(|| gors::goroutine_name().map(|name| name.to_string()));
    assert_eq!(named.unwrap().join().unwrap().as_deref(), Some("named"));
    let started: io::Result<()> = Builder::new().go(|| {});
    started.unwrap();
}

#[gors::test]
fn what_the_runtime_offers() {
    checkpoint();
    gosched();
    assert_ne!(goid(), 0);
    let _: usize = num_goroutine();
    assert!(num_cpu() > 0);
    let before = gomaxprocs(2);
    assert_eq!(gomaxprocs(before), 2);
    assert_eq!(gomaxprocs(0), before);
    assert_eq!(blocking(|| 4), 4);
    gors::lock_os_thread();
    gors::unlock_os_thread();
    assert_eq!(COUNT.with(|n| *n), 7);
    DEPTH.set(DEPTH.get() + 1);
    assert_eq!((DEPTH.replace(5), DEPTH.take(), DEPTH.get()), (2, 5, 0));
    WORDS.with_borrow_mut(|words| words.push("a"));
    assert_eq!(WORDS.with_borrow(Vec::len), 1);
    WORDS.set(vec!["b"]);
    assert_eq!(
        (WORDS.replace(vec!["c"]), WORDS.take()),
        (vec!["b"], vec!["c"])
    );
    {
        let c = make(2);
        {
            defer!(c.send(2));
            c.send(1);
        }
        assert_eq!((c.recv(), c.recv()), (Some(1), Some(2)));
    }
    let _: Stats = runtime::stats();
    assert!(runtime::stack_dump().contains("goroutine "));
    runtime::free_os_memory();
    let _: Stats = gors::stats();
    assert!(gors::stack_dump().contains("goroutine "));
    gors::free_os_memory();
    gors::set_panic_policy(gors::PanicPolicy::Exit);
    runtime::set_panic_policy(PanicPolicy::Isolate);
    runtime::set_panic_policy(PanicPolicy::Exit);
}

/// On plain threads: `run` may borrow, returns a value, and resumes a panic in the caller.
#[test]
fn run_on_a_plain_thread() {
    assert_eq!(goid(), 0);
    let word = String::from("borrowed");
    assert_eq!(run(|| word.len()), 8);
    assert_eq!(Builder::new().main_thread(true).run(|| word.len()), 8);
    let payload = std::panic::catch_unwind(|| {
        run(|| std::panic::resume_unwind(Box::new("carried")));
    });
    assert_eq!(*payload.unwrap_err().downcast::<&str>().unwrap(), "carried");
}
