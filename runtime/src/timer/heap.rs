//! A 4-ary heap whose entries know their place, so that any timer can be removed.
//!
//! Push, pop and removal cost O(log n). The deadlines lie in the heap itself: comparing does not
//! touch the nodes, which live in cold stacks. Equal deadlines fire in the order of arming.

use super::{NEVER, Node, OUT};

const ARITY: usize = 4;

struct Entry {
    when: u64,
    sequence: u64,
    node: *const Node,
}

#[derive(Default)]
pub(super) struct Heap {
    entries: Vec<Entry>,
    sequence: u64,
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
        self.sequence += 1;
        self.entries.push(Entry {
            when,
            sequence: self.sequence,
            node,
        });
        let place = self.entries.len() - 1;
        self.note(place);
        self.sift_up(place);
    }

    /// Takes out the root if it is due.
    ///
    /// # Safety
    ///
    /// Under the shard's lock.
    pub(super) unsafe fn pop_due(&mut self, now: u64) -> Option<*const Node> {
        if self.earliest() > now {
            return None;
        }
        let node = self.entries.first()?.node;
        self.take(0);
        Some(node)
    }

    /// # Safety
    ///
    /// The node is in this heap.
    pub(super) unsafe fn remove(&mut self, node: &Node) {
        let place = node.index.get();
        debug_assert!(std::ptr::eq(self.entries[place].node, node));
        self.take(place);
    }

    fn take(&mut self, place: usize) {
        let entry = self.entries.swap_remove(place);
        // SAFETY: nodes in the heap are alive, and the shard's lock is held.
        unsafe { (*entry.node).index.set(OUT) };
        if place < self.entries.len() {
            self.note(place);
            if !self.sift_up(place) {
                self.sift_down(place);
            }
        }
    }

    fn before(&self, a: usize, b: usize) -> bool {
        let (a, b) = (&self.entries[a], &self.entries[b]);
        (a.when, a.sequence) < (b.when, b.sequence)
    }

    fn note(&self, place: usize) {
        // SAFETY: as in `take`.
        unsafe { (*self.entries[place].node).index.set(place) };
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.entries.swap(a, b);
        self.note(a);
        self.note(b);
    }

    /// Whether the entry moved.
    fn sift_up(&mut self, mut place: usize) -> bool {
        let start = place;
        while place > 0 {
            let parent = (place - 1) / ARITY;
            if !self.before(place, parent) {
                break;
            }
            self.swap(place, parent);
            place = parent;
        }
        place != start
    }

    fn sift_down(&mut self, mut place: usize) {
        loop {
            let first = place * ARITY + 1;
            let last = (first + ARITY).min(self.entries.len());
            let Some(least) = (first..last).reduce(|a, b| if self.before(b, a) { b } else { a })
            else {
                return;
            };
            if !self.before(least, place) {
                return;
            }
            self.swap(least, place);
            place = least;
        }
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
        let mut heap = Heap::default();
        for node in &nodes {
            // SAFETY: the nodes outlive the heap's use of them.
            unsafe { heap.push(node.when, &raw const **node) };
        }
        let removed: Vec<usize> = (0..1000).step_by(3).collect();
        for &index in &removed {
            // SAFETY: it is in the heap.
            unsafe { heap.remove(&nodes[index]) };
            assert_eq!(nodes[index].index.get(), OUT);
        }
        let mut expected: Vec<(u64, usize)> = (0..1000)
            .filter(|index| index % 3 != 0)
            .map(|index| (nodes[index].when, index))
            .collect();
        expected.sort_unstable();
        for (when, index) in expected {
            // SAFETY: single-threaded.
            let popped = unsafe { heap.pop_due(when) }.expect("due");
            assert!(std::ptr::eq(popped, &raw const *nodes[index]));
        }
        assert_eq!(heap.earliest(), NEVER);
    }
}
