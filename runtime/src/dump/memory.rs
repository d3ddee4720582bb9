//! Looking through the memory of the process for addresses.
//!
//! Memory is read by the kernel (`process_vm_readv`): others change it meanwhile and may unmap it.
//! Looked through are, in this order, because that is the way in which closures move: goroutines that
//! have not run, stacks of goroutines, all else that is writable. Left out are what nobody can reach:
//! stacks and records without a goroutine; the workers' own stacks, which hold the runtime's addresses
//! only (but not their thread-local storage); and this thread's. Pages that were never touched are
//! skipped.
//!
//! The search must not find itself: what it looks for it keeps inverted.

use std::fs::File;
use std::os::unix::fs::FileExt;

use super::leaks::Own;
use super::reach::Reach;
use crate::goroutine::Record;
use crate::goroutine::record::flag;
use crate::goroutine::slab;
use crate::sched::roster;
use crate::shim::atomic::Ordering;
use crate::stack::{GUARD, Slot, arena_range};
use crate::sys;

const PAGE: usize = 4096;
/// Bytes read at once, onto this stack.
const CHUNK: usize = 16 * PAGE;

pub(super) struct Search<'a> {
    reach: &'a mut Reach,
    /// Look at what is not aligned as well.
    bytewise: bool,
    /// Where the last word was read, and the word.
    last: (usize, usize),
    pages: Option<File>,
    arena: std::ops::Range<usize>,
}

impl<'a> Search<'a> {
    pub(super) fn new(reach: &'a mut Reach, bytewise: bool) -> Self {
        Self {
            reach,
            bytewise,
            last: (0, 0),
            pages: File::open("/proc/self/pagemap").ok(),
            arena: arena_range(),
        }
    }

    /// False if memory cannot be read.
    pub(super) fn everything(&mut self, own: &Own) -> bool {
        let here = 0_u8;
        let here = (&raw const here).addr();
        let mut frames = Vec::new();
        roster::for_each(|worker| frames.push(worker.frame.load(Ordering::Relaxed)));
        self.reach.begin();
        for register in own.registers {
            self.reach.see(0, register.get());
        }
        let mut is_readable = true;
        let mut records = Vec::new();
        slab::for_each_used(|g| records.push(g));
        for g in &records {
            if g.has(flag::FRESH) {
                let at = std::ptr::from_ref::<Record>(g).addr();
                is_readable &= self.range(at, at + size_of::<Record>());
            }
        }
        for g in &records {
            if let Some(slot) = super::snapshot::slot_of(g) {
                is_readable &= self.stack(slot, own);
            }
        }
        let Ok(maps) = std::fs::read_to_string("/proc/self/maps") else {
            return false;
        };
        let slabs = slab::ranges();
        for line in maps.lines() {
            let Some((start, end)) = writable(line) else {
                continue;
            };
            // Mappings side by side are shown as one.
            let mut inside: Vec<_> = slabs
                .iter()
                .filter(|slab| slab.start < end && slab.end > start)
                .collect();
            inside.sort_unstable_by_key(|slab| slab.start);
            if (start..end).contains(&here) || (self.arena.start < end && start < self.arena.end) {
                continue;
            }
            let mut from = start;
            // Of a worker's thread what lies above its first frame.
            if let Some(frame) = frames.iter().find(|frame| (start..end).contains(frame)) {
                from = frame & !7;
            }
            for slab in inside {
                is_readable &= self.range(from, slab.start.max(from));
                from = slab.end.max(from);
            }
            is_readable &= self.range(from, end.max(from));
        }
        is_readable
    }

    /// The stack of a goroutine, with its header: a closure that is about to run lies there.
    fn stack(&mut self, slot: &Slot, own: &Own) -> bool {
        let top = std::ptr::from_ref(slot).addr();
        match self.reach.suspended_at(top) {
            Some(at) => self.range(at, top + size_of::<Slot>()),
            None if top == own.slot => self.range(own.at & !7, top + size_of::<Slot>()),
            None => self.range(slot.bottom() + GUARD, top + size_of::<Slot>()),
        }
    }

    fn range(&mut self, start: usize, end: usize) -> bool {
        let mut buffer = [0_usize; CHUNK / 8];
        let mut at = start;
        while at < end {
            let stop = end.min((at & !(CHUNK - 1)) + CHUNK);
            let mut page = at;
            while page < stop {
                let next = stop.min((page & !(PAGE - 1)) + PAGE);
                let mut run = page;
                // As many touched pages as there are in a row.
                while run < stop && self.is_touched(run) {
                    run = stop.min((run & !(PAGE - 1)) + PAGE);
                }
                if run > page {
                    match sys::read_own_memory(page, &mut buffer[..(run - page) / 8]) {
                        Ok(words) => self.words(page, &buffer[..words]),
                        Err(error) if error.raw_os_error() == Some(libc::EFAULT) => {}
                        Err(_) => return false,
                    }
                    page = run;
                } else {
                    page = next;
                }
            }
            at = stop;
        }
        true
    }

    fn is_touched(&self, address: usize) -> bool {
        const PRESENT_OR_SWAPPED: u64 = 3 << 62;
        let mut entry = [0; 8];
        match &self.pages {
            Some(pages) => match pages.read_exact_at(&mut entry, (address / PAGE * 8) as u64) {
                Ok(()) => u64::from_ne_bytes(entry) & PRESENT_OR_SWAPPED != 0,
                Err(_) => true,
            },
            None => true,
        }
    }

    fn words(&mut self, start: usize, words: &[usize]) {
        for (index, &word) in words.iter().enumerate() {
            let place = start + index * 8;
            self.word(place, word);
            if self.bytewise {
                let (at, before) = self.last;
                if at.wrapping_add(8) == place {
                    for byte in 1..8 {
                        let across = (before >> (8 * byte)) | (word << (64 - 8 * byte));
                        self.word(at + byte, across);
                    }
                }
                self.last = (place, word);
            }
        }
    }

    #[inline]
    fn word(&mut self, place: usize, word: usize) {
        if self.reach.may_be_waited_for(word) || self.arena.contains(&word) {
            self.reach.see(place, word);
        }
    }
}

/// The addresses of a mapping that programs write to, from its line in `/proc/self/maps`.
fn writable(line: &str) -> Option<(usize, usize)> {
    let mut parts = line.split_ascii_whitespace();
    let (range, access) = (parts.next()?, parts.next()?);
    let path = parts.nth(3).unwrap_or_default();
    // Reading a device's memory may have effects.
    if !access.starts_with("rw") || (path.starts_with("/dev/") && !path.starts_with("/dev/shm/")) {
        return None;
    }
    let (start, end) = range.split_once('-')?;
    Some((
        usize::from_str_radix(start, 16).ok()?,
        usize::from_str_radix(end, 16).ok()?,
    ))
}
