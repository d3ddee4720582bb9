//! Values on less trodden paths: each is dropped exactly once there too.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use common::{blocks, blocks_with_room, everywhere, ms, panics};
use gors_chan::{Select, bounded, make, select, unbounded};

#[derive(Clone, Default)]
struct Drops(Arc<AtomicUsize>);

impl Drops {
    fn count(&self) -> usize {
        self.0.load(SeqCst)
    }

    /// 32 KiB by value, all of the same byte.
    fn large(&self, byte: u8) -> Large {
        Large([byte; SIZE], self.clone())
    }
}

const SIZE: usize = 32 << 10;

struct Large([u8; SIZE], Drops);

impl Large {
    fn is_all(&self, byte: u8) -> bool {
        self.0.iter().all(|&b| b == byte)
    }
}

impl Drop for Large {
    fn drop(&mut self) {
        self.1.0.fetch_add(1, SeqCst);
    }
}

/// Runs `test` where a debug build's copies of 32 KiB have room: on a thread, and on a goroutine with a
/// stack of its own size.
fn with_room(test: fn()) {
    common::guarded("plain threads", test);
    common::guarded("goroutines", move || {
        gors_runtime::run(move || {
            let goroutine = gors_runtime::Builder::new().stack_size(4 << 20).spawn(test);
            goroutine.unwrap().join().unwrap();
        });
    });
}

/// Large values by value through every kind of channel: whole, and each dropped once, received or not.
#[test]
fn large_values() {
    with_room(|| {
        for cap in [Some(1), Some(3), None] {
            let drops = Drops::default();
            let (s, r) = cap.map_or_else(unbounded, bounded);
            let many = cap.unwrap_or(40);
            for i in 0..many {
                s.send(drops.large(i as u8)).unwrap();
            }
            let first = r.recv().unwrap();
            assert!(first.is_all(0));
            drop(first);
            assert_eq!(drops.count(), 1);
            drop(r);
            assert_eq!(drops.count(), many);
            let refused = s.try_send(drops.large(7)).unwrap_err().into_inner();
            assert!(refused.is_all(7));
        }
    });
}

/// Large values from hand to hand: to a receiver that waits, from a sender that waits, through select.
#[test]
fn large_values_handed_over() {
    with_room(|| {
        let drops = Drops::default();
        let (s, r) = bounded(0);
        for form in 0..4 {
            let (tx, rx) = (s.clone(), r.clone());
            let value = Box::new(drops.large(form));
            let taken = if form < 2 {
                let waiting = blocks_with_room(move || match form {
                    0 => tx.send(*value).unwrap(),
                    _ => select! { send(tx, *value) -> sent => sent.unwrap() },
                });
                let taken = rx.recv().unwrap().is_all(form);
                waiting.join().unwrap();
                taken
            } else {
                let waiting = blocks_with_room(move || match form {
                    2 => rx.recv().unwrap().is_all(form),
                    _ => select! { recv(rx) -> value => value.unwrap().is_all(form) },
                });
                tx.send(*value).unwrap();
                waiting.join().unwrap()
            };
            assert!(taken, "form {form}");
            assert_eq!(drops.count(), usize::from(form) + 1);
        }
    });
}

/// An arm that loses, at once, after a wait or at a timeout: the value that it would have moved is
/// dropped with its variable.
#[test]
fn losing_arms() {
    everywhere(|| {
        let drops = Drops::default();
        let (full, _keep) = bounded::<Box<Large>>(0);
        let (s, r) = bounded(1);
        {
            let value = Box::new(drops.large(1));
            select! {
                send(full, value) -> _ => unreachable!(),
                default(ms(3)) => assert_eq!(drops.count(), 0),
            }
        }
        assert_eq!(drops.count(), 1);
        {
            let value = Box::new(drops.large(2));
            s.send(()).unwrap();
            select! {
                send(full, value) -> _ => unreachable!(),
                recv(r) -> got => got.unwrap(),
            }
        }
        assert_eq!(drops.count(), 2);
        {
            let value = Box::new(drops.large(3));
            let other = s.clone();
            let later = common::go(move || other.send(()).unwrap());
            select! {
                send(full, value) -> _ => unreachable!(),
                recv(r) -> got => got.unwrap(),
            }
            later.join().unwrap();
        }
        assert_eq!(drops.count(), 3);
    });
}

/// A send that is a goroutine's last act: the value goes with it.
#[test]
fn goexit_in_a_send() {
    common::guarded("goroutines", || {
        gors_runtime::run(|| {
            let drops = Drops::default();
            let theirs = drops.clone();
            let c = make::<Box<Large>>(0);
            let goroutine = gors_runtime::spawn(move || {
                // Swallowed, so raised again by the next operation that blocks.
                let _ = std::panic::catch_unwind(|| gors_runtime::goexit());
                c.send(Box::new(theirs.large(1)));
                unreachable!("goexit was raised again");
            });
            assert!(goroutine.join().is_err_and(|error| error.is_goexit()));
            assert_eq!(drops.count(), 1);
        });
    });
}

/// The same in an operation that was won, and is done again because its peer gave up.
#[test]
fn goexit_in_a_completion() {
    common::guarded("goroutines", || {
        gors_runtime::run(|| {
            let drops = Drops::default();
            let theirs = drops.clone();
            let (s, r) = bounded::<Box<Large>>(0);
            let goroutine = gors_runtime::spawn(move || {
                let mut sel = Select::new();
                sel.send(&s);
                let won = sel.select();
                let _ = std::panic::catch_unwind(|| gors_runtime::goexit());
                let _ = won.send(&s, Box::new(theirs.large(1)));
                unreachable!("goexit was raised again");
            });
            while gors_runtime::wait_reason_of(goroutine.id()).is_none() {
                common::sleep(ms(1));
            }
            let mut sel = Select::new();
            sel.recv(&r);
            panics(|| drop(sel.select()));
            assert!(goroutine.join().is_err_and(|error| error.is_goexit()));
            assert_eq!(drops.count(), 1);
        });
    });
}

/// Values without a size are handed over and dropped as others are.
#[test]
fn zero_size_handed_over() {
    static DROPPED: AtomicUsize = AtomicUsize::new(0);
    struct Unit;
    impl Drop for Unit {
        fn drop(&mut self) {
            DROPPED.fetch_add(1, SeqCst);
        }
    }
    everywhere(|| {
        DROPPED.store(0, SeqCst);
        let (s, r) = bounded(0);
        let receiver = r.clone();
        let waiting = blocks(move || drop(receiver.recv().unwrap()));
        s.send(Unit).unwrap();
        waiting.join().unwrap();
        assert_eq!(DROPPED.load(SeqCst), 1);
        let sender = s.clone();
        let waiting = blocks(move || select! { send(sender, Unit) -> sent => sent.unwrap() });
        select! { recv(r) -> unit => drop(unit.unwrap()) }
        waiting.join().unwrap();
        assert_eq!(DROPPED.load(SeqCst), 2);
        let sender = s.clone();
        let waiting = blocks(move || drop(sender.send(Unit).unwrap_err()));
        assert!(r.close());
        waiting.join().unwrap();
        assert_eq!(DROPPED.load(SeqCst), 3);
        assert!(s.send_timeout(Unit, ms(1)).is_err());
        assert_eq!(DROPPED.load(SeqCst), 4);
    });
}
