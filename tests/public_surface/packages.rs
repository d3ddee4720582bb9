//! `gors::time`, `context`, `signal` and `patterns`.

use std::convert::Infallible;

use gors::context::{self, CancelCauseFunc, CancelFunc, CancelOnDrop, Context, ContextError};
use gors::patterns::{SynchronizedMap, pool, runner, work};
use gors::prelude::*;
use gors::signal::{self, Signal};
use gors::time::{self, Instant, Ticker, Timer};

const SOON: time::Duration = time::Duration::from_millis(1);

#[gors::test]
fn timers() {
    let start: Instant = time::now();
    time::sleep(SOON);
    assert!(time::now() - start >= SOON);
    time::after(SOON).recv().unwrap();
    time::tick(SOON).recv().unwrap();
    let ran = make(1);
    let run = ran.clone();
    let _: Timer = time::after_func(SOON, move || run.send(()));
    ran.recv();
    let timer = Timer::new(SOON);
    let c: &Receiver<Instant> = timer.c();
    c.recv().unwrap();
    let was: bool = timer.reset(SOON);
    assert!(!was && timer.stop());
    let ticker = Ticker::new(SOON);
    let c: &Receiver<Instant> = ticker.c();
    c.recv().unwrap();
    ticker.reset(SOON);
    ticker.stop();
}

#[gors::test]
fn contexts() {
    let root = Context::background();
    let (ctx, cancel): (Context, CancelFunc) = context::with_cancel(&root);
    let done: &Receiver<()> = ctx.done();
    assert!(done.try_recv().unwrap_err().is_empty());
    cancel.cancel();
    assert!(done.recv().is_err());
    assert_eq!(ctx.err(), Some(ContextError::Canceled));
    assert_eq!(ContextError::Canceled.to_string(), "context canceled");
    let words = ContextError::DeadlineExceeded.to_string();
    assert_eq!(words, "context deadline exceeded");

    let (ctx, cancel): (Context, CancelCauseFunc) = context::with_cancel_cause(&root);
    cancel.cancel("a cause");
    assert_eq!(ctx.cause().unwrap().to_string(), "a cause");

    let (ctx, cancel) = context::with_timeout(&root, SOON);
    let guard: CancelOnDrop = cancel.cancel_on_drop();
    assert!(ctx.deadline().is_some());
    drop(guard);
    assert_eq!(ctx.err(), Some(ContextError::Canceled));
    let (ctx, _cancel) = context::with_deadline(&root, time::now());
    assert_eq!(ctx.err(), Some(ContextError::DeadlineExceeded));

    let ctx = context::with_value(&ctx, 5_u16);
    assert_eq!(ctx.value::<u16>(), Some(&5));
    assert_eq!(context::without_cancel(&ctx).err(), None);
    let ran = make(1);
    let run = ran.clone();
    let after = context::after_func(&ctx, move || run.send(()));
    ran.recv();
    assert!(!after.stop());
    let (ctx, cancel) = context::with_cancel(&root);
    let after = context::after_func(&ctx, || unreachable!());
    // Its place in the list may be another's by the second time.
    assert!(after.stop());
    let run = ran.clone();
    let other = context::after_func(&ctx, move || run.send(()));
    assert!(!after.stop());
    cancel.cancel();
    ran.recv();
    assert!(!other.stop());
}

#[gors::test]
fn signals() {
    let c = make(1);
    signal::notify(&c, &[Signal::USER1, Signal::HANGUP]);
    signal::stop(&c);
    signal::ignore(&[Signal::USER2]);
    signal::reset(&[Signal::USER2]);
    let all = [Signal::INTERRUPT, Signal::TERMINATE, Signal::QUIT];
    let (ctx, stop) = signal::notify_context(&Context::background(), &all);
    stop.stop();
    assert!(ctx.err().is_some());
    let (ctx, stop) = signal::notify_context(&Context::background(), &all);
    // As the `CancelFunc` that it is in Go.
    stop.cancel();
    assert!(ctx.err().is_some());
}

struct Count(Chan<()>);

impl work::Worker for Count {
    fn task(&mut self) {
        self.0.send(());
    }
}

#[gors::test]
fn patterns() {
    let mut runner = runner::Runner::new(Duration::from_secs(60));
    runner.add(|_id: usize| {});
    let ended: Result<(), runner::Error> = runner.start();
    ended.unwrap();
    assert_eq!(runner::Error::Timeout.to_string(), "received timeout");
    assert_eq!(runner::Error::Interrupt.to_string(), "received interrupt");

    let none = pool::Pool::new(|| Ok::<i32, Infallible>(1), 0);
    let error: pool::Error = none.unwrap_err();
    assert_eq!(error.to_string(), "Size value too small.");
    let pool = pool::Pool::new(|| Ok::<i32, Infallible>(1), 1).unwrap();
    let one: Result<i32, pool::Error> = pool.acquire();
    pool.release(one.unwrap());
    pool.close();
    let closed = pool.acquire().unwrap_err();
    assert_eq!(closed.to_string(), "Pool has been closed.");

    let did = make(1);
    let pool = work::Pool::new(1);
    pool.run(Count(did.clone()));
    did.recv();
    // Where the interface would be in Go.
    let worker: Box<dyn work::Worker + Send> = Box::new(Count(did.clone()));
    pool.run(worker);
    pool.shutdown();
    assert_eq!(did.len(), 1);

    let map = SynchronizedMap::new();
    map.put("a", 1);
    assert_eq!(map.get("a"), Some(1));
    map.each(|key: &&str, value: &i32| assert_eq!((*key, *value), ("a", 1)));
    map.delete("a");
}
