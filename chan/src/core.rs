//! The channel itself: one lock, a buffer, two FIFO lists of waiters.
//!
//! Everything here is erased: a [`Core`] knows the size of its elements, not their type. Typed
//! handles ([`crate::link`], [`crate::go`]) call in with the size as a constant, so that their
//! copies compile to moves; `select` calls in with the size from the core. No code of the user
//! (`Drop`, `Clone`, a waker) ever runs here under the lock, and no allocation happens under it.
//!
//! # Invariants, under the lock
//!
//! With `avail = len - held values` and `room = cap - len - held places`:
//!
//! 1. `avail > 0` ⇒ no receiver waits; `room > 0` ⇒ no sender waits. (A waiter whose claim is lost
//!    may still be linked; it counts as absent.)
//! 2. On a rendezvous channel (`cap == 0`) at most one list holds claimable waiters, unless one
//!    select waits to send and to receive on it: a task is never paired with itself, because it
//!    looks for peers only while none of its own waiters is linked.
//! 3. `CLOSED` is never taken back. After it no sender waits; receivers wait only while a held
//!    place may still bring a value.
//! 4. A claimed waiter is readied after the lock is released, never under it.
//!
//! # Why no wake-up is lost
//!
//! Whoever must wait decides so under the lock, links its waiter under the same hold, and the
//! runtime releases the lock only after the waiter's stack is left. Whoever makes progress possible
//! does so under the lock and pops there. There is no window between the two. Lock-free looks
//! (`hint_*`, `try_*` misses) only ever choose to take the lock or to answer "would block" for a
//! moment at which that was true.
//!
//! # Parts
//!
//! [`waiter`]: nodes and lists; [`wait`]: linking one, parking, unlinking it. [`ring`], [`chain`]: the
//! buffer. [`send`], [`recv`]: the plain operations. [`reserve`], [`meet`], [`settle`]: what a select
//! holds between winning and completing. [`observe`]: those who only want to know. [`close`]:
//! closing, handles, the end. [`timer`]: channels whose values come from the clock.
//!
//! # Size
//!
//! Programs make channels by the million, and then the first touch of their memory costs more than
//! anything else does: 112 bytes and the ring. What only some channels have is not in all of them:
//! the chain of blocks and the due time lie where the others' ring is (`buf`), the
//! observers' lists are allocated when there is one.

mod chain;
pub(crate) mod close;
mod meet;
#[cfg(feature = "async")]
pub(crate) mod node;
pub(crate) mod observe;
pub(crate) mod recv;
pub(crate) mod reserve;
pub(crate) mod ring;
pub(crate) mod send;
mod settle;
pub(crate) mod timer;
mod wait;
pub(crate) mod waiter;

use std::alloc::Layout;
use std::ptr;

use gors_runtime::raw::{self, BiasedLock};

use self::chain::Chain;
use self::observe::Observers;
use self::timer::Due;
use self::waiter::WaitList;
use crate::select::order::Order;
use crate::shim::Cell;
use crate::shim::atomic::{AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering};

/// The capacity of a channel without one.
pub(crate) const UNBOUNDED: usize = usize::MAX;

/// Bits of [`Core::flags`], written under the lock, read anywhere.
pub(crate) mod flag {
    /// No more values will be accepted. Set once.
    pub(crate) const CLOSED: u32 = 1;
    /// All receivers are gone; the buffer is being or has been discarded. Implies [`CLOSED`].
    pub(crate) const ABANDONED: u32 = 2;
    /// Places or values are held by selects: the counts in [`Core`](super::Core) are not both zero.
    pub(crate) const HELD: u32 = 4;
    /// An observers' list is not empty.
    pub(crate) const OBSERVED: u32 = 8;
    /// Woken observers are stored in the core until the lock is released by a park.
    pub(crate) const DEFERRED: u32 = 16;
    /// Values come from the clock, see [`timer`](super::timer). Fixed.
    pub(crate) const TIMER: u32 = 32;
    /// Made by `make`, and no handle was ever split into a sender or a receiver: as many senders as
    /// receivers are as many `Chan`s.
    pub(crate) const WHOLE: u32 = 128;
    /// Only the owner ends the channel: handles and `close` do not. Fixed.
    pub(crate) const OWNED: u32 = 64;
    /// Made where schedules are explored: another goroutine may come before each operation. Fixed.
    pub(crate) const EXPLORED: u32 = 256;

    /// Seen to be closed and drained by somebody who asked: nothing will ever come. Set once.
    pub(crate) const ENDED: u32 = 512;

    /// From here on: the elements' alignment as a power of two. Fixed.
    pub(crate) const ALIGN_SHIFT: u32 = 24;

    // One bit each.
    const _: () = assert!(
        CLOSED | ABANDONED | HELD | OBSERVED | DEFERRED | TIMER | OWNED | WHOLE | EXPLORED | ENDED
            == 1023
    );
}

/// A channel. Shared by its handles, which count themselves in `handles`; see [`close`].
#[repr(C)]
pub(crate) struct Core {
    lock: BiasedLock,
    flags: AtomicU32,
    /// Capacity; 0 is a rendezvous, [`UNBOUNDED`] grows. Fixed.
    pub(crate) cap: usize,
    /// Values in the buffer, held ones included. Written under the lock.
    len: AtomicUsize,
    /// Ring: index of the oldest value. Blocks: index in the head block.
    head: Cell<usize>,
    /// Ring: index of the next free place. Blocks: index in the tail block.
    tail: Cell<usize>,
    /// What lies behind the core in its allocation: the ring (dangling for zero-size elements), of
    /// an unbounded channel a [`Chain`], of a timer a [`Due`]. Fixed.
    buf: *mut u8,
    recvq: WaitList,
    sendq: WaitList,
    /// The size of an element. Fixed.
    size: usize,
    /// Places that selects have reserved and not yet filled.
    held_places: Cell<u32>,
    /// Values that selects have reserved and not yet taken.
    held_values: Cell<u32>,
    /// Null until there is an observer; see [`observe`].
    observers: AtomicPtr<Observers>,
    /// Senders, receivers and living sides; see [`close`].
    handles: AtomicU64,
}

// What the module's text promises.
#[cfg(all(target_pointer_width = "64", not(gors_loom)))]
const _: () = assert!(size_of::<Core>() == 112);

// SAFETY: cells are touched under the lock only; the rest is atomic or fixed. What the elements
// need is demanded by the handles (`T: Send`).
unsafe impl Send for Core {}
// SAFETY: as above.
unsafe impl Sync for Core {}

/// Which side of a channel an operation is on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Dir {
    Recv = 0,
    Send = 1,
}

impl Core {
    /// Allocates a channel with one sender and one receiver. `None` if the size overflows.
    pub(crate) fn alloc(elem: Layout, cap: usize, flags: u32) -> Option<ptr::NonNull<Core>> {
        raw::know_channels(&raw::Channels {
            unlock: Core::unlock_for_park,
            handles: Core::handles,
            unlock_select: Order::unlock_for_park,
            arms: Order::arms,
            source: file!(),
        });
        let (layout, offset) = Core::layout(elem, cap, flags)?;
        let flags = if raw::explores() {
            flags | flag::EXPLORED
        } else {
            flags
        };
        // SAFETY: a Core is not zero-size.
        let at = unsafe { std::alloc::alloc(layout) };
        let Some(core) = ptr::NonNull::new(at.cast::<Core>()) else {
            std::alloc::handle_alloc_error(layout);
        };
        // SAFETY: in bounds of the allocation, or one past its end for an empty ring.
        let buf = unsafe { at.add(offset) };
        let empty = Core {
            lock: BiasedLock::new(),
            flags: AtomicU32::new(flags | elem.align().trailing_zeros() << flag::ALIGN_SHIFT),
            cap,
            len: AtomicUsize::new(0),
            head: Cell::new(0),
            tail: Cell::new(0),
            buf,
            recvq: WaitList::new(),
            sendq: WaitList::new(),
            size: elem.size(),
            held_places: Cell::new(0),
            held_values: Cell::new(0),
            observers: AtomicPtr::new(ptr::null_mut()),
            handles: AtomicU64::new(close::ONE_EACH),
        };
        // SAFETY: freshly allocated with this layout, in which what this kind of channel has in
        // place of a ring lies at `buf`.
        unsafe {
            core.write(empty);
            if flags & flag::TIMER != 0 {
                buf.cast::<Due>().write(Due::never());
            } else if cap == UNBOUNDED {
                buf.cast::<Chain>().write(Chain::empty());
            }
        }
        Some(core)
    }

    /// The allocation of a channel and where what lies behind the core begins in it.
    fn layout(elem: Layout, cap: usize, flags: u32) -> Option<(Layout, usize)> {
        let behind = if flags & flag::TIMER != 0 {
            Layout::new::<Due>()
        } else if cap == UNBOUNDED {
            Layout::new::<Chain>()
        } else {
            Layout::from_size_align(elem.size().checked_mul(cap)?, elem.align()).ok()?
        };
        let (layout, offset) = Layout::new::<Core>().extend(behind).ok()?;
        Some((layout.pad_to_align(), offset))
    }

    /// The layout that this channel was allocated with.
    #[inline]
    fn own_layout(&self) -> Layout {
        let behind = if self.flags() & flag::TIMER != 0 {
            Layout::new::<Due>()
        } else if self.cap == UNBOUNDED {
            Layout::new::<Chain>()
        } else {
            // SAFETY: this product and this alignment made a layout in `alloc`.
            unsafe { Layout::from_size_align_unchecked(self.size * self.cap, self.elem_align()) }
        };
        let up = |n: usize, align: usize| (n + align - 1) & !(align - 1);
        let align = behind.align().max(align_of::<Core>());
        let end = up(size_of::<Core>(), behind.align()) + behind.size();
        // SAFETY: what `layout` computed with checks, of the same numbers.
        let own = unsafe { Layout::from_size_align_unchecked(up(end, align), align) };
        debug_assert_eq!(
            Layout::from_size_align(self.size, self.elem_align())
                .ok()
                .and_then(|elem| Core::layout(elem, self.cap, self.flags()))
                .map(|(layout, _)| layout),
            Some(own),
        );
        own
    }

    #[inline(always)]
    pub(crate) fn lock(&self) {
        self.lock.lock();
    }

    /// # Safety
    ///
    /// The caller holds the lock.
    #[inline(always)]
    pub(crate) unsafe fn unlock(&self) {
        // SAFETY: passed on.
        unsafe { self.lock.unlock() }
    }

    #[inline(always)]
    pub(crate) fn flags(&self) -> u32 {
        self.flags.load(Ordering::Acquire)
    }

    /// Under the lock.
    #[inline(always)]
    fn has(&self, bits: u32) -> bool {
        self.flags.load(Ordering::Relaxed) & bits != 0
    }

    /// Under the lock: one writer, so a plain load and store.
    #[inline(always)]
    fn set(&self, bits: u32) {
        self.flags
            .store(self.flags.load(Ordering::Relaxed) | bits, Ordering::Release);
    }

    /// Under the lock.
    #[inline(always)]
    fn clear(&self, bits: u32) {
        self.flags.store(
            self.flags.load(Ordering::Relaxed) & !bits,
            Ordering::Release,
        );
    }

    #[inline(always)]
    pub(crate) fn is_closed(&self) -> bool {
        self.flags() & flag::CLOSED != 0
    }

    /// Its values come from the clock.
    #[inline(always)]
    pub(crate) fn is_timer(&self) -> bool {
        self.flags() & flag::TIMER != 0
    }

    #[inline(always)]
    pub(crate) fn elem_size(&self) -> usize {
        self.size
    }

    #[inline(always)]
    pub(crate) fn elem_align(&self) -> usize {
        1 << (self.flags.load(Ordering::Relaxed) >> flag::ALIGN_SHIFT)
    }

    /// Under the lock: values that nobody has reserved.
    #[inline(always)]
    fn avail(&self) -> usize {
        self.len.load(Ordering::Relaxed) - self.held_values.get() as usize
    }

    /// Under the lock: a value more would fit.
    #[inline(always)]
    fn has_room(&self) -> bool {
        self.cap == UNBOUNDED
            || self.len.load(Ordering::Relaxed) + (self.held_places.get() as usize) < self.cap
    }

    /// Under the lock: nothing will ever come.
    #[inline(always)]
    fn is_drained(&self) -> bool {
        self.has(flag::CLOSED)
            && self.len.load(Ordering::Relaxed) == 0
            && self.held_places.get() == 0
    }

    /// Without the lock: a send would probably not block. As [`hint_recv`](Self::hint_recv).
    #[inline(always)]
    pub(crate) fn hint_send(&self) -> bool {
        // `CLOSED` before the rest: a closed channel cannot turn from ready to not ready, so "not
        // closed" and then "full" means that at the first of the two moments it was neither.
        self.is_closed() || !self.recvq.is_empty() || self.len.load(Ordering::Acquire) < self.cap
    }

    /// Values in the buffer, a snapshot.
    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.len.load(Ordering::Acquire)
    }

    /// How many receivers and senders are linked as waiting.
    pub(crate) fn waiters(&self) -> (usize, usize) {
        self.lock();
        let waiters = (self.recvq.count(), self.sendq.count());
        // SAFETY: locked above.
        unsafe { self.unlock() };
        waiters
    }

    /// The list a waiter of `dir` goes to.
    #[inline(always)]
    pub(crate) fn list(&self, dir: Dir) -> &WaitList {
        match dir {
            Dir::Recv => &self.recvq,
            Dir::Send => &self.sendq,
        }
    }

    /// Under the lock: an operation of `dir` would not block.
    pub(crate) fn is_ready(&self, dir: Dir) -> bool {
        match dir {
            Dir::Recv if self.has(flag::TIMER) => self.is_due(),
            Dir::Recv => {
                self.avail() > 0 || (self.cap == 0 && self.sendq.has_open()) || self.is_drained()
            }
            Dir::Send => {
                self.has(flag::CLOSED)
                    || self.has_room()
                    || (self.cap == 0 && self.recvq.has_open())
            }
        }
    }
}
