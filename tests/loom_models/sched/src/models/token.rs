//! A goroutine that keeps its thread, and gets a permit by a token in the injector.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr;

use model::mutant::{Change, Mutant};
use model::runner::Model;

use crate::below::world::{Event, World, goroutine};
use crate::blocking::{blocking, lock_os_thread, unlock_os_thread};
use crate::raw::{FIRST_TOKEN, SpinLock, Task, WaitReason};
use crate::sched::queue::{self, Lane};
use crate::sched::word::WORD;
use crate::shim::atomic::Ordering;
use crate::stack::current_slot;
use crate::worker::permit;

const TAKE: &str = "runtime/src/sched/take.rs";

pub(super) const MODELS: &[Model] = &[
    Model {
        name: "token_after_wait",
        property: "a goroutine that is locked to its thread and waits there gets a permit again before it goes on, and none is lost",
        body: token_after_wait,
        preemptions: Some(1),
        mutants: &[
            Mutant {
                file: TAKE,
                after: "pub(crate) fn wait_for_permit",
                line: "g.state.store(state::ON_THREAD",
                change: Change::Skip,
            },
            Mutant {
                file: TAKE,
                after: "pub(crate) fn wait_for_permit",
                line: "g.set(flag::TOKEN)",
                change: Change::Skip,
            },
        ],
    },
    Model {
        name: "token_after_blocking",
        property: "the same when it comes back from `blocking`, by a panic, after its permit was taken",
        body: token_after_blocking,
        preemptions: Some(1),
        mutants: &[Mutant {
            file: TAKE,
            after: "pub(crate) fn wait_for_permit",
            line: "g.state.store(state::ON_THREAD",
            change: Change::Skip,
        }],
    },
    Model {
        name: "token_without_thread",
        property: "of two goroutines that are locked to the only two threads and wait for each other, each gets the permit that the other gives up",
        body: token_without_thread,
        preemptions: Some(1),
        mutants: &[Mutant {
            file: TAKE,
            after: "fn give_to_waiting_thread",
            line: "TOKENS.load(",
            change: Change::Pretend(0),
        }],
    },
];

/// Opens once; one goroutine waits for it.
pub(super) struct Gate {
    lock: SpinLock,
    open: Cell<bool>,
    waiter: Cell<Option<Task>>,
}

impl Gate {
    pub(super) fn new() -> &'static Self {
        let gate = Box::leak(Box::new(Self {
            lock: SpinLock::new(),
            open: Cell::new(false),
            waiter: Cell::new(None),
        }));
        model::touch(gate);
        gate
    }

    pub(super) fn wait(&'static self) {
        self.lock.lock();
        if self.open.get() {
            // SAFETY: locked above.
            return unsafe { self.lock.unlock() };
        }
        let me = Task::current();
        me.arm();
        self.waiter.set(Some(me));
        let this = ptr::from_ref(self).cast();
        // SAFETY: armed, and published under the lock that is opened.
        unsafe { me.park(WaitReason::Park, None, Some((Self::leave, this))) };
    }

    unsafe fn leave(this: *const ()) {
        // SAFETY: locked by `wait`.
        unsafe { (*this.cast::<Self>()).lock.unlock() };
    }

    pub(super) fn open(&'static self) {
        self.lock.lock();
        self.open.set(true);
        let waiter = self.waiter.take();
        // SAFETY: locked above; the claim is won once.
        unsafe {
            self.lock.unlock();
            if let Some(task) = waiter
                && task.try_claim(FIRST_TOKEN)
            {
                task.ready();
            }
        }
    }
}

fn assert_permit() {
    let worker = current_slot().expect("in a goroutine").worker();
    assert!(worker.runs(), "it runs without a permit");
}

fn finish(world: World) {
    let workers = world.finish(2);
    let held = workers
        .iter()
        .filter(|worker| worker.permit.load(Ordering::Acquire) != permit::NONE);
    assert_eq!(WORD.load().idle() + held.count() as u64, 1, "one permit");
}

fn token_after_wait() {
    let mut world = World::new(1, &[permit::RUN, permit::NONE]);
    let gate = Gate::new();
    world.worker(0).deque.push(goroutine(move || {
        lock_os_thread();
        gate.wait();
        assert_permit();
        unlock_os_thread();
    }));
    queue::inject(goroutine(move || gate.open()), Lane::New);
    world.start_all();
    finish(world);
}

fn token_after_blocking() {
    let mut world = World::new(1, &[permit::RUN, permit::NONE]);
    let ran = Event::new();
    world.worker(0).deque.push(goroutine(move || {
        lock_os_thread();
        let left = catch_unwind(AssertUnwindSafe(|| {
            blocking(|| {
                ran.wait();
                resume_unwind(Box::new(7));
            });
        }));
        assert!(left.is_err_and(|payload| payload.is::<i32>()));
        assert_permit();
        unlock_os_thread();
    }));
    queue::inject(goroutine(move || ran.set()), Lane::New);
    world.start_all();
    finish(world);
}

fn token_without_thread() {
    let mut world = World::new(1, &[permit::RUN, permit::NONE]);
    let (there, back) = (Gate::new(), Gate::new());
    world.worker(0).deque.push(goroutine(move || {
        lock_os_thread();
        there.wait();
        assert_permit();
        back.open();
        unlock_os_thread();
    }));
    let other = goroutine(move || {
        lock_os_thread();
        there.open();
        back.wait();
        assert_permit();
        unlock_os_thread();
    });
    queue::inject(other, Lane::New);
    world.start_all();
    finish(world);
}
