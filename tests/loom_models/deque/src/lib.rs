//! crossbeam-deque in small: the same accesses with the same orderings, over loom's atomics, in a
//! buffer that does not grow and an injector of one block, without epochs. The real crate cannot be
//! built over loom's atomics.
//!
//! Mirrors crossbeam-deque 0.8.8, `src/deque.rs`: `Worker::push`, `Worker::pop` (FIFO),
//! `Stealer::{steal, steal_batch_and_pop, is_empty, len}`, `Injector::{push, steal,
//! steal_batch_and_pop, is_empty, len}`. [`answer_retry`] makes every other steal answer
//! [`Steal::Retry`], which the real one may do at any time.

use std::cell::{Cell, UnsafeCell};
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::Arc;

use model::PerExecution;
use model::atomic::{AtomicUsize, Ordering, fence};

/// Goroutines that a queue sees in an execution of a model.
const ROOM: usize = 12;

static RETRY: PerExecution<Cell<(bool, bool)>> = PerExecution::new();

/// From now on, in this execution, every other steal answers `Retry`.
pub fn answer_retry() {
    RETRY.get_or(Cell::default).set((true, false));
}

fn retry_now() -> bool {
    let retry = RETRY.get_or(Cell::default);
    let (on, last) = retry.get();
    retry.set((on, !last));
    on && !last
}

/// How a steal ended.
pub enum Steal<T> {
    Empty,
    Success(T),
    Retry,
}

struct Slots<T>([UnsafeCell<MaybeUninit<T>>; ROOM]);

impl<T> Slots<T> {
    fn new() -> Self {
        Self([const { UnsafeCell::new(MaybeUninit::uninit()) }; ROOM])
    }

    fn write(&self, index: usize, value: T) {
        // SAFETY: a slot is written once an execution, by the one that has its index.
        unsafe { (*self.0[index].get()).write(value) };
    }

    /// # Safety
    ///
    /// The slot was written in this execution; of several that read it one keeps the value.
    unsafe fn read(&self, index: usize) -> T {
        // SAFETY: the caller's promise.
        unsafe { ptr::read(self.0[index].get()).assume_init() }
    }
}

struct Inner<T> {
    front: AtomicUsize,
    back: AtomicUsize,
    slots: Slots<T>,
}

/// The owner's end.
pub struct Worker<T> {
    inner: Arc<Inner<T>>,
}

// SAFETY: as the real one.
unsafe impl<T: Send> Send for Worker<T> {}

impl<T> Worker<T> {
    pub fn new_fifo() -> Self {
        Self {
            inner: Arc::new(Inner {
                front: AtomicUsize::new(0),
                back: AtomicUsize::new(0),
                slots: Slots::new(),
            }),
        }
    }

    pub fn stealer(&self) -> Stealer<T> {
        Stealer {
            inner: Arc::clone(&self.inner),
        }
    }

    pub fn push(&self, value: T) {
        let back = self.inner.back.load(Ordering::Relaxed);
        self.inner.front.load(Ordering::Acquire);
        self.inner.slots.write(back, value);
        fence(Ordering::Release);
        self.inner.back.store(back + 1, Ordering::Relaxed);
    }

    pub fn pop(&self) -> Option<T> {
        let back = self.inner.back.load(Ordering::Relaxed);
        let front = self.inner.front.load(Ordering::Relaxed);
        if back <= front {
            return None;
        }
        let front = self.inner.front.fetch_add(1, Ordering::SeqCst);
        if back < front + 1 {
            self.inner.front.store(front, Ordering::Relaxed);
            return None;
        }
        // SAFETY: the owner wrote it, and its index is ours.
        Some(unsafe { self.inner.slots.read(front) })
    }

    pub fn is_empty(&self) -> bool {
        let back = self.inner.back.load(Ordering::Relaxed);
        let front = self.inner.front.load(Ordering::SeqCst);
        back <= front
    }

    pub fn len(&self) -> usize {
        let back = self.inner.back.load(Ordering::Relaxed);
        let front = self.inner.front.load(Ordering::SeqCst);
        back.saturating_sub(front)
    }
}

/// A thief's end.
pub struct Stealer<T> {
    inner: Arc<Inner<T>>,
}

// SAFETY: as the real one.
unsafe impl<T: Send> Send for Stealer<T> {}
// SAFETY: as the real one.
unsafe impl<T: Send> Sync for Stealer<T> {}

impl<T> Stealer<T> {
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn len(&self) -> usize {
        // Models look once before their threads begin.
        model::touch(&self.inner.front);
        model::touch(&self.inner.back);
        let front = self.inner.front.load(Ordering::Acquire);
        fence(Ordering::SeqCst);
        let back = self.inner.back.load(Ordering::Acquire);
        back.saturating_sub(front)
    }

    /// The ends of what there is to steal.
    fn look(&self) -> Steal<(usize, usize)> {
        let front = self.inner.front.load(Ordering::Acquire);
        // The real one pins an epoch, which is a fence as well.
        fence(Ordering::SeqCst);
        let back = self.inner.back.load(Ordering::Acquire);
        if back <= front {
            return Steal::Empty;
        }
        if retry_now() {
            return Steal::Retry;
        }
        Steal::Success((front, back))
    }

    pub fn steal(&self) -> Steal<T> {
        let (front, _) = match self.look() {
            Steal::Success(ends) => ends,
            Steal::Empty => return Steal::Empty,
            Steal::Retry => return Steal::Retry,
        };
        // SAFETY: `back` was read behind the write; the value counts only if the exchange succeeds.
        let value = MaybeUninit::new(unsafe { self.inner.slots.read(front) });
        match self.inner.front.compare_exchange(
            front,
            front + 1,
            Ordering::SeqCst,
            Ordering::Relaxed,
        ) {
            // SAFETY: the index is ours.
            Ok(_) => Steal::Success(unsafe { value.assume_init() }),
            Err(_) => Steal::Retry,
        }
    }

    pub fn steal_batch_and_pop(&self, dest: &Worker<T>) -> Steal<T> {
        let (front, back) = match self.look() {
            Steal::Success(ends) => ends,
            Steal::Empty => return Steal::Empty,
            Steal::Retry => return Steal::Retry,
        };
        let more = (back - front - 1) / 2;
        let place = dest.inner.back.load(Ordering::Relaxed);
        // SAFETY: as in `steal`; the places behind `back` of the own deque are its owner's.
        let first = MaybeUninit::new(unsafe { self.inner.slots.read(front) });
        let rest: Vec<_> = (0..more)
            // SAFETY: as above.
            .map(|n| MaybeUninit::new(unsafe { self.inner.slots.read(front + 1 + n) }))
            .collect();
        if self
            .inner
            .front
            .compare_exchange(front, front + 1 + more, Ordering::SeqCst, Ordering::Relaxed)
            .is_err()
        {
            return Steal::Retry;
        }
        for (n, value) in rest.into_iter().enumerate() {
            // SAFETY: the indices are ours.
            dest.inner
                .slots
                .write(place + n, unsafe { value.assume_init() });
        }
        if more > 0 {
            fence(Ordering::Release);
            dest.inner.back.store(place + more, Ordering::Release);
        }
        // SAFETY: as above.
        Steal::Success(unsafe { first.assume_init() })
    }
}

/// The shared queue.
pub struct Injector<T> {
    head: AtomicUsize,
    tail: AtomicUsize,
    written: [AtomicUsize; ROOM],
    slots: Slots<T>,
    touched: PerExecution<()>,
}

// SAFETY: as the real one.
unsafe impl<T: Send> Send for Injector<T> {}
// SAFETY: as the real one.
unsafe impl<T: Send> Sync for Injector<T> {}

impl<T> Default for Injector<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Injector<T> {
    pub fn new() -> Self {
        Self {
            head: AtomicUsize::new(0),
            tail: AtomicUsize::new(0),
            written: [const { AtomicUsize::new(0) }; ROOM],
            slots: Slots::new(),
            touched: PerExecution::new(),
        }
    }

    pub fn push(&self, value: T) {
        let mut tail = self.tail.load(Ordering::Acquire);
        while let Err(now) =
            self.tail
                .compare_exchange_weak(tail, tail + 1, Ordering::SeqCst, Ordering::Acquire)
        {
            tail = now;
        }
        self.slots.write(tail, value);
        self.written[tail].fetch_or(1, Ordering::Release);
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn len(&self) -> usize {
        if !self.touched.is_filled() {
            self.touched.get_or(|| ());
            model::touch(self);
        }
        let head = self.head.load(Ordering::SeqCst);
        let tail = self.tail.load(Ordering::SeqCst);
        tail.saturating_sub(head)
    }

    fn steal_some(&self, count: impl Fn(usize) -> usize) -> Steal<Vec<T>> {
        let head = self.head.load(Ordering::Acquire);
        fence(Ordering::SeqCst);
        let tail = self.tail.load(Ordering::Relaxed);
        if tail <= head {
            return Steal::Empty;
        }
        if retry_now() {
            return Steal::Retry;
        }
        let end = head + count(tail - head);
        if self
            .head
            .compare_exchange_weak(head, end, Ordering::SeqCst, Ordering::Acquire)
            .is_err()
        {
            return Steal::Retry;
        }
        let values = (head..end)
            .map(|index| {
                while self.written[index].load(Ordering::Acquire) == 0 {
                    model::hint::spin_loop();
                }
                // SAFETY: written, and the index is ours.
                unsafe { self.slots.read(index) }
            })
            .collect();
        Steal::Success(values)
    }

    pub fn steal(&self) -> Steal<T> {
        match self.steal_some(|_| 1) {
            Steal::Success(mut one) => Steal::Success(one.remove(0)),
            Steal::Empty => Steal::Empty,
            Steal::Retry => Steal::Retry,
        }
    }

    pub fn steal_batch_and_pop(&self, dest: &Worker<T>) -> Steal<T> {
        match self.steal_some(|len| 1 + (len - 1) / 2) {
            Steal::Success(mut values) => {
                let first = values.remove(0);
                let place = dest.inner.back.load(Ordering::Relaxed);
                let more = values.len();
                for (n, value) in values.into_iter().enumerate() {
                    dest.inner.slots.write(place + n, value);
                }
                if more > 0 {
                    fence(Ordering::Release);
                    dest.inner.back.store(place + more, Ordering::Release);
                }
                Steal::Success(first)
            }
            Steal::Empty => Steal::Empty,
            Steal::Retry => Steal::Retry,
        }
    }
}
