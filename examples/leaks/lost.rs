//! Goroutines that can never wake.

use gors::prelude::*;
use gors::{bounded, unbounded};

use crate::{lose, named};

/// Each waits for the other to send, and would then send itself.
pub(crate) fn circle() {
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
pub(crate) fn own() {
    let (jobs, queue) = unbounded::<u32>();
    lose("worker", move || {
        for job in queue {
            let _ = jobs.send(job);
        }
    });
}

/// Nobody is left at the other end of either arm.
pub(crate) fn select() {
    let (c, d) = (make::<u32>(0), make::<u32>(0));
    lose("selects", move || {
        select! {
            recv(c) -> _ => {},
            send(d, 1) -> _ => {},
        }
    });
}

/// An arm may be nil.
pub(crate) fn nil_arms() {
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
pub(crate) fn group() {
    let group = WaitGroup::new();
    group.add(2);
    let theirs = group.clone();
    lose("member", move || theirs.done());
    lose("waits", move || group.wait());
}

/// Waits for one that waits for ever.
pub(crate) fn chain() {
    let (sender, receiver) = bounded::<u32>(0);
    lose("for ever", move || {
        Chan::<()>::nil().recv();
        let _ = sender.send(1);
    });
    lose("waits", move || {
        let _ = receiver.recv();
    });
}

/// Waits for the end of one that waits for the end of one that waits for ever.
pub(crate) fn join() {
    let never = named("for ever", || assert!(Chan::<()>::nil().recv().is_none()));
    let joins = named("joins", || drop(never.join()));
    lose("joins, too", || drop(joins.join()));
}

/// Who could end it waits for ever, or there is nobody.
pub(crate) fn park() {
    lose("alone", || gors::Parker::new().park());
    let parker = gors::Parker::new();
    let unparker = parker.unparker().clone();
    lose("parks", move || parker.park());
    lose("for ever", move || {
        Chan::<()>::nil().recv();
        unparker.unpark();
    });
}
