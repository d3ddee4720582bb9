//! From an address to the slot that it lies in.
//!
//! Where the arena is, and how far its regions are carved, is written by [`arena`](super::arena) and read
//! here, by goroutines that ask who they are, by dumps, and by signal handlers.

use std::arch::asm;
use std::ptr;

use super::Slot;
use super::class::{CLASSES, MIN_SHIFT, SizeClass};
use crate::shim::atomic::{AtomicUsize, Ordering};

/// Multiples of 64 bytes that stack tops vary by.
const JITTERS: usize = 16;

/// Where the arena is; `LEN` is 0 until there is one. Written once, before any slot exists.
static BASE: AtomicUsize = AtomicUsize::new(0);
static LEN: AtomicUsize = AtomicUsize::new(0);
static SHIFT: AtomicUsize = AtomicUsize::new(0);

/// The region of the usual size, which nearly all goroutines are in: where it starts and how long
/// it is (0 until there is one). A copy of what the above say, for a shorter way to the current
/// slot.
#[repr(align(64))]
struct Usual {
    start: AtomicUsize,
    len: AtomicUsize,
}

static USUAL: Usual = Usual {
    start: AtomicUsize::new(0),
    len: AtomicUsize::new(0),
};

/// The size class of the usual region: 256 KiB.
const USUAL_CLASS: SizeClass = SizeClass::at(1);

/// Bytes from each region's start that slots were carved from. The signal handler reads it.
pub(super) static CARVED: [AtomicUsize; CLASSES] = [const { AtomicUsize::new(0) }; CLASSES];
/// Says where the arena is. Once, under the arena's lock, before there is any slot.
pub(super) fn publish(base: usize, region_shift: u32) {
    let region = 1_usize << region_shift;
    SHIFT.store(region_shift as usize, Ordering::Relaxed);
    BASE.store(base, Ordering::Relaxed);
    LEN.store(CLASSES * region, Ordering::Release);
    let usual = base + USUAL_CLASS.index() * region;
    USUAL.start.store(usual, Ordering::Relaxed);
    USUAL.len.store(region, Ordering::Release);
}

/// Whether there is an arena. Under its lock.
pub(super) fn is_known() -> bool {
    LEN.load(Ordering::Relaxed) != 0
}

/// Where the region of a class starts, and its length.
pub(super) fn region_of(class: SizeClass) -> (usize, usize) {
    let region = 1_usize << SHIFT.load(Ordering::Relaxed);
    let base = BASE.load(Ordering::Relaxed);
    (base + class.index() * region, region)
}

/// The caller's stack pointer.
#[inline(always)]
fn stack_pointer() -> usize {
    let sp: usize;
    // SAFETY: reads one register. Not `pure`, so the compiler repeats it where it is written; a
    // value kept across a switch of threads would be right all the same, since the goroutine's
    // stack goes with it.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        asm!("mov {}, rsp", out(reg) sp, options(nomem, nostack, preserves_flags));
        #[cfg(target_arch = "aarch64")]
        asm!("mov {}, sp", out(reg) sp, options(nomem, nostack, preserves_flags));
    }
    sp
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!("add your processor's stack pointer in gors-runtime's stack/address.rs");

/// The slot whose stack the caller runs on; `None` on an OS thread's own stack.
///
/// On a stack of the usual size: two loads of one shared, never changing line and half a dozen
/// register operations. Elsewhere a call and as much again.
#[inline]
pub(crate) fn current_slot() -> Option<&'static Slot> {
    let address = stack_pointer();
    // The length first: it is stored last, so a length other than 0 comes with the right start.
    let len = USUAL.len.load(Ordering::Acquire);
    if address.wrapping_sub(USUAL.start.load(Ordering::Relaxed)) < len {
        // SAFETY: code runs at the address, so its slot was carved.
        return Some(unsafe { &*header_above(address, USUAL_CLASS.shift()) });
    }
    current_slot_elsewhere(address)
}

#[inline(never)]
fn current_slot_elsewhere(address: usize) -> Option<&'static Slot> {
    slot_at(address)
}

/// The slot that `address` lies in, guard included. Async-signal-safe.
#[inline]
pub(crate) fn slot_at(address: usize) -> Option<&'static Slot> {
    let (class, _) = locate(address)?;
    let shift = MIN_SHIFT + 2 * class as u32;
    // SAFETY: an address in the arena lies in a slot; if code runs there the slot was carved, so
    // its header is initialised memory. Other callers ask only for slots they know to be carved.
    Some(unsafe { &*header_above(address, shift) })
}

/// The index of the class in whose region `address` lies, and how far from the region's start.
#[inline]
fn locate(address: usize) -> Option<(usize, usize)> {
    // LEN first: it is stored last, so a length other than 0 comes with the right base.
    let len = LEN.load(Ordering::Acquire);
    let offset = address.wrapping_sub(BASE.load(Ordering::Relaxed));
    let shift = SHIFT.load(Ordering::Relaxed);
    (offset < len).then(|| (offset >> shift, offset & ((1 << shift) - 1)))
}

/// Where the header of the slot that `address` lies in is.
#[inline(always)]
fn header_above(address: usize, shift: u32) -> *const Slot {
    header_of((address | ((1 << shift) - 1)) + 1, shift)
}

/// Where the header of the slot that ends at `end` is.
#[inline]
pub(super) fn header_of(end: usize, shift: u32) -> *const Slot {
    let index = end >> shift;
    let jitter = index % JITTERS * 64;
    ptr::with_exposed_provenance(end - jitter - size_of::<Slot>())
}

/// The addresses of all stacks.
pub(crate) fn arena_range() -> std::ops::Range<usize> {
    let len = LEN.load(Ordering::Acquire);
    let base = BASE.load(Ordering::Relaxed);
    base..base + len
}

/// The slot that `address` lies in, if it was carved. Async-signal-safe.
pub(crate) fn carved_slot_at(address: usize) -> Option<&'static Slot> {
    bottom_of(address).and_then(|_| slot_at(address))
}

/// The lowest address of the slot that `address` lies in, if it was carved. Reads nothing of the slot.
/// Async-signal-safe.
pub(super) fn bottom_of(address: usize) -> Option<usize> {
    let (class, inside) = locate(address)?;
    let is_carved = inside < CARVED[class].load(Ordering::Acquire);
    is_carved.then(|| address & !(SizeClass::at(class).slot_size() - 1))
}
