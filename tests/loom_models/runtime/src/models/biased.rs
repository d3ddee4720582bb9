//! The lock that one worker may own.

use std::sync::Arc;

use model::mutant::{Change, Mutant};
use model::runner::Model;

use crate::below::world::{self, goroutine, thread};
use crate::raw::BiasedLock;
use crate::shim::UnsafeCell;

const BIASED: &str = "runtime/src/raw/biased.rs";
/// What an owner with the number 0 wants to read.
const OWNED_BY_0: u64 = 1 << 14;

/// Two take the lock from its owner at once.
const TWO_TAKE: Mutant = Mutant {
    file: BIASED,
    after: "fn try_lock(",
    line: ".compare_exchange(word, next",
    change: Change::Split,
};

const NO_BARRIER: Mutant = Mutant {
    file: BIASED,
    after: "fn revoke(",
    line: "sys::barrier_or_wait()",
    change: Change::Skip,
};

pub(super) fn models() -> Vec<Model> {
    vec![
        Model {
            name: "biased",
            property: "an owner and a thread that takes its lock away: one is inside at a time, and sees what the other wrote",
            body: owner_and_revoker,
            preemptions: Some(3),
            mutants: &[
                NO_BARRIER,
                // The owner does not look again.
                Mutant {
                    file: BIASED,
                    after: "fence::unfenced();",
                    line: "self.word.load(Ordering::Acquire)",
                    change: Change::Pretend(OWNED_BY_0),
                },
                // The revoker does not wait.
                Mutant {
                    file: BIASED,
                    after: "fn has_left(",
                    line: "place.load(Ordering::Acquire)",
                    change: Change::Pretend(0),
                },
                Mutant {
                    file: BIASED,
                    after: "fn has_left(",
                    line: "place.load(Ordering::Acquire)",
                    change: Change::Relaxed,
                },
                Mutant {
                    file: BIASED,
                    after: "pub unsafe fn unlock(",
                    line: ".store(ptr::null_mut(), Ordering::Release)",
                    change: Change::Relaxed,
                },
            ],
        },
        Model {
            name: "biased_revokers",
            property: "the same with two that take it away at the same time",
            body: two_revokers,
            preemptions: Some(2),
            mutants: &[TWO_TAKE],
        },
        Model {
            name: "biased_next_owner",
            property: "the same where the one that takes the lock away becomes its owner in turn",
            body: next_owner,
            preemptions: Some(2),
            mutants: &[
                Mutant {
                    file: BIASED,
                    after: "debug_assert_eq!(word & !TICK",
                    line: "self.word.store((word + 1) & TICK, Ordering::Release)",
                    change: Change::Relaxed,
                },
                NO_BARRIER,
                Mutant {
                    file: BIASED,
                    after: "fn unlock_noted(",
                    line: "self.word.store(next, Ordering::Release)",
                    change: Change::Relaxed,
                },
            ],
        },
        Model {
            name: "biased_two_locks",
            property: "an owner of two locks that holds both at once, as a select does, while a thread takes one after the other",
            body: several_locks::<2>,
            preemptions: Some(2),
            // It takes the second one in the place of the first.
            mutants: &[Mutant {
                file: BIASED,
                after: "fn enter(",
                line: "place.load(Ordering::Relaxed)",
                change: Change::Pretend(0),
            }],
        },
        Model {
            name: "biased_place_again",
            property: "an owner of two locks that leaves one and enters the other in its place, while a thread takes the first",
            body: place_again,
            preemptions: Some(3),
            mutants: &[Mutant {
                file: BIASED,
                after: "fn enter(",
                line: "place.store(ptr::from_ref(self).cast_mut(), Ordering::Release)",
                change: Change::Relaxed,
            }],
        },
        Model {
            name: "biased_three_locks",
            property: "the same with three, of which there is no place for the last in its seat",
            body: several_locks::<3>,
            preemptions: Some(2),
            mutants: &[TWO_TAKE],
        },
    ]
}

struct Counter {
    lock: BiasedLock,
    count: UnsafeCell<u32>,
}

// SAFETY: the count is used under the lock, or the model fails.
unsafe impl Send for Counter {}
// SAFETY: as above.
unsafe impl Sync for Counter {}

impl Counter {
    /// One that the caller's worker, number 0, owns.
    fn owned() -> Arc<Self> {
        Self::owned_by(0)
    }

    fn owned_by(worker: usize) -> Arc<Self> {
        let counter = Arc::new(Self {
            lock: BiasedLock::new(),
            count: UnsafeCell::new(0),
        });
        model::touch(&*counter);
        world::run_on_worker(worker);
        // The fourth time as its owner, so that its seat exists before the threads begin.
        counter.add(4);
        counter
    }

    fn add(&self, times: u32) {
        for _ in 0..times {
            self.lock.lock();
            self.add_locked();
            // SAFETY: locked.
            unsafe { self.lock.unlock() };
        }
    }

    fn add_locked(&self) {
        // SAFETY: the model watches it.
        self.count.with_mut(|count| unsafe { *count += 1 });
    }

    fn holds(&self, count: u32) {
        self.lock.lock();
        // SAFETY: as above.
        assert_eq!(self.count.with(|count| unsafe { *count }), count);
        // SAFETY: locked.
        unsafe { self.lock.unlock() };
    }
}

/// All places of the owner's seat exist before the threads begin.
fn touch_places(counters: &[Arc<Counter>]) {
    counters.iter().for_each(|counter| counter.lock.lock());
    for counter in counters {
        // SAFETY: locked above.
        unsafe { counter.lock.unlock() };
    }
}

fn owner_and_revoker() {
    let counter = Counter::owned();
    let theirs = counter.clone();
    let other = thread(move || theirs.add(1));
    counter.add(2);
    other.join().unwrap();
    counter.holds(7);
}

fn two_revokers() {
    let counter = Counter::owned();
    let (first, second) = (counter.clone(), counter.clone());
    let first = thread(move || first.add(1));
    let second = thread(move || second.add(1));
    counter.add(1);
    first.join().unwrap();
    second.join().unwrap();
    counter.holds(7);
}

fn next_owner() {
    drop(Counter::owned_by(1));
    let counter = Counter::owned();
    let theirs = counter.clone();
    let other = goroutine(move || {
        world::run_on_worker(1);
        // Takes it away, is noted, owns it, and uses it as its own.
        theirs.add(6);
    });
    counter.add(1);
    other.join().unwrap();
    counter.holds(11);
}

fn place_again() {
    let (first, second) = (Counter::owned(), Counter::owned());
    touch_places(&[first.clone(), second.clone()]);
    let theirs = first.clone();
    let other = thread(move || theirs.add(1));
    first.add(1);
    second.add(1);
    other.join().unwrap();
    first.holds(6);
    second.holds(5);
}

fn several_locks<const N: usize>() {
    let counters: [_; N] = std::array::from_fn(|_| Counter::owned());
    touch_places(&counters);
    let theirs = [N - 1, 0].map(|i| counters[i].clone());
    let other = thread(move || theirs.iter().for_each(|counter| counter.add(1)));
    for counter in &counters {
        counter.lock.lock();
    }
    for counter in &counters {
        counter.add_locked();
    }
    for counter in &counters {
        // SAFETY: locked above.
        unsafe { counter.lock.unlock() };
    }
    other.join().unwrap();
    for (i, counter) in counters.iter().enumerate() {
        counter.holds(if i == 0 || i == N - 1 { 6 } else { 5 });
    }
}
