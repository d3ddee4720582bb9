//! Every value is dropped exactly once, whatever becomes of it.

#![allow(unreachable_code)] // a value that panics on purpose

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use common::{blocks, everywhere, ms, panics};
use gors_chan::{Select, bounded, make, select, unbounded};

#[derive(Clone)]
struct Count(Arc<AtomicUsize>);

struct Item(Count, #[allow(dead_code)] [u64; 3]);

impl Count {
    fn new() -> Count {
        Count(Arc::new(AtomicUsize::new(0)))
    }
    fn item(&self) -> Item {
        Item(self.clone(), [7; 3])
    }
    fn dropped(&self) -> usize {
        self.0.load(SeqCst)
    }
}

impl Drop for Item {
    fn drop(&mut self) {
        self.0.0.fetch_add(1, SeqCst);
    }
}

/// Values queued when the receivers go: dropped at once, not with the last sender, and each once.
#[test]
fn last_receiver_discards() {
    everywhere(|| {
        for cap in [Some(1), Some(5), None] {
            let n = Count::new();
            let (s, r) = cap.map_or_else(unbounded, bounded);
            // 200 for the unbounded one: several blocks, and a head that is not at a block's start.
            let many = cap.unwrap_or(200);
            for _ in 0..many {
                s.send(n.item()).unwrap();
            }
            drop(r.recv());
            drop(r);
            assert_eq!(n.dropped(), many);
            drop(s.send(n.item()));
            assert_eq!(n.dropped(), many + 1);
        }
    });
}

/// Values left in a channel whose handles all go.
#[test]
fn last_handle_drops_the_rest() {
    everywhere(|| {
        let n = Count::new();
        let c = make(4);
        for _ in 0..3 {
            c.send(n.item());
        }
        drop(c.recv());
        assert_eq!(n.dropped(), 1);
        let (s, r) = (c.sender(), c.receiver());
        drop(c);
        drop(s);
        assert_eq!(n.dropped(), 1);
        assert_eq!(r.iter().count(), 2);
        assert_eq!(n.dropped(), 3);
    });
}

/// Values that come back: full, timed out, closed, a panic on a closed channel.
#[test]
fn refused_values() {
    everywhere(|| {
        let n = Count::new();
        let c = make(1);
        c.send(n.item());
        drop(c.try_send(n.item()));
        assert_eq!(n.dropped(), 1);
        drop(c.send_timeout(n.item(), ms(3)));
        assert_eq!(n.dropped(), 2);
        c.close();
        drop(c.try_send(n.item()));
        assert_eq!(n.dropped(), 3);
        panics(|| c.send(n.item()));
        assert_eq!(n.dropped(), 4);
        panics(|| select! { send(c, n.item()) -> () => {} });
        assert_eq!(n.dropped(), 5);
        drop(c);
        assert_eq!(n.dropped(), 6);
    });
}

/// Values on the way: direct hand-off to a plain receiver, to a select, and from a blocked sender
/// at a close.
#[test]
fn handed_over() {
    everywhere(|| {
        let n = Count::new();
        let c = make(0);
        let d = c.clone();
        let h = blocks(move || drop(d.recv()));
        c.send(n.item());
        h.join().unwrap();
        assert_eq!(n.dropped(), 1);
        let d = c.clone();
        let h = blocks(move || select! { recv(d) -> v => drop(v) });
        c.send(n.item());
        h.join().unwrap();
        assert_eq!(n.dropped(), 2);
        let (d, item) = (c.sender(), n.item());
        let h = blocks(move || drop(d.send(item)));
        c.close();
        h.join().unwrap();
        assert_eq!(n.dropped(), 3);
    });
}

/// A select that loses, or whose operation is dropped, must not touch a value.
#[test]
fn select_paths() {
    everywhere(|| {
        let n = Count::new();
        let (s, r) = bounded(2);
        s.send(n.item()).unwrap();
        // A held value that is given back stays receivable.
        let mut sel = Select::new();
        sel.recv(&r);
        panics(|| drop(sel.select()));
        assert_eq!((n.dropped(), r.len()), (0, 1));
        // A held place that is given back is free again.
        let mut sel = Select::new();
        sel.send(&s);
        panics(|| drop(sel.select()));
        s.try_send(n.item()).unwrap();
        assert!(s.try_send(n.item()).is_err());
        assert_eq!(n.dropped(), 1);
        // A panic while the arm's value is made.
        drop(r.recv());
        panics(|| {
            select! {
                send(s, { let _made = n.item(); panic!() }) -> _ => {}
            }
        });
        assert_eq!(n.dropped(), 3);
        drop((s, r));
        assert_eq!(n.dropped(), 4);
    });
}

/// A panic in an element's drop: the rest may leak, nothing is dropped twice, the channel's memory
/// goes.
#[test]
fn panic_in_drop() {
    everywhere(|| {
        struct Bomb(Count, bool);
        impl Drop for Bomb {
            fn drop(&mut self) {
                self.0.0.fetch_add(1, SeqCst);
                if self.1 {
                    panic!("bomb");
                }
            }
        }
        for bounded_one in [true, false] {
            let n = Count::new();
            let (s, r) = if bounded_one { bounded(8) } else { unbounded() };
            for i in 0..5 {
                s.send(Bomb(n.clone(), i == 2)).unwrap();
            }
            assert!(catch_unwind(AssertUnwindSafe(|| drop(r))).is_err());
            assert_eq!(n.dropped(), 3);
            assert!(s.is_closed());
            drop(s);
            assert_eq!(n.dropped(), 3);
        }
    });
}

/// Zero-size values are counted, not stored, and still dropped.
#[test]
fn zero_size() {
    static DROPPED: AtomicUsize = AtomicUsize::new(0);
    struct Unit;
    impl Drop for Unit {
        fn drop(&mut self) {
            DROPPED.fetch_add(1, SeqCst);
        }
    }
    for cap in [Some(0), Some(3), None] {
        DROPPED.store(0, SeqCst);
        let (s, r) = cap.map_or_else(unbounded, bounded);
        let n = cap.unwrap_or(1000);
        for _ in 0..n {
            s.send(Unit).unwrap();
        }
        assert_eq!(r.len(), n);
        if n > 0 {
            drop(r.recv());
            assert_eq!(DROPPED.load(SeqCst), 1);
        }
        drop(r);
        assert_eq!(DROPPED.load(SeqCst), n);
    }
}

/// Elements of 32 KiB and over-aligned ones, through every kind of channel, unharmed.
#[test]
fn large_and_aligned() {
    everywhere(|| {
        #[repr(align(64))]
        struct Line(u8);
        let (s, r) = unbounded();
        for i in 0..100 {
            s.send(Line(i)).unwrap();
        }
        for i in 0..100 {
            let line = r.recv().unwrap();
            assert_eq!((line.0, &raw const line as usize % 64), (i, 0));
        }
        for cap in [Some(0), Some(2), None] {
            let (s, r) = cap.map_or_else(unbounded, bounded);
            let h = common::go(move || {
                for i in 0..8u8 {
                    s.send(Box::new([i; 32 * 1024])).unwrap();
                }
            });
            for i in 0..8 {
                let big = r.recv().unwrap();
                assert!(big.iter().all(|&b| b == i));
            }
            h.join().unwrap();
        }
    });
}

/// A held value that was forgotten and is discarded with the rest: a reservation that ends after that
/// must not count it.
#[test]
fn forgotten_values_are_discarded() {
    everywhere(|| {
        let n = Count::new();
        let (s, r) = bounded(2);
        s.send(n.item()).unwrap();
        let mut sel = Select::new();
        sel.recv(&r);
        std::mem::forget(sel.select());
        let sent = select! {
            send(s, { drop(r); n.item() }) -> sent => sent.is_ok(),
        };
        assert!(!sent);
        assert_eq!(n.dropped(), 2);
        assert!(s.try_send(n.item()).is_err());
    });
}
