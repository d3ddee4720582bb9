//! The models.

mod former;
mod hold;
mod loan;
mod memory;
mod token;

use model::mutant::{Change, Mutant};
use model::runner::Model;

use crate::below::world::{self, Event, World, goroutine};
use crate::sched::queue::{self, Lane};
use crate::sched::word::WORD;
use crate::sched::{resize, take};
use crate::shim::atomic::Ordering;
use crate::stack::current_slot;
use crate::timer;
use crate::worker::{Worker, permit};

const RUN_NEXT: &str = "runtime/src/sched/run_next.rs";
const QUEUE: &str = "runtime/src/sched/queue.rs";
const IDLE: &str = "runtime/src/sched/idle.rs";
const TIMER: &str = "runtime/src/timer.rs";
const ROSTER: &str = "runtime/src/sched/roster.rs";
const STACKLESS: &str = "runtime/src/sched/stackless.rs";

/// Two change the word of permits at once.
const TWO_UPDATE: Mutant = Mutant {
    file: "runtime/src/sched/word.rs",
    after: "fn update(",
    line: ".fetch_update(",
    change: Change::Split,
};
/// Who submits does not look whether its permit was taken.
const PERMIT_NOT_LOOKED_AT: Mutant = Mutant {
    file: QUEUE,
    after: "pub(crate) fn submit_next",
    line: "worker.permit.load(Ordering::Relaxed) != permit::RUN",
    change: Change::Pretend(1),
};
const NO_FENCE_OF_INJECT: Mutant = Mutant {
    file: QUEUE,
    after: "pub(crate) fn inject(",
    line: "fence::store_load()",
    change: Change::Skip,
};
const NO_FENCE_OF_PUSH: Mutant = Mutant {
    file: QUEUE,
    after: "push(worker, old);",
    line: "fence::store_load()",
    change: Change::Skip,
};

/// All of them.
pub fn models() -> Vec<Model> {
    let mut models = of_permits();
    models.extend_from_slice(hold::MODELS);
    models.extend_from_slice(loan::MODELS);
    models.extend_from_slice(memory::MODELS);
    models.extend_from_slice(token::MODELS);
    models
}

fn of_permits() -> Vec<Model> {
    vec![
        Model {
            name: "injector_against_idler",
            property: "a goroutine that a foreign thread submits while the last worker goes idle is run",
            body: injector_against_idler,
            preemptions: Some(3),
            mutants: &[
                Mutant {
                    file: IDLE,
                    after: "pub(crate) fn lie_down",
                    line: "fence::store_load()",
                    change: Change::Skip,
                },
                NO_FENCE_OF_INJECT,
            ],
        },
        Model {
            name: "deque_against_idler",
            property: "a goroutine that a worker, which then hogs its permit, pushes to its deque while the only searcher goes idle is run",
            body: deque_against_idler,
            preemptions: Some(1),
            mutants: &[NO_FENCE_OF_PUSH],
        },
        Model {
            name: "last_searcher_wakes_next",
            property: "of two goroutines that wait for each other, submitted while one worker searches, both run at the same time",
            body: last_searcher_wakes_next,
            preemptions: Some(1),
            mutants: &[TWO_UPDATE],
        },
        Model {
            name: "submit_against_take",
            property: "what a worker submits while its permit is taken is run: it looks at its permit behind the submission's fence, or the taker sees it",
            body: submit_against_take,
            preemptions: Some(2),
            mutants: &[PERMIT_NOT_LOOKED_AT],
        },
        Model {
            name: "push_against_take",
            property: "the same for what goes to the deque",
            body: push_against_take,
            preemptions: Some(2),
            mutants: &[PERMIT_NOT_LOOKED_AT],
        },
        Model {
            name: "submit_against_blocking",
            property: "a goroutine that is submitted while the only permit goes into `blocking` is run before that returns",
            body: submit_against_blocking,
            preemptions: Some(1),
            mutants: &[NO_FENCE_OF_INJECT],
        },
        Model {
            name: "return_against_take",
            property: "a permit in BLOCK goes to the one that returns or to the one that takes it, not to both, and none is lost",
            body: return_against_take,
            preemptions: Some(2),
            mutants: &[Mutant {
                file: ROSTER,
                after: "fn revoke_locked",
                line: ".compare_exchange(from",
                change: Change::Split,
            }],
        },
        Model {
            name: "run_next_two_takers",
            property: "of the owner, which fills and empties its run-next slot by plain stores, and a taker, each goroutine is had by one",
            body: run_next_two_takers,
            preemptions: Some(3),
            mutants: &[
                Mutant {
                    file: RUN_NEXT,
                    after: "fn wait_for_owner(",
                    line: "sys::barrier_or_wait()",
                    change: Change::Skip,
                },
                // The owner does not look who is there.
                Mutant {
                    file: RUN_NEXT,
                    after: "fn exchange(",
                    line: "self.mode.load(Ordering::Acquire)",
                    change: Change::Pretend(0),
                },
                // The taker does not wait for the owner.
                Mutant {
                    file: RUN_NEXT,
                    after: "fn wait_for_owner(",
                    line: "self.busy.load(Ordering::Acquire)",
                    change: Change::Pretend(0),
                },
            ],
        },
        Model {
            name: "run_next_without_barriers",
            property: "the same where the kernel has no barriers",
            body: || {
                world::have_no_barriers();
                run_next_two_takers();
            },
            preemptions: Some(3),
            mutants: &[
                Mutant {
                    file: RUN_NEXT,
                    after: "fn exchange_beside_others(",
                    line: "self.slot.swap(",
                    change: Change::Split,
                },
                Mutant {
                    file: RUN_NEXT,
                    after: "pub(crate) fn drain(",
                    line: ".swap(ptr::null_mut()",
                    change: Change::Split,
                },
            ],
        },
        Model {
            name: "run_next_thieves",
            property: "the same with a thief beside the taker",
            body: run_next_thieves,
            preemptions: Some(3),
            mutants: &[Mutant {
                file: RUN_NEXT,
                after: "pub(crate) fn rob(",
                line: ".compare_exchange(seen, ptr::null_mut()",
                change: Change::Split,
            }],
        },
        Model {
            name: "shrink_against_idler",
            property: "permits that GOMAXPROCS takes away go exactly once, and what is left runs what there is",
            body: shrink_against_idler,
            preemptions: Some(2),
            mutants: &[TWO_UPDATE],
        },
        Model {
            name: "timekeeper",
            property: "a timer that is armed while the timekeeper plans to sleep for longer wakes it, one behind a timer that is gone too",
            body: timekeeper,
            preemptions: Some(1),
            mutants: &[
                Mutant {
                    file: IDLE,
                    after: "PLAN.store(plan",
                    line: "fence::store_load()",
                    change: Change::Skip,
                },
                Mutant {
                    file: IDLE,
                    after: "pub(crate) fn timer_added",
                    line: "fence::store_load()",
                    change: Change::Skip,
                },
                Mutant {
                    file: TIMER,
                    after: "pub(crate) fn earliest(&self)",
                    line: "bound.load(",
                    change: Change::Pretend(timer::NEVER),
                },
                Mutant {
                    file: TIMER,
                    after: "fn with<",
                    line: "bound.store(bound",
                    change: Change::Skip,
                },
            ],
        },
        Model {
            name: "timekeeper_blocks",
            property: "a timer fires although the timekeeper got up for another one, whose goroutine then blocks, and the worker that sleeps had found its office taken",
            body: timekeeper_blocks,
            preemptions: Some(2),
            mutants: &[
                // Whoever enters `blocking` wakes nobody.
                Mutant {
                    file: IDLE,
                    after: "pub(crate) fn timers_left",
                    line: "TIMEKEEPER.load(",
                    change: Change::Pretend(1),
                },
            ],
        },
        Model {
            name: "timekeeper_waits_in_place",
            property: "the same where that goroutine is locked to its thread and waits",
            body: timekeeper_waits_in_place,
            preemptions: Some(1),
            mutants: &[Mutant {
                file: IDLE,
                after: "pub(crate) fn timers_left",
                line: "TIMEKEEPER.load(",
                change: Change::Pretend(1),
            }],
        },
        Model {
            name: "stackless",
            property: "a goroutine that finds no stack while another one ends gets that stack",
            body: stackless,
            preemptions: Some(1),
            mutants: &[Mutant {
                file: STACKLESS,
                after: "fn ask_workers(",
                line: "other.flush.store(true",
                change: Change::Skip,
            }],
        },
        Model {
            name: "stackless_beside_an_end",
            property: "the same when the goroutine that ends takes its thread with it",
            body: stackless_beside_an_end,
            preemptions: Some(1),
            mutants: &[Mutant {
                file: STACKLESS,
                after: "pub(crate) fn any(",
                line: "COUNT.load(",
                change: Change::Pretend(0),
            }],
        },
        Model {
            name: "steals_that_answer_retry",
            property: "a steal that says Retry is not taken for an empty queue",
            body: || {
                crossbeam_deque::answer_retry();
                deque_against_idler();
            },
            preemptions: Some(1),
            mutants: &[NO_FENCE_OF_PUSH],
        },
    ]
}

fn injector_against_idler() {
    let mut world = World::new(1, &[permit::RUN]);
    world.start_all();
    queue::inject(goroutine(|| ()), Lane::Woken);
    let _ = world.finish(1);
}

/// A goroutine on a worker submits another one; the second of them pushes the first to the deque.
fn submit(record: crate::goroutine::RecordPtr) {
    let worker = current_slot().expect("in a goroutine").worker();
    queue::submit_next(worker, record);
}

fn deque_against_idler() {
    let mut world = World::new(2, &[permit::RUN, permit::RUN]);
    let ran = Event::new();
    let (first, second) = (goroutine(move || ran.set()), goroutine(|| ()));
    world.worker(0).deque.push(goroutine(move || {
        submit(first);
        submit(second);
        ran.wait();
    }));
    world.start_all();
    let _ = world.finish(3);
}

fn last_searcher_wakes_next() {
    let mut world = World::new(2, &[permit::RUN, permit::NONE]);
    let (one, other) = (Event::new(), Event::new());
    let (first, second) = (
        goroutine(move || {
            one.set();
            other.wait();
        }),
        goroutine(move || {
            other.set();
            one.wait();
        }),
    );
    world.start_all();
    queue::inject(first, Lane::New);
    queue::inject(second, Lane::New);
    let _ = world.finish(2);
}

/// sysmon takes the first worker's permit. The worker's goroutine does not end before the one that it
/// submits has run, elsewhere.
fn take_from_first(world: World, goroutines: u32) {
    let mut world = world;
    let victim = world.worker(0);
    world.start_all();
    if take::take(victim, permit::RUN) {
        take::pass_on();
    }
    let _ = world.finish(goroutines);
}

fn submit_against_take() {
    let world = World::new(1, &[permit::RUN, permit::NONE]);
    let ran = Event::new();
    let second = goroutine(move || ran.set());
    let hog = goroutine(move || {
        let worker = current_slot().expect("in a goroutine").worker();
        queue::submit_next(worker, second);
        if !worker.runs() {
            ran.wait();
        }
    });
    world.worker(0).deque.push(hog);
    take_from_first(world, 2);
}

fn push_against_take() {
    let world = World::new(1, &[permit::RUN, permit::NONE]);
    let ran = Event::new();
    let (first, second) = (goroutine(move || ran.set()), goroutine(|| ()));
    let hog = goroutine(move || {
        submit(first);
        submit(second);
        if !current_slot().expect("in a goroutine").worker().runs() {
            ran.wait();
        }
    });
    world.worker(0).deque.push(hog);
    take_from_first(world, 3);
}

fn submit_against_blocking() {
    let mut world = World::new(1, &[permit::RUN, permit::NONE]);
    let ran = Event::new();
    let submitted = goroutine(move || ran.set());
    world.worker(0).deque.push(goroutine(move || {
        crate::blocking::blocking(|| ran.wait());
    }));
    world.start_all();
    queue::inject(submitted, Lane::Woken);
    let _ = world.finish(2);
}

fn return_against_take() {
    let mut world = World::new(1, &[permit::RUN, permit::NONE]);
    let victim = world.worker(0);
    victim
        .deque
        .push(goroutine(|| crate::blocking::blocking(|| ())));
    world.start_all();
    if take::take(victim, permit::BLOCK) {
        take::pass_on();
    }
    let _ = world.finish(1);
    assert!(WORD.load().blocked() == 0, "{:?}", WORD.load());
}

/// The owner fills and empties its slot twice, whoever else comes.
fn use_run_next(worker: &'static Worker) {
    for _ in 0..2 {
        if worker.run_next.put(goroutine(|| ())).is_some() {
            world::ended();
        }
        if worker.run_next.take().is_some() {
            world::ended();
        }
    }
}

fn run_next_two_takers() {
    let world = World::new(1, &[permit::RUN]);
    let worker = world.worker(0);
    let owner = model::thread::spawn(move || use_run_next(worker));
    queue::drain_victim(worker);
    owner.join().unwrap();
    let injected = queue::injected_len() as u32;
    assert_eq!(injected + world::ended_so_far(), 2, "run once");
}

fn run_next_thieves() {
    let world = World::new(1, &[permit::RUN]);
    let worker = world.worker(0);
    let first = goroutine(|| ());
    worker.run_next.put(first);
    let thief = model::thread::spawn(move || {
        if worker.run_next.rob(first.0).is_some() {
            world::ended();
        }
    });
    let taker = model::thread::spawn(move || queue::drain_victim(worker));
    if worker.run_next.take().is_some() {
        world::ended();
    }
    thief.join().unwrap();
    taker.join().unwrap();
    let injected = queue::injected_len() as u32;
    assert_eq!(injected + world::ended_so_far(), 1, "run once");
}

fn shrink_against_idler() {
    let mut world = World::new(2, &[permit::RUN, permit::NONE]);
    world.start_all();
    resize::gomaxprocs(1);
    queue::inject(goroutine(|| ()), Lane::New);
    let workers = world.finish(1);
    let word = WORD.load();
    let held = |worker: &&&Worker| worker.permit.load(Ordering::Acquire) != permit::NONE;
    let held = workers.iter().filter(held).count() as u64;
    assert_eq!(word.idle() + held - word.debt(), 1, "{word:?}, {held} held");
}

fn timekeeper() {
    let mut world = World::new(1, &[permit::RUN]);
    let (far, near) = (world::waiting(|| ()), world::waiting(|| ()));
    let gone = timer::Node::new(world::DEADLINE - 1, far);
    let far = timer::Node::new(world::NEVER_COMES, far);
    let near = timer::Node::new(world::DEADLINE, near);
    // SAFETY: the first two are cancelled below, the third fires; all stay until then.
    unsafe {
        timer::insert(&raw const far, Some(0));
        timer::insert(&raw const gone, Some(0));
    }
    // Nobody is told of a timer behind that one.
    assert!(timer::cancel(&gone));
    world.start_all();
    // SAFETY: as above.
    unsafe { timer::insert(&raw const near, Some(0)) };
    let _ = world.finish(1);
    assert!(timer::cancel(&far));
}

/// Two timers, of which the first readies what waits for the second. One of the workers keeps the time.
fn two_timers(first: impl FnOnce() + 'static, second: impl FnOnce() + 'static) {
    let mut world = World::new(1, &[permit::RUN, permit::NONE]);
    let first = timer::Node::new(world::DEADLINE, world::waiting(first));
    let second = timer::Node::new(world::DEADLINE + 100_000, world::waiting(second));
    // SAFETY: both fire, and stay until then.
    unsafe {
        timer::insert(&raw const first, Some(0));
        timer::insert(&raw const second, Some(0));
    }
    world.start(0);
    world.start_to_lie_down(1);
    let _ = world.finish(2);
}

fn timekeeper_blocks() {
    let ran = Event::new();
    two_timers(
        move || crate::blocking::blocking(|| ran.wait()),
        move || ran.set(),
    );
}

fn timekeeper_waits_in_place() {
    let gate = token::Gate::new();
    two_timers(
        move || {
            crate::blocking::lock_os_thread();
            gate.wait();
            crate::blocking::unlock_os_thread();
        },
        move || gate.open(),
    );
}

fn stackless() {
    world::limit_stacks(1);
    let mut world = World::new(2, &[permit::RUN, permit::RUN]);
    for id in 0..2 {
        world.worker(id).deque.push(goroutine(|| ()));
    }
    world.start_all();
    let _ = world.finish(2);
}

fn stackless_beside_an_end() {
    world::limit_stacks(1);
    let mut world = World::new(2, &[permit::RUN, permit::RUN]);
    let ends_thread = goroutine(crate::blocking::lock_os_thread);
    world.worker(0).deque.push(ends_thread);
    world.worker(1).deque.push(goroutine(|| ()));
    world.start_all();
    let _ = world.finish(2);
}
