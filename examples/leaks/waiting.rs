//! Goroutines that somebody can wake, though it may not look so.

use std::sync::Arc;

use gors::bounded;
use gors::chan::after;
use gors::prelude::*;
use gors::sync::Mutex;

use crate::{named, none};

/// The circle, but somebody who sleeps has a sender as well.
pub(crate) fn live() {
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
pub(crate) fn timer() {
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
pub(crate) fn timeout() {
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
pub(crate) fn buffer() {
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
pub(crate) fn caller() {
    let (sender, receiver) = bounded::<u32>(0);
    let waiting = named("waits", move || {
        receiver.recv().expect("somebody sends");
    });
    none(|| sender.send(1).expect("it waits"), vec![waiting]);
}

/// A plain thread has the only sender.
#[allow(clippy::disallowed_methods, reason = "a wait that is none of ours")]
pub(crate) fn thread() {
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
pub(crate) fn waiting_thread() {
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
pub(crate) fn lock() {
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
pub(crate) fn live_group() {
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
pub(crate) fn borrowed() {
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

/// Those who join wait for one that sleeps.
pub(crate) fn live_join() {
    let sleeps = named("sleeps", || gors::time::sleep(Duration::from_millis(500)));
    let joins = named("joins", || drop(sleeps.join()));
    none(|| {}, vec![named("joins, too", || drop(joins.join()))]);
}

/// Somebody who sleeps has what ends it.
pub(crate) fn live_park() {
    let parker = gors::Parker::new();
    let unparker = parker.unparker().clone();
    let parks = named("parks", move || parker.park());
    let sleeps = named("sleeps", move || {
        gors::time::sleep(Duration::from_millis(500));
        unparker.unpark();
    });
    none(|| {}, vec![parks, sleeps]);
}
