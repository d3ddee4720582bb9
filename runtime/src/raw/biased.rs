//! A spin lock that costs a worker which uses it alone no locked instruction.
//!
//! A locked instruction is 2 to 9 ns, half of what a channel operation takes, and most channels are used
//! on one worker at a time: a goroutine that is readied runs where its waker runs. So a lock that one
//! worker has taken often, and nobody else in between, becomes that worker's: it takes it by plain
//! stores, and whoever comes from elsewhere first takes the lock away from it, by a `membarrier`.
//!
//! # States
//!
//! `word`:
//!
//! | value | meaning | who leaves it |
//! | --- | --- | --- |
//! | FREE + tick | nobody holds the lock | whoever takes it, to HELD, by compare-and-swap |
//! | HELD + tick | somebody holds it | the holder, to FREE with the next tick, or to OWNED by its worker |
//! | OWNED + worker | the worker's; it is inside if its seat says so | another thread, to REVOKED, by compare-and-swap; the worker itself, to HELD, while it is not inside |
//! | REVOKED + worker | somebody waits until the worker is out | that one, to HELD |
//!
//! A worker's *seat* has places for the locks that its thread is inside as an owner, or null. Only that
//! thread writes it. A thread that is inside as many locks as there are places, in a large select, takes
//! further ones in the ordinary way.
//!
//! The tick counts how often the lock was taken in the ordinary way, up to [`TICKS`]: whoever takes it at
//! tick 0 is noted in `recent`, the others save themselves the trouble. `recent`, under the lock, says who
//! was noted last, how often in a row ([`STREAK`] makes it the owner), and how often the lock was taken
//! from an owner.
//!
//! # Moves
//!
//! *An owner enters*: it reads its name in `word`, stores the lock in its seat, and reads `word` again.
//! If its name is still there it is inside. If not it clears its place and goes the ordinary way. *It
//! leaves* by clearing the place.
//!
//! *Another thread revokes*: it swaps OWNED for REVOKED, executes a `membarrier`, which makes every running
//! thread of the process execute a fence, waits until the owner's seat does not hold the lock, and stores
//! HELD. Now it has the lock.
//!
//! # Why one at a time is inside
//!
//! Between the holders of HELD it is an ordinary lock, and a revoker is the only one that leaves REVOKED. Take an
//! owner W and a revoker V. W stores its seat and then loads `word`; V stores `word` and then, behind the
//! barrier, loads the seat. If W's second load comes after the barrier it sees that its name is
//! gone, and W stays out. If it comes before, so does the store of the seat, and V sees it, and waits for the
//! store that clears it, or a later one to the same place: a release, read by an acquire, so V also sees what
//! W did inside. V looks at the places one by one, and W enters none of them after the barrier, so what V has
//! seen empty stays empty of this lock. The same holds for
//! W's earlier sections, whose stores are older. W's two loads and the store between stay in their order in
//! the machine code ([`fence::unfenced`]). Sections of one owner follow each other on one thread.
//!
//! Who reads OWNED or REVOKED when it opens the lock is the owner: a holder that came the ordinary way
//! stored HELD, which nobody else changes.
//!
//! # What it costs
//!
//! An owner: the look for the worker, three loads, two stores; of a select, the same for each channel.
//! Who comes the ordinary way: a load, an exchange, a load and a store, in the caller's code, and once in
//! [`TICKS`] the note.
//!
//! Taking a lock away costs as much as some
//! hundred locked instructions, and an interrupt for the other processors. It comes after [`TICKS`] times
//! [`STREAK`] ordinary ones at the earliest, of which one worker took those that were noted, and eight times as many after
//! each revocation up to the third. If the kernel has no barriers no lock is ever owned.

use std::fmt;
use std::ptr;

use super::lock;
use crate::shim::Cell;
use crate::shim::atomic::{AtomicPtr, AtomicU16, Ordering};
use crate::{current, fence, sys};

/// The lowest of the values that say FREE.
const FREE: u16 = 0;
const HELD: u16 = 1 << 13;
const OWNED: u16 = 1 << 14;
const REVOKED: u16 = 1 << 15;
/// The part of `word` and `recent` that says which worker.
const WHO: u16 = 63;
/// No worker; those with higher numbers never own a lock.
const NOBODY: u16 = WHO;
/// The part of `recent` that counts revocations, up to three.
const REVOCATIONS: u16 = 3 << REVOCATIONS_SHIFT;
const REVOCATIONS_SHIFT: u32 = 6;
const STREAK_SHIFT: u32 = 8;

/// One in so many that take the lock in the ordinary way is noted. A power of two.
const TICKS: u16 = if cfg!(any(gors_loom, debug_assertions)) {
    2
} else {
    64
};
const TICK: u16 = TICKS - 1;
const _: () = assert!(TICKS.is_power_of_two() && TICKS < HELD);

/// How often in a row a worker is noted before it owns the lock. Debug builds change owners often, so
/// that tests see it, and models at once.
const STREAK: u16 = if cfg!(gors_loom) { 1 } else { 4 };

/// How many locks a thread may be inside as their owner: those of a select, and one more.
const PLACES: usize = if cfg!(gors_loom) { 2 } else { 4 };

/// What a worker's thread is inside of.
#[repr(align(128))]
struct Seat {
    places: [AtomicPtr<BiasedLock>; PLACES],
    /// The thread's own: how often it was noted.
    noted: Cell<u16>,
}

struct Seats([Seat; WHO as usize + 1]);

// SAFETY: `noted` is used by the thread of the seat's worker only; the last one, which stands for no
// worker, has none.
unsafe impl Sync for Seats {}

static SEATS: Seats = Seats(
    [const {
        Seat {
            places: [const { AtomicPtr::new(ptr::null_mut()) }; _],
            noted: Cell::new(0),
        }
    }; _],
);

/// The seat of the worker that `word` or `recent` names.
#[inline(always)]
fn seat(of: u16) -> &'static Seat {
    &SEATS.0[usize::from(of & WHO)]
}

/// The caller's worker, if it may own locks.
#[inline(always)]
fn me() -> u16 {
    match current::worker_number() {
        Some(number) if number < usize::from(NOBODY) => number as u16,
        _ => NOBODY,
    }
}

impl Seat {
    /// Whether no place holds the lock, any more. For others than the seat's thread.
    fn has_left(&self, lock: *const BiasedLock) -> bool {
        self.places
            .iter()
            .all(|place| !ptr::eq(place.load(Ordering::Acquire), lock))
    }
}

/// A spin lock that one worker may own. As a [`SpinLock`](super::SpinLock) it may be released on another stack of the
/// same thread, and the same rules hold. Four bytes.
pub struct BiasedLock {
    word: AtomicU16,
    /// Under the lock.
    recent: Cell<u16>,
}

// SAFETY: `recent` is used under the lock only.
unsafe impl Sync for BiasedLock {}

impl BiasedLock {
    /// An open lock that nobody owns.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            word: AtomicU16::new(FREE),
            recent: Cell::new(NOBODY),
        }
    }

    /// Takes the lock, waiting for it actively.
    #[inline(always)]
    pub fn lock(&self) {
        let word = self.word.load(Ordering::Relaxed);
        let has_it = if word & OWNED != 0 {
            current::worker_number() == Some(usize::from(word & WHO)) && self.enter(word)
        } else {
            self.try_free(word)
        };
        if !has_it {
            self.lock_slow();
        }
    }

    /// The caller's worker, which owns the lock, goes in, unless its seat has no place or the lock is
    /// just being taken from it.
    #[inline(always)]
    fn enter(&self, owned: u16) -> bool {
        let mut places = seat(owned).places.iter();
        let Some(place) = places.find(|place| place.load(Ordering::Relaxed).is_null()) else {
            return false;
        };
        // A release: the place may have been left in another section of this thread, and a revoker
        // of that lock may see this store in place of the one that cleared it.
        place.store(ptr::from_ref(self).cast_mut(), Ordering::Release);
        fence::unfenced();
        if self.word.load(Ordering::Acquire) == owned {
            return true;
        }
        place.store(ptr::null_mut(), Ordering::Release);
        false
    }

    /// Takes the lock if it is free and `word` says so.
    #[inline(always)]
    fn try_free(&self, word: u16) -> bool {
        if word > TICK
            || self
                .word
                .compare_exchange(word, word | HELD, Ordering::Acquire, Ordering::Relaxed)
                .is_err()
        {
            return false;
        }
        if word == FREE {
            self.note();
        }
        true
    }

    /// Opens the lock.
    ///
    /// # Safety
    ///
    /// The lock is held, and the holder has passed the right to open it to this call, on its thread.
    #[inline(always)]
    pub unsafe fn unlock(&self) {
        let word = self.word.load(Ordering::Relaxed);
        if word & (OWNED | REVOKED) != 0 {
            let mut places = seat(word).places.iter();
            let place = places.find(|place| ptr::eq(place.load(Ordering::Relaxed), self));
            debug_assert!(place.is_some(), "unlock of an open BiasedLock");
            if let Some(place) = place {
                place.store(ptr::null_mut(), Ordering::Release);
            }
        } else if word == HELD {
            self.unlock_noted();
        } else {
            debug_assert_eq!(word & !TICK, HELD, "unlock of an open BiasedLock");
            self.word.store((word + 1) & TICK, Ordering::Release);
        }
    }

    /// Opens the lock at tick 0: who was noted may own it from now on.
    #[inline(never)]
    fn unlock_noted(&self) {
        let recent = self.recent.get();
        let next = if recent >> STREAK_SHIFT == STREAK {
            OWNED | (recent & WHO)
        } else {
            (FREE + 1) & TICK
        };
        self.word.store(next, Ordering::Release);
    }

    /// The holder is about to park, and its park opens the lock: tells the race detector, to which
    /// the worker that does it is invisible, that what the holder did comes before the next holder.
    #[inline(always)]
    pub fn leave(&self) {
        crate::sanitize::release(&raw const self.word);
    }

    /// Takes the lock, which looks held, or owned by another, or by the caller who is inside too many.
    #[inline(never)]
    fn lock_slow(&self) {
        if !self.try_lock() {
            lock::step_back_until(|| self.try_lock());
        }
    }

    /// Takes the lock if nobody holds it, from its owner if it has one.
    #[inline]
    fn try_lock(&self) -> bool {
        let word = self.word.load(Ordering::Relaxed);
        if word & OWNED == 0 {
            return self.try_free(word);
        }
        // Whoever owns it is not inside, if it is the caller.
        let foreign = word & WHO != me();
        let next = if foreign {
            REVOKED | (word & WHO)
        } else {
            HELD
        };
        if self
            .word
            .compare_exchange(word, next, Ordering::SeqCst, Ordering::Relaxed)
            .is_err()
        {
            return false;
        }
        if foreign {
            self.revoke(word);
        } else if !sys::has_barriers() {
            // Not any more: the lock is nobody's from here on.
            self.recent.set(NOBODY);
        }
        true
    }

    /// Waits until the former owner is out; then the caller holds the lock.
    #[cold]
    #[inline(never)]
    fn revoke(&self, owned: u16) {
        sys::barrier_or_wait();
        let seat = seat(owned);
        if !seat.has_left(self) {
            lock::step_back_until(|| seat.has_left(self));
        }
        self.word.store(HELD, Ordering::Relaxed);
        let revocations = self.recent.get() & REVOCATIONS;
        let more = if revocations == REVOCATIONS {
            0
        } else {
            1 << REVOCATIONS_SHIFT
        };
        self.recent.set((revocations + more) | NOBODY);
    }

    /// The caller, which holds the lock, has found it free at tick 0.
    #[inline(never)]
    fn note(&self) {
        let me = me();
        let recent = self.recent.get();
        if recent & WHO != me {
            self.recent.set((recent & REVOCATIONS) | me);
            return;
        }
        // A race detector sees no order between the sections of two goroutines of an owner.
        if me == NOBODY || cfg!(gors_tsan) {
            return;
        }
        let noted = &seat(me).noted;
        let count = noted.get().wrapping_add(1);
        noted.set(count);
        // Each counts, or one in 8, 64, 512.
        let revocations = (recent & REVOCATIONS) >> REVOCATIONS_SHIFT;
        let rarely = if cfg!(gors_loom) {
            0
        } else {
            (1_u16 << (3 * revocations)) - 1
        };
        let streak = recent >> STREAK_SHIFT;
        if count & rarely == 0 && streak < STREAK && (streak + 1 < STREAK || sys::has_barriers()) {
            self.recent.set(recent + (1 << STREAK_SHIFT));
        }
    }
}

impl Default for BiasedLock {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for BiasedLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BiasedLock").finish_non_exhaustive()
    }
}
