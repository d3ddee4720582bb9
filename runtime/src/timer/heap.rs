//! A 4-ary heap whose entries can be found again, so that any timer can be removed.
//!
//! Push, pop and removal cost O(log n). Four children's entries fill one cache line. Neither
//! comparing nor moving entries touches the nodes, which lie in cold stacks: a node knows its
//! *handle*, and a compact table says where in the heap a handle's entry is. Equal deadlines fire
//! in the order of arming.
//!
//! A removed timer leaves its entry behind, dead, until the next timer takes its place or another
//! one is removed; so there is one dead entry at most. Most timers are timeouts that do not happen,
//! armed and removed again and again: none of that moves more than an entry or two.

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
    /// The handle of the dead entry.
    dead: Option<u32>,
    sequence: u32,
}

// SAFETY: a heap moves between threads under its shard's lock only.
unsafe impl Send for Heap {}

impl Heap {
    /// The earliest deadline; that of a dead entry does not count.
    pub(super) fn earliest(&self) -> u64 {
        match self.entries.first() {
            None => NEVER,
            Some(root) if Some(root.handle) == self.dead => {
                self.least_child(0).map_or(NEVER, |(_, entry)| entry.when)
            }
            Some(root) => root.when,
        }
    }

    /// # Safety
    ///
    /// The node lives until it is popped or removed, and is not in a heap.
    pub(super) unsafe fn push(&mut self, when: u64, node: *const Node) {
        // SAFETY: alive, and under the shard's lock.
        let (action, index) = unsafe { ((*node).action, &(*node).index) };
        let timer = Some(Timer { node, action });
        if let Some(handle) = self.dead.take() {
            self.timers[handle as usize] = timer;
            index.set(handle as usize);
            self.move_to(when, handle);
            return;
        }
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
        let entry = self.entry(when, handle);
        self.entries.push(entry);
        self.sift_up(self.entries.len() - 1, entry);
    }

    /// The entry of a timer that is armed now.
    fn entry(&mut self, when: u64, handle: u32) -> Entry {
        self.sequence = self.sequence.wrapping_add(1);
        Entry {
            when,
            sequence: self.sequence,
            handle,
        }
    }

    /// Gives a timer another deadline, as if it were armed anew.
    ///
    /// # Safety
    ///
    /// The node is in this heap.
    pub(super) unsafe fn put_off(&mut self, node: &Node, when: u64) {
        self.move_to(when, node.index.get() as u32);
    }

    /// Puts an entry that is there to where a timer armed now for `when` belongs.
    fn move_to(&mut self, when: u64, handle: u32) {
        let entry = self.entry(when, handle);
        self.sift(self.places[handle as usize] as usize, entry);
    }

    /// Takes out the root if it is due. Its node still says that it is in: telling it is up to the
    /// caller.
    pub(super) fn pop_due(&mut self, now: u64) -> Option<Timer> {
        if Some(self.entries.first()?.handle) == self.dead {
            self.bury();
        }
        let root = *self.entries.first()?;
        if root.when > now {
            return None;
        }
        self.take_out(root.handle);
        self.timers[root.handle as usize].take()
    }

    /// # Safety
    ///
    /// The node is in this heap.
    pub(super) unsafe fn remove(&mut self, node: &Node) {
        self.bury();
        let handle = node.index.get();
        let timer = self.timers[handle].take();
        debug_assert!(timer.is_some_and(|timer| std::ptr::eq(timer.node, node)));
        self.dead = Some(handle as u32);
        node.index.set(OUT);
    }

    /// Takes the dead entry out, if there is one.
    fn bury(&mut self) {
        if let Some(handle) = self.dead.take() {
            self.take_out(handle);
        }
    }

    fn take_out(&mut self, handle: u32) {
        let place = self.places[handle as usize] as usize;
        self.entries.swap_remove(place);
        if let Some(&moved) = self.entries.get(place) {
            self.sift(place, moved);
        }
        self.free.push(handle);
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
mod tests {
    use super::*;
    use crate::goroutine::RecordPtr;

    fn node(when: u64) -> Box<Node> {
        Box::new(Node::new(when, RecordPtr(std::ptr::null_mut())))
    }

    /// Catches a wrong sift after a removal from the middle, ties out of order, and a dead entry that
    /// counts as a deadline.
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
            // Put off and back: as if armed again, in this order.
            for put_off in [u64::MAX - 1, 0] {
                for node in nodes.iter().step_by(7) {
                    let when = if put_off == 0 { node.when } else { put_off };
                    // SAFETY: it is in the heap.
                    unsafe { heap.put_off(node, when) };
                }
            }
            for node in nodes.iter().step_by(3) {
                // SAFETY: it is in the heap; between the two removals it takes a dead entry's place.
                unsafe {
                    heap.remove(node);
                    heap.push(node.when, &raw const **node);
                    heap.remove(node);
                }
                assert_eq!(node.index.get(), OUT);
            }
            let mut expected: Vec<(u64, bool, usize)> = (0..1000)
                .filter(|index| index % 3 != 0)
                .map(|index| (nodes[index].when, index % 7 == 0, index))
                .collect();
            expected.sort_unstable();
            for (when, _, index) in expected {
                assert_eq!(heap.earliest(), when);
                assert!(when == 0 || heap.pop_due(when - 1).is_none());
                let popped = heap.pop_due(when).expect("due");
                assert!(std::ptr::eq(popped.node, &raw const *nodes[index]));
            }
            assert_eq!(heap.earliest(), NEVER);
        }
    }
}
