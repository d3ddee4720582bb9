//! Rendezvous between operations that hold their value or slot and operations that only reserve:
//! every pairing of plain, `select!` and `Select`, in both orders of arrival, completed and given
//! up. Also what reservations mean on a buffered channel. Catches a peer that is never woken, woken
//! twice, or served with somebody else's value.

mod common;

use common::{blocks, everywhere, go, ms, panics, settle};
use gors_chan::{
    Receiver, RecvError, Select, SelectTimeoutError, Sender, TryRecvError, TrySendError, bounded,
    make, select,
};

#[derive(Clone, Copy, Debug)]
enum Form {
    Plain,
    Timed,
    Macro,
    Builder,
}
const FORMS: [Form; 4] = [Form::Plain, Form::Timed, Form::Macro, Form::Builder];

fn send(form: Form, s: &Sender<u64>, v: u64) {
    match form {
        Form::Plain => s.send(v).unwrap(),
        Form::Timed => s.send_timeout(v, ms(20_000)).unwrap(),
        Form::Macro => select! { send(s, v) -> sent => sent.unwrap() },
        Form::Builder => {
            let mut sel = Select::new();
            sel.send(s);
            sel.select().send(s, v).unwrap();
        }
    }
}

fn recv(form: Form, r: &Receiver<u64>) -> u64 {
    match form {
        Form::Plain => r.recv().unwrap(),
        Form::Timed => r.recv_timeout(ms(20_000)).unwrap(),
        Form::Macro => select! { recv(r) -> v => v.unwrap() },
        Form::Builder => {
            let mut sel = Select::new();
            sel.recv(r);
            sel.select().recv(r).unwrap()
        }
    }
}

#[test]
fn every_pairing_in_both_orders() {
    everywhere(|| {
        for cap in [0, 1] {
            for sender in FORMS {
                for receiver in FORMS {
                    let (s, r) = bounded(cap);
                    let r2 = r.clone();
                    let h = go(move || recv(receiver, &r2));
                    settle();
                    send(sender, &s, 1);
                    assert_eq!(h.join(), Ok(1), "{sender:?} meets {receiver:?}, cap {cap}");
                    for v in 0..cap as u64 {
                        s.send(v).unwrap();
                    }
                    let s2 = s.clone();
                    let h = blocks(move || send(sender, &s2, 2));
                    for v in 0..cap as u64 {
                        assert_eq!(r.recv(), Ok(v));
                    }
                    assert_eq!(
                        recv(receiver, &r),
                        2,
                        "{receiver:?} meets {sender:?}, cap {cap}"
                    );
                    h.join().unwrap();
                }
            }
        }
    });
}

#[test]
fn every_pairing_under_load() {
    everywhere(|| {
        const N: u64 = 300;
        for cap in [0, 2] {
            let (s, r) = bounded(cap);
            let senders: Vec<_> = FORMS
                .iter()
                .map(|&form| {
                    let s = s.clone();
                    go(move || (0..N).for_each(|v| send(form, &s, v)))
                })
                .collect();
            let receivers: Vec<_> = FORMS
                .iter()
                .map(|&form| {
                    let r = r.clone();
                    go(move || (0..N).map(|_| recv(form, &r)).sum::<u64>())
                })
                .collect();
            senders.into_iter().for_each(|h| h.join().unwrap());
            let sum: u64 = receivers.into_iter().map(|h| h.join().unwrap()).sum();
            assert_eq!(sum, FORMS.len() as u64 * N * (N - 1) / 2);
        }
    });
}

/// An operation that was won and dropped: its peer must go on waiting, and be served by the next.
#[test]
fn a_dropped_operation_sends_the_peer_round_again() {
    everywhere(|| {
        for form in FORMS {
            // The peer waits, the operation claims it and is dropped.
            let (s, r) = bounded(0);
            let r2 = r.clone();
            let h = blocks(move || recv(form, &r2));
            let mut sel = Select::new();
            sel.send(&s);
            let said = panics(|| drop(sel.select()));
            assert!(said.contains("without completing"), "{said}");
            settle();
            assert!(!h.is_finished());
            s.send(4).unwrap();
            assert_eq!(h.join(), Ok(4), "{form:?}");

            let s2 = s.clone();
            let h = blocks(move || send(form, &s2, 5));
            let mut sel = Select::new();
            sel.recv(&r);
            panics(|| drop(sel.select()));
            settle();
            assert!(!h.is_finished());
            assert_eq!(r.recv(), Ok(5), "{form:?}");
            h.join().unwrap();

            // The operation waits, is won by the peer, and is dropped.
            let (s, r) = bounded::<u64>(0);
            let s2 = s.clone();
            let dropper = blocks(move || {
                let mut sel = Select::new();
                sel.send(&s2);
                drop(sel.select());
            });
            let r2 = r.clone();
            let h = go(move || recv(form, &r2));
            assert!(dropper.join().unwrap_err().contains("without completing"));
            s.send(6).unwrap();
            assert_eq!(h.join(), Ok(6), "{form:?}");
        }
    });
}

/// A close between winning and completing: the completion still succeeds.
#[test]
fn completion_outlives_close() {
    everywhere(|| {
        for form in FORMS {
            let (s, r) = bounded(0);
            let r2 = r.clone();
            let h = blocks(move || recv(form, &r2));
            let mut sel = Select::new();
            sel.send(&s);
            let op = sel.select();
            assert!(s.close());
            op.send(&s, 7).unwrap();
            assert_eq!(h.join(), Ok(7), "{form:?}");
        }
        // Buffered: who waits is not told "drained" while a value may still come.
        let (s, r) = bounded(1);
        let mut sel = Select::new();
        sel.send(&s);
        let op = sel.select();
        assert!(r.close());
        assert_eq!(r.try_recv(), Err(TryRecvError::Empty));
        let r2 = r.clone();
        let h = blocks(move || r2.recv());
        op.send(&s, 8).unwrap();
        assert_eq!(h.join(), Ok(Ok(8)));
        assert_eq!(r.recv(), Err(RecvError));
        // … and is told so when the place is given back.
        let (s, r) = bounded::<u8>(1);
        let mut sel = Select::new();
        sel.send(&s);
        let op = sel.select();
        s.close();
        let r2 = r.clone();
        let h = blocks(move || r2.recv());
        panics(|| drop(op));
        assert_eq!(h.join(), Ok(Err(RecvError)));
    });
}

/// Held places and values count: others see the buffer as full or empty, and are woken when they
/// are given back.
#[test]
fn held_places_and_values() {
    everywhere(|| {
        let (s, r) = bounded(1);
        let mut sel = Select::new();
        sel.send(&s);
        let op = sel.select();
        assert_eq!(s.try_send(1), Err(TrySendError::Full(1)));
        let s2 = s.clone();
        let h = blocks(move || s2.send(2));
        op.send(&s, 3).unwrap();
        assert_eq!((r.recv(), r.recv()), (Ok(3), Ok(2)));
        h.join().unwrap().unwrap();

        s.send(4).unwrap();
        let mut sel = Select::new();
        sel.recv(&r);
        let op = sel.select();
        assert_eq!(r.try_recv(), Err(TryRecvError::Empty));
        let r2 = r.clone();
        let h = blocks(move || r2.recv());
        panics(|| drop(op));
        assert_eq!(h.join(), Ok(Ok(4)));
    });
}

/// An operation whose receivers all went meanwhile gives its value back instead of losing it.
#[test]
fn completion_without_receivers() {
    let (s, r) = bounded(1);
    let mut sel = Select::new();
    sel.send(&s);
    let op = sel.select();
    drop(r);
    assert_eq!(op.send(&s, 9).unwrap_err().into_inner(), 9);
}

/// Completing through a clone is fine, through another channel is not.
#[test]
fn the_right_handle() {
    let (s, r) = bounded(1);
    let (other, _r) = bounded(1);
    let mut sel = Select::new();
    sel.send(&s);
    sel.select().send(&s.clone(), 1).unwrap();
    assert_eq!(r.recv(), Ok(1));
    let said = panics(|| sel.select().send(&other, 1).unwrap());
    assert!(said.contains("wasn't selected"), "{said}");
    assert_eq!(s.try_send(2), Ok(()), "the place must have been given back");
}

/// Deadlines of selects that are sent round again, and of lists that nothing can serve.
#[test]
fn deadlines() {
    everywhere(|| {
        let (s, r) = bounded::<u64>(0);
        let s2 = s.clone();
        let h = go(move || {
            for _ in 0..20 {
                let mut sel = Select::new();
                sel.send(&s2);
                if let Ok(op) = sel.select_timeout(ms(20)) {
                    panics(|| drop(op));
                }
            }
        });
        let begin = std::time::Instant::now();
        assert!(r.recv_timeout(ms(60)).is_err());
        assert!(begin.elapsed() >= ms(60) && begin.elapsed() < ms(30_000));
        h.join().unwrap();
        assert_eq!(
            Select::new().select_timeout(ms(2)).unwrap_err(),
            SelectTimeoutError
        );
        let c = make::<u8>(0);
        select! {
            recv(c) -> _ => unreachable!(),
            send(c, 1) -> _ => unreachable!(),
            default(ms(2)) => {}
        }
    });
}

/// Observers (`ready`) are told, take nothing, and never use up the wake-up of an operation.
#[test]
fn observers_take_nothing() {
    everywhere(|| {
        for cap in [0, 1] {
            let (s, r) = bounded(cap);
            let observers: Vec<_> = (0..3)
                .map(|_| {
                    let r = r.clone();
                    blocks(move || {
                        let mut sel = Select::new();
                        sel.recv(&r);
                        sel.ready()
                    })
                })
                .collect();
            let s2 = s.clone();
            let sender = go(move || s2.send(1));
            observers
                .into_iter()
                .for_each(|h| assert_eq!(h.join(), Ok(0)));
            assert_eq!(r.recv(), Ok(1));
            sender.join().unwrap().unwrap();

            let r2 = r.clone();
            let watching = go(move || {
                let mut sel = Select::new();
                sel.recv(&r2);
                sel.ready_timeout(ms(10_000)).is_ok()
            });
            let r2 = r.clone();
            let receiver = blocks(move || r2.recv());
            s.send(2).unwrap();
            assert_eq!(receiver.join(), Ok(Ok(2)));
            s.close();
            assert_eq!(watching.join(), Ok(true), "a close is readiness");
        }
    });
}
