//! A 4-ary heap whose entries can be found again, so that any timer can be removed or moved.
//!
//! Neither comparing nor moving entries touches the nodes, which lie in cold stacks: a node knows its
//! *handle*, compact tables say whose it is and where in the heap its entry is. Four children's
//! entries fill one cache line. Equal deadlines fire in the order of arming.
//!
//! Most timers are timeouts that do not happen, armed, put off and removed again and again, so these
//! leave the heap as it is:
//!
//! * A removed timer's entry stays, *dead*. The next timer takes its handle and its entry.
//! * A timer whose entry is too early, because it was put off or took over a dead one, leaves it there
//!   and says in its node when it is due.
//!
//! So there are never more entries than timers were armed at once, and no entry is later than its
//! timer: the root's time is a [`bound`](Heap::bound), before which nothing is due. Dead and early
//! entries are set right when they come to the root and somebody wants to know
//! ([`settle`](Heap::settle), [`pop_due`](Heap::pop_due)), or all at once if most are dead.
//!
//! | move | cost |
//! | --- | --- |
//! | remove, put off, push in place of a dead one | a look at the tables |
//! | push | mostly a comparison or two; O(log n) |
//! | pop | O(log n) for each entry that comes to the root |

use std::mem;
use std::ptr;

use super::NEVER;
use super::node::Node;
use crate::goroutine::RecordPtr;
use crate::shim::atomic::Ordering;

const ARITY: usize = 4;
/// The place of a handle that has no entry.
const NOWHERE: u32 = u32::MAX;

#[derive(Clone, Copy)]
struct Entry {
    when: u64,
    /// Order of arming; compared by difference, so it may wrap.
    sequence: u32,
    handle: u32,
}

impl Entry {
    fn before(&self, other: &Self) -> bool {
        self.when < other.when
            || self.when == other.when
                && self.sequence.wrapping_sub(other.sequence).cast_signed() < 0
    }
}

/// Whose a handle is.
#[derive(Clone, Copy)]
pub(super) struct Timer {
    /// Null: nobody's.
    pub(super) node: *const Node,
    pub(super) record: RecordPtr,
    /// The entry is too early; the node says when it is due.
    early: bool,
}

const NOBODY: Timer = Timer {
    node: ptr::null(),
    record: RecordPtr(ptr::null_mut()),
    early: false,
};

pub(super) struct Heap {
    entries: Vec<Entry>,
    /// By handle: where the entry is.
    places: Vec<u32>,
    /// By handle.
    timers: Vec<Timer>,
    /// Handles that nobody has; the last one is used first.
    free: Vec<u32>,
    sequence: u32,
}

// SAFETY: a heap moves between threads under its shard's lock only.
unsafe impl Send for Heap {}

impl Heap {
    pub(super) const fn new() -> Self {
        Self {
            entries: Vec::new(),
            places: Vec::new(),
            timers: Vec::new(),
            free: Vec::new(),
            sequence: 0,
        }
    }

    /// No timer is due before that; [`NEVER`] if there is none.
    pub(super) fn bound(&self) -> u64 {
        self.entries.first().map_or(NEVER, |root| root.when)
    }

    /// Arms a timer: sets its handle.
    ///
    /// # Safety
    ///
    /// The node lives until it is popped or removed, and is not in a heap.
    pub(super) unsafe fn push(&mut self, when: u64, node: *const Node) {
        // SAFETY: alive, and under the shard's lock.
        let known = unsafe { &*node };
        let mut timer = Timer {
            node,
            record: known.record,
            early: false,
        };
        let entry = |handle, sequence| Entry {
            when,
            sequence,
            handle,
        };
        let sequence = self.next_sequence();
        let Some(handle) = self.free.pop() else {
            let handle = u32::try_from(self.timers.len()).expect("4 billion timers in a shard");
            self.timers.push(timer);
            self.places.push(NOWHERE);
            known.handle.store(handle, Ordering::Relaxed);
            return self.add(entry(handle, sequence));
        };
        known.handle.store(handle, Ordering::Relaxed);
        let place = self.places[handle as usize];
        if place == NOWHERE {
            self.timers[handle as usize] = timer;
            return self.add(entry(handle, sequence));
        }
        timer.early = when >= self.entries[place as usize].when;
        self.timers[handle as usize] = timer;
        if timer.early {
            known.when.set(when);
            known.sequence.set(sequence);
        } else {
            self.sift_up(place as usize, entry(handle, sequence));
        }
    }

    fn add(&mut self, entry: Entry) {
        self.entries.push(entry);
        self.sift_up(self.entries.len() - 1, entry);
    }

    fn next_sequence(&mut self) -> u32 {
        self.sequence = self.sequence.wrapping_add(1);
        self.sequence
    }

    /// Gives a timer another deadline, as if it were armed anew.
    ///
    /// # Safety
    ///
    /// It is in this heap.
    pub(super) unsafe fn move_to(&mut self, node: &Node, when: u64) {
        let sequence = self.next_sequence();
        let handle = node.handle.load(Ordering::Relaxed);
        let due = node.when.replace(when);
        // The entry is not later than the timer was: mostly one need not look at it.
        if when >= due || when >= self.entries[self.places[handle as usize] as usize].when {
            node.sequence.set(sequence);
            self.timers[handle as usize].early = true;
            return;
        }
        self.timers[handle as usize].early = false;
        let entry = Entry {
            when,
            sequence,
            handle,
        };
        self.sift_up(self.places[handle as usize] as usize, entry);
    }

    /// Nobody has this handle any more. What entry it has stays.
    pub(super) fn remove(&mut self, handle: u32) -> Timer {
        self.free.push(handle);
        mem::replace(&mut self.timers[handle as usize], NOBODY)
    }

    /// Sees to it that the bound is the earliest deadline, and returns it.
    pub(super) fn settle(&mut self) -> u64 {
        self.first().map_or(NEVER, |root| root.when)
    }

    /// Takes out the first timer, if it is due. Its node still says that it is in: telling it is up to
    /// the caller.
    pub(super) fn pop_due(&mut self, now: u64) -> Option<Timer> {
        if self.bound() > now {
            return None;
        }
        let root = self.first()?;
        if root.when > now {
            return None;
        }
        self.take_out_root();
        Some(self.remove(root.handle))
    }

    /// The root, once that is a timer's and says when it is due.
    fn first(&mut self) -> Option<Entry> {
        loop {
            let root = *self.entries.first()?;
            let Timer { node, early, .. } = self.timers[root.handle as usize];
            if node.is_null() {
                let armed = self.timers.len() - self.free.len();
                if armed < self.entries.len() / 2 {
                    self.forget_dead(armed);
                } else {
                    self.take_out_root();
                }
            } else if early {
                self.timers[root.handle as usize].early = false;
                // SAFETY: armed, so it is alive, and under the shard's lock.
                let node = unsafe { &*node };
                self.sift_down(
                    0,
                    Entry {
                        when: node.when.get(),
                        sequence: node.sequence.get(),
                        handle: root.handle,
                    },
                );
            } else {
                return Some(root);
            }
        }
    }

    fn take_out_root(&mut self) {
        let root = self.entries.swap_remove(0);
        self.places[root.handle as usize] = NOWHERE;
        if let Some(&moved) = self.entries.first() {
            self.sift_down(0, moved);
        }
    }

    /// Makes the heap anew from the entries of those who are armed. What it costs an entry has been
    /// saved when the timer was removed.
    #[cold]
    fn forget_dead(&mut self, armed: usize) {
        if armed == 0 {
            // Nobody knows a handle.
            self.entries.clear();
            self.places.clear();
            self.timers.clear();
            self.free.clear();
            return;
        }
        self.entries.retain(|entry| {
            let is_armed = !self.timers[entry.handle as usize].node.is_null();
            if !is_armed {
                self.places[entry.handle as usize] = NOWHERE;
            }
            is_armed
        });
        for place in 0..self.entries.len() {
            self.put(place, self.entries[place]);
        }
        for place in (0..self.entries.len().div_ceil(ARITY)).rev() {
            self.sift_down(place, self.entries[place]);
        }
    }

    fn put(&mut self, place: usize, entry: Entry) {
        self.entries[place] = entry;
        self.places[entry.handle as usize] = place as u32;
    }

    fn sift_up(&mut self, mut place: usize, entry: Entry) {
        while place > 0 {
            let parent = (place - 1) / ARITY;
            let above = self.entries[parent];
            if !entry.before(&above) {
                break;
            }
            self.put(place, above);
            place = parent;
        }
        self.put(place, entry);
    }

    fn sift_down(&mut self, mut place: usize, entry: Entry) {
        while let Some((least, below)) = self.least_child(place)
            && below.before(&entry)
        {
            self.put(place, below);
            place = least;
        }
        self.put(place, entry);
    }

    /// The first of the children of `place` to fire, and where it is.
    fn least_child(&self, place: usize) -> Option<(usize, Entry)> {
        let first = place * ARITY + 1;
        let children = self.entries.get(first..)?;
        let least = match children {
            // Nearly always: three comparisons, two of which do not wait for each other.
            [a, b, c, d, ..] => {
                let left = usize::from(b.before(a));
                let right = 2 + usize::from(d.before(c));
                if children[right].before(&children[left]) {
                    right
                } else {
                    left
                }
            }
            _ => (0..children.len()).reduce(|a, b| {
                if children[b].before(&children[a]) {
                    b
                } else {
                    a
                }
            })?,
        };
        Some((first + least, children[least]))
    }
}

#[cfg(test)]
#[path = "heap_tests.rs"]
mod tests;
