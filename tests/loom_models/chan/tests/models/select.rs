//! `select!` over two channels: what its macro expands to, so that the models know the frame in which the
//! waiters lie.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use gors_chan::__private::block;
use gors_chan::{Chan, Select};
use gors_runtime::world::{goroutine, thread};
use model::mutant::{Change, Mutant};
use model::runner::Model;

use crate::{TWO_LOCK, channel};

const WAITER: &str = "chan/src/core/waiter.rs";
const MEET: &str = "chan/src/core/meet.rs";

/// Two claim a wait.
const TWO_CLAIMS: Mutant = Mutant {
    file: "runtime/src/raw/task.rs",
    after: "pub fn try_claim",
    line: ".compare_exchange(OPEN, token",
    change: Change::Split,
};

pub const MODELS: &[Model] = &[
    Model {
        name: "select_winner",
        property: "of two peers that find a select's waiters one wins, the other's value stays, and none meets a waiter of a frame that is gone",
        body: one_winner,
        preemptions: Some(2),
        mutants: &[
            TWO_CLAIMS,
            // Nothing is unlinked.
            Mutant {
                file: WAITER,
                after: "fn is_linked(",
                line: "self.linked.get()",
                change: Change::Pretend(0),
            },
            TWO_LOCK,
        ],
    },
    Model {
        name: "select_closed",
        property: "a close and a value that come while a select waits: it gets one of them, the other stays",
        body: closed,
        preemptions: Some(2),
        mutants: &[TWO_CLAIMS],
    },
    Model {
        name: "select_reserves",
        property: "a select that has won a send and still makes its value: the receiver waits for it, and gets it",
        body: reserves,
        preemptions: Some(2),
        mutants: &[
            // The receiver does not say that it has parked.
            Mutant {
                file: MEET,
                after: "unsafe fn wait_attached(",
                line: "mine.parked.set(true)",
                change: Change::Skip,
            },
            // It does not look whether the value has come, before it parks.
            Mutant {
                file: MEET,
                after: "Waiter::finish(w, Outcome::Peer)",
                line: "mine.outcome.get()",
                change: Change::Pretend(0),
            },
        ],
    },
    Model {
        name: "selects_meet",
        property: "two selects, of which one sends and one receives on the same two channels, meet on one of them, once",
        body: meet,
        preemptions: Some(2),
        mutants: &[
            // The first to complete leaves nothing for the second.
            Mutant {
                file: MEET,
                after: "Met::Nobody => {",
                line: "state.set(Met::Attached",
                change: Change::Skip,
            },
        ],
    },
];

type Pair = Arc<[Chan<u32>; 2]>;

/// The first has the lower address, as in every other execution: a select locks in that order.
fn pair(cap: usize) -> Pair {
    let mut pair = [channel(cap), channel(cap)];
    pair.sort_by_key(|channel| format!("{:18p}", *channel));
    Arc::new(pair)
}

/// Receives from either: from which, and what.
fn receive([first, second]: &[Chan<u32>; 2]) -> (usize, Option<u32>) {
    let (mut one, mut other) = (first.__gors_recv_arm(), second.__gors_recv_arm());
    let won = block(&mut [one.arm(), other.arm()], false);
    let value = match won {
        0 => one.finish(),
        _ => other.finish(),
    };
    // The frame goes.
    model::end(&one);
    model::end(&other);
    (won, value)
}

/// Sends to either, and makes the value once it has won: to which.
fn send([first, second]: &[Chan<u32>; 2]) -> usize {
    let (mut one, mut other) = (first.__gors_send_arm(), second.__gors_send_arm());
    let won = block(&mut [one.arm(), other.arm()], false);
    match won {
        0 => one.finish().reserve().complete(1),
        _ => other.finish().reserve().complete(1),
    }
    model::end(&one);
    model::end(&other);
    won
}

/// Each channel has so many values, and nobody waits.
fn assert_left(pair: &Pair, left: [usize; 2]) {
    let no_time = std::time::Duration::ZERO;
    for (channel, left) in pair.iter().zip(left) {
        assert_eq!(channel.len(), left);
        assert_eq!(channel.recv_timeout(no_time).is_ok(), left == 1);
        if !channel.is_closed() {
            assert_eq!(channel.send_timeout(1, no_time).is_ok(), channel.cap() == 1);
        }
    }
}

/// Runs `f` in a goroutine; waits for its end, and says which channel it chose.
fn watched(
    both: &Pair,
    f: impl FnOnce(&[Chan<u32>; 2]) -> usize + 'static,
) -> impl FnOnce() -> usize {
    let chosen = Rc::new(Cell::new(None));
    let (theirs, choice) = (both.clone(), chosen.clone());
    let goroutine = goroutine(move || choice.set(Some(f(&theirs))));
    move || {
        goroutine.join().unwrap();
        chosen.get().expect("it has chosen")
    }
}

fn one_winner() {
    let both = pair(1);
    let won = watched(&both, |both| {
        let (won, value) = receive(both);
        assert_eq!(value, Some(1));
        won
    });
    let theirs = both.clone();
    let first = thread(move || theirs[0].send(1));
    both[1].send(1);
    first.join().unwrap();
    let won = won();
    assert_left(&both, [won, 1 - won]);
}

fn closed() {
    let both = pair(1);
    let won = watched(&both, |both| match receive(both) {
        (0, Some(1)) => 0,
        (1, None) => 1,
        other => panic!("{other:?}"),
    });
    let theirs = both.clone();
    let sender = thread(move || theirs[0].send(1));
    both[1].close();
    sender.join().unwrap();
    assert_left(&both, [won(), 0]);
}

fn reserves() {
    let both = pair(0);
    let won = watched(&both, send);
    let theirs = both.clone();
    let receiver = goroutine(move || assert_eq!(theirs[0].recv(), Some(1)));
    receiver.join().unwrap();
    assert_eq!(won(), 0);
    assert_left(&both, [0, 0]);
}

fn meet() {
    let both = pair(0);
    let sent = watched(&both, send);
    let received = watched(&both, |[first, second]| {
        // Takes its value in a second step, too.
        let mut select = Select::new();
        let receivers = [first.as_receiver(), second.as_receiver()];
        for receiver in receivers {
            select.recv(receiver);
        }
        let won = select.select();
        let index = won.index();
        assert_eq!(won.recv(receivers[index]), Ok(1));
        index
    });
    assert_eq!(sent(), received());
    assert_left(&both, [0, 0]);
}
