//! Go's table: nil, closed, full, empty against send, receive, close, len, cap, each blocking,
//! non-blocking and in a select. Catches any cell that blocks, panics or answers otherwise than
//! Go's.

mod common;

use common::{blocks, everywhere, ms, panics};
use gors_chan::{
    Chan, RecvTimeoutError, SendTimeoutError, TryRecvError, TrySendError, make, select,
};

fn full(cap: usize) -> Chan<i32> {
    let c = make(cap);
    for i in 0..cap {
        c.send(i as i32);
    }
    c
}

/// A nil channel that were ever ready, or whose close went unnoticed.
#[test]
fn nil() {
    everywhere(|| {
        let c = Chan::<i32>::nil();
        assert!(c.is_nil() && Chan::<i32>::default().is_nil());
        assert_eq!((c.len(), c.cap(), c.is_closed()), (0, 0, false));
        assert_eq!(c.try_send(1), Err(TrySendError::Full(1)));
        assert_eq!(c.try_recv(), Err(TryRecvError::Empty));
        assert_eq!(c.send_timeout(1, ms(5)), Err(SendTimeoutError::Timeout(1)));
        assert_eq!(c.recv_timeout(ms(5)), Err(RecvTimeoutError::Timeout));
        select! {
            recv(c) -> _ => unreachable!(),
            send(c, 1) -> _ => unreachable!(),
            default => {}
        }
        select! {
            recv(c) -> _ => unreachable!(),
            send(c, 1) -> _ => unreachable!(),
            default(ms(5)) => {}
        }
        assert_eq!(panics(|| c.close()), "close of nil channel");
        assert!(!c.sender().close() && !c.receiver().close());
    });
}

/// Nil operations that return. Goroutines only: a thread could never be collected.
#[test]
fn nil_blocks_for_ever() {
    common::guarded("goroutines", || {
        gors_runtime::run(|| {
            let c = Chan::<i32>::nil();
            let (a, b, d) = (c.clone(), c.clone(), c.clone());
            blocks(move || a.send(1));
            blocks(move || b.recv());
            blocks(move || {
                select! {
                    recv(d) -> _ => {}
                    send(d, 1) -> _ => {}
                }
            });
            blocks(|| select! {});
        });
    });
}

/// A closed channel that accepts values, loses queued ones, or blocks.
#[test]
fn closed() {
    everywhere(|| {
        for cap in [0, 1, 3] {
            let c = full(cap);
            c.close();
            assert!(c.is_closed());
            assert_eq!((c.len(), c.cap()), (cap, cap));
            assert_eq!(panics(|| c.send(9)), "send on closed channel");
            assert_eq!(panics(|| c.close()), "close of closed channel");
            assert_eq!(c.try_send(9), Err(TrySendError::Disconnected(9)));
            assert_eq!(
                c.send_timeout(9, ms(5)),
                Err(SendTimeoutError::Disconnected(9))
            );
            assert_eq!(
                panics(|| select! { send(c, 9) -> () => unreachable!() }),
                "send on closed channel"
            );
            assert!(c.sender().send(9).is_err());
            for i in 0..cap as i32 {
                match i {
                    0 => assert_eq!(c.recv(), Some(i)),
                    1 => assert_eq!(c.try_recv(), Ok(i)),
                    _ => assert_eq!(select! { recv(c) -> v => v }, Some(i)),
                }
            }
            assert_eq!(c.recv(), None);
            assert_eq!(c.try_recv(), Err(TryRecvError::Disconnected));
            assert_eq!(c.recv_timeout(ms(5)), Err(RecvTimeoutError::Disconnected));
            assert_eq!(select! { recv(c) -> v => v }, None);
            assert_eq!(select! { recv(c) -> v => v, default => Some(7) }, None);
            assert_eq!(c.iter().count(), 0);
        }
    });
}

/// A full channel that takes one more, or a send that does not wait for its place.
#[test]
fn full_blocks_senders() {
    everywhere(|| {
        for cap in [0, 1, 3] {
            let c = full(cap);
            assert_eq!(c.try_send(9), Err(TrySendError::Full(9)));
            assert_eq!(c.send_timeout(9, ms(5)), Err(SendTimeoutError::Timeout(9)));
            select! {
                send(c, 9) -> () => unreachable!(),
                default => {}
            }
            let d = c.clone();
            let h = blocks(move || d.send(8));
            let d = c.clone();
            let got: Vec<_> = (0..=cap).map(|_| d.recv().unwrap()).collect();
            assert_eq!(got, (0..cap as i32).chain([8]).collect::<Vec<_>>());
            h.join().unwrap();
        }
    });
}

/// An empty channel that yields something, or a receive that does not wait for it.
#[test]
fn empty_blocks_receivers() {
    everywhere(|| {
        for cap in [0, 1, 3] {
            let c = make::<i32>(cap);
            assert_eq!((c.len(), c.cap(), c.is_closed()), (0, cap, false));
            assert_eq!(c.try_recv(), Err(TryRecvError::Empty));
            assert_eq!(c.recv_timeout(ms(5)), Err(RecvTimeoutError::Timeout));
            select! {
                recv(c) -> _ => unreachable!(),
                default => {}
            }
            let d = c.clone();
            let h = blocks(move || d.recv());
            c.send(5);
            assert_eq!(h.join(), Ok(Some(5)));
            let d = c.clone();
            let h = blocks(move || select! { recv(d) -> v => v });
            c.send(6);
            assert_eq!(h.join(), Ok(Some(6)));
        }
    });
}

/// A close that leaves somebody behind: all blocked receivers get `None`, all blocked senders
/// panic.
#[test]
fn close_releases_the_blocked() {
    everywhere(|| {
        let c = make::<i32>(0);
        let receivers: Vec<_> = (0..3)
            .map(|i| {
                let c = c.clone();
                blocks(move || {
                    if i == 1 {
                        select! { recv(c) -> v => v }
                    } else {
                        c.recv()
                    }
                })
            })
            .collect();
        c.close();
        for h in receivers {
            assert_eq!(h.join(), Ok(None));
        }
        let c = full(1);
        let senders: Vec<_> = (0..3)
            .map(|i| {
                let c = c.clone();
                blocks(move || {
                    if i == 1 {
                        select! { send(c, 1) -> () => () }
                    } else {
                        c.send(1)
                    }
                })
            })
            .collect();
        c.close();
        for h in senders {
            assert_eq!(h.join(), Err("send on closed channel".to_owned()));
        }
        assert_eq!((c.recv(), c.recv()), (Some(0), None));
    });
}

/// Sizes that cannot be had must be refused, not attempted.
#[test]
fn absurd_sizes() {
    assert_eq!(
        panics(|| drop(make::<u64>(usize::MAX / 4))),
        "makechan: size out of range"
    );
    assert_eq!(
        panics(|| drop(gors_chan::bounded::<u8>(usize::MAX))),
        "makechan: size out of range"
    );
    let units = make::<()>(usize::MAX / 4);
    units.send(());
    assert_eq!((units.len(), units.recv()), (1, Some(())));
}
