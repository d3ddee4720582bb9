//! Park and ready, and what is made of them.

use std::sync::Arc;

use model::mutant::{Change, Mutant};
use model::runner::Model;

use super::TWO_LOCK;
use crate::Parker;
use crate::below::world::{self, deadline, goroutine, thread};
use crate::raw::{Notified, WaitList, WaitReason};
use crate::shim::UnsafeCell;
use crate::shim::atomic::{AtomicBool, Ordering};

const TASK: &str = "runtime/src/raw/task.rs";
const LIST: &str = "runtime/src/raw/wait_list.rs";
const PARKER: &str = "runtime/src/parker.rs";
const STACK: &str = "tests/loom_models/runtime/src/below.rs";

pub(super) fn models() -> Vec<Model> {
    vec![
        Model {
            name: "parker",
            property: "an unpark before, in or after the park of a goroutine ends it, and what came before it is seen",
            body: parker_of_goroutine,
            preemptions: None,
            mutants: &[
                // The worker opens the lock before the stack is left: the waker meets RUNNING.
                Mutant {
                    file: STACK,
                    after: "fn switch_out",
                    line: "state.store(state::PARKED",
                    change: Change::Skip,
                },
                Mutant {
                    file: PARKER,
                    after: "fn unpark",
                    line: "token.swap(true, Ordering::Release)",
                    change: Change::Relaxed,
                },
                Mutant {
                    file: LIST,
                    after: "pub fn wait(",
                    line: "fence::store_load()",
                    change: Change::Skip,
                },
                Mutant {
                    file: LIST,
                    after: "pub fn notify_one(",
                    line: "fence::store_load()",
                    change: Change::Skip,
                },
                TWO_LOCK,
            ],
        },
        Model {
            name: "parker_thread",
            property: "the same for a plain thread, whose state word goes ON_THREAD, SLEEPING, NOTIFIED",
            body: parker_of_thread,
            preemptions: None,
            mutants: &[
                Mutant {
                    file: TASK,
                    after: "fn sleep_until_notified",
                    line: ".compare_exchange(",
                    change: Change::Split,
                },
                Mutant {
                    file: TASK,
                    after: "fn wake_thread",
                    line: "state.swap(state::NOTIFIED",
                    change: Change::Split,
                },
            ],
        },
        Model {
            name: "one_claim_winner",
            property: "of a notifier and a timer one ends the wait; the goroutine is readied once; a cancelled timer's node is not touched",
            body: notify_against_fire,
            preemptions: Some(2),
            mutants: &[Mutant {
                file: TASK,
                after: "pub fn try_claim",
                line: ".compare_exchange(OPEN, token",
                change: Change::Split,
            }],
        },
    ]
}

fn parker_of_goroutine() {
    park_and_unpark(goroutine);
}

fn parker_of_thread() {
    park_and_unpark(thread);
}

fn park_and_unpark<S>(start: S)
where
    S: FnOnce(Box<dyn FnOnce()>) -> model::thread::JoinHandle<()>,
{
    let shared = Arc::new((Parker::new(), UnsafeCell::new(0)));
    // loom's atomics are made at their first use, which must come before everybody else's.
    shared.0.park_deadline(deadline());
    model::touch(&*shared);
    let theirs = shared.clone();
    let parked = start(Box::new(move || {
        theirs.0.park();
        // SAFETY: the model watches it.
        assert_eq!(theirs.1.with(|said| unsafe { *said }), 1);
    }));
    // SAFETY: as above.
    shared.1.with_mut(|said| unsafe { *said = 1 });
    shared.0.unparker().unpark();
    parked.join().unwrap();
}

fn notify_against_fire() {
    let shared = Arc::new((WaitList::new(), AtomicBool::new(false)));
    model::touch(&*shared);
    world::touch_timers();
    let theirs = shared.clone();
    let waiter = goroutine(move || {
        let (list, flag) = &*theirs;
        let ready = || flag.load(Ordering::Acquire);
        let notified = list.wait(WaitReason::Park, Some(deadline()), ready);
        assert!(notified == Notified::TimedOut || flag.load(Ordering::Acquire));
        assert_eq!(list.waiters(), 0, "it has left the list");
    });
    let timer = thread(|| {
        world::fire_timers();
    });
    shared.1.store(true, Ordering::Release);
    shared.0.notify_all();
    timer.join().unwrap();
    waiter.join().unwrap();
    assert_eq!(
        world::fire_timers(),
        0,
        "the timer was cancelled, or has fired"
    );
}
