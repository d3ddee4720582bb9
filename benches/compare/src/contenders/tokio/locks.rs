//! tokio's `Mutex` and `RwLock`.

use std::sync::Arc;
use std::time::Instant;

use tokio::spawn;
use tokio::sync::{Mutex, RwLock, mpsc};

use crate::measure::{Report, Task, work};
use crate::shapes::locks::touch;
use crate::tasks::{Countdown, parallel};

/// `a` tasks count under one mutex.
pub(super) async fn mutex_tasks(task: Task) -> Report {
    let mut sizing = task.sizing();
    while let Some(n) = sizing.next_n() {
        let start = Instant::now();
        let mutex = Arc::new(Mutex::new(0));
        let group = Countdown::new(task.a);
        for _ in 0..task.a {
            let (mutex, group) = (Arc::clone(&mutex), group.clone());
            spawn(async move {
                for _ in 0..n / task.a {
                    *mutex.lock().await += 1;
                }
                group.done();
            });
        }
        group.wait().await;
        assert_eq!(*mutex.lock().await, n / task.a * task.a);
        sizing.ran(start.elapsed());
    }
    sizing.report()
}

/// A mutex for each task.
pub(super) async fn mutex_uncontended(task: Task) -> Report {
    parallel(task, 1, || {
        |mut budget| async move {
            let mutex = Box::new(Mutex::new(0_i64));
            while budget.take() {
                drop(mutex.lock().await);
            }
        }
    })
    .await
}

/// One mutex, `a` × workers tasks, `b` steps of work outside.
pub(super) async fn mutex(task: Task) -> Report {
    parallel(task, task.a, || {
        let mutex = Arc::new(Mutex::new(0_i64));
        move |mut budget| {
            let mutex = Arc::clone(&mutex);
            async move {
                while budget.take() {
                    drop(mutex.lock().await);
                    work(task.b);
                }
            }
        }
    })
    .await
}

/// Spinning in the lock is of no use: others have work to do.
pub(super) async fn mutex_nospin(task: Task) -> Report {
    parallel(task, 4, || {
        let mutex = Arc::new(Mutex::new(0_i64));
        move |mut budget| {
            let mutex = Arc::clone(&mutex);
            async move {
                let (tx, mut rx) = mpsc::channel::<bool>(1);
                let mut data = vec![0; 4 << 10];
                let mut i = 0_u64;
                while budget.take() {
                    if i.is_multiple_of(4) {
                        *mutex.lock().await += 100;
                    } else {
                        touch(&mut data);
                        let tx = tx.clone();
                        spawn(async move { tx.send(true).await });
                        rx.recv().await;
                    }
                    i += 1;
                }
            }
        }
    })
    .await
}

/// Rescheduling is of no use: it costs the cached data.
pub(super) async fn mutex_spin(task: Task) -> Report {
    parallel(task, 1, || {
        let mutex = Arc::new(Mutex::new(0_i64));
        move |mut budget| {
            let mutex = Arc::clone(&mutex);
            async move {
                let mut data = vec![0; 16 << 10];
                while budget.take() {
                    *mutex.lock().await += 100;
                    touch(&mut data);
                }
            }
        }
    })
    .await
}

/// Read, read, write on a lock of one's own.
pub(super) async fn rw_uncontended(task: Task) -> Report {
    parallel(task, 1, || {
        |mut budget| async move {
            let lock = Box::new(RwLock::new(0_i64));
            while budget.take() {
                let first = lock.read().await;
                let second = lock.read().await;
                drop((first, second));
                drop(lock.write().await);
            }
        }
    })
    .await
}

/// One in `a` writes, `b` steps of work inside a read lock.
pub(super) async fn rw(task: Task) -> Report {
    parallel(task, 1, || {
        let lock = Arc::new(RwLock::new(0_i64));
        move |mut budget| {
            let lock = Arc::clone(&lock);
            async move {
                let mut i = 0_u64;
                while budget.take() {
                    i += 1;
                    if i.is_multiple_of(task.a) {
                        drop(lock.write().await);
                    } else {
                        let guard = lock.read().await;
                        work(task.b);
                        drop(guard);
                    }
                }
            }
        }
    })
    .await
}
