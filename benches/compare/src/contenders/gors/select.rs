//! `select!` in the shapes of Go's benchmarks.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use gors::chan::{Chan, make, select};
use gors::go;
use gors::sync::WaitGroup;

use super::{Gors, Programs, main};
use crate::measure::{Report, Task, work};
use crate::shapes::channels::CALLS_PER_SCHED;
use crate::shapes::{Budget, parallel, timed};

pub(super) const PROGRAMS: Programs = &[
    ("chan-popular", |task| main(task, popular)),
    ("select-3", |task| main(task, three)),
    ("select-uncontended", |task| main(task, uncontended)),
    ("select-sync", |task| main(task, sync)),
    ("select-async", |task| main(task, asynchronous)),
    ("select-nonblock", |task| main(task, nonblock)),
    ("select-prodcons", |task| main(task, prod_cons)),
];

/// One receiver, three senders with an unbuffered channel each.
fn three(task: &Task) -> Report {
    timed(task, |n| {
        let each = n / 3 + 1;
        let start = Instant::now();
        let [c1, c2, c3] = [(); 3].map(|()| {
            let c = make::<u64>(0);
            let sender = c.clone();
            go!(move || (0..each).for_each(|i| sender.send(i)));
            c
        });
        for _ in 0..3 * each {
            select! {
                recv(c1) -> _ => (),
                recv(c2) -> _ => (),
                recv(c3) -> _ => (),
            }
        }
        start.elapsed()
    })
}

fn uncontended(task: &Task) -> Report {
    parallel::<Gors, _>(task, 1, || {
        |budget: &mut Budget| {
            let (c1, c2) = (make::<u64>(1), make::<u64>(1));
            c1.send(0);
            while budget.take() {
                select! {
                    recv(c1) -> _ => c2.send(0),
                    recv(c2) -> _ => c1.send(0),
                }
            }
        }
    })
}

/// Closes a channel when the last body that shares it is gone.
struct Closer(Chan<()>);

impl Drop for Closer {
    fn drop(&mut self) {
        self.0.close();
    }
}

fn sync(task: &Task) -> Report {
    parallel::<Gors, _>(task, 1, || {
        let channels = [(); 3].map(|()| make::<u64>(0));
        let done = Arc::new(Closer(make::<()>(0)));
        move |budget: &mut Budget| {
            let [c1, c2, c3] = channels.clone();
            let (s1, s2, s3, stop) = (c1.clone(), c2.clone(), c3.clone(), done.0.clone());
            go!(move || loop {
                select! {
                    send(s1, 0) -> _ => (),
                    send(s2, 0) -> _ => (),
                    send(s3, 0) -> _ => (),
                    recv(stop) -> _ => return,
                }
            });
            while budget.take() {
                select! {
                    recv(c1) -> _ => (),
                    recv(c2) -> _ => (),
                    recv(c3) -> _ => (),
                }
            }
        }
    })
}

fn asynchronous(task: &Task) -> Report {
    let procs = task.procs;
    parallel::<Gors, _>(task, 1, || {
        let (c1, c2) = (make::<u64>(procs), make::<u64>(procs));
        move |budget: &mut Budget| {
            c1.send(0);
            while budget.take() {
                select! {
                    recv(c1) -> _ => c2.send(0),
                    recv(c2) -> _ => c1.send(0),
                }
            }
        }
    })
}

fn nonblock(task: &Task) -> Report {
    parallel::<Gors, _>(task, 1, || {
        let (c1, c2) = (make::<u64>(0), make::<u64>(0));
        let (c3, c4) = (make::<u64>(1), make::<u64>(1));
        move |budget: &mut Budget| {
            while budget.take() {
                select! { recv(c1) -> _ => (), default => () }
                select! { send(c2, 0) -> _ => (), default => () }
                select! { recv(c3) -> _ => (), default => () }
                select! { send(c4, 0) -> _ => (), default => () }
            }
        }
    })
}

/// A thousand goroutines select on one shared channel and one each.
fn popular(task: &Task) -> Report {
    timed(task, |n| {
        let start = Instant::now();
        let shared = make::<bool>(0);
        let group = WaitGroup::new();
        let own: Vec<Chan<bool>> = (0..1_000)
            .map(|_| {
                let own = make::<bool>(0);
                let (shared, mine) = (shared.clone(), own.clone());
                group.go(move || {
                    for _ in 0..n {
                        select! {
                            recv(shared) -> _ => (),
                            recv(mine) -> _ => (),
                        }
                    }
                });
                own
            })
            .collect();
        for _ in 0..n {
            for own in &own {
                own.send(true);
            }
        }
        group.wait();
        start.elapsed()
    })
}

/// GOMAXPROCS producers and consumers that also watch a timer and a closer.
fn prod_cons(task: &Task) -> Report {
    const HOUR: Duration = Duration::from_secs(3_600);
    let procs = task.procs;
    timed(task, |n| {
        let start = Instant::now();
        let batches = Arc::new(AtomicI64::new((n / CALLS_PER_SCHED) as i64));
        let (c, quit) = (make::<u64>(128), make::<bool>(0));
        let group = WaitGroup::new();
        for _ in 0..procs {
            let (batches, tx, stop) = (Arc::clone(&batches), c.clone(), quit.clone());
            group.go(move || {
                let never = gors::time::after(HOUR);
                while batches.fetch_sub(1, Ordering::SeqCst) > 0 {
                    for _ in 0..CALLS_PER_SCHED {
                        work(100);
                        select! {
                            send(tx, 1) -> _ => (),
                            recv(never) -> _ => (),
                            recv(stop) -> _ => (),
                        }
                    }
                }
                tx.send(0);
            });
            let (rx, stop) = (c.clone(), quit.clone());
            group.go(move || {
                let never = gors::time::after(HOUR);
                loop {
                    select! {
                        recv(rx) -> v => if v == Some(0) { break },
                        recv(never) -> _ => (),
                        recv(stop) -> _ => (),
                    }
                    work(100);
                }
            });
        }
        group.wait();
        start.elapsed()
    })
}
