//! The rules of `select!`: what is evaluated when, which arms can be chosen, and that bodies run in
//! the caller's own control flow.
#![forbid(unsafe_code)]
// Values that leave the select on purpose.
#![allow(
    unreachable_code,
    clippy::diverging_sub_expression,
    clippy::never_loop,
    clippy::needless_return
)]

mod common;

use std::cell::RefCell;
use std::future::Future;

use common::{blocks, everywhere, go, ms, panics, sleep};
use gors_chan::{Chan, RecvError, SendError, bounded, make, select, select_biased, unbounded};

/// Handles evaluated twice, out of order or late; a send's value evaluated although its arm lost.
#[test]
fn evaluation_order() {
    everywhere(|| {
        let log = RefCell::new(Vec::new());
        let c = make::<i32>(1);
        let never = make::<i32>(0);
        fn note<T>(log: &RefCell<Vec<&'static str>>, what: &'static str, v: T) -> T {
            log.borrow_mut().push(what);
            v
        }
        select! {
            recv(note(&log, "first", &never)) -> _ => unreachable!(),
            send(note(&log, "second", &c), note(&log, "value", 7)) -> () => note(&log, "body", ()),
            send(note(&log, "third", &never), note(&log, "lost", 8)) -> () => unreachable!(),
            default => unreachable!(),
        }
        assert_eq!(*log.borrow(), ["first", "second", "third", "value", "body"]);
        assert_eq!(c.recv(), Some(7));
    });
}

/// `break`, `continue`, `return` and `?` that only leave the select, in a body or in a value.
#[test]
fn control_flow_is_the_callers() {
    everywhere(|| {
        fn early(c: &Chan<i32>) -> Option<i32> {
            select! {
                recv(c) -> v => { let v = v?; return Some(v + 1); }
            }
        }
        let c = make::<i32>(8);
        c.send(1);
        assert_eq!(early(&c), Some(2));
        for i in 0..8 {
            c.send(i);
        }
        c.close();
        assert_eq!(early(&c), Some(1));
        let mut seen = Vec::new();
        'outer: loop {
            loop {
                select! {
                    recv(c) -> Some(v) => {
                        if v == 3 { continue 'outer; }
                        if v == 6 { break 'outer; }
                        if v % 2 == 0 { break; }
                        seen.push(v);
                    }
                }
            }
            seen.push(100);
        }
        assert_eq!(seen, [1, 100, 100, 5]);
        let d = make::<i32>(1);
        for _ in 0..3 {
            select! { send(d, break) -> () => unreachable!() }
        }
        assert_eq!(
            (d.len(), d.try_send(1)),
            (0, Ok(())),
            "the place must have been given back"
        );
    });
}

/// Result types of the two faces, mixed in one select.
#[test]
fn both_faces() {
    everywhere(|| {
        let c = make::<i32>(1);
        let (s, r) = bounded::<i32>(1);
        for _ in 0..50 {
            select! {
                recv(c) -> v => { let v: Option<i32> = v; assert_eq!(v, Some(1)); }
                send(c, 1) -> u => { let () = u; }
                recv(r) -> v => { let v: Result<i32, RecvError> = v; assert_eq!(v, Ok(2)); }
                send(s, 2) -> u => { let u: Result<(), SendError<i32>> = u; u.unwrap(); }
            }
        }
    });
}

/// A pattern that fails to match must say so and not run another arm.
#[test]
fn refutable_patterns() {
    let c = make::<i32>(1);
    c.send(1);
    select! { recv(c) -> Some(v) => assert_eq!(v, 1) }
    c.close();
    let said =
        panics(|| select! { recv(c) -> Some(_) => unreachable!(), default => unreachable!() });
    assert!(said.contains("does not match the pattern"), "{said}");
}

/// More arms than are ordered on the stack, the same channel many times, and bodies after all
/// borrows have ended.
#[test]
fn many_arms_and_moves_in_bodies() {
    everywhere(|| {
        let cs: Vec<_> = (0..9).map(|_| make::<usize>(0)).collect();
        for i in 0..9 {
            let (c, d) = (cs[i].clone(), cs.clone());
            let h = go(move || {
                select! {
                    recv(d[8]) -> v => v, recv(d[7]) -> v => v, recv(d[6]) -> v => v,
                    recv(d[5]) -> v => v, recv(d[4]) -> v => v, recv(d[3]) -> v => v,
                    recv(d[2]) -> v => v, recv(d[1]) -> v => v, recv(d[0]) -> v => v,
                    recv(d[0]) -> v => v, recv(d[1]) -> v => v, recv(d[2]) -> v => v,
                    recv(d[3]) -> v => v, recv(d[4]) -> v => v, recv(d[5]) -> v => v,
                    recv(d[6]) -> v => v, recv(d[7]) -> v => v, recv(d[8]) -> v => v,
                    recv(Chan::nil()) -> v => v,
                }
            });
            c.send(i);
            assert_eq!(h.join(), Ok(Some(i)));
        }
        let (s, r) = unbounded();
        let text = String::from("moved");
        select! {
            send(s, text) -> sent => { sent.unwrap(); drop(s); }
            recv(r) -> _ => { drop(r); unreachable!() }
        }
        assert_eq!(r.recv().unwrap(), "moved");
    });
}

/// A select that is paired with itself: it offers and asks on one rendezvous channel and must
/// block.
#[test]
fn no_self_rendezvous() {
    everywhere(|| {
        let c = make::<i32>(0);
        let d = c.clone();
        let h = blocks(move || {
            select! {
                send(d, 1) -> () => 0,
                recv(d) -> v => v.unwrap(),
            }
        });
        while c.__waiters() != (1, 1) {
            sleep(ms(1));
        }
        // Exactly one of its arms can be served.
        match c.try_send(5) {
            Ok(()) => assert_eq!(h.join(), Ok(5)),
            Err(_) => unreachable!("the select waits to receive"),
        }
        assert!(c.try_recv().is_err(), "the losing arm must be gone");
    });
}

/// A default taken although at every moment one of the channels was ready, by a value or by its close (Go's
/// TestNonblockSelectRace and TestNonblockSelectRace2).
#[test]
fn default_means_none_at_one_instant() {
    everywhere(|| {
        for round in 0..4000 {
            let by_value = round % 2 == 0;
            let c2 = make::<i32>(usize::from(by_value));
            let (c1, done) = (make::<i32>(1), make::<bool>(0));
            c1.send(1);
            let (a, b, d) = (c1.clone(), c2.clone(), done.clone());
            let h = go(move || {
                let missed = select! {
                    recv(a) -> _ => false,
                    recv(b) -> _ => false,
                    default => true,
                };
                d.send(missed);
            });
            if by_value {
                c2.send(1);
            } else {
                c2.close();
            }
            select! {
                recv(c1) -> _ => {}
                default => {}
            }
            assert_eq!(done.recv(), Some(false), "c1 or c2 was always ready");
            h.join().unwrap();
        }
    });
}

/// A receive that misses a value or a close although one of the two was there at every moment
/// (Go's TestNonblockRecvRace).
#[test]
fn try_recv_sees_value_or_close() {
    everywhere(|| {
        for _ in 0..3000 {
            let c = make::<i32>(1);
            c.send(1);
            let d = c.clone();
            let h = go(move || d.try_recv());
            c.close();
            let _ = c.recv();
            assert_ne!(h.join().unwrap(), Err(gors_chan::TryRecvError::Empty));
        }
    });
}

/// A losing arm that stays linked: later waiters would never be woken (Go's select6, issue 2075).
#[test]
fn losers_unlink() {
    everywhere(|| {
        let (c1, c2, done) = (make::<bool>(0), make::<bool>(0), make::<bool>(0));
        let (a, b, d) = (c1.clone(), c2.clone(), done.clone());
        go(move || {
            a.recv();
            d.send(true);
        });
        let (a, d) = (c1.clone(), done.clone());
        let h = blocks(move || {
            select! {
                recv(a) -> _ => {}
                recv(b) -> _ => {}
            }
            d.send(true);
        });
        c2.send(true);
        done.recv();
        h.join().unwrap();
        let a = c1.clone();
        let h = blocks(move || a.recv());
        c1.send(true);
        c1.send(true);
        done.recv();
        h.join().unwrap();
    });
}

/// One channel in several arms of a select that loses there: each of its places in the queue must go (Go's
/// TestSelectDuplicateChannel).
#[test]
fn losing_duplicates_unlink() {
    everywhere(|| {
        let (c, d) = (make::<i32>(0), make::<i32>(0));
        let (c1, d1) = (c.clone(), d.clone());
        let first = blocks(move || {
            select! {
                recv(c1) -> _ => 'c',
                recv(c1) -> _ => 'c',
                recv(d1) -> _ => 'd',
            }
        });
        let c2 = c.clone();
        let second = blocks(move || c2.recv());
        d.send(7);
        assert_eq!(first.join(), Ok('d'));
        c.send(8);
        assert_eq!(second.join(), Ok(Some(8)));
        assert_eq!(c.__waiters(), (0, 0));
    });
}

/// Two that each offer and ask on one channel: a value that comes back to its sender, and a pair that waits for
/// each other (Go's TestSelfSelect).
#[test]
fn two_selects_on_one_channel() {
    everywhere(|| {
        for cap in [0, 10] {
            let c = make::<usize>(cap);
            let both = [0, 1].map(|p| {
                let c = c.clone();
                go(move || {
                    let own = |v: Option<usize>| assert!(cap > 0 || v != Some(p), "its own");
                    for i in 0..1000 {
                        if p == 0 || i % 2 == 0 {
                            select! { send(c, p) -> () => {}, recv(c) -> v => own(v) }
                        } else {
                            select! { recv(c) -> v => own(v), send(c, p) -> () => {} }
                        }
                    }
                })
            });
            for h in both {
                h.join().unwrap();
            }
        }
    });
}

/// Arms that go on and off, as nil, among plain sends and receives on the same channels: an arm that is lost,
/// or served twice (Go's TestSelectStress).
#[test]
fn arms_that_end_one_by_one() {
    everywhere(|| {
        const N: usize = 500;
        let c = [0, 0, 2, 3].map(make::<usize>);
        let mut all = Vec::new();
        for c in c.clone() {
            let d = c.clone();
            all.push(go(move || (0..N).for_each(|i| d.send(i))));
            all.push(go(move || (0..N).for_each(|_| assert!(c.recv().is_some()))));
        }
        let count = |counts: &mut [usize; 4], arms: &mut [Chan<usize>; 4], k: usize| {
            counts[k] += 1;
            if counts[k] == N {
                arms[k] = Chan::nil();
            }
        };
        let mut d = c.clone();
        all.push(go(move || {
            let mut sent = [0; 4];
            for i in 0..4 * N {
                let k = select! {
                    send(d[3], i) -> () => 3,
                    send(d[2], i) -> () => 2,
                    send(d[0], i) -> () => 0,
                    send(d[1], i) -> () => 1,
                };
                count(&mut sent, &mut d, k);
            }
        }));
        let mut d = c.clone();
        all.push(go(move || {
            let mut received = [0; 4];
            for _ in 0..4 * N {
                let (k, v) = select! {
                    recv(d[0]) -> v => (0, v),
                    recv(d[1]) -> v => (1, v),
                    recv(d[2]) -> v => (2, v),
                    recv(d[3]) -> v => (3, v),
                };
                assert!(v.is_some());
                count(&mut received, &mut d, k);
            }
        }));
        for h in all {
            h.join().unwrap();
        }
        assert!(c.iter().all(Chan::is_empty));
    });
}

/// A value's expression that panics and takes the reservation with it: the peer would wait for
/// ever.
#[test]
fn panicking_value_gives_the_peer_back() {
    everywhere(|| {
        let c = make::<i32>(0);
        let d = c.clone();
        // Waits, gets claimed, and must go round again.
        let receiver = blocks(move || d.recv());
        assert_eq!(
            panics(|| select! { send(c, panic!("value")) -> () => {} }),
            "value"
        );
        c.send(2);
        assert_eq!(receiver.join(), Ok(Some(2)));
        // The other way round: the select waits, the receiver arrives and waits for the completion.
        let d = c.clone();
        let select = blocks(move || select! { send(d, panic!("late")) -> () => {} });
        let d = c.clone();
        let receiver = go(move || d.recv_timeout(ms(5000)));
        assert_eq!(select.join(), Err("late".to_owned()));
        c.send(3);
        assert_eq!(receiver.join(), Ok(Ok(3)));
    });
}

/// `select_biased!` that draws, or `select!` that prefers: the bound is ten standard deviations.
#[test]
fn fairness() {
    everywhere(|| {
        const N: usize = 10_000;
        let (c1, c2) = (make::<u8>(N), make::<u8>(N));
        for _ in 0..N {
            c1.send(1);
            c2.send(2);
        }
        let mut first = 0;
        for _ in 0..N {
            select! {
                recv(c1) -> _ => first += 1,
                recv(c2) -> _ => {}
            }
        }
        let off = (first as f64 - N as f64 / 2.0).abs();
        assert!(off < 10.0 * (N as f64 / 4.0).sqrt(), "{first} of {N}");
        let left = c1.len();
        for _ in 0..left {
            select_biased! {
                recv(c1) -> _ => {}
                recv(c2) -> _ => unreachable!(),
            }
        }
        // Sends too, to one channel, with and without a place for the value (Go's TestPseudoRandomSend).
        for cap in [0, 1000] {
            let c = make::<usize>(cap);
            let d = c.clone();
            let ones = go(move || (0..1000).map(|_| d.recv().unwrap()).sum::<usize>());
            for _ in 0..1000 {
                select! { send(c, 0) -> () => {}, send(c, 1) -> () => {} }
            }
            let ones = ones.join().unwrap();
            assert!((300..700).contains(&ones), "{ones} of 1000");
        }
    });
}

/// A literal that a peer takes before the arm is completed: once, whole, and only if the arm has
/// won.
#[test]
fn literal_values() {
    everywhere(|| {
        let (c, d) = (make::<&str>(0), make::<&[u8]>(0));
        for _ in 0..200 {
            let (c2, d2) = (c.clone(), d.clone());
            let h = go(move || {
                select! {
                    send(c2, "text") -> () => 'c',
                    send(d2, b"bytes") -> () => 'd',
                }
            });
            select! {
                recv(c) -> v => { assert_eq!(v, Some("text")); assert_eq!(h.join(), Ok('c')); }
                recv(d) -> v => { assert_eq!(v, Some(&b"bytes"[..])); assert_eq!(h.join(), Ok('d')); }
            }
            assert!(c.try_recv().is_err() && d.try_recv().is_err());
        }
        let (c2, d2) = (c.clone(), d.clone());
        let h =
            blocks(move || select! { send(c2, "closed") -> () => {}, send(d2, b"") -> () => {} });
        c.close();
        assert_eq!(h.join(), Err("send on closed channel".to_owned()));
    });
}

/// Values that are no literal although they begin with a minus, as one would.
#[test]
fn negative_values() {
    everywhere(|| {
        let c = make(1);
        let x = 5_i64;
        let check = |want: i64| assert_eq!(c.recv(), Some(want));
        select! { send(c, -x) -> () => check(-5) }
        select! { send(c, -x,) -> () => check(-5) }
        select! { send(c, --x) -> () => check(5) }
        select! { send(c, -7) -> () => check(-7) }
        select! { send(c, -7 + x) -> () => check(-2) }
        select! { send(c, -x + 1) -> () => check(-4), default => unreachable!() }
        select! { send(c, -7_i64.pow(2)) -> () => check(-49) }
        macro_rules! outside {
            ($e:expr) => {
                select! { send(c, $e) -> () => check($e) }
            };
        }
        outside!(-x);
        outside!(-7);
    });
}

/// Values whose type only the channel knows: they must compile as they do as an argument of `send`.
#[test]
fn values_know_what_is_expected() {
    type Job = Box<dyn Fn(i32) -> i32 + Send>;
    everywhere(|| {
        let jobs = make::<(u8, Job)>(1);
        select! { send(jobs, (1, Box::new(|x| x + 1))) -> () => {} }
        assert_eq!(jobs.recv().map(|(n, job)| (n, job(1))), Some((1, 2)));
        let maybe = make::<Option<Box<dyn Send>>>(1);
        select! { send(maybe, Some(Box::new(5))) -> () => {} }
        assert!(maybe.recv().is_some());
        let plain = make::<fn(&str) -> usize>(1);
        select! { send(plain, |s| s.len()) -> () => {} }
        assert_eq!(plain.recv().map(|f| f("abc")), Some(3));
    });
}

/// Methods and names of the program that the expansion must not pick up.
#[test]
fn names_of_the_program() {
    #[allow(dead_code)]
    trait Greedy: Sized {
        fn arm(self) -> ! {
            unreachable!("not meant")
        }
        fn finish(self) -> ! {
            unreachable!("not meant")
        }
        fn reserve(self) -> ! {
            unreachable!("not meant")
        }
        fn preset<T>(self, _: T) -> ! {
            unreachable!("not meant")
        }
        fn complete<T>(self, _: T) -> ! {
            unreachable!("not meant")
        }
        fn value<T>(&self, _: T) -> ! {
            unreachable!("not meant")
        }
    }
    impl<T> Greedy for T {}
    #[allow(dead_code)]
    enum Shadow {
        Some,
        None,
        Ok,
        Err,
    }
    #[allow(unused_imports)]
    use Shadow::{Err, None, Ok, Some};
    everywhere(|| {
        let (c, arms) = (make(1), make(1));
        let (chosen, result) = ("chosen", "result");
        select! { send(c, 1) -> () => {} }
        select! { send(arms, chosen) -> () => {} }
        select! { recv(c) -> value => assert!(value.is_some_and(|value| value == 1)) }
        let reserved = select! { recv(arms) -> arm => (arm, result), default => unreachable!() };
        assert!(reserved.0.is_some_and(|arm| arm == chosen) && reserved.1 == "result");
    });
}

/// What one arm's value moves, and the other arms and the default have as well.
#[test]
fn moved_by_one_arm() {
    everywhere(|| {
        let (full, free) = (make(0), make(1));
        for _ in 0..20 {
            let text = String::from("text");
            let spilled = select! {
                send(full, text) -> () => unreachable!(),
                default => text,
            };
            let text = select! {
                send(full, spilled) -> () => unreachable!(),
                recv(full) -> _ => { drop(spilled); unreachable!() }
                default(ms(1)) => spilled,
            };
            let left = select! {
                send(full, text) -> () => None,
                send(free, text) -> () => None,
                recv(Chan::<()>::nil()) -> _ => Some(text),
            };
            assert_eq!(left, None);
            assert_eq!(free.recv().as_deref(), Some("text"));
        }
    });
}

/// An async body that may be moved to another thread, as one that holds nothing of the select.
#[test]
fn bodies_that_await() {
    fn is_send(_: impl Future<Output = i32> + Send) {}
    let (s, r) = bounded::<i32>(1);
    is_send(async move {
        let v = 1;
        select! {
            send(s, v + 1) -> _ => std::future::ready(v).await,
            recv(r) -> v => { std::future::ready(()).await; v.unwrap_or(0) }
            default => std::future::ready(v).await,
        }
    });
}
