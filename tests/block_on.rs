//! Futures in goroutines, with wakers that are woken from elsewhere.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread;

use gors::prelude::*;
use gors::sync::Mutex;

/// A future that somebody else completes.
#[derive(Clone, Default)]
struct Promise(Arc<Mutex<(Option<u32>, Option<Waker>)>>);

impl Promise {
    fn keep(&self, value: u32) {
        let waker = {
            let mut state = self.0.lock();
            state.0 = Some(value);
            state.1.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Future for Promise {
    type Output = u32;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<u32> {
        let mut state = self.0.lock();
        match state.0.take() {
            Some(value) => Poll::Ready(value),
            None => {
                state.1 = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

/// Would catch a future that is polled again after it is ready, or not at all.
#[gors::test]
fn a_ready_future_is_polled_once() {
    let mut polls = 0;
    let value = block_on(poll_fn(|_| {
        polls += 1;
        Poll::Ready(polls)
    }));
    assert_eq!((value, polls), (1, 1));
}

/// Would catch a lost wake-up from a goroutine or from a plain thread.
#[gors::test]
fn a_promise_is_kept_from_elsewhere() {
    for n in 0..500 {
        let promise = Promise::default();
        let keeper = promise.clone();
        if n % 2 == 0 {
            go!(move || keeper.keep(n));
        } else {
            thread::spawn(move || keeper.keep(n));
        }
        assert_eq!(block_on(promise), n);
    }
}

/// Would catch a future that wakes itself while it is polled and is then forgotten.
#[gors::test]
fn waking_during_the_poll_counts() {
    let mut polls = 0;
    block_on(poll_fn(|context| {
        polls += 1;
        context.waker().wake_by_ref();
        if polls < 1_000 {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    }));
    assert_eq!(polls, 1_000);
}

/// Would catch a `block_on` that holds its permit while it waits.
#[gors::test]
fn many_wait_at_once() {
    let promises: Vec<_> = (0..1_000).map(|_| Promise::default()).collect();
    let waiting: Vec<_> = promises
        .iter()
        .cloned()
        .map(|promise| spawn(move || block_on(promise)))
        .collect();
    thread::spawn(move || {
        for (n, promise) in promises.into_iter().enumerate() {
            promise.keep(n as u32);
        }
    });
    let sum: u32 = waiting
        .into_iter()
        .map(|wait| wait.join().expect("no panic"))
        .sum();
    assert_eq!(sum, 499_500);
}

/// Would catch a `block_on` that needs a goroutine, and one that cannot stand inside another.
#[test]
fn on_a_plain_thread_and_nested() {
    let promise = Promise::default();
    let keeper = promise.clone();
    let other = thread::spawn(move || keeper.keep(7));
    assert_eq!(block_on(promise), 7);
    other.join().expect("no panic");
    let value = block_on(async { block_on(async { 3 }) + spawn(|| 4).await.expect("no panic") });
    assert_eq!(value, 7);
}

/// Would catch a waker that dangles after its `block_on` has returned.
#[gors::test]
fn a_waker_may_outlive_its_wait() {
    let (sender, wakers) = mpsc::channel();
    block_on(poll_fn(|context| {
        sender.send(context.waker().clone()).expect("open");
        Poll::Ready(())
    }));
    let waker = wakers.recv().expect("it was sent");
    waker.wake_by_ref();
    waker.wake();
    // The goroutine's next wait is not disturbed.
    let value = make(0);
    go!(value.clone().send(1));
    assert_eq!(value.recv(), Some(1));
}
