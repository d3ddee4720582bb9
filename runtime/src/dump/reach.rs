//! Who can be reached: what a search of the memory found, and what follows from it.
//!
//! *Suspects* are held goroutines, of each of which is known what it waits for. The search calls
//! [`see`](Reach::see) with each word that may be an address, and its place.
//!
//! Two verdicts:
//!
//! * [By count](Reach::stuck_by_count), while others run. What is waited for counts its handles. If its
//!   address is found only in the frames of those that wait for it, and nothing else points into these,
//!   then as many handles as there are such goroutines are borrowed by their waits. If there are no
//!   more, then nobody else has one, be it in a register. A suspect that is thereby found innocent may pass its
//!   handles on, so the others are counted again without it.
//! * [By reference](Reach::stuck_by_reference), if nothing else ran during the search (see
//!   [`quiet`](super::quiet)), so that each handle lies in memory. What is pointed to from anywhere but
//!   a suspect's stack is alive; what is alive wakes those that wait for it; what the stack of one that
//!   may wake points to is alive. The rest waits for each other.
//!
//! Who joins a goroutine waits for nothing but its end: it is stuck if that one is.

use std::collections::HashMap;

use super::unwind::Suspended;
use crate::stack::{Slot, carved_slot_at};

/// An address that does not look like one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Hidden(usize);

impl Hidden {
    pub(super) fn new(address: usize) -> Self {
        Self(!address)
    }

    pub(super) fn get(self) -> usize {
        !self.0
    }
}

/// What is known of something that is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Handles {
    /// The bytes that it takes.
    pub bytes: usize,
    /// How many handles there are, if a wait borrows exactly one and each can do all operations.
    pub whole: Option<usize>,
    /// How many there are at least.
    pub least: usize,
}

struct Waited {
    at: Hidden,
    handles: Handles,
    /// Found in other places than the frames of those that wait for it.
    is_elsewhere: bool,
    /// Found in other places than suspects' stacks.
    is_rooted: bool,
    /// How often it was found on suspects' stacks by this search.
    found: usize,
    /// A search found it less often than there are handles.
    is_hidden: bool,
}

struct Suspect {
    id: u64,
    at: Hidden,
    top: Hidden,
    waits_for: Vec<usize>,
    /// The goroutine for whose end it waits.
    joins: Option<u64>,
    /// Its own waiters.
    waiters: Vec<Hidden>,
    /// Something points into its frames.
    is_referenced: bool,
    /// So does something that is not a suspect's stack.
    is_rooted: bool,
    /// What its stack points to.
    holds: Vec<usize>,
    /// Other suspects into whose frames its stack points.
    leads_to: Vec<usize>,
}

impl Suspect {
    fn new(id: u64, stack: Suspended) -> Self {
        Self {
            id,
            at: Hidden::new(stack.at),
            top: Hidden::new(stack.top),
            waits_for: Vec::new(),
            joins: None,
            waiters: Vec::new(),
            is_referenced: false,
            is_rooted: false,
            holds: Vec::new(),
            leads_to: Vec::new(),
        }
    }

    fn owns(&self, place: usize) -> bool {
        (self.at.get()..self.top.get()).contains(&place)
    }

    /// As [`owns`](Self::owns), or in its header.
    fn keeps(&self, place: usize) -> bool {
        (self.at.get()..self.top.get() + size_of::<Slot>()).contains(&place)
    }
}

/// See the [module](self).
#[derive(Default)]
pub(super) struct Reach {
    suspects: Vec<Suspect>,
    /// Suspects by the ends of their stacks.
    tops: HashMap<Hidden, usize>,
    waited: Vec<Waited>,
    known: HashMap<Hidden, usize>,
    /// Indices in `waited`, by address.
    order: Vec<usize>,
    /// The first address in `waited`, and the one behind the last.
    first: Option<Hidden>,
    len: usize,
}

impl Reach {
    /// Adds something that is waited for, once.
    pub(super) fn waited(&mut self, at: usize, handles: Handles) -> usize {
        let at = Hidden::new(at);
        *self.known.entry(at).or_insert_with(|| {
            self.waited.push(Waited {
                at,
                handles,
                is_elsewhere: false,
                is_rooted: false,
                found: 0,
                is_hidden: false,
            });
            self.waited.len() - 1
        })
    }

    /// Adds a goroutine that waits for the end of another one.
    pub(super) fn joiner(&mut self, id: u64, stack: Suspended, joins: u64) {
        let mut suspect = Suspect::new(id, stack);
        suspect.joins = Some(joins);
        self.add(suspect);
    }

    /// Adds a goroutine; `waiters` are all of what it waits for, of which its own are those on its stack.
    pub(super) fn suspect<'a>(
        &mut self,
        id: u64,
        stack: Suspended,
        waits_for: Vec<usize>,
        waiters: impl Iterator<Item = &'a [Hidden]>,
    ) {
        let mut suspect = Suspect::new(id, stack);
        suspect.waits_for = waits_for;
        for list in waiters {
            let first = list.partition_point(|waiter| waiter.get() < stack.at);
            let own = list[first..].iter();
            let own = own.take_while(|waiter| waiter.get() < stack.top);
            suspect.waiters.extend(own);
        }
        self.add(suspect);
    }

    fn add(&mut self, suspect: Suspect) {
        self.tops.insert(suspect.top, self.suspects.len());
        self.suspects.push(suspect);
    }

    /// A search begins.
    pub(super) fn begin(&mut self) {
        self.order = (0..self.waited.len()).collect();
        self.order
            .sort_unstable_by_key(|&index| self.waited[index].at.get());
        if let (Some(&first), Some(&last)) = (self.order.first(), self.order.last()) {
            let last = &self.waited[last];
            let first = self.waited[first].at;
            self.first = Some(first);
            self.len = last.at.get() + last.handles.bytes - first.get();
        }
        for waited in &mut self.waited {
            waited.found = 0;
        }
    }

    /// A search has ended.
    pub(super) fn end(&mut self) {
        for waited in &mut self.waited {
            waited.is_hidden |= waited.found < waited.handles.least;
        }
    }

    /// Where the suspect whose stack ends at `top` is suspended.
    pub(super) fn suspended_at(&self, top: usize) -> Option<usize> {
        let index = *self.tops.get(&Hidden::new(top))?;
        Some(self.suspects[index].at.get())
    }

    /// Whether the word lies between the first and the last thing that is waited for.
    #[inline]
    pub(super) fn may_be_waited_for(&self, word: usize) -> bool {
        self.first
            .is_some_and(|first| word.wrapping_sub(first.get()) < self.len)
    }

    /// `word` was found at `place`.
    pub(super) fn see(&mut self, place: usize, word: usize) {
        if self.may_be_waited_for(word)
            && let Some(index) = self.waited_at(word)
        {
            self.see_waited(place, index);
        }
        if let Some(index) = self.suspect_at(word) {
            self.see_stack(place, word, index);
        }
    }

    /// The thing that is waited for at an address, or around it.
    fn waited_at(&self, address: usize) -> Option<usize> {
        let behind = self
            .order
            .partition_point(|&index| self.waited[index].at.get() <= address);
        let index = self.order[behind.checked_sub(1)?];
        self.is_inside(index, address).then_some(index)
    }

    fn is_inside(&self, index: usize, address: usize) -> bool {
        let waited = &self.waited[index];
        address.wrapping_sub(waited.at.get()) < waited.handles.bytes
    }

    /// The suspect on whose stack an address lies.
    fn suspect_at(&self, address: usize) -> Option<usize> {
        let top = std::ptr::from_ref(carved_slot_at(address)?).addr();
        let index = *self.tops.get(&Hidden::new(top))?;
        self.suspects[index].keeps(address).then_some(index)
    }

    fn see_waited(&mut self, place: usize, index: usize) {
        if self.is_inside(index, place) {
            return;
        }
        let holder = self.suspect_at(place);
        let waited = &mut self.waited[index];
        let Some(holder) = holder else {
            waited.is_elsewhere = true;
            waited.is_rooted = true;
            return;
        };
        waited.found += 1;
        let holder = &mut self.suspects[holder];
        // A copy that a header has kept of a closure is no handle, or its handle is counted.
        waited.is_elsewhere |= holder.owns(place) && !holder.waits_for.contains(&index);
        if !holder.holds.contains(&index) {
            holder.holds.push(index);
        }
    }

    fn see_stack(&mut self, place: usize, word: usize, index: usize) {
        let suspect = &self.suspects[index];
        let is_known = !suspect.owns(word)
            || suspect.keeps(place)
            || suspect.waiters.contains(&Hidden::new(word))
            // What it waits for points to it where it waits.
            || suspect.waits_for.iter().any(|&waited| self.is_inside(waited, place));
        if is_known {
            return;
        }
        let from = self.suspect_at(place);
        let suspect = &mut self.suspects[index];
        suspect.is_referenced = true;
        match from {
            None => suspect.is_rooted = true,
            Some(from) if !self.suspects[from].leads_to.contains(&index) => {
                self.suspects[from].leads_to.push(index);
            }
            Some(_) => {}
        }
    }

    /// Goroutines that have all handles of each thing that they wait for among them. Before a search:
    /// those of whom that may turn out.
    pub(super) fn stuck_by_count(&self) -> Vec<u64> {
        let mut waiting = vec![0; self.waited.len()];
        for suspect in &self.suspects {
            suspect.waits_for.iter().for_each(|&of| waiting[of] += 1);
        }
        let by_count = |suspect: &&Suspect| suspect.joins.is_none();
        let mut left: Vec<&Suspect> = self.suspects.iter().filter(by_count).collect();
        loop {
            let before = left.len();
            let is_ours = |waiting: &[usize], of: usize| {
                let waited = &self.waited[of];
                waited.handles.whole == Some(waiting[of]) && !waited.is_elsewhere
            };
            let (stay, go): (Vec<_>, Vec<_>) = left.into_iter().partition(|suspect| {
                !suspect.is_referenced && suspect.waits_for.iter().all(|&of| is_ours(&waiting, of))
            });
            for suspect in go {
                suspect.waits_for.iter().for_each(|&of| waiting[of] -= 1);
            }
            left = stay;
            if left.len() == before {
                return self.with_joiners(left.iter().map(|suspect| suspect.id));
            }
        }
    }

    /// These, and those that join them.
    fn with_joiners(&self, stuck: impl Iterator<Item = u64>) -> Vec<u64> {
        let mut joiners: HashMap<u64, Vec<u64>> = HashMap::new();
        for suspect in &self.suspects {
            if let Some(of) = suspect.joins {
                joiners.entry(of).or_default().push(suspect.id);
            }
        }
        let mut all: Vec<u64> = stuck.collect();
        let mut next = 0;
        while let Some(id) = all.get(next) {
            all.extend(joiners.remove(id).unwrap_or_default());
            next += 1;
        }
        all
    }

    /// Goroutines that nothing leads to but each other.
    pub(super) fn stuck_by_reference(&self) -> Vec<u64> {
        let mut waiting: Vec<Vec<usize>> = vec![Vec::new(); self.waited.len()];
        for (index, suspect) in self.suspects.iter().enumerate() {
            suspect
                .waits_for
                .iter()
                .for_each(|&of| waiting[of].push(index));
        }
        let mut lives = vec![false; self.suspects.len()];
        let mut is_reached = vec![false; self.waited.len()];
        let mut next: Vec<usize> = Vec::new();
        let ids = self.suspects.iter().enumerate();
        let ids: HashMap<u64, usize> = ids.map(|(index, suspect)| (suspect.id, index)).collect();
        let mut joiners: Vec<Vec<usize>> = vec![Vec::new(); self.suspects.len()];
        for (index, suspect) in self.suspects.iter().enumerate() {
            match suspect.joins.map(|of| ids.get(&of)) {
                Some(Some(&of)) => joiners[of].push(index),
                // Not even suspected.
                Some(None) => next.push(index),
                None => {}
            }
        }
        let rooted = self.suspects.iter().enumerate();
        next.extend(rooted.filter_map(|(index, suspect)| suspect.is_rooted.then_some(index)));
        let reach = |of: usize, is_reached: &mut Vec<bool>, next: &mut Vec<usize>| {
            if !std::mem::replace(&mut is_reached[of], true) {
                next.extend(&waiting[of]);
            }
        };
        for (of, waited) in self.waited.iter().enumerate() {
            if waited.is_rooted || waited.is_hidden {
                reach(of, &mut is_reached, &mut next);
            }
        }
        while let Some(index) = next.pop() {
            if std::mem::replace(&mut lives[index], true) {
                continue;
            }
            let suspect = &self.suspects[index];
            next.extend(&suspect.leads_to);
            next.extend(&joiners[index]);
            for &of in &suspect.holds {
                reach(of, &mut is_reached, &mut next);
            }
        }
        let all = self.suspects.iter().zip(lives);
        all.filter_map(|(suspect, lives)| (!lives).then_some(suspect.id))
            .collect()
    }
}
