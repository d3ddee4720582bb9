//! Guards: the lowest bytes of a slot, where every access faults.
//!
//! Two kinds. *Markers* in the page tables (`MADV_GUARD_INSTALL`, Linux 6.13) cost no mapping; one
//! system call makes many of them. Where the kernel refuses them (before 6.13, or on memory locked by
//! `mlockall`) a guard is a range without access, by `mprotect`. That splits the mapping in two more, so
//! their number stays below a share of `vm.max_map_count`: the rest is for the program's heap, files and
//! threads. Which kind it is turns out at the first guard; a refusal later on changes it for those
//! that follow.
//!
//! A slot without a guard is never handed out. Discarding memory (`MADV_DONTNEED`) keeps both kinds. Markers go
//! with the page tables when these are given back ([`bare`](super::bare)), and are made again.

use std::io;
use std::ptr;

use crate::shim::atomic::{AtomicU8, Ordering};
use crate::sys;

/// Bytes below a stack that fault. C code may skip a page; Rust probes each.
pub(crate) const GUARD: usize = if cfg!(target_arch = "aarch64") {
    64 << 10
} else {
    16 << 10
};
/// The share of `vm.max_map_count` that guards by `mprotect` may use, in percent.
const MAP_SHARE: usize = 90;

static KIND: AtomicU8 = AtomicU8::new(UNTRIED);
const UNTRIED: u8 = 0;
const MARKERS: u8 = 1;
const MPROTECT: u8 = 2;

/// Whether guards are known to be markers: a committed slot can then be had for certain.
pub(super) fn are_markers() -> bool {
    KIND.load(Ordering::Relaxed) == MARKERS
}

/// What was installed. Under the lock of the arena.
pub(super) struct Guards {
    /// Guards made with `mprotect`, and how many there may be.
    protected: usize,
    protected_max: usize,
}

impl Guards {
    pub(super) const fn new() -> Self {
        Self {
            protected: 0,
            protected_max: 0,
        }
    }

    /// Installs the guards of `count` neighbouring slots, the first of which starts at `first`.
    /// Returns how many there are now: at least one, or why there is none.
    ///
    /// # Safety
    ///
    /// The slots are committed, the caller's, and nobody uses them.
    pub(super) unsafe fn install(
        &mut self,
        first: usize,
        size: usize,
        count: usize,
    ) -> io::Result<usize> {
        if KIND.load(Ordering::Relaxed) != MPROTECT && crate::config::get().guard_markers {
            let bottom = ptr::with_exposed_provenance_mut(first);
            // SAFETY: the caller's promise.
            match unsafe { sys::guard_install_each(bottom, size, GUARD, count) } {
                Ok(count) => {
                    KIND.store(MARKERS, Ordering::Relaxed);
                    return Ok(count);
                }
                // No memory for page tables: not a matter of the kind.
                Err(error) if error.raw_os_error() == Some(libc::ENOMEM) => return Err(error),
                Err(_) => {}
            }
        }
        KIND.store(MPROTECT, Ordering::Relaxed);
        for made in 0..count {
            // SAFETY: the caller's promise.
            if let Err(error) = unsafe { self.protect(first + made * size) } {
                return if made == 0 { Err(error) } else { Ok(made) };
            }
        }
        Ok(count)
    }

    /// # Safety
    ///
    /// As [`install`](Self::install).
    unsafe fn protect(&mut self, bottom: usize) -> io::Result<()> {
        if self.protected_max == 0 {
            self.protected_max = sys::max_map_count() / 100 * MAP_SHARE / 2;
        }
        let no_more = |why: &str| {
            io::Error::new(
                io::ErrorKind::OutOfMemory,
                format!(
                    "{why} after {} stacks: here each needs two mappings for its guard (there are \
                     no guard markers before Linux 6.13, nor with mlockall). Raise the number of \
                     mappings with `sysctl vm.max_map_count=N`",
                    self.protected
                ),
            )
        };
        if self.protected >= self.protected_max {
            return Err(no_more("the share of mappings for stacks is used up"));
        }
        // SAFETY: the caller's promise.
        match unsafe { sys::protect_none(ptr::with_exposed_provenance_mut(bottom), GUARD) } {
            Ok(()) => {
                self.protected += 1;
                Ok(())
            }
            Err(error) if error.raw_os_error() == Some(libc::ENOMEM) => {
                Err(no_more("the process has no mapping left"))
            }
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::io::Read as _;
    use std::os::fd::AsRawFd as _;
    use std::process::Command;
    use std::ptr::NonNull;

    use super::*;
    use crate::stack::{SizeClass, Slot, depot};

    /// Whether the kernel may read there. It looks as a program would, and answers without a signal.
    fn can_be_read(pipe: &io::PipeWriter, address: usize) -> bool {
        // SAFETY: the kernel checks the address.
        let written = unsafe { libc::write(pipe.as_raw_fd(), ptr::without_provenance(address), 1) };
        written == 1
    }

    fn take(class: SizeClass, count: usize) -> Vec<NonNull<Slot>> {
        let mut slots = Vec::new();
        while slots.len() < count {
            let missing = count - slots.len();
            depot::take(class, missing, &mut slots).expect("there are that many");
        }
        slots
    }

    fn bottoms(slots: &[NonNull<Slot>]) -> Vec<usize> {
        // SAFETY: slots that were taken have a header.
        slots
            .iter()
            .map(|slot| unsafe { slot.as_ref() }.bottom())
            .collect()
    }

    fn assert_guarded(bottoms: &[usize], moment: &str) {
        let (reader, pipe) = io::pipe().expect("a pipe can be had");
        for &bottom in bottoms {
            for offset in [0, 1, 4096, GUARD / 2, GUARD - 4096, GUARD - 1] {
                assert!(
                    !can_be_read(&pipe, bottom + offset),
                    "{moment}: the slot at {bottom:#x} has no guard at {offset:#x}"
                );
            }
            assert!(
                can_be_read(&pipe, bottom + GUARD),
                "{moment}: no stack above the guard"
            );
            // One byte at a time, or the pipe fills up.
            (&reader).read_exact(&mut [0]).expect("just written");
        }
    }

    /// Catches a slot that is handed out without a guard, or loses it when it is recycled or its memory
    /// is given back.
    fn every_slot_has_a_guard(class: SizeClass, count: usize) {
        let slots = take(class, count);
        let all = bottoms(&slots);
        assert_eq!(
            all.iter().collect::<HashSet<_>>().len(),
            count,
            "each slot once"
        );
        assert_guarded(&all, "new");
        for &bottom in &all {
            // SAFETY: the lowest byte of a stack that nobody runs on.
            unsafe { ptr::with_exposed_provenance_mut::<u8>(bottom + GUARD).write_volatile(1) };
        }
        depot::give(class, slots.into_iter());
        let recycled = take(class, count);
        assert_guarded(&bottoms(&recycled), "recycled");
        depot::give(class, recycled.into_iter());
        depot::free_os_memory();
        let again = take(class, count);
        assert_guarded(&bottoms(&again), "recycled after the discard");
        for bottom in bottoms(&again) {
            // SAFETY: as above.
            let byte =
                unsafe { ptr::with_exposed_provenance::<u8>(bottom + GUARD).read_volatile() };
            assert_eq!(byte, 0, "the memory was given back");
        }
        depot::give(class, again.into_iter());
    }

    #[test]
    fn a_guard_stands_below_every_slot() {
        for (size, count) in [
            (1, 3_000),
            (200 << 10, 3_000),
            (1 << 20, 300),
            (900 << 20, 3),
        ] {
            let class = SizeClass::for_stack(size).expect("a class");
            every_slot_has_a_guard(class, count);
        }
    }

    #[test]
    fn a_guard_by_mprotect_stands_below_every_slot() {
        let test = std::env::current_exe().expect("a test has a path");
        let ended = Command::new(test)
            .args([
                "stack::guard::tests::a_guard_stands_below_every_slot",
                "--exact",
            ])
            .env("GORS_GUARDS", "mprotect")
            .output()
            .expect("the test can be started");
        let said = String::from_utf8_lossy(&ended.stdout);
        assert!(
            ended.status.success() && said.contains("1 passed"),
            "{said}"
        );
    }
}
