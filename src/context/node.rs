//! A node of the tree along which cancellation goes.
//!
//! # Invariants
//!
//! * A node is cancelled once, under its lock: `end` is set and never changes, and `ended` becomes true
//!   with it. What follows is done by the one that set it, in this order: the done channel ends, the
//!   waits that name this node end, the children are cancelled.
//! * Whoever finds the done channel ended, or had a wait ended, sees the error: `ended` came before.
//! * Whoever sees the error finds the done channel ended: who asks for the error when `ended` is true
//!   ends the channel himself if the canceller has not come that far.
//! * The done channel is made on demand, under the lock: either its maker sees `end` and ends it, or
//!   the canceller sees the channel.
//! * A child is in its parent's list from its birth until one of the two is cancelled or the child is
//!   forgotten. A parent that is cancelled when the child comes cancels it at once.
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
    children: Children,
    timer: Option<FuncTimer>,
}

/// How a context ended.
#[derive(Clone)]
pub(super) struct End {
    pub(super) error: ContextError,
    pub(super) cause: Option<Cause>,
}

/// What is told of a node's end.
pub(super) enum Child {
    Node(Arc<Node>),
    /// Called once, by the canceller; must not block.
    Call(Box<dyn FnOnce() + Send>),
}

/// Children with places that stay, so that each is removed at once.
#[derive(Default)]
struct Children {
    places: Vec<Option<Child>>,
    free: Vec<usize>,
}

impl Children {
    fn add(&mut self, child: Child) -> usize {
        match self.free.pop() {
            Some(place) => {
                self.places[place] = Some(child);
                place
            }
            None => {
                self.places.push(Some(child));
                self.places.len() - 1
            }
        }
    }

    fn remove(&mut self, place: usize) -> Option<Child> {
        let child = self.places.get_mut(place)?.take();
        if child.is_some() {
            self.free.push(place);
        }
        child
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
            done: OnceLock::new(),
            waits: Cancel::new(),
            parent: parent.cloned(),
            place: AtomicUsize::new(0),
        });
        if let Some(parent) = parent {
            let child = Child::Node(Arc::clone(&node));
            match parent.add_child(child, |place| {
                node.place.store(place + 1, Ordering::Relaxed)
            }) {
                Ok(_) => {}
                Err((_, end)) => node.cancel(&end),
            }
        }
        node
    }

    /// Adds a child and notes its place; gives it back with the end if the node has ended.
    pub(super) fn add_child(
        &self,
        child: Child,
        note: impl FnOnce(usize),
    ) -> Result<usize, (Child, End)> {
        self.state.with(|state| match &state.end {
            Some(end) => Err((child, end.clone())),
            None => {
                let place = state.children.add(child);
                note(place);
                Ok(place)
            }
        })
    }

    pub(super) fn remove_child(&self, place: usize) -> Option<Child> {
        self.state.with(|state| state.children.remove(place))
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
        // A list instead of recursion: trees may be deep, and stacks are small.
        let mut open = Vec::new();
        self.end_one(end, &mut open);
        // Not before: who cancels the parent meanwhile finds a child there, or one that has ended.
        self.leave_parent();
        while let Some(node) = open.pop() {
            node.end_one(end, &mut open);
        }
    }

    /// Ends this node, unless it has ended; adds its children to `open`.
    fn end_one(&self, end: &End, open: &mut Vec<Arc<Self>>) {
        let taken = self.state.with(|state| {
            if state.end.is_some() {
                return None;
            }
            state.end = Some(end.clone());
            self.ended.store(true, Ordering::Release);
            Some((std::mem::take(&mut state.children), state.timer.take()))
        });
        let Some((children, timer)) = taken else {
            return;
        };
        if let Some((owner, _)) = self.done.get() {
            owner.finish();
        }
        self.waits.cancel();
        if let Some(timer) = timer {
            timer.stop();
        }
        for child in children.places.into_iter().flatten() {
            match child {
                Child::Node(child) => open.push(child),
                Child::Call(call) => call(),
            }
        }
    }

    fn leave_parent(&self) {
        if let Some(parent) = &self.parent {
            let place = self.place.swap(0, Ordering::Relaxed);
            if place != 0 {
                parent.remove_child(place - 1);
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
            if state.end.is_some() || !state.children.is_empty() {
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
