//! A 4-ary heap whose entries can be found again, so that any timer can be removed.
//!
//! Push, pop and removal cost O(log n). Four children's entries fill one cache line. Neither
//! comparing nor moving entries touches the nodes, which lie in cold stacks: a node knows its
//! *handle*, and a compact table says where in the heap a handle's entry is. Equal deadlines fire
//! in the order of arming.

use super::{Action, NEVER, Node, OUT};

const ARITY: usize = 4;

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

/// A timer that was moved out of the heap, or is in it.
#[derive(Clone, Copy)]
pub(super) struct Timer {
    pub(super) node: *const Node,
    pub(super) action: Action,
}

#[derive(Default)]
pub(super) struct Heap {
    entries: Vec<Entry>,
    /// By handle: where the entry is.
    places: Vec<u32>,
    /// By handle.
    timers: Vec<Option<Timer>>,
    /// Handles that nobody has.
    free: Vec<u32>,
    sequence: u32,
}

// SAFETY: a heap moves between threads under its shard's lock only.
unsafe impl Send for Heap {}

impl Heap {
    pub(super) fn earliest(&self) -> u64 {
        self.entries.first().map_or(NEVER, |entry| entry.when)
    }

    /// # Safety
    ///
    /// The node lives until it is popped or removed, and is not in a heap.
    pub(super) unsafe fn push(&mut self, when: u64, node: *const Node) {
        // SAFETY: alive, and under the shard's lock.
        let (action, index) = unsafe { ((*node).action, &(*node).index) };
        let timer = Some(Timer { node, action });
        let handle = match self.free.pop() {
            Some(handle) => {
                self.timers[handle as usize] = timer;
                handle
            }
            None => {
                let handle = u32::try_from(self.timers.len()).expect("4 billion timers in a shard");
                self.timers.push(timer);
                self.places.push(0);
                handle
            }
        };
        index.set(handle as usize);
        self.sequence = self.sequence.wrapping_add(1);
        let entry = Entry {
            when,
            sequence: self.sequence,
            handle,
        };
        self.entries.push(entry);
        self.sift_up(self.entries.len() - 1, entry);
    }

    /// Takes out the root if it is due. Its node still says that it is in: telling it is up to the
    /// caller.
    pub(super) fn pop_due(&mut self, now: u64) -> Option<Timer> {
        let root = self.entries.first()?;
        if root.when > now {
            return None;
        }
        Some(self.take(0))
    }

    /// # Safety
    ///
    /// The node is in this heap.
    pub(super) unsafe fn remove(&mut self, node: &Node) {
        let place = self.places[node.index.get()] as usize;
        let timer = self.take(place);
        debug_assert!(std::ptr::eq(timer.node, node));
        node.index.set(OUT);
    }

    fn take(&mut self, place: usize) -> Timer {
        let taken = self.entries.swap_remove(place);
        if let Some(&moved) = self.entries.get(place) {
            self.sift(place, moved);
        }
        self.free.push(taken.handle);
        self.timers[taken.handle as usize]
            .take()
            .expect("an entry has a timer")
    }

    fn put(&mut self, place: usize, entry: Entry) {
        self.entries[place] = entry;
        self.places[entry.handle as usize] = place as u32;
    }

    /// Finds the place of `entry`, starting at `place`, upwards or downwards.
    fn sift(&mut self, place: usize, entry: Entry) {
        if place > 0 && entry.before(&self.entries[(place - 1) / ARITY]) {
            self.sift_up(place, entry);
        } else {
            self.sift_down(place, entry);
        }
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
        loop {
            let first = place * ARITY + 1;
            let last = (first + ARITY).min(self.entries.len());
            let Some(least) = (first..last).reduce(|a, b| {
                if self.entries[b].before(&self.entries[a]) {
                    b
                } else {
                    a
                }
            }) else {
                break;
            };
            let below = self.entries[least];
            if !below.before(&entry) {
                break;
            }
            self.put(place, below);
            place = least;
        }
        self.put(place, entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::goroutine::RecordPtr;

    fn node(when: u64) -> Box<Node> {
        Box::new(Node::new(when, RecordPtr(std::ptr::null_mut())))
    }

    /// Catches a wrong sift after a removal from the middle, and ties out of order.
    #[test]
    fn pops_in_order_of_deadline_then_of_arming() {
        let mut seed = 7_u64;
        let nodes: Vec<_> = (0..1000)
            .map(|_| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                node(seed >> 56)
            })
            .collect();
        // Twice: handles are used again.
        let mut heap = Heap {
            sequence: u32::MAX - 500,
            ..Heap::default()
        };
        for _ in 0..2 {
            for node in &nodes {
                // SAFETY: the nodes outlive the heap's use of them.
                unsafe { heap.push(node.when, &raw const **node) };
            }
            for node in nodes.iter().step_by(3) {
                // SAFETY: it is in the heap.
                unsafe { heap.remove(node) };
                assert_eq!(node.index.get(), OUT);
            }
            let mut expected: Vec<(u64, usize)> = (0..1000)
                .filter(|index| index % 3 != 0)
                .map(|index| (nodes[index].when, index))
                .collect();
            expected.sort_unstable();
            for (when, index) in expected {
                assert!(when == 0 || heap.pop_due(when - 1).is_none());
                let popped = heap.pop_due(when).expect("due");
                assert!(std::ptr::eq(popped.node, &raw const *nodes[index]));
            }
            assert_eq!(heap.earliest(), NEVER);
        }
    }
}
