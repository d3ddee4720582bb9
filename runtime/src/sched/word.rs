//! The packed word: idle permits, searching workers, permits held in `blocking`, debt.
//!
//! One 64-bit atomic, four 16-bit fields, so that a waker can reserve a permit and count its
//! searcher in one step. All moves are compare-and-swap loops with named effects; the fields never
//! borrow from each other.
//!
//! * *idle*: permits that nobody holds.
//! * *searching*: workers in SEARCH, including one that was assigned a permit and has not woken yet.
//! * *blocked*: permits held by workers in BLOCK.
//! * *debt*: permits that are held and no longer exist, because GOMAXPROCS shrank; the next permits
//!   given back pay it. While there is debt there are no idle permits.

use crate::shim::atomic::{AtomicU64, Ordering};

const IDLE: u32 = 0;
const SEARCHING: u32 = 16;
const BLOCKED: u32 = 32;
const DEBT: u32 = 48;
const MASK: u64 = 0xFFFF;

/// A snapshot of the word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Snapshot(u64);

impl Snapshot {
    #[inline]
    const fn field(self, shift: u32) -> u64 {
        (self.0 >> shift) & MASK
    }

    #[inline]
    pub(crate) const fn idle(self) -> u64 {
        self.field(IDLE)
    }

    #[inline]
    pub(crate) const fn searching(self) -> u64 {
        self.field(SEARCHING)
    }

    pub(crate) const fn blocked(self) -> u64 {
        self.field(BLOCKED)
    }

    pub(crate) const fn debt(self) -> u64 {
        self.field(DEBT)
    }

    /// Neither an idle permit nor one to be had from a BLOCK holder: a submitter wakes nobody.
    #[inline]
    pub(crate) const fn nothing_to_wake(self) -> bool {
        self.0 & (MASK << IDLE | MASK << BLOCKED) == 0
    }

    const fn add(self, shift: u32) -> Self {
        Self(self.0 + (1 << shift))
    }

    fn sub(self, shift: u32) -> Self {
        debug_assert!(
            self.field(shift) > 0,
            "field at bit {shift} of {self:?} is 0"
        );
        Self(self.0 - (1 << shift))
    }
}

#[repr(align(128))]
pub(crate) struct Word(AtomicU64);

/// The one word.
pub(crate) static WORD: Word = Word(AtomicU64::new(0));

impl Word {
    #[inline]
    pub(crate) fn load(&self) -> Snapshot {
        Snapshot(self.0.load(Ordering::Relaxed))
    }

    fn update(&self, f: impl Fn(Snapshot) -> Option<Snapshot>) -> Option<Snapshot> {
        self.0
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |word| {
                f(Snapshot(word)).map(|new| new.0)
            })
            .ok()
            .map(Snapshot)
    }

    fn always(&self, f: impl Fn(Snapshot) -> Snapshot) -> Snapshot {
        self.update(|word| Some(f(word)))
            .expect("the update is unconditional")
    }

    /// idle − 1, searching + 1, if nobody searches yet: the waker's reservation.
    pub(crate) fn reserve_for_waking(&self) -> bool {
        self.update(|word| {
            (word.idle() > 0 && word.searching() == 0).then(|| word.sub(IDLE).add(SEARCHING))
        })
        .is_some()
    }

    /// idle − 1, searching + 1, however many search: for one that has seen work.
    pub(crate) fn reserve_for_searching(&self) -> bool {
        self.update(|word| (word.idle() > 0).then(|| word.sub(IDLE).add(SEARCHING)))
            .is_some()
    }

    /// idle − 1: for one that goes on running.
    pub(crate) fn reserve_for_running(&self) -> bool {
        self.update(|word| (word.idle() > 0).then(|| word.sub(IDLE)))
            .is_some()
    }

    /// A worker with a permit starts to search, unless half of the `busy` do already.
    pub(crate) fn begin_search(&self, busy: u64) -> bool {
        self.update(|word| (2 * word.searching() < busy).then(|| word.add(SEARCHING)))
            .is_some()
    }

    /// A permit in hand is lent to a worker that will search.
    pub(crate) fn add_searcher(&self) {
        self.always(|word| word.add(SEARCHING));
    }

    /// A searcher found work; true if it was the last one.
    pub(crate) fn end_search(&self) -> bool {
        self.always(|word| word.sub(SEARCHING)).searching() == 1
    }

    /// A permit goes back: pays debt, or is idle. `searcher`: the giver searched.
    pub(crate) fn give_back(&self, searcher: bool) {
        self.always(|word| {
            let word = if searcher { word.sub(SEARCHING) } else { word };
            if word.debt() > 0 {
                word.sub(DEBT)
            } else {
                word.add(IDLE)
            }
        });
    }

    pub(crate) fn enter_block(&self) {
        self.always(|word| word.add(BLOCKED));
    }

    pub(crate) fn leave_block(&self) {
        self.always(|word| word.sub(BLOCKED));
    }

    /// GOMAXPROCS grows by one: cancels debt, else there is one more idle permit.
    pub(crate) fn grow_one(&self) {
        self.give_back(false);
    }

    /// GOMAXPROCS shrinks by one: takes an idle permit, else there is debt.
    pub(crate) fn shrink_one(&self) {
        self.always(|word| {
            if word.idle() > 0 {
                word.sub(IDLE)
            } else {
                word.add(DEBT)
            }
        });
    }
}
