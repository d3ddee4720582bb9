//! Channels under loom: the whole of `chan/src`, and WaitGroup, over the models of waiting.

use std::process::ExitCode;

use gors_chan::make;
use gors_runtime::world::{self, goroutine};
use model::mutant::{Change, Mutant};
use model::runner::Model;

#[path = "models/select.rs"]
mod select;
#[path = "../../../../src/shim.rs"]
mod shim;
#[allow(dead_code, reason = "used in part")]
#[path = "../../../../src/sync/wait_group.rs"]
mod wait_group;

#[path = "../../../../chan/src/core/waiter.rs"]
#[allow(dead_code, reason = "used in part")]
mod waiter;

const TASK: &str = "runtime/src/raw/task.rs";
const SELECT: &str = "tests/loom_models/chan/tests/models/select.rs";
const GROUP: &str = "src/sync/wait_group.rs";
const LOCK: &str = "runtime/src/raw/lock.rs";

/// Two have the lock at once.
const LOCK_SPLIT: &[Mutant] = &[Mutant {
    file: LOCK,
    after: "pub fn lock(",
    line: "held.swap(true, Ordering::Acquire)",
    change: Change::Split,
}];

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
    model::runner::main(&[
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
            mutants: LOCK_SPLIT,
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
            mutants: LOCK_SPLIT,
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
            mutants: LOCK_SPLIT,
        },
        Model {
            name: "select_winner",
            property: "of two peers that find a select's waiters one wins, the other's offer stays, and none meets a waiter of a frame that is gone",
            body: select::one_winner,
            preemptions: Some(2),
            mutants: &[
                Mutant {
                    file: TASK,
                    after: "pub fn try_claim",
                    line: ".compare_exchange(OPEN, token",
                    change: Change::Split,
                },
                Mutant {
                    file: SELECT,
                    after: "fn select(",
                    line: "model::mutated()",
                    change: Change::Instead,
                },
                Mutant {
                    file: LOCK,
                    after: "pub fn lock(",
                    line: "held.swap(true, Ordering::Acquire)",
                    change: Change::Split,
                },
            ],
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
    ])
}
