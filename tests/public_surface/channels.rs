//! `gors::chan`: both faces.

use std::time::Instant;

use gors::chan::{
    IntoIter, Iter, RecvError, RecvTimeoutError, Select, SelectTimeoutError, SelectedOperation,
    SendError, SendTimeoutError, TryIter, TryRecvError, TrySelectError, TrySendError, after, at,
    bounded, never, tick, unbounded,
};
use gors::prelude::*;

const SOON: Duration = Duration::from_millis(1);

#[gors::test]
fn the_face_of_go() {
    let c: Chan<i32> = make(2);
    c.send(1);
    let sent: Result<(), TrySendError<i32>> = c.try_send(2);
    sent.unwrap();
    assert_eq!((c.len(), c.cap(), c.is_closed()), (2, 2, false));
    let full: Result<(), SendTimeoutError<i32>> = c.send_timeout(3, SOON);
    assert!(full.unwrap_err().is_timeout());
    let sender: Sender<i32> = c.sender();
    let receiver: Receiver<i32> = c.receiver();
    let _: (Sender<i32>, Receiver<i32>) = (c.clone().into(), c.clone().into());
    assert_eq!(c.recv(), Some(1));
    let received: Result<i32, TryRecvError> = c.try_recv();
    assert_eq!(received, Ok(2));
    let nothing: Result<i32, RecvTimeoutError> = c.recv_timeout(SOON);
    assert_eq!(nothing, Err(RecvTimeoutError::Timeout));
    c.send(4);
    c.close();
    for v in &c {
        assert_eq!(v, 4);
    }
    let mut drained: IntoIter<i32> = c.clone().into_iter();
    assert_eq!(drained.next(), None);
    assert_eq!(c.recv(), None);
    assert_eq!(c.try_send(5), Err(TrySendError::Disconnected(5)));
    assert_eq!(sender.send(6), Err(SendError(6)));
    assert_eq!(receiver.recv(), Err(RecvError));

    let nil = Chan::<i32>::nil();
    assert_eq!((nil.len(), nil.cap()), (0, 0));
    select! {
        recv(nil) -> _ => unreachable!(),
        send(Chan::<i32>::default(), 1) -> _ => unreachable!(),
        default => {}
    }
}

#[gors::test]
fn the_face_of_crossbeam() {
    let (s, r): (Sender<i32>, Receiver<i32>) = bounded(3);
    s.send(1).unwrap();
    s.try_send(2).unwrap();
    s.send_timeout(3, SOON).unwrap();
    assert!(s.send_deadline(4, Instant::now()).unwrap_err().is_timeout());
    assert!(s.is_full() && !s.is_empty() && s.len() == 3 && s.capacity() == Some(3));
    assert!(s.same_channel(&s.clone()) && r.same_channel(&r.clone()));
    assert_eq!(r.recv(), Ok(1));
    assert_eq!(r.try_recv(), Ok(2));
    assert_eq!(r.recv_timeout(SOON), Ok(3));
    assert_eq!(
        r.recv_deadline(Instant::now()),
        Err(RecvTimeoutError::Timeout)
    );
    s.send(5).unwrap();
    let mut tries: TryIter<'_, i32> = r.try_iter();
    assert_eq!(tries.next(), Some(5));
    assert!(s.close() && !r.close());
    let mut iter: Iter<'_, i32> = r.iter();
    assert_eq!(iter.next(), None);
    let mut iter: IntoIter<i32> = r.into_iter();
    assert_eq!(iter.next(), None);

    let (s, r) = unbounded::<i32>();
    assert_eq!(s.capacity(), None);
    assert!(r.close());
    assert!(s.send(1).is_err());

    assert!(after(SOON).recv().is_ok());
    assert!(at(Instant::now()).recv().is_ok());
    assert!(tick(SOON).recv().is_ok());
    assert!(never::<i32>().try_recv().is_err());
    assert!(!after(SOON).close());
}

#[gors::test]
fn both_in_one_select() {
    let go = make(1);
    let (s, r) = bounded(1);
    let got: Option<i32> = select! {
        recv(r) -> v => v.ok(),
        send(go, 5) -> _ => Some(0),
        recv(gors::time::after(Duration::from_secs(60))) -> _ => None,
    };
    assert_eq!(got, Some(0));
    let value: Option<i32> = select! {
        recv(go) -> v => v,
        default(Duration::from_secs(60)) => None,
    };
    assert_eq!(value, Some(5));
    select_biased! {
        send(s, 6) -> sent => sent.unwrap(),
        recv(go) -> _ => unreachable!(),
    }
    assert_eq!(gors::chan::select! { recv(r) -> v => v }, Ok(6));

    s.send(7).unwrap();
    let mut select = Select::new();
    let at = select.recv(&r);
    let operation: SelectedOperation<'_> = select.select();
    assert_eq!(operation.index(), at);
    assert_eq!(operation.recv(&r), Ok(7));
    let none: Result<SelectedOperation<'_>, TrySelectError> = select.try_select();
    assert!(none.is_err());
    let none: Result<SelectedOperation<'_>, SelectTimeoutError> = select.select_timeout(SOON);
    assert!(none.is_err());
    assert!(select.try_ready().is_err() && select.ready_timeout(SOON).is_err());
}
