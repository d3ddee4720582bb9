//! Sending and receiving in async code (feature `async`), and a `Stream` (feature `stream`).
//!
//! These meet goroutines and threads on the same channels. They are safe to cancel: a dropped
//! receive has taken nothing, a dropped send has either been received or never will be. The parts
//! are explained at `core::node`.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use gors_runtime::raw::FuncTimer;

use crate::clock;
use crate::core::node::NodeRef;
use crate::core::waiter::{Outcome, WakeChain};
use crate::core::{Core, Dir};
use crate::error::{RecvError, SendError, TryRecvError, TrySendError};
use crate::receiver::Receiver;
use crate::sender::Sender;

impl<T> Sender<T> {
    /// Sends, as [`send`](Self::send), in async code.
    ///
    /// Waits in line with all other senders. Dropped before it is ready, the future has not sent,
    /// and drops its value.
    ///
    /// ```
    /// let (s, r) = gors_chan::bounded(0);
    /// std::thread::spawn(move || gors_runtime::block_on(s.send_async(5)).unwrap());
    /// assert_eq!(r.recv(), Ok(5));
    /// ```
    pub fn send_async(&self, msg: T) -> SendFuture<'_, T> {
        SendFuture {
            sender: self,
            state: Sending::Value(msg),
        }
    }
}

impl<T> Receiver<T> {
    /// Receives, as [`recv`](Self::recv), in async code.
    ///
    /// Takes its value when it is polled, never before: dropped at any moment, it has taken
    /// nothing. All async receivers of a channel are woken when one could receive. So on a rendezvous
    /// channel it meets those who wait to send, never a `try_send` or a `select!` with a `default`. On
    /// a timer channel this starts the runtime, which keeps the time.
    ///
    /// ```
    /// let (s, r) = gors_chan::bounded(0);
    /// std::thread::spawn(move || s.send(5).unwrap());
    /// assert_eq!(gors_runtime::block_on(r.recv_async()), Ok(5));
    /// ```
    pub fn recv_async(&self) -> RecvFuture<'_, T> {
        RecvFuture {
            receiver: self,
            wait: Observation::default(),
        }
    }

    /// The received values as a `futures_core::Stream`, which ends when the channel is closed and
    /// drained.
    #[cfg(feature = "stream")]
    pub fn stream(&self) -> RecvStream<'_, T> {
        RecvStream {
            receiver: self,
            wait: Observation::default(),
        }
    }
}

/// A send in progress; see [`Sender::send_async`].
#[must_use = "futures do nothing unless polled"]
pub struct SendFuture<'a, T> {
    sender: &'a Sender<T>,
    state: Sending<T>,
}

enum Sending<T> {
    /// Not begun.
    Value(T),
    /// The value lies in the node, which is linked unless claimed.
    Offered(NodeRef),
    Done,
}

// The value is moved about freely and never pinned.
impl<T> Unpin for SendFuture<'_, T> {}

impl<T> Future for SendFuture<'_, T> {
    type Output = Result<(), SendError<T>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let link = &this.sender.link;
        loop {
            match std::mem::replace(&mut this.state, Sending::Done) {
                Sending::Done => panic!("`SendFuture` polled after completion"),
                Sending::Value(value) => {
                    let value = match link.try_send(value) {
                        Ok(()) => return Poll::Ready(Ok(())),
                        Err(TrySendError::Disconnected(v)) => {
                            return Poll::Ready(Err(SendError(v)));
                        }
                        Err(TrySendError::Full(v)) => v,
                    };
                    let Some(core) = link.get() else {
                        this.state = Sending::Value(value);
                        return Poll::Pending; // nil: for ever
                    };
                    let node = NodeRef::sender(value);
                    drop(node.set_waker(cx.waker().clone()));
                    if core.offer(&node) {
                        this.state = Sending::Offered(node);
                        return Poll::Pending;
                    }
                    // SAFETY: not linked, so nobody can have claimed it.
                    this.state = Sending::Value(unsafe { node.take_value() });
                }
                Sending::Offered(node) => {
                    let core = link.get().expect("a nil channel takes no offers");
                    // First the waker, then the look: what happens after the look wakes it.
                    drop(node.set_waker(cx.waker().clone()));
                    match core.outcome_of(&node) {
                        Outcome::Pending => {
                            this.state = Sending::Offered(node);
                            return Poll::Pending;
                        }
                        Outcome::Done => return Poll::Ready(Ok(())),
                        Outcome::Closed => {
                            // SAFETY: the claimer has given it back with this outcome.
                            let value = unsafe { node.take_value() };
                            return Poll::Ready(Err(SendError(value)));
                        }
                        // SAFETY: as above.
                        Outcome::Retry => this.state = Sending::Value(unsafe { node.take_value() }),
                        other => unreachable!("a direct sender was woken with {other:?}"),
                    }
                }
            }
        }
    }
}

impl<T> Drop for SendFuture<'_, T> {
    fn drop(&mut self) {
        if let (Sending::Offered(node), Some(core)) = (&self.state, self.sender.link.get()) {
            // If somebody has claimed it, the value is theirs; else it goes with the node.
            core.withdraw(Dir::Send, node, false);
        }
    }
}

/// A receive in progress; see [`Receiver::recv_async`].
#[must_use = "futures do nothing unless polled"]
pub struct RecvFuture<'a, T> {
    receiver: &'a Receiver<T>,
    wait: Observation,
}

/// Received values as a stream; see [`Receiver::stream`].
#[cfg(feature = "stream")]
#[must_use = "streams do nothing unless polled"]
pub struct RecvStream<'a, T> {
    receiver: &'a Receiver<T>,
    wait: Observation,
}

/// A receiving future's place among the observers.
#[derive(Default)]
struct Observation {
    node: Option<NodeRef>,
    /// Set for the due time, if the channel is a timer.
    alarm: Option<Alarm>,
}

/// Nobody is blocked on an async timer, so somebody must keep its time: a goroutine that starts when a
/// value is due. It does not start if the future goes before.
struct Alarm {
    due: Instant,
    timer: FuncTimer,
}

impl Alarm {
    fn new(node: NodeRef, due: Instant) -> Alarm {
        Alarm {
            due,
            timer: FuncTimer::once(due.saturating_duration_since(clock::now()), move || {
                // Timers fire by another clock, which may be ahead of the one that says what is due: too
                // early a wake-up would be the last.
                loop {
                    let left = due.saturating_duration_since(clock::now());
                    if left.is_zero() {
                        break;
                    }
                    gors_runtime::sleep(left);
                }
                if let Some(waker) = node.take_waker() {
                    waker.wake();
                }
            }),
        }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.timer.stop();
    }
}

impl Observation {
    fn poll<T>(
        &mut self,
        receiver: &Receiver<T>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<T, RecvError>> {
        loop {
            match receiver.try_recv() {
                Ok(value) => return Poll::Ready(Ok(value)),
                Err(TryRecvError::Disconnected) => return Poll::Ready(Err(RecvError)),
                Err(TryRecvError::Empty) => {}
            }
            let Some(core) = receiver.link.get() else {
                return Poll::Pending; // nil: for ever
            };
            if self
                .node
                .as_ref()
                .is_some_and(|node| core.outcome_of(node) != Outcome::Pending)
            {
                // Woken: whoever did it may still hold the node, so it is not linked again.
                *self = Observation::default();
            }
            let node = self.node.get_or_insert_with(NodeRef::observer);
            drop(node.set_waker(cx.waker().clone()));
            if core.observe_node(node) {
                let due = core.sooner_of_due(None);
                if due != self.alarm.as_ref().map(|alarm| alarm.due) {
                    self.alarm = due.map(|due| Alarm::new(node.another(), due));
                }
                return Poll::Pending;
            }
        }
    }

    fn cancel<T>(&mut self, receiver: &Receiver<T>) {
        if let (Some(node), Some(core)) = (&self.node, receiver.link.get()) {
            core.withdraw(Dir::Recv, node, true);
        }
    }
}

impl<T> Future for RecvFuture<'_, T> {
    type Output = Result<T, RecvError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        this.wait.poll(this.receiver, cx)
    }
}

impl<T> Drop for RecvFuture<'_, T> {
    fn drop(&mut self) {
        self.wait.cancel(self.receiver);
    }
}

#[cfg(feature = "stream")]
impl<T> futures_core::Stream for RecvStream<'_, T> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let this = self.get_mut();
        this.wait.poll(this.receiver, cx).map(Result::ok)
    }
}

#[cfg(feature = "stream")]
impl<T> Drop for RecvStream<'_, T> {
    fn drop(&mut self) {
        self.wait.cancel(self.receiver);
    }
}

impl Core {
    /// Links a sending future's node; false if a send has become possible, then it is not linked.
    fn offer(&self, node: &NodeRef) -> bool {
        let mut chain = WakeChain::new();
        self.lock();
        // SAFETY: locked; the list gets its own reference to the node.
        let linked = unsafe {
            let wait = !self.is_ready(Dir::Send);
            if wait {
                self.list(Dir::Send).push_back(node.link());
                self.wake_observers_of_offer(&mut chain);
            }
            self.unlock();
            wait
        };
        chain.wake();
        linked
    }

    /// Links a receiving future's node among the observers, unless it is. False if a receive has
    /// become possible, or was since the node was linked.
    fn observe_node(&self, node: &NodeRef) -> bool {
        self.prepare_to_observe();
        self.lock();
        // SAFETY: locked; the list gets its own reference to the node.
        unsafe {
            let wait = !self.is_ready(Dir::Recv) && node.outcome() == Outcome::Pending;
            if wait && !node.waiter().is_linked() {
                self.observe(Dir::Recv, node.link());
            }
            self.unlock();
            wait
        }
    }

    fn outcome_of(&self, node: &NodeRef) -> Outcome {
        self.lock();
        let outcome = node.outcome();
        // SAFETY: locked above.
        unsafe { self.unlock() };
        outcome
    }

    /// Unlinks a future's node if it is still linked.
    fn withdraw(&self, dir: Dir, node: &NodeRef, observer: bool) {
        self.lock();
        let linked = node.waiter().is_linked();
        // SAFETY: locked; linked in the list that its kind says.
        unsafe {
            if linked && observer {
                self.unobserve(dir, node.waiter());
            } else if linked {
                self.list(dir).remove(node.waiter());
            }
            self.unlock();
        }
        if linked {
            node.unlinked();
        }
    }
}

impl<T> fmt::Debug for SendFuture<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("SendFuture { .. }")
    }
}

impl<T> fmt::Debug for RecvFuture<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("RecvFuture { .. }")
    }
}

#[cfg(feature = "stream")]
impl<T> fmt::Debug for RecvStream<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("RecvStream { .. }")
    }
}
