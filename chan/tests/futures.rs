//! Async sends and receives among themselves and with goroutines and threads, and what a dropped
//! future leaves.
#![cfg(feature = "stream")]

mod common;

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};

use common::{blocks, everywhere, go, ms, panics, settle, sleep};
use futures_core::Stream;
use gors_chan::{RecvError, Select, TryRecvError, after, bounded, never, select, timer_channel};
use gors_runtime::block_on;

fn poll<F: Future>(f: Pin<&mut F>) -> Poll<F::Output> {
    f.poll(&mut Context::from_waker(Waker::noop()))
}

struct CountWakes(AtomicUsize);

impl Wake for CountWakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// Pairings that never meet, or lose or double a value.
#[test]
fn all_pairings() {
    everywhere(|| {
        const N: u64 = 500;
        for cap in [0, 1, 7] {
            let (s, r) = bounded(cap);
            let senders: Vec<_> = (0..4)
                .map(|i| {
                    let s = s.clone();
                    go(move || {
                        for v in 0..N {
                            match i {
                                0 => s.send(v).unwrap(),
                                1 => select! { send(s, v) -> sent => sent.unwrap() },
                                _ => block_on(s.send_async(v)).unwrap(),
                            }
                        }
                    })
                })
                .collect();
            drop(s);
            let receivers: Vec<_> = (0..4)
                .map(|i| {
                    let r = r.clone();
                    go(move || {
                        let mut sum = 0;
                        loop {
                            let got = match i {
                                0 => r.recv(),
                                1 => select! { recv(r) -> v => v },
                                _ => block_on(r.recv_async()),
                            };
                            match got {
                                Ok(v) => sum += v,
                                Err(RecvError) => break sum,
                            }
                        }
                    })
                })
                .collect();
            senders.into_iter().for_each(|h| h.join().unwrap());
            let sum: u64 = receivers.into_iter().map(|h| h.join().unwrap()).sum();
            assert_eq!(sum, 4 * N * (N - 1) / 2, "cap {cap}");
        }
    });
}

/// A value taken by a receive that was dropped, or a wake-up that went with it.
#[test]
fn dropped_receives_take_nothing() {
    everywhere(|| {
        for cap in [0, 1] {
            let (s, r) = bounded(cap);
            {
                let mut f = pin!(r.recv_async());
                assert!(poll(f.as_mut()).is_pending());
                let s2 = s.clone();
                let h = go(move || s2.send(1).unwrap());
                settle();
                // Dropped after it was woken.
                drop(h);
            }
            let r2 = r.clone();
            let h = go(move || block_on(r2.recv_async()));
            assert_eq!(h.join(), Ok(Ok(1)));
            assert_eq!(r.try_recv(), Err(TryRecvError::Empty));
        }
    });
}

/// A send that was dropped and is received all the same, or whose value leaks or is dropped twice.
#[test]
fn dropped_sends() {
    everywhere(|| {
        struct Item(Arc<AtomicUsize>);
        impl Drop for Item {
            fn drop(&mut self) {
                self.0.fetch_add(1, SeqCst);
            }
        }
        let n = Arc::new(AtomicUsize::new(0));
        let item = || Item(n.clone());
        let (s, r) = bounded(0);
        drop(s.send_async(item()));
        assert_eq!(n.load(SeqCst), 1);
        {
            let mut f = pin!(s.send_async(item()));
            assert!(poll(f.as_mut()).is_pending());
        }
        assert_eq!(n.load(SeqCst), 2);
        assert!(r.try_recv().is_err());
        {
            // Received, then dropped without another poll.
            let mut f = pin!(s.send_async(item()));
            assert!(poll(f.as_mut()).is_pending());
            drop(r.try_recv().ok().unwrap());
        }
        assert_eq!(n.load(SeqCst), 3);
        {
            // Reserved by an operation, dropped, then received all the same.
            let mut sel = Select::new();
            sel.recv(&r);
            let op = {
                let mut f = pin!(s.send_async(item()));
                assert!(poll(f.as_mut()).is_pending());
                sel.try_select().unwrap()
            };
            assert_eq!(n.load(SeqCst), 3);
            drop(op.recv(&r).ok().unwrap());
            assert_eq!(n.load(SeqCst), 4);
            // The same, given up: nobody has it.
            let op = {
                let mut f = pin!(s.send_async(item()));
                assert!(poll(f.as_mut()).is_pending());
                sel.try_select().unwrap()
            };
            panics(|| drop(op));
            assert_eq!(n.load(SeqCst), 5);
        }
        // Given up while the future lives: it offers again.
        let mut f = pin!(s.send_async(item()));
        assert!(poll(f.as_mut()).is_pending());
        let mut sel = Select::new();
        sel.recv(&r);
        panics(|| drop(sel.try_select().unwrap()));
        assert!(poll(f.as_mut()).is_pending());
        r.close();
        let Poll::Ready(Err(back)) = poll(f.as_mut()) else {
            panic!("closed")
        };
        assert_eq!(n.load(SeqCst), 5);
        drop(back);
        assert_eq!(n.load(SeqCst), 6);
    });
}

/// Wake-ups: each reason for one reaches the waker, also one that was replaced meanwhile.
#[test]
fn wakes() {
    let count = Arc::new(CountWakes(AtomicUsize::new(0)));
    let waker = Waker::from(count.clone());
    let mut cx = Context::from_waker(&waker);
    let (s, r) = bounded(1);
    let mut f = pin!(r.recv_async());
    assert!(poll(f.as_mut()).is_pending());
    assert!(f.as_mut().poll(&mut cx).is_pending());
    s.send(1).unwrap();
    assert_eq!(count.0.load(SeqCst), 1);
    assert_eq!(f.as_mut().poll(&mut cx), Poll::Ready(Ok(1)));
    s.send(2).unwrap();
    let mut f = pin!(s.send_async(3));
    assert!(f.as_mut().poll(&mut cx).is_pending());
    assert_eq!(r.recv(), Ok(2));
    assert_eq!(count.0.load(SeqCst), 2);
    assert_eq!(f.as_mut().poll(&mut cx), Poll::Ready(Ok(())));
    assert_eq!(r.recv(), Ok(3));
    let mut f = pin!(r.recv_async());
    assert!(f.as_mut().poll(&mut cx).is_pending());
    s.close();
    assert_eq!(count.0.load(SeqCst), 3);
    assert_eq!(f.as_mut().poll(&mut cx), Poll::Ready(Err(RecvError)));
}

/// Timers, of which nobody blocked keeps the time.
#[test]
fn timers() {
    everywhere(|| {
        block_on(after(ms(10)).recv_async()).unwrap();
        let (t, c) = timer_channel();
        t.reset(ms(60_000));
        let h = blocks(move || block_on(c.recv_async()));
        t.reset(ms(5));
        h.join().unwrap().unwrap();
        let nil = never::<()>();
        assert!(poll(pin!(nil.recv_async()).as_mut()).is_pending());
    });
}

/// The stream ends with the channel.
#[test]
fn stream() {
    everywhere(|| {
        let (s, r) = bounded(2);
        let h = go(move || (0..100).for_each(|v| s.send(v).unwrap()));
        let mut got = Vec::new();
        let mut stream = r.stream();
        while let Some(v) = block_on(std::future::poll_fn(|cx| {
            Pin::new(&mut stream).poll_next(cx)
        })) {
            got.push(v);
        }
        assert_eq!(got, (0..100).collect::<Vec<_>>());
        h.join().unwrap();
    });
}

/// Futures cross threads.
#[test]
fn futures_are_send() {
    fn is_send<T: Send>(_: T) {}
    let (s, r) = bounded::<std::cell::Cell<u8>>(1);
    is_send(s.send_async(1.into()));
    is_send(r.recv_async());
    is_send(r.stream());
}

/// A waker that panics: the value that was sent must not be dropped by its sender as well, and the
/// others must be woken all the same, also by a goroutine that parks.
#[test]
fn wakers_that_panic() {
    struct Angry;
    impl Wake for Angry {
        fn wake(self: Arc<Self>) {
            panic!("from a waker");
        }
    }
    everywhere(|| {
        let angry = Waker::from(Arc::new(Angry));
        let mut angry = Context::from_waker(&angry);
        let count = Arc::new(CountWakes(AtomicUsize::new(0)));
        let calm = Waker::from(count.clone());
        let mut calm = Context::from_waker(&calm);
        let value = Arc::new(());
        for cap in [0, 1] {
            let (s, r) = bounded(cap);
            let (mut f, mut g) = (pin!(r.recv_async()), pin!(r.recv_async()));
            assert!(f.as_mut().poll(&mut angry).is_pending());
            assert!(g.as_mut().poll(&mut calm).is_pending());
            let woken = count.0.load(SeqCst);
            let (s2, v) = (s.clone(), value.clone());
            let h = go(move || s2.send(v));
            while count.0.load(SeqCst) == woken {
                sleep(ms(1));
            }
            assert!(r.recv().is_ok());
            assert!(h.join().unwrap().is_ok());
            assert_eq!(Arc::strong_count(&value), 1);
            assert!(f.as_mut().poll(&mut angry).is_pending());
            assert!(s.close());
            assert_eq!(f.as_mut().poll(&mut angry), Poll::Ready(Err(RecvError)));
            assert_eq!(g.as_mut().poll(&mut calm), Poll::Ready(Err(RecvError)));
        }
    });
}

/// Receives on a timer that are dropped before it is due, and leave somebody who waits for it.
#[test]
fn dropped_receives_leave_no_alarm() {
    everywhere(|| {
        let count = Arc::new(CountWakes(AtomicUsize::new(0)));
        let waker = Waker::from(count.clone());
        let mut cx = Context::from_waker(&waker);
        let (t, c) = timer_channel();
        t.reset(ms(60_000));
        let before = gors_runtime::num_goroutine();
        for _ in 0..100 {
            let mut f = pin!(c.recv_async());
            assert!(f.as_mut().poll(&mut cx).is_pending());
        }
        assert!(
            gors_runtime::num_goroutine() <= before + 50,
            "goroutines are left"
        );
        assert_eq!(Arc::strong_count(&count), 2, "wakers are left");
        let mut f = pin!(c.recv_async());
        assert!(f.as_mut().poll(&mut cx).is_pending());
        t.reset(ms(1));
        assert_eq!(count.0.load(SeqCst), 1);
        assert!(f.as_mut().poll(&mut cx).is_pending() || c.is_empty());
        while count.0.load(SeqCst) == 1 {
            sleep(ms(1));
        }
    });
}
