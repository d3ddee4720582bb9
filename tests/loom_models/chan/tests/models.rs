//! Channels under loom: the whole of `chan/src`, WaitGroup and Barrier, over the models of waiting.

use std::process::ExitCode;

use gors_chan::make;
use gors_runtime::world::{self, goroutine};
use model::mutant::{Change, Mutant};
use model::runner::Model;

#[allow(dead_code, reason = "used in part")]
#[path = "../../../../src/sync/barrier.rs"]
mod barrier;
#[path = "models/select.rs"]
mod select;
#[path = "../../../../src/shim.rs"]
mod shim;
#[allow(dead_code, reason = "used in part")]
#[path = "../../../../src/sync/wait_group.rs"]
mod wait_group;

const GROUP: &str = "src/sync/wait_group.rs";

/// Two have the lock at once.
const TWO_LOCK: Mutant = Mutant {
    file: "runtime/src/raw/biased.rs",
    after: "fn try_free(",
    line: ".compare_exchange(word, word | HELD",
    change: Change::Split,
};

/// A channel whose atomics exist before the threads begin.
fn channel(cap: usize) -> gors_chan::Chan<u32> {
    let channel = make(cap);
    let no_time = std::time::Duration::ZERO;
    for _ in 0..cap {
        assert!(channel.send_timeout(0, no_time).is_ok());
    }
    assert!(channel.send_timeout(0, no_time).is_err());
    for _ in 0..cap {
        assert!(channel.recv_timeout(no_time).is_ok());
    }
    assert!(channel.recv_timeout(no_time).is_err());
    drop(channel.clone());
    channel
}

fn main() -> ExitCode {
    let mut models = vec![
        Model {
            name: "rendezvous",
            property: "a value sent to a goroutine that receives arrives, whoever comes first",
            body: || {
                let values = channel(0);
                let theirs = values.clone();
                let sender = goroutine(move || theirs.send(7));
                let receiver = goroutine(move || assert_eq!(values.recv(), Some(7)));
                sender.join().unwrap();
                receiver.join().unwrap();
            },
            preemptions: Some(2),
            mutants: &[TWO_LOCK],
        },
        Model {
            name: "buffer",
            property: "with a buffer of one: values come in order, a full sender and an empty receiver are woken",
            body: || {
                let values = channel(1);
                let theirs = values.clone();
                let sender = goroutine(move || {
                    theirs.send(1);
                    theirs.send(2);
                });
                let receiver = goroutine(move || {
                    assert_eq!(values.recv(), Some(1));
                    assert_eq!(values.recv(), Some(2));
                });
                sender.join().unwrap();
                receiver.join().unwrap();
            },
            preemptions: Some(2),
            mutants: &[TWO_LOCK],
        },
        Model {
            name: "close",
            property: "a close ends a receive that waits or comes, behind the values that were sent",
            body: || {
                let values = channel(1);
                let theirs = values.clone();
                let receiver = goroutine(move || {
                    assert_eq!(theirs.recv(), Some(1));
                    assert_eq!(theirs.recv(), None);
                });
                let closer = goroutine(move || {
                    values.send(1);
                    values.close();
                });
                closer.join().unwrap();
                receiver.join().unwrap();
            },
            preemptions: Some(2),
            mutants: &[TWO_LOCK],
        },
        Model {
            name: "last_handle",
            property: "who finds itself alone with a channel has seen what the others did, and frees it",
            body: || {
                let values = channel(1);
                let theirs = values.clone();
                let sender = goroutine(move || {
                    let no_time = std::time::Duration::ZERO;
                    assert!(theirs.send_timeout(1, no_time).is_ok());
                });
                let other = goroutine(move || drop(values));
                sender.join().unwrap();
                other.join().unwrap();
            },
            preemptions: Some(3),
            mutants: &[Mutant {
                file: "chan/src/core/close.rs",
                after: "unsafe fn release<T>(",
                line: "self.handles.load(Ordering::Acquire) == what",
                change: Change::Relaxed,
            }],
        },
        Model {
            name: "wait_group",
            property: "a wait ends when the last of two goroutines is done, and sees what they did",
            body: || {
                let group = std::sync::Arc::new(wait_group::WaitGroup::new());
                group.add(2);
                assert!(!group.wait_timeout(std::time::Duration::ZERO));
                let (first, second) = (group.clone(), group.clone());
                let first = goroutine(move || first.done());
                let second = goroutine(move || second.done());
                let waiter = goroutine(move || group.wait());
                first.join().unwrap();
                second.join().unwrap();
                waiter.join().unwrap();
                world::touch_timers();
            },
            preemptions: Some(2),
            mutants: &[Mutant {
                file: GROUP,
                after: "fn add(",
                line: "state.fetch_add(delta",
                change: Change::Split,
            }],
        },
        Model {
            name: "wait_group_given_up",
            property: "after a wait that gave up, who adds beside the last `done` is no misuser, and waits for what it counts",
            body: || {
                let group = std::sync::Arc::new(wait_group::WaitGroup::new());
                group.add(1);
                assert!(!group.wait_timeout(std::time::Duration::ZERO));
                let first = group.clone();
                let first = goroutine(move || first.done());
                group.add(1);
                let done = std::sync::Arc::new(shim::atomic::AtomicBool::new(false));
                let (theirs, second) = (done.clone(), group.clone());
                let second = goroutine(move || {
                    theirs.store(true, shim::atomic::Ordering::Relaxed);
                    second.done();
                });
                group.wait();
                assert!(done.load(shim::atomic::Ordering::Relaxed));
                first.join().unwrap();
                second.join().unwrap();
                world::touch_timers();
            },
            preemptions: Some(2),
            mutants: &[Mutant {
                file: GROUP,
                after: "fn end_round(",
                line: "self.state.compare_exchange(",
                change: Change::Split,
            }],
        },
        Model {
            name: "barrier",
            property: "of four that come to a barrier for two, two lead and none is left behind",
            body: || {
                let barrier = std::sync::Arc::new(barrier::Barrier::new(2));
                model::touch(&*barrier);
                let leaders = std::sync::Arc::new(shim::atomic::AtomicU64::new(0));
                model::touch(&*leaders);
                let wait = || {
                    let (barrier, leaders) = (barrier.clone(), leaders.clone());
                    goroutine(move || {
                        if barrier.wait().is_leader() {
                            leaders.fetch_add(1, shim::atomic::Ordering::Relaxed);
                        }
                    })
                };
                for goroutine in [wait(), wait(), wait(), wait()] {
                    goroutine.join().unwrap();
                }
                assert_eq!(leaders.load(shim::atomic::Ordering::Relaxed), 2);
            },
            preemptions: Some(1),
            mutants: &[Mutant {
                file: "src/sync/barrier.rs",
                after: "pub fn wait(",
                line: ".fetch_update(",
                change: Change::Split,
            }],
        },
    ];
    models.extend_from_slice(select::MODELS);
    model::runner::main(&models)
}
