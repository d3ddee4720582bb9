//! What a timer is to those who arm it, and who keeps the memory of one that starts goroutines.
//!
//! # Who keeps it
//!
//! A [`Starting`] is kept by its handle and by each goroutine that it started and that has not
//! [`release`]d it: these are counted. While it is armed and the handle exists, the handle keeps it.
//! A handle that goes while the timer is armed leaves its reference behind ([`abandon`]), for the
//! goroutine that the timer will start. So arming and stopping count nothing.
//!
//! | move | who | what becomes of the references |
//! | --- | --- | --- |
//! | arm, put off, cancel | the handle | nothing |
//! | fire | under the shard's lock | one more, for the goroutine; that of the handle if it was abandoned |
//! | [`abandon`] of an armed one | the handle, under the lock | its reference stays for whoever fires |
//! | [`abandon`] of one that is out | the handle | one less |
//! | [`release`] | the goroutine | one less |
//!
//! One that is out and has never fired belongs to its handle alone: it goes without the lock. Only the
//! handle arms, so what it reads of a timer that is out stays so; it may read «armed» of one that is
//! being fired, and asks again under the lock.

use std::cell::Cell;
use std::ptr;

use super::{NEVER, Shard};
use crate::goroutine::RecordPtr;
use crate::sanitize;
use crate::shim::UnsafeCell;
use crate::shim::atomic::{AtomicBool, AtomicU32, Ordering};

/// Value of [`Node::handle`] outside a heap.
pub(super) const OUT: u32 = u32::MAX;

/// A timer that ends a wait, or the part of a [`Starting`] that is the same; see the
/// [module of timers](super).
pub(crate) struct Node {
    /// When it is due, and its order of arming if the heap does not know. Under the lock of the
    /// shard while it is armed.
    pub(super) when: Cell<u64>,
    pub(super) sequence: Cell<u32>,
    /// Its number in the heap. Written under the lock of the shard.
    pub(super) handle: AtomicU32,
    /// The shard that it is in, or was in last; null before.
    pub(super) shard: Cell<*const Shard>,
    /// Whose wait it ends; null if it starts goroutines.
    pub(super) record: RecordPtr,
}

/// What a timer that starts goroutines is made of.
pub(crate) struct Starter {
    /// Makes a goroutine of it, parked as it were, which gets a reference to the timer.
    pub(crate) start: unsafe fn(*const Starting) -> RecordPtr,
    /// Frees its memory: the last reference is gone.
    pub(crate) free: unsafe fn(*const Starting),
}

/// A timer that starts a goroutine when it fires. It stays in one shard: rearming finds it under one
/// lock, whoever does it. The node comes first: a pointer to it is one to the whole.
#[repr(C)]
pub(crate) struct Starting {
    pub(super) node: Node,
    starter: &'static Starter,
    references: AtomicU32,
    /// Has ever fired. Written under the lock.
    pub(super) fired: AtomicBool,
    /// Armed, and the handle's reference is the armed timer's. Under the lock.
    abandoned: UnsafeCell<bool>,
}

impl Node {
    /// A timer that ends the current wait of `record` at `when`, with TIMED_OUT.
    pub(crate) const fn new(when: u64, record: RecordPtr) -> Self {
        Self {
            when: Cell::new(when),
            sequence: Cell::new(0),
            handle: AtomicU32::new(OUT),
            shard: Cell::new(ptr::null()),
            record,
        }
    }

    /// Under the lock of its shard, or for whoever else knows that nobody moves it.
    pub(super) fn is_armed(&self) -> bool {
        self.handle.load(Ordering::Relaxed) != OUT
    }

    /// # Safety
    ///
    /// The node is, or was, in a shard that exists.
    pub(super) unsafe fn home(&self) -> &Shard {
        // SAFETY: shards are statics, or belong to a bubble that the caller holds.
        unsafe { &*self.shard.get() }
    }
}

impl Starting {
    /// A timer for [`rearm`](super::rearm), with one reference to its memory: the handle's. `home` is
    /// its shard; without one it is chosen by `hint`.
    pub(crate) fn new(
        starter: &'static Starter,
        home: Option<&Shard>,
        hint: Option<usize>,
    ) -> Self {
        let node = Node::new(NEVER, RecordPtr(ptr::null_mut()));
        node.shard
            .set(home.unwrap_or_else(|| super::shard_for(hint)));
        Self {
            node,
            starter,
            references: AtomicU32::new(1),
            fired: AtomicBool::new(false),
            abandoned: UnsafeCell::new(false),
        }
    }

    /// Out of the heap because it fires: takes the goroutine's reference. Under the shard's lock.
    ///
    /// # Safety
    ///
    /// It is the node of one, and was armed.
    pub(super) unsafe fn fire(node: *const Node) {
        // SAFETY: kept by its handle, or by the reference that this left behind.
        let this = unsafe { &*node.cast::<Self>() };
        // SAFETY: under the lock.
        if !unsafe { this.is_abandoned() } {
            // Whoever drops a reference that it has not seen given has the lock in between.
            this.references.fetch_add(1, Ordering::Relaxed);
        }
        this.fired.store(true, Ordering::Relaxed);
        // Release: who finds it out finds it fired.
        this.node.handle.store(OUT, Ordering::Release);
    }

    /// Out of the heap because its clock has stopped for ever. True if the caller has a reference to
    /// release now. Under the shard's lock.
    ///
    /// # Safety
    ///
    /// As [`fire`](Self::fire).
    pub(super) unsafe fn discard(node: *const Node) -> bool {
        // SAFETY: as in `fire`.
        let this = unsafe { &*node.cast::<Self>() };
        // SAFETY: under the lock.
        let abandoned = unsafe { this.is_abandoned() };
        // The last use: a handle that finds it out and never fired frees it at once. Release: after that.
        this.node.handle.store(OUT, Ordering::Release);
        abandoned
    }

    /// # Safety
    ///
    /// Under the shard's lock.
    unsafe fn is_abandoned(&self) -> bool {
        // SAFETY: the caller's promise.
        self.abandoned.with(|abandoned| unsafe { *abandoned })
    }

    /// Makes the goroutine of a timer that was [fired](Self::fire).
    ///
    /// # Safety
    ///
    /// The reference taken then is the caller's, and passes to the goroutine.
    pub(super) unsafe fn start(node: *const Node) -> RecordPtr {
        let this = node.cast::<Self>();
        // SAFETY: the caller's promise keeps it.
        unsafe { ((*this).starter.start)(this) }
    }
}

/// The timer's handle goes.
///
/// # Safety
///
/// Its reference is the caller's, and nobody uses the handle at the same time or later.
pub(crate) unsafe fn abandon(this: *const Starting) {
    let _hidden = sanitize::hide();
    // SAFETY: the caller's reference keeps it.
    let timer = unsafe { &*this };
    // Acquire: of one that was fired, see that.
    let out = timer.node.handle.load(Ordering::Acquire) == OUT;
    if out && !timer.fired.load(Ordering::Relaxed) {
        // SAFETY: in no heap, and no goroutine has ever known of it.
        return unsafe { (timer.starter.free)(this) };
    }
    // SAFETY: the shard exists as long as handles of its timers.
    let left_behind = unsafe { timer.node.home() }.locked(|_| {
        let is_armed = timer.node.is_armed();
        if is_armed {
            // SAFETY: under the lock.
            timer
                .abandoned
                .with_mut(|abandoned| unsafe { *abandoned = true });
        }
        is_armed
    });
    if !left_behind {
        // SAFETY: still the caller's.
        unsafe { release(this) };
    }
}

/// Drops a reference.
///
/// # Safety
///
/// It is the caller's.
pub(crate) unsafe fn release(this: *const Starting) {
    // SAFETY: the caller's reference keeps it.
    let (references, free) = unsafe { (&(*this).references, (*this).starter.free) };
    // Alone with it: nobody is left to make another.
    if references.load(Ordering::Acquire) != 1 {
        if references.fetch_sub(1, Ordering::Release) != 1 {
            return;
        }
        // A load where a fence would do, of which ThreadSanitizer knows nothing.
        references.load(Ordering::Acquire);
    }
    // SAFETY: the last.
    unsafe { free(this) };
}
