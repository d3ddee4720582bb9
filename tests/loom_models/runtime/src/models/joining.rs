//! What a goroutine and its handle share.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::task::{Context, Poll, Wake, Waker};

use model::mutant::{Change, Mutant};
use model::runner::Model;

use crate::below::world::thread;
use crate::join::{JoinHandle, Packet};
use crate::pair::Pair;
use crate::shim::UnsafeCell;

const JOIN: &str = "runtime/src/join.rs";
const LIST: &str = "runtime/src/raw/wait_list.rs";
const PAIR: &str = "runtime/src/pair.rs";

pub(super) fn models() -> Vec<Model> {
    vec![
        Model {
            name: "pair",
            property: "of two owners the last frees, once, and sees what the other did",
            body: two_owners_go,
            preemptions: None,
            mutants: &[
                Mutant {
                    file: PAIR,
                    after: "unsafe fn go(",
                    line: "left.load(Ordering::Acquire)",
                    change: Change::Relaxed,
                },
                Mutant {
                    file: PAIR,
                    after: "unsafe fn go(",
                    line: "left.swap(true, Ordering::AcqRel)",
                    change: Change::Split,
                },
                Mutant {
                    file: PAIR,
                    after: "unsafe fn go(",
                    line: "left.swap(true, Ordering::AcqRel)",
                    change: Change::Relaxed,
                },
            ],
        },
        Model {
            name: "join_polled",
            property: "a handle that is polled while its goroutine ends is ready, or its waker is woken",
            body: polled_while_it_ends,
            preemptions: None,
            mutants: &[
                Mutant {
                    file: JOIN,
                    after: "fn poll(",
                    line: "fence::store_load()",
                    change: Change::Skip,
                },
                Mutant {
                    file: LIST,
                    after: "pub fn notify_one(",
                    line: "fence::store_load()",
                    change: Change::Skip,
                },
            ],
        },
    ]
}

/// Counts how often it was dropped, and looks at what the owners wrote.
struct Value {
    written: [UnsafeCell<u32>; 2],
    dropped: Arc<AtomicUsize>,
}

impl Value {
    fn write(&self, at: usize) {
        // SAFETY: the model watches it.
        self.written[at].with_mut(|word| unsafe { *word = 1 });
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        for word in &self.written {
            // SAFETY: as above.
            assert_eq!(word.with(|word| unsafe { *word }), 1);
        }
        self.dropped
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
}

fn two_owners_go() {
    let dropped = Arc::new(AtomicUsize::new(0));
    let (one, other) = Pair::new(Value {
        written: [UnsafeCell::new(0), UnsafeCell::new(0)],
        dropped: dropped.clone(),
    });
    let goes = thread(Box::new(move || {
        other.write(1);
        drop(other);
    }));
    one.write(0);
    drop(one.into_inner());
    goes.join().unwrap();
    assert_eq!(dropped.load(std::sync::atomic::Ordering::Relaxed), 1);
}

struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
}

fn polled_while_it_ends() {
    let (packet, theirs) = Packet::pair();
    model::touch(&*packet);
    let goroutine = thread(Box::new(move || theirs.run(|| 1)));
    let mut handle = JoinHandle::new(packet, 1, None);
    let woken = Arc::new(Count(AtomicUsize::new(0)));
    let waker = Waker::from(woken.clone());
    let first = Pin::new(&mut handle).poll(&mut Context::from_waker(&waker));
    goroutine.join().unwrap();
    match first {
        Poll::Ready(result) => assert_eq!(result.unwrap(), 1),
        Poll::Pending => {
            assert_eq!(woken.0.load(std::sync::atomic::Ordering::Relaxed), 1);
        }
    }
}
