//! Misuse panics with Go's words, which a Go programmer knows and a search engine finds.

use std::panic::{AssertUnwindSafe, catch_unwind};

use gors::prelude::*;

/// The message that `f` panics with.
#[track_caller]
fn panic_message(f: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(f)).expect_err("it must panic");
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => payload
            .downcast_ref::<&str>()
            .expect("messages are text")
            .to_string(),
    }
}

/// Would catch a counter below zero that goes unnoticed.
#[gors::test]
fn negative_wait_group() {
    assert_eq!(
        panic_message(|| WaitGroup::new().done()),
        "sync: negative WaitGroup counter"
    );
    let wg = WaitGroup::new();
    wg.add(2);
    assert_eq!(
        panic_message(|| wg.add(-3)),
        "sync: negative WaitGroup counter"
    );
}

/// Would catch a value that vanishes.
#[gors::test]
fn send_on_closed_channel() {
    for cap in [0, 1] {
        let c = make(cap);
        c.close();
        assert_eq!(panic_message(|| c.send(1)), "send on closed channel");
    }
}

/// Would catch a sender that waits for ever, or believes it was heard, when the channel is closed
/// under it.
#[gors::test]
fn send_on_a_channel_that_is_closed_meanwhile() {
    let c = make(0);
    let waits = spawn({
        let c = c.clone();
        move || panic_message(|| c.send(1))
    });
    // Once the value is there, its sender waits or is about to.
    gosched();
    c.close();
    assert_eq!(
        waits.join().expect("the panic was caught"),
        "send on closed channel"
    );
}

/// Would catch a closed channel's arm of a `select!` that fails silently.
#[gors::test]
fn send_on_closed_channel_in_select() {
    let c = make(1);
    c.close();
    let message = panic_message(|| select! { send(c, 1) -> _ => {} });
    assert_eq!(message, "send on closed channel");
}

/// Would catch a second close that is taken for a first.
#[gors::test]
fn close_of_closed_channel() {
    let c = make::<()>(0);
    c.close();
    assert_eq!(panic_message(|| c.close()), "close of closed channel");
}

/// Would catch a nil channel that can be closed.
#[gors::test]
fn close_of_nil_channel() {
    assert_eq!(
        panic_message(|| Chan::<()>::nil().close()),
        "close of nil channel"
    );
    assert_eq!(
        panic_message(|| Chan::<()>::default().close()),
        "close of nil channel"
    );
}

/// Would catch a size whose buffer wraps round to a small one.
#[gors::test]
fn a_channel_beyond_all_memory() {
    assert_eq!(
        panic_message(|| drop(make::<u64>(usize::MAX / 2))),
        "makechan: size out of range"
    );
}
