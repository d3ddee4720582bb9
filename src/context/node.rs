//! A node of the tree along which cancellation goes.
//!
//! # Invariants
//!
//! * A node is cancelled once, under its lock: `end` is set and never changes, and `ended` becomes true
//!   with it. What follows is done by the one that set it, in this order: the done channel ends, the
//!   waits that name this node end, the children are cancelled.
//! * When `cancel` returns, the node and all below it have ended, whoever began: one that finds a node
//!   ended but not *settled* does the same once more, with that node's end for its children. So what it
//!   may be late for is in `ending` until the node is settled.
//! * Whoever finds the done channel ended, or had a wait ended, sees the error: `ended` came before.
//! * Whoever sees the error finds the done channel ended: who asks for the error when `ended` is true
//!   ends the channel himself if the canceller has not come that far.
//! * The done channel is made on demand, under the lock: either its maker sees `end` and ends it, or
//!   the canceller sees the channel.
//! * A child is in its parent's list from its birth until one of the two has ended, with all below it, or
//!   the child is forgotten. A parent that is cancelled when the child comes cancels it at once.
//!
//! The lock is a spin lock: contexts are dropped, and dropping must not switch. No user code runs
//! under it.

use std::sync::{Arc, OnceLock};

use gors_chan::{DoneOwner, Receiver, done_channel};
use gors_runtime::raw::{Cancel, FuncTimer, Guarded};

use super::{Cause, ContextError};
use crate::shim::atomic::{AtomicBool, AtomicUsize, Ordering};

pub(super) struct Node {
    state: Guarded<State>,
    /// `end` is set: the same, to be read without the lock. Stored under it, because who makes the done
    /// channel looks at `end`, and who finds that channel ended looks here.
    ended: AtomicBool,
    /// Everybody who can see this node or one below it sees that it has ended.
    settled: AtomicBool,
    done: OnceLock<(DoneOwner, Receiver<()>)>,
    waits: Cancel,
    parent: Option<Arc<Node>>,
    /// This node's place in the parent's list, plus one; 0: in none.
    place: AtomicUsize,
}

impl Drop for Node {
    fn drop(&mut self) {
        // A long chain must not be dropped by recursion: stacks are small.
        let mut next = self.parent.take();
        while let Some(mut node) = next.and_then(Arc::into_inner) {
            next = node.parent.take();
        }
    }
}

#[derive(Default)]
struct State {
    end: Option<End>,
    children: Places<Arc<Node>>,
    calls: Places<Call>,
    /// The children, from the end until the node is settled.
    ending: Option<Children>,
    timer: Option<FuncTimer>,
}

/// Children of a node that has ended.
type Children = Arc<Vec<Option<Arc<Node>>>>;

/// How a context ended.
#[derive(Clone)]
pub(super) struct End {
    pub(super) error: ContextError,
    pub(super) cause: Option<Cause>,
}

/// What a node's end starts. Called once, by the canceller; must not block.
pub(super) type Call = Box<dyn FnOnce() + Send>;

/// Children that are to end, and how.
struct Below {
    children: Children,
    end: End,
    /// The caller ended the node above, and so is the one to settle it.
    first: bool,
}

/// A list with places that stay, so that each entry is removed at once.
struct Places<T> {
    places: Vec<Option<T>>,
    free: Vec<usize>,
}

impl<T> Default for Places<T> {
    fn default() -> Self {
        Self {
            places: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<T> Places<T> {
    fn add(&mut self, entry: T) -> usize {
        match self.free.pop() {
            Some(place) => {
                self.places[place] = Some(entry);
                place
            }
            None => {
                self.places.push(Some(entry));
                self.places.len() - 1
            }
        }
    }

    fn remove(&mut self, place: usize) -> Option<T> {
        let entry = self.places.get_mut(place)?.take();
        if entry.is_some() {
            self.free.push(place);
        }
        entry
    }

    fn is_empty(&self) -> bool {
        self.places.len() == self.free.len()
    }
}

impl Node {
    /// A child of `parent`, cancelled if that is.
    pub(super) fn new(parent: Option<&Arc<Self>>) -> Arc<Self> {
        let node = Arc::new(Self {
            state: Guarded::default(),
            ended: AtomicBool::new(false),
            settled: AtomicBool::new(false),
            done: OnceLock::new(),
            waits: Cancel::new(),
            parent: parent.cloned(),
            place: AtomicUsize::new(0),
        });
        if let Some(parent) = parent
            && let Err(end) = parent.add_child(&node)
        {
            node.cancel(&end);
        }
        node
    }

    /// Adds a child and tells it its place; its end if the node has ended.
    fn add_child(&self, child: &Arc<Self>) -> Result<(), End> {
        let entry = Arc::clone(child);
        self.state.with(|state| match &state.end {
            Some(end) => Err(end.clone()),
            None => {
                let place = state.children.add(entry);
                child.place.store(place + 1, Ordering::Relaxed);
                Ok(())
            }
        })
    }

    /// Adds what the end is to start, and returns its place; gives it back if the node has ended.
    pub(super) fn add_call(&self, call: Call) -> Result<usize, Call> {
        self.state.with(|state| match state.end {
            Some(_) => Err(call),
            None => Ok(state.calls.add(call)),
        })
    }

    pub(super) fn remove_call(&self, place: usize) -> Option<Call> {
        self.state.with(|state| state.calls.remove(place))
    }

    /// Gives the node the timer that will cancel it; one that has ended needs none.
    pub(super) fn set_timer(&self, timer: FuncTimer) {
        let unwanted = self.state.with(|state| match state.end {
            Some(_) => Some(timer),
            None => {
                state.timer = Some(timer);
                None
            }
        });
        if let Some(timer) = unwanted {
            timer.stop();
        }
    }

    /// Ends the node and all below it. The first end counts.
    pub(super) fn cancel(&self, end: &End) {
        // Lists instead of recursion: trees may be deep, and stacks are small.
        let mut open = Vec::new();
        let mut unsettled = Vec::new();
        let below = self.end_one(end);
        let first = below.as_ref().is_some_and(|below| below.first);
        open.extend(below);
        while let Some(Below { children, end, .. }) = open.pop() {
            for child in children.iter().flatten() {
                if let Some(below) = child.end_one(&end) {
                    if below.first {
                        unsettled.push(Arc::clone(child));
                    }
                    open.push(below);
                }
            }
        }
        for node in &unsettled {
            node.settle();
        }
        if first {
            self.settle();
        }
        // Not sooner: who cancels the parent meanwhile must find what is left to do here.
        self.leave_parent();
    }

    /// Ends this node, or sees to it that its end is visible; returns what is to be done below it.
    fn end_one(&self, end: &End) -> Option<Below> {
        if self.settled.load(Ordering::Acquire) {
            return None;
        }
        let (below, calls, timer, first) = self.state.with(|state| {
            let first = state.end.is_none();
            if first {
                state.end = Some(end.clone());
                self.ended.store(true, Ordering::Release);
                if !state.children.is_empty() {
                    let children = std::mem::take(&mut state.children);
                    state.ending = Some(Arc::new(children.places));
                }
            }
            let below = match (&state.ending, &state.end) {
                (Some(children), Some(end)) => Some(Below {
                    children: Arc::clone(children),
                    end: end.clone(),
                    first,
                }),
                _ => None,
            };
            let calls = std::mem::take(&mut state.calls);
            (below, calls, state.timer.take(), first)
        });
        if let Some((owner, _)) = self.done.get() {
            owner.finish();
        }
        self.waits.cancel();
        if let Some(timer) = timer {
            timer.stop();
        }
        for call in calls.places.into_iter().flatten() {
            call();
        }
        if first && below.is_none() {
            self.settled.store(true, Ordering::Release);
        }
        below
    }

    /// All below has ended.
    fn settle(&self) {
        let children = self.state.with(|state| state.ending.take());
        self.settled.store(true, Ordering::Release);
        drop(children);
    }

    fn leave_parent(&self) {
        if let Some(parent) = &self.parent {
            let place = self.place.swap(0, Ordering::Relaxed);
            if place != 0 {
                let child = parent.state.with(|state| state.children.remove(place - 1));
                drop(child);
            }
        }
    }

    /// The last handle of the node's context has gone. If nobody else can see the node's end it need
    /// not be remembered.
    pub(super) fn forget_if_unwatched(&self) {
        if self.done.get().is_some() {
            return;
        }
        let timer = self.state.with(|state| {
            if state.end.is_some() || !state.children.is_empty() || !state.calls.is_empty() {
                return None;
            }
            Some(state.timer.take())
        });
        if let Some(timer) = timer {
            self.leave_parent();
            if let Some(timer) = timer {
                timer.stop();
            }
        }
    }

    pub(super) fn done(&self) -> &Receiver<()> {
        match self.done.get() {
            Some((_, done)) => done,
            None => self.make_done(),
        }
    }

    #[cold]
    fn make_done(&self) -> &Receiver<()> {
        let (owner, done) = self.done.get_or_init(done_channel);
        if self.state.with(|state| state.end.is_some()) {
            owner.finish();
        }
        done
    }

    /// Whether the node has ended, visibly for everybody.
    fn has_ended(&self) -> bool {
        let ended = self.ended.load(Ordering::Acquire);
        if ended
            && let Some((owner, _)) = self.done.get()
            && !owner.is_finished()
        {
            owner.finish();
        }
        ended
    }

    pub(super) fn err(&self) -> Option<ContextError> {
        if !self.has_ended() {
            return None;
        }
        self.state
            .with(|state| state.end.as_ref().map(|end| end.error))
    }

    pub(super) fn cause(&self) -> Option<Cause> {
        if !self.has_ended() {
            return None;
        }
        let end = self.state.with(|state| state.end.clone())?;
        Some(end.cause.unwrap_or_else(|| Arc::new(end.error)))
    }

    /// What ends waits that name this node.
    pub(super) fn waits(&self) -> &Cancel {
        &self.waits
    }
}
