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
//! | FREE | nobody holds the lock | whoever takes it, to HELD, by compare-and-swap |
//! | HELD | somebody holds it | the holder, to FREE, or to OWNED by its worker |
//! | OWNED + worker | the worker's; it is inside if its seat says so | another thread, to REVOKED, by compare-and-swap; the worker itself, to HELD, while it is not inside |
//! | REVOKED + worker | somebody waits until the worker is out | that one, to HELD |
//!
//! A worker's *seat* holds the lock that its thread is inside as an owner, or null. Only that thread
//! writes it. It holds one: a thread that is inside one lock takes further ones, as a select does, in
//! the ordinary way.
//!
//! `recent`, under the lock: who took it in the ordinary way last, how often in a row ([`STREAK`] makes
//! it the owner), and how often the lock was taken from an owner.
//!
//! # Moves
//!
//! *An owner enters*: it reads its name in `word`, stores the lock in its seat, and reads `word` again.
//! If its name is still there it is inside. If not it clears its seat and goes the ordinary way. *It
//! leaves* by clearing the seat.
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
//! store that clears it: a release, read by an acquire, so V also sees what W did inside. The same holds for
//! W's earlier sections, whose stores are older. W's two loads and the store between stay in their order in
//! the machine code ([`fence::unfenced`]). Sections of one owner follow each other on one thread.
//!
//! Who reads OWNED or REVOKED when it opens the lock is the owner: a holder that came the ordinary way
//! stored HELD, which nobody else changes.
//!
//! # What it costs
//!
//! An owner: the look for the worker, three loads, two stores. Taking a lock away costs as much as some
//! hundred locked instructions, and an interrupt for the other processors. It comes after [`STREAK`]
//! ordinary ones in a row at the earliest, eight times as many after each revocation up to the third.
//! If the kernel has no barriers no lock is ever owned.

use std::fmt;
use std::ptr;
use std::time::Duration;

use super::lock;
use crate::shim::Cell;
use crate::shim::atomic::{AtomicPtr, AtomicU16, Ordering};
use crate::{current, fence, sys};

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

/// How often a worker takes a lock before it owns it. Debug builds change owners often, so that tests
/// see it, and models at once.
const STREAK: u16 = if cfg!(gors_loom) {
    1
} else if cfg!(debug_assertions) {
    7
} else {
    255
};

/// How long a revoker waits for the owner's stores where the kernel has refused the barrier that it
/// granted before: longer than a processor goes without an interrupt, whose return is a fence.
const WITHOUT_BARRIER: Duration = Duration::from_millis(20);

/// What a worker's thread is inside of.
#[repr(align(128))]
struct Seat {
    inside: AtomicPtr<BiasedLock>,
    /// The thread's own: locks taken in the ordinary way.
    ordinary: Cell<u16>,
}

struct Seats([Seat; WHO as usize + 1]);

// SAFETY: `ordinary` is used by the thread of the seat's worker only; the last one, which stands for no
// worker, has none.
unsafe impl Sync for Seats {}

static SEATS: Seats = Seats(
    [const {
        Seat {
            inside: AtomicPtr::new(ptr::null_mut()),
            ordinary: Cell::new(0),
        }
    }; _],
);

/// The seat of the worker that `word` or `recent` names.
#[inline(always)]
fn seat(of: u16) -> &'static Seat {
    &SEATS.0[usize::from(of & WHO)]
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
        if word & OWNED != 0
            && current::worker_number() == Some(usize::from(word & WHO))
            && self.enter(word)
        {
            return;
        }
        self.lock_ordinarily();
    }

    /// The caller's worker, which owns the lock, goes in, unless it is inside another one or the lock is
    /// just being taken from it.
    #[inline(always)]
    fn enter(&self, owned: u16) -> bool {
        let seat = seat(owned);
        if !seat.inside.load(Ordering::Relaxed).is_null() {
            return false;
        }
        seat.inside
            .store(ptr::from_ref(self).cast_mut(), Ordering::Relaxed);
        fence::unfenced();
        if self.word.load(Ordering::Acquire) == owned {
            return true;
        }
        seat.inside.store(ptr::null_mut(), Ordering::Release);
        false
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
            debug_assert!(
                ptr::eq(seat(word).inside.load(Ordering::Relaxed), self),
                "unlock of an open BiasedLock"
            );
            seat(word).inside.store(ptr::null_mut(), Ordering::Release);
            return;
        }
        debug_assert_eq!(word, HELD, "unlock of an open BiasedLock");
        let recent = self.recent.get();
        let next = if recent >> STREAK_SHIFT == STREAK {
            OWNED | (recent & WHO)
        } else {
            FREE
        };
        self.word.store(next, Ordering::Release);
    }

    /// The holder is about to park, and its park opens the lock: tells the race detector, to which
    /// the worker that does it is invisible, that what the holder did comes before the next holder.
    #[inline(always)]
    pub fn leave(&self) {
        crate::sanitize::release(&raw const self.word);
    }

    #[inline(never)]
    fn lock_ordinarily(&self) {
        let me = match current::worker_number() {
            Some(number) if number < usize::from(NOBODY) => number as u16,
            _ => NOBODY,
        };
        if !self.try_lock_ordinarily(me) {
            lock::step_back_until(|| self.try_lock_ordinarily(me));
        }
    }

    /// Takes the lock if nobody holds it, from its owner if it has one.
    #[inline]
    fn try_lock_ordinarily(&self, me: u16) -> bool {
        let word = self.word.load(Ordering::Relaxed);
        if word & (HELD | REVOKED) != 0 {
            return false;
        }
        // Whoever owns it is not inside, if it is the caller.
        let foreign = word & OWNED != 0 && word & WHO != me;
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
        } else if word == FREE {
            self.note(me);
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
        if !sys::barrier_all_threads() {
            sys::sleep(WITHOUT_BARRIER);
        }
        let inside = &seat(owned).inside;
        let is_out = || !ptr::eq(inside.load(Ordering::Acquire), self);
        if !is_out() {
            lock::step_back_until(is_out);
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

    /// The caller, which holds the lock, has found it free.
    #[inline]
    fn note(&self, me: u16) {
        let recent = self.recent.get();
        if recent & WHO != me {
            self.recent.set((recent & REVOCATIONS) | me);
            return;
        }
        // A race detector sees no order between the sections of two goroutines of an owner.
        if me == NOBODY || cfg!(gors_tsan) {
            return;
        }
        let ordinary = &seat(me).ordinary;
        let count = ordinary.get().wrapping_add(1);
        ordinary.set(count);
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
