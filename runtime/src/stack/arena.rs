//! The arena: one reservation of address space that holds every stack.
//!
//! # Layout
//!
//! ```text
//! base                                                                    base + 9 * region
//! | region 0: 64 KiB slots | region 1: 256 KiB | region 2: 1 MiB | ...  | region 8: 4 GiB |
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
//! The reservation is `PROT_NONE`, as large as the limit of the process leaves room for. Of each region
//! three fronts move up, in this order:
//!
//! ```text
//! | carved: handed out at least once | guarded | committed (read, write) | reserved ...
//! ```
//!
//! Memory is committed in steps that grow, because limits (`RLIMIT_DATA`, `vm.overcommit_memory=2`)
//! count what is committed and a system call costs the same for any length. Guards are made some way
//! ahead of the carved front, many with one call ([`guard`](super::guard)). Nothing of this touches a
//! page: that happens when a slot is initialised.
//!
//! Slots behind the carved front that were free for a while may have lost their guards with their page
//! tables; [`guard_again`] makes them new ([`bare`](super::bare)).
//!
//! # Who may call
//!
//! The fronts of a class move under the depot's lock of that class, and under [`CARVER`] inside it.

use std::io;
use std::ptr::{self, NonNull};

use super::Slot;
use super::address::{self, CARVED, header_of, region_of};
use super::class::{CLASSES, SizeClass};
use super::guard::{self, Guards};
use crate::shim::Mutex;
use crate::shim::atomic::{AtomicUsize, Ordering};
use crate::{sanitize, sys};

/// log2 of the wanted size of a region: room for 16 million stacks of 256 KiB.
const REGION_SHIFT: u32 = if cfg!(any(gors_asan, gors_tsan)) {
    // ThreadSanitizer leaves programs 1.5 TiB, and both shadow what is mapped.
    33
} else {
    42
};
/// log2 of the smallest region worth having. Slots that are larger than the region do not exist.
const REGION_SHIFT_MIN: u32 = 24;
/// Bytes committed at once: a quarter of what is committed, within these bounds.
const COMMIT_MIN: usize = 4 << 20;
const COMMIT_MAX: usize = 64 << 20;
/// The most guards that are made ahead of the carved front.
const GUARDS_AHEAD: usize = 64;
/// Bytes from each region's start that are committed.
static COMMITTED: [AtomicUsize; CLASSES] = [const { AtomicUsize::new(0) }; CLASSES];

/// What else there is to know about the fronts.
struct Carver {
    /// Bytes from each region's start whose slots have guards.
    guarded: [usize; CLASSES],
    guards: Guards,
    /// The most bytes that may be committed in all classes.
    commit_max: usize,
}

static CARVER: Mutex<Carver> = Mutex::new(Carver {
    guarded: [0; CLASSES],
    guards: Guards::new(),
    commit_max: usize::MAX,
});

/// Reserves the arena, if there is none yet: half of the address space that the process may still
/// use, if that is limited, and less while the kernel refuses. The other half is for the program, and so is
/// half of what it may make writable, if that is limited.
fn ensure_reserved(carver: &mut Carver) -> io::Result<()> {
    if address::is_known() {
        return Ok(());
    }
    let budget = sys::address_space_left().map_or(usize::MAX, |left| left / 2);
    let mut shift = REGION_SHIFT;
    let (address, len) = loop {
        // One more region than needed, so that the regions can be aligned to their size.
        let len = (CLASSES + 1) << shift;
        let reserved = if len > budget {
            Err(io::Error::new(
                io::ErrorKind::OutOfMemory,
                "no room for stacks: the address space of the process is limited (`ulimit -v`)",
            ))
        } else {
            sys::reserve(len)
        };
        match reserved {
            Ok(address) => break (address, len),
            Err(error) if shift == REGION_SHIFT_MIN => return Err(error),
            Err(_) => shift -= 1,
        }
    };
    let region = 1_usize << shift;
    let start = address.expose_provenance();
    let base = (start + region - 1) & !(region - 1);
    // SAFETY: all of it is ours and unused.
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
        sys::no_huge_pages(ptr::with_exposed_provenance_mut(base), CLASSES * region);
    }
    carver.commit_max = sys::commit_left().map_or(usize::MAX, |left| (left / 2) & !0xffff);
    address::publish(base, shift);
    Ok(())
}

/// How many slots of a class can be carved for certain: they are committed, and their guards need
/// nothing that may run out.
pub(super) fn ready(class: SizeClass) -> usize {
    if !guard::are_markers() {
        return 0;
    }
    committed_slots(class)
}

/// How many slots of a class are committed and not carved.
fn committed_slots(class: SizeClass) -> usize {
    let committed = COMMITTED[class.index()].load(Ordering::Relaxed);
    (committed - CARVED[class.index()].load(Ordering::Relaxed)) / class.slot_size()
}

/// Commits until `count` slots of a class are.
pub(super) fn commit(class: SizeClass, count: usize) -> io::Result<()> {
    let carver = &mut *CARVER.lock();
    ensure_reserved(carver)?;
    commit_slots(carver, class, count)
}

fn commit_slots(carver: &Carver, class: SizeClass, count: usize) -> io::Result<()> {
    if committed_slots(class) >= count {
        return Ok(());
    }
    let size = class.slot_size();
    let (start, region) = region_of(class);
    let carved = CARVED[class.index()].load(Ordering::Relaxed);
    let from = COMMITTED[class.index()].load(Ordering::Relaxed);
    let Some(until) = count
        .checked_mul(size)
        .and_then(|bytes| bytes.checked_add(carved))
        .filter(|&until| until <= region)
    else {
        return Err(io::Error::new(
            io::ErrorKind::OutOfMemory,
            format!(
                "all {} stacks of {size} bytes that the address space of the process has room for \
                 are in use (is it limited, `ulimit -v`?)",
                region / size
            ),
        ));
    };
    let least = until - from;
    let committed = COMMITTED.iter().map(|class| class.load(Ordering::Relaxed));
    let room = carver.commit_max.saturating_sub(committed.sum());
    if least > room {
        return Err(io::Error::new(
            io::ErrorKind::OutOfMemory,
            format!(
                "no room for a stack of {size} bytes: stacks have half of the memory that the process may \
                 use, {} bytes (it is limited by `ulimit -d` or vm.overcommit_memory=2)",
                carver.commit_max
            ),
        ));
    }
    // Where guards cost mappings memory may be locked, and then all that is committed is resident.
    let most = if guard::are_markers() {
        COMMIT_MAX
    } else {
        COMMIT_MIN
    };
    let generous = (from / 4)
        .clamp(COMMIT_MIN, most)
        .next_multiple_of(COMMIT_MIN)
        .min(room)
        .max(least)
        .min(region - from);
    let front: *mut u8 = ptr::with_exposed_provenance_mut(start + from);
    // SAFETY: the range is page-aligned, in our reservation, and not committed yet.
    let mut step = unsafe { sys::commit(front, generous) }.map(|()| generous);
    if step.is_err() && least < generous {
        // SAFETY: as above.
        step = unsafe { sys::commit(front, least) }.map(|()| least);
    }
    let step = step.map_err(|error| {
        io::Error::new(
            error.kind(),
            format!("no memory for a stack of {size} bytes: {error}"),
        )
    })?;
    COMMITTED[class.index()].store(from + step, Ordering::Relaxed);
    Ok(())
}

/// Carves up to `count` new slots of a class, with guards and untouched, and appends their lowest
/// addresses to `out`: at least one, or an error. Leaves `keep` committed ones for others.
#[cold]
#[inline(never)]
pub(super) fn carve(
    class: SizeClass,
    count: usize,
    keep: usize,
    out: &mut Vec<usize>,
) -> io::Result<()> {
    let carver = &mut *CARVER.lock();
    ensure_reserved(carver)?;
    if commit_slots(carver, class, keep + count).is_err() {
        commit_slots(carver, class, keep + 1)?;
    }
    let count = count.min(committed_slots(class) - keep);
    let size = class.slot_size();
    let (start, _) = region_of(class);
    let carved = CARVED[class.index()].load(Ordering::Relaxed);
    let guarded = &mut carver.guarded[class.index()];
    while *guarded < carved + count * size {
        let committed = COMMITTED[class.index()].load(Ordering::Relaxed);
        let missing = count - (*guarded - carved) / size;
        let ahead = if guard::are_markers() {
            (carved / size / 4).min(GUARDS_AHEAD)
        } else {
            0
        };
        let wanted = missing.max(ahead).min((committed - *guarded) / size);
        // SAFETY: committed, not carved, so nobody uses it.
        match unsafe { carver.guards.install(start + *guarded, size, wanted) } {
            Ok(made) => *guarded += made * size,
            Err(error) if *guarded == carved => return Err(error),
            Err(_) => break,
        }
    }
    let until = (carved + count * size).min(*guarded);
    // Highest first: they are taken from the end, so memory is used in order.
    out.extend((carved..until).step_by(size).rev().map(|at| start + at));
    for at in (carved..until).step_by(size) {
        sanitize::root(start + at + guard::GUARD, size - guard::GUARD);
    }
    CARVED[class.index()].store(until, Ordering::Release);
    Ok(())
}

/// Makes guards again of up to `count` neighbouring slots that lost theirs with their page tables; says
/// of how many, at least one.
///
/// # Safety
///
/// Committed slots of that class, from the lowest address on, free and the caller's.
pub(super) unsafe fn guard_again(
    class: SizeClass,
    lowest: usize,
    count: usize,
) -> io::Result<usize> {
    let carver = &mut *CARVER.lock();
    // SAFETY: the caller's promise.
    unsafe { carver.guards.install(lowest, class.slot_size(), count) }
}

/// Writes the header of a slot that is new, or whose memory was discarded: touches its first page.
///
/// # Safety
///
/// `bottom` is the lowest address of a committed slot of that class which the caller owns.
pub(super) unsafe fn initialise(class: SizeClass, bottom: usize) -> NonNull<Slot> {
    let header = header_of(bottom + class.slot_size(), class.shift()).cast_mut();
    // SAFETY: inside the slot, aligned to 64 (the jitter and the header's size are multiples).
    unsafe {
        header.write(Slot::new(class, bottom));
        NonNull::new_unchecked(header)
    }
}

#[cfg(test)]
mod tests {
    use super::guard::GUARD;
    use super::*;
    use crate::stack::address::{current_slot, slot_at};

    #[test]
    fn every_address_of_a_slot_finds_its_header() {
        let mut bottoms = Vec::new();
        // A class that no other test of this process carves.
        let class = SizeClass::for_stack(20 << 20).unwrap();
        carve(class, 8, 0, &mut bottoms).unwrap();
        assert_eq!(bottoms.len(), 8);
        for bottom in bottoms {
            // SAFETY: just carved.
            let slot = unsafe { initialise(class, bottom) };
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
