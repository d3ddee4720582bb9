//! Looking through the memory of the process for addresses.
//!
//! Memory is read by the kernel (`process_vm_readv`): others change it meanwhile and may unmap it.
//! Looked through are, in this order, because that is the way in which closures move: goroutines that
//! have not run, stacks of goroutines, all else that is writable. Left out are what nobody can reach:
//! stacks and records without a goroutine; the workers' own stacks, which hold the runtime's addresses
//! only; and this thread's. Pages that were never touched are skipped.
//!
//! The search must not find itself: what it looks for it keeps inverted.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt;

use super::leaks::Own;
use super::unwind::Suspended;
use crate::goroutine::Record;
use crate::goroutine::record::flag;
use crate::goroutine::slab;
use crate::sched::roster;
use crate::shim::atomic::Ordering;
use crate::stack::{GUARD, Slot, arena_range, carved_slot_at};
use crate::sys;

const PAGE: usize = 4096;
/// Bytes read at once, onto this stack.
const CHUNK: usize = 16 * PAGE;

/// An address that does not look like one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Hidden(usize);

impl Hidden {
    pub(super) fn new(address: usize) -> Self {
        Self(!address)
    }

    pub(super) fn get(self) -> usize {
        !self.0
    }
}

/// A goroutine that waits on a channel.
pub(super) struct Suspect {
    id: u64,
    channel: Hidden,
    channel_len: usize,
    handles: usize,
    /// The waiter of this goroutine.
    waiters: Vec<Hidden>,
    at: Hidden,
    top: Hidden,
    is_referenced: bool,
}

impl Suspect {
    pub(super) fn new(id: u64, stack: Suspended) -> Self {
        Self {
            id,
            channel: Hidden::new(0),
            channel_len: 0,
            handles: 0,
            waiters: Vec::new(),
            at: Hidden::new(stack.at),
            top: Hidden::new(stack.top),
            is_referenced: false,
        }
    }

    pub(super) fn set_channel(&mut self, address: usize, len: usize, handles: usize) {
        self.channel = Hidden::new(address);
        self.channel_len = len;
        self.handles = handles;
    }

    /// Takes its own out of the waiters of its channel, which are in the order of their addresses.
    pub(super) fn add_own(&mut self, waiters: &[Hidden]) {
        let first = waiters.partition_point(|waiter| waiter.get() < self.at.get());
        let rest = waiters[first..].iter();
        self.waiters
            .extend(rest.take_while(|waiter| waiter.get() < self.top.get()));
    }

    fn owns(&self, place: usize) -> bool {
        (self.at.get()..self.top.get()).contains(&place)
    }

    /// Its channel points to it where it waits.
    fn is_known_to(&self, place: usize) -> bool {
        place.wrapping_sub(self.channel.get()) < self.channel_len
    }
}

/// The suspects who own all handles of their channel together.
pub(super) fn nowhere_else(mut suspects: Vec<Suspect>, own: Own) -> Vec<u64> {
    suspects.sort_unstable_by_key(|suspect| suspect.channel);
    let suspects = owners_of_all(suspects);
    if suspects.is_empty() {
        return Vec::new();
    }
    let tops = suspects.iter().enumerate();
    let mut search = Search {
        tops: tops.map(|(index, suspect)| (suspect.top, index)).collect(),
        suspects,
        pages: File::open("/proc/self/pagemap").ok(),
        arena: arena_range(),
    };
    if !(search.everything(own) && search.everything(own)) {
        return Vec::new();
    }
    search.suspects.retain(|suspect| !suspect.is_referenced);
    // One who is suspected wrongly may pass its handle on, so the others of its channel go with it.
    let alone = owners_of_all(search.suspects);
    alone.iter().map(|suspect| suspect.id).collect()
}

/// Those whose channel has no more handles than suspects.
fn owners_of_all(mut suspects: Vec<Suspect>) -> Vec<Suspect> {
    let mut waiting = HashMap::new();
    for suspect in &suspects {
        *waiting.entry(suspect.channel).or_insert(0) += 1;
    }
    suspects.retain(|suspect| waiting[&suspect.channel] == suspect.handles);
    suspects
}

struct Search {
    /// By inverted address of their channels.
    suspects: Vec<Suspect>,
    /// Suspects by the ends of their stacks.
    tops: HashMap<Hidden, usize>,
    pages: Option<File>,
    arena: std::ops::Range<usize>,
}

impl Search {
    /// False if memory cannot be read.
    fn everything(&mut self, own: Own) -> bool {
        let here = 0_u8;
        let mut left_out = vec![(&raw const here).addr()];
        roster::for_each(|worker| left_out.push(worker.frame.load(Ordering::Relaxed)));
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
            if left_out
                .iter()
                .any(|address| (start..end).contains(address))
                || (self.arena.start < end && start < self.arena.end)
            {
                continue;
            }
            let mut from = start;
            for slab in inside {
                is_readable &= self.range(from, slab.start.max(from));
                from = slab.end.max(from);
            }
            is_readable &= self.range(from, end.max(from));
        }
        is_readable
    }

    /// The stack of a goroutine, with its header: a closure that is about to run lies there.
    fn stack(&mut self, slot: &Slot, own: Own) -> bool {
        let top = std::ptr::from_ref(slot).addr();
        let suspect = self
            .tops
            .get(&Hidden::new(top))
            .map(|&index| &self.suspects[index]);
        match suspect.map(|suspect| suspect.at.get()) {
            // Its header knows where the stack is.
            Some(at) => self.range(at, top),
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

    /// The suspect on whose stack an address lies.
    fn suspect_at(&self, place: usize) -> Option<&Suspect> {
        let top = std::ptr::from_ref(carved_slot_at(place)?).addr();
        let index = *self.tops.get(&Hidden::new(top))?;
        Some(&self.suspects[index])
    }

    fn words(&mut self, start: usize, words: &[usize]) {
        let (Some(first), Some(last)) = (self.suspects.first(), self.suspects.last()) else {
            return;
        };
        // Inverted, so the first is the highest.
        let channels = last.channel.get()..=first.channel.get();
        for (index, &word) in words.iter().enumerate() {
            let is_channel = channels.contains(&word);
            if !is_channel && !self.arena.contains(&word) {
                continue;
            }
            let place = start + index * 8;
            if is_channel {
                let channel = Hidden::new(word);
                let first = self
                    .suspects
                    .partition_point(|suspect| suspect.channel < channel);
                let is_theirs = self
                    .suspect_at(place)
                    .is_some_and(|suspect| suspect.channel == channel && suspect.owns(place));
                if !is_theirs {
                    self.suspects[first..]
                        .iter_mut()
                        .take_while(|suspect| suspect.channel == channel)
                        .for_each(|suspect| suspect.is_referenced = true);
                }
            }
            if let Some(slot) = carved_slot_at(word)
                && let Some(&index) = self.tops.get(&Hidden::new(std::ptr::from_ref(slot).addr()))
            {
                let suspect = &mut self.suspects[index];
                suspect.is_referenced |= suspect.owns(word)
                    && !suspect.owns(place)
                    && !suspect.is_known_to(place)
                    && !suspect.waiters.contains(&Hidden::new(word));
            }
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
