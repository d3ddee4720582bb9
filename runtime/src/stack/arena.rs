//! The arena: one reservation of address space that holds every stack.
//!
//! # Layout
//!
//! ```text
//! base                                                                    base + 8 * region
//! | region 0: 64 KiB slots | region 1: 256 KiB | region 2: 1 MiB | ...  | region 7: 1 GiB |
//!
//! one slot, low to high addresses:
//! | guard 16 KiB | stack, grows down <------------------ base | header | jitter | slot end
//! ```
//!
//! Slots are aligned to their size and size class `c` has slots of `64 KiB << 2c`, so the slot of
//! any address in the arena is a few shifts away. That answers «which goroutine am I» from the
//! stack pointer alone, without thread-local storage whose address a compiler might keep across a
//! switch of threads, and «whose guard was hit» in a signal handler.
//!
//! Header and stack top are moved down by a multiple of 64 bytes below 1 KiB that differs between
//! neighbouring slots: equal tops would all fall into the same sets of the first-level cache.
//!
//! # Memory
//!
//! The reservation is `PROT_NONE`. A region's front is committed (read, write) in steps; slots
//! are carved from it in address order, and each gets its guard when it is carved: by guard
//! markers, which cost no mapping, else by `mprotect`, which costs two and is therefore limited to
//! a share of `vm.max_map_count`. A slot without a guard is never handed out.

use std::arch::asm;
use std::io;
use std::ptr::{self, NonNull};

use super::Slot;
use crate::shim::Mutex;
use crate::shim::atomic::{AtomicU8, AtomicUsize, Ordering};
use crate::{sanitize, sys};

/// log2 of the smallest slot.
const MIN_SHIFT: u32 = 16;
/// How many size classes there are; class 7 has slots of 1 GiB.
pub(crate) const CLASSES: usize = 8;
/// log2 of the wanted size of a region: room for 16 million stacks of 256 KiB.
const REGION_SHIFT: u32 = if cfg!(any(gors_asan, gors_tsan)) {
    // ThreadSanitizer leaves programs 1.5 TiB, and both shadow what is mapped.
    33
} else {
    42
};
/// The smallest region worth having: the largest slot must fit.
const REGION_SHIFT_MIN: u32 = 30;
/// Bytes below a stack that fault. C code may skip a page; Rust probes each.
pub(crate) const GUARD: usize = if cfg!(target_arch = "aarch64") {
    64 << 10
} else {
    16 << 10
};
/// Bytes committed at once (more for slots that are larger).
const COMMIT_STEP: usize = 4 << 20;
/// The share of `vm.max_map_count` that guards by `mprotect` may use, in percent.
const MAP_SHARE: usize = 90;
/// Multiples of 64 bytes that stack tops vary by.
const JITTERS: usize = 16;

/// A size of slots; see the [module](self).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SizeClass(u8);

impl SizeClass {
    /// The smallest class whose slots hold `bytes` of stack beside guard and header.
    pub(crate) fn for_stack(bytes: usize) -> io::Result<Self> {
        let needed = bytes.saturating_add(GUARD + 2048);
        (0..CLASSES as u8)
            .map(SizeClass)
            .find(|class| class.slot_size() >= needed)
            .ok_or_else(|| {
                io::Error::new(
                    io::ErrorKind::InvalidInput,
                    format!(
                        "a stack of {bytes} bytes is larger than the largest, {} bytes",
                        SizeClass(CLASSES as u8 - 1).slot_size() - GUARD - 2048
                    ),
                )
            })
    }

    /// The class with that index.
    pub(crate) const fn at(index: usize) -> Self {
        assert!(index < CLASSES);
        Self(index as u8)
    }

    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }

    const fn shift(self) -> u32 {
        MIN_SHIFT + 2 * self.0 as u32
    }

    /// Bytes of one slot, guard and header included.
    pub(crate) const fn slot_size(self) -> usize {
        1 << self.shift()
    }
}

/// Where the arena is; `LEN` is 0 until there is one. Written once, before any slot exists.
static BASE: AtomicUsize = AtomicUsize::new(0);
static LEN: AtomicUsize = AtomicUsize::new(0);
static SHIFT: AtomicUsize = AtomicUsize::new(REGION_SHIFT as usize);

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
const USUAL_CLASS: SizeClass = SizeClass(1);

/// Bytes from each region's start that slots were carved from, for the signal handler.
static CARVED: [AtomicUsize; CLASSES] = [const { AtomicUsize::new(0) }; CLASSES];

/// How guards are made: unknown yet, markers, or `mprotect`.
static GUARDS: AtomicU8 = AtomicU8::new(UNTRIED);
const UNTRIED: u8 = 0;
const MARKERS: u8 = 1;
const MPROTECT: u8 = 2;

/// The front of each region.
struct Carver {
    /// Bytes from the region's start that are committed.
    committed: [usize; CLASSES],
    /// Guards made with `mprotect`, and how many there may be.
    protected: usize,
    protected_max: usize,
    warned: bool,
}

static CARVER: Mutex<Carver> = Mutex::new(Carver {
    committed: [0; CLASSES],
    protected: 0,
    protected_max: 0,
    warned: false,
});

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
compile_error!(
    "gors-runtime reads the stack pointer on x86_64 and aarch64; add yours in stack/arena.rs"
);

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
    // LEN first: it is stored last, so a length other than 0 comes with the right base.
    let len = LEN.load(Ordering::Acquire);
    let offset = address.wrapping_sub(BASE.load(Ordering::Relaxed));
    if offset >= len {
        return None;
    }
    let class = offset >> SHIFT.load(Ordering::Relaxed);
    let shift = MIN_SHIFT + 2 * class as u32;
    // SAFETY: an address in the arena lies in a slot; if code runs there the slot was carved, so
    // its header is initialised memory. Other callers ask only for slots they know to be carved.
    Some(unsafe { &*header_above(address, shift) })
}

/// Where the header of the slot that `address` lies in is.
#[inline(always)]
fn header_above(address: usize, shift: u32) -> *const Slot {
    header_of((address | ((1 << shift) - 1)) + 1, shift)
}

/// Where the header of the slot that ends at `end` is.
#[inline]
fn header_of(end: usize, shift: u32) -> *const Slot {
    let index = end >> shift;
    let jitter = index % JITTERS * 64;
    ptr::with_exposed_provenance(end - jitter - size_of::<Slot>())
}

/// Reserves the arena; halves its size while the kernel refuses.
fn reserve(carver: &mut Carver) -> io::Result<()> {
    let mut shift = REGION_SHIFT;
    let (address, len) = loop {
        // One more region than needed, so that the regions can be aligned to their size.
        let len = (CLASSES + 1) << shift;
        match sys::reserve(len) {
            Ok(address) => break (address, len),
            Err(error) if shift == REGION_SHIFT_MIN => return Err(error),
            Err(_) => shift -= 1,
        }
    };
    let region = 1_usize << shift;
    let start = address.expose_provenance();
    let base = (start + region - 1) & !(region - 1);
    // SAFETY: both ends are ours and unused.
    unsafe {
        if base > start {
            sys::release(address, base - start);
        }
        let tail = start + len - (base + CLASSES * region);
        if tail > 0 {
            sys::release(
                ptr::with_exposed_provenance_mut(base + CLASSES * region),
                tail,
            );
        }
    }
    carver.protected_max = sys::max_map_count() / 100 * MAP_SHARE / 2;
    SHIFT.store(shift as usize, Ordering::Relaxed);
    BASE.store(base, Ordering::Relaxed);
    LEN.store(CLASSES * region, Ordering::Release);
    let usual = base + USUAL_CLASS.index() * region;
    USUAL.start.store(usual, Ordering::Relaxed);
    USUAL.len.store(region, Ordering::Release);
    Ok(())
}

/// Carves up to `count` new slots of a class and appends them to `out`; at least one, or an
/// error.
#[cold]
#[inline(never)]
pub(crate) fn carve(
    class: SizeClass,
    count: usize,
    out: &mut Vec<NonNull<Slot>>,
) -> io::Result<()> {
    let carver = &mut *CARVER.lock();
    if LEN.load(Ordering::Relaxed) == 0 {
        reserve(carver)?;
    }
    let size = class.slot_size();
    let region = 1_usize << SHIFT.load(Ordering::Relaxed);
    let start = BASE.load(Ordering::Relaxed) + class.index() * region;
    let before = out.len();
    for _ in 0..count {
        match carve_one(carver, class, start, region, size) {
            Ok(slot) => out.push(slot),
            Err(error) if out.len() == before => return Err(error),
            Err(_) => break,
        }
    }
    Ok(())
}

fn carve_one(
    carver: &mut Carver,
    class: SizeClass,
    start: usize,
    region: usize,
    size: usize,
) -> io::Result<NonNull<Slot>> {
    let at = CARVED[class.index()].load(Ordering::Relaxed);
    if at + size > region {
        return Err(io::Error::new(
            io::ErrorKind::OutOfMemory,
            format!("all {} stacks of {size} bytes are in use", region / size),
        ));
    }
    if at + size > carver.committed[class.index()] {
        let step = COMMIT_STEP.max(size).min(region - at);
        let front: *mut u8 = ptr::with_exposed_provenance_mut(start + at);
        // SAFETY: the range is page-aligned, in our reservation, and not carved yet.
        unsafe {
            sys::commit(front, step)?;
            sys::no_huge_pages(front, step);
        }
        carver.committed[class.index()] = at + step;
    }
    let slot: *mut u8 = ptr::with_exposed_provenance_mut(start + at);
    install_guard(carver, slot)?;
    // SAFETY: committed above, and nobody else knows the slot yet.
    let header = unsafe { reinitialise(class, start + at) };
    sanitize::root(start + at + GUARD, size - GUARD);
    CARVED[class.index()].store(at + size, Ordering::Release);
    Ok(header)
}

/// Writes the header of a slot that is new, or whose memory was discarded.
///
/// # Safety
///
/// `bottom` is the lowest address of a committed slot of that class which the caller owns.
pub(super) unsafe fn reinitialise(class: SizeClass, bottom: usize) -> NonNull<Slot> {
    let header = header_of(bottom + class.slot_size(), class.shift()).cast_mut();
    // SAFETY: inside the slot, aligned to 64 (the jitter and the header's size are multiples).
    unsafe {
        header.write(Slot::new(class, bottom));
        NonNull::new_unchecked(header)
    }
}

/// The addresses of all stacks.
pub(crate) fn arena_range() -> std::ops::Range<usize> {
    let len = LEN.load(Ordering::Acquire);
    let base = BASE.load(Ordering::Relaxed);
    base..base + len
}

/// The slot that `address` lies in, if it was carved. Async-signal-safe.
pub(crate) fn carved_slot_at(address: usize) -> Option<&'static Slot> {
    let len = LEN.load(Ordering::Acquire);
    let offset = address.wrapping_sub(BASE.load(Ordering::Relaxed));
    if offset >= len {
        return None;
    }
    let shift = SHIFT.load(Ordering::Relaxed);
    let inside = offset & ((1 << shift) - 1);
    if inside >= CARVED[offset >> shift].load(Ordering::Acquire) {
        return None;
    }
    slot_at(address)
}

fn install_guard(carver: &mut Carver, slot: *mut u8) -> io::Result<()> {
    if GUARDS.load(Ordering::Relaxed) != MPROTECT && crate::config::get().guard_markers {
        // SAFETY: the bottom of a slot that nobody uses yet.
        match unsafe { sys::guard_install(slot, GUARD) } {
            Ok(()) => {
                GUARDS.store(MARKERS, Ordering::Relaxed);
                return Ok(());
            }
            // An old kernel, or locked memory: never tried again.
            Err(_) => GUARDS.store(MPROTECT, Ordering::Relaxed),
        }
    }
    if carver.protected >= carver.protected_max {
        if !carver.warned {
            carver.warned = true;
            eprintln!(
                "gors: {} stacks are in use, and this kernel has no guard markers (Linux 6.13): \
                 more of them would exceed vm.max_map_count. Raise it with \
                 `sysctl vm.max_map_count=N`; until then further goroutines wait for a stack.",
                carver.protected
            );
        }
        return Err(io::Error::new(
            io::ErrorKind::OutOfMemory,
            "no more guarded stacks: raise vm.max_map_count",
        ));
    }
    // SAFETY: as above.
    unsafe { sys::protect_none(slot, GUARD)? };
    carver.protected += 1;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_gets_the_smallest_class_that_holds_it() {
        assert_eq!(SizeClass::for_stack(1).unwrap().slot_size(), 64 << 10);
        assert_eq!(
            SizeClass::for_stack(40 << 10).unwrap().slot_size(),
            64 << 10
        );
        assert_eq!(
            SizeClass::for_stack(64 << 10).unwrap().slot_size(),
            256 << 10
        );
        assert_eq!(SizeClass::for_stack(8 << 20).unwrap().slot_size(), 16 << 20);
        assert!(SizeClass::for_stack(2 << 30).is_err());
    }

    #[test]
    fn every_address_of_a_slot_finds_its_header() {
        let mut slots = Vec::new();
        let class = SizeClass::for_stack(100 << 10).unwrap();
        carve(class, 8, &mut slots).unwrap();
        for slot in slots {
            // SAFETY: just carved.
            let bottom = unsafe { slot.as_ref() }.bottom();
            for offset in [0, 1, GUARD, class.slot_size() / 2, class.slot_size() - 1] {
                let found = slot_at(bottom + offset).map(ptr::from_ref);
                assert_eq!(found, Some(slot.as_ptr().cast_const()));
            }
        }
        assert!(
            current_slot().is_none(),
            "a test thread is on no goroutine's stack"
        );
    }
}
