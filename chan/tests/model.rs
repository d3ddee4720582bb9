//! Random programs of channel operations against a sequential model of Go's channels.
//!
//! A program is a list of operations, each given to one of a few actors. The controller gives out
//! one operation, asks the model who must finish by it and with what, waits for exactly those, and
//! goes on: so each step has one outcome (or, for a select with several possible arms, one out of a
//! set, and the model follows what was seen). At the end those whom the model holds for blocked
//! must still be blocked. Catches lost and doubled values, wrong order, wrong wake-ups, and states
//! that block or pass otherwise than Go's.

mod common;
#[path = "model/reference.rs"]
mod reference;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use gors_chan::{Chan, Select, SendTimeoutError, TryRecvError, TrySendError, make, select};
use proptest::prelude::*;
use reference::{Arm, Finished, MChan, Model, Op, Patience, Res, Wait};

const ACTORS: usize = 4;
const CHANS: usize = 3;
/// The number of the nil channel, which comes behind the others.
const NIL: usize = CHANS;
const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(2);

fn sent(ok: bool) -> Res {
    if ok { Res::Sent } else { Res::SendFailed }
}

fn got(v: Option<u64>) -> Res {
    v.map_or(Res::Closed, Res::Got)
}

/// What `f` panics with, if it is one of Go's messages.
fn caught(f: impl FnOnce()) -> Result<(), &'static str> {
    catch_unwind(AssertUnwindSafe(f)).map_err(|payload| *payload.downcast().expect("Go's words"))
}

fn run_one(c: &Chan<u64>, arm: Arm, patience: Patience, value: u64) -> Res {
    match (arm, patience) {
        // The two faces in turns.
        (Arm::Send(_), Patience::Endless) if value.is_multiple_of(2) => {
            match caught(|| c.send(value)) {
                Err(words) => {
                    assert_eq!(words, "send on closed channel");
                    Res::SendFailed
                }
                Ok(()) => Res::Sent,
            }
        }
        (Arm::Send(_), Patience::Endless) => sent(c.as_sender().send(value).is_ok()),
        (Arm::Recv(_), Patience::Endless) if value.is_multiple_of(2) => got(c.recv()),
        (Arm::Recv(_), Patience::Endless) => got(c.as_receiver().recv().ok()),
        (Arm::Send(_), Patience::None) => match c.try_send(value) {
            Ok(()) => Res::Sent,
            Err(TrySendError::Full(_)) => Res::WouldBlock,
            Err(TrySendError::Disconnected(_)) => Res::SendFailed,
        },
        (Arm::Recv(_), Patience::None) => match c.try_recv() {
            Ok(v) => Res::Got(v),
            Err(TryRecvError::Empty) => Res::WouldBlock,
            Err(TryRecvError::Disconnected) => Res::Closed,
        },
        (Arm::Send(_), Patience::Short) => match c.send_timeout(value, SHORT) {
            Ok(()) => Res::Sent,
            Err(SendTimeoutError::Timeout(_)) => Res::WouldBlock,
            Err(SendTimeoutError::Disconnected(_)) => Res::SendFailed,
        },
        (Arm::Recv(_), Patience::Short) => match c.recv_timeout(SHORT) {
            Ok(v) => Res::Got(v),
            Err(e) if e.is_timeout() => Res::WouldBlock,
            Err(_) => Res::Closed,
        },
    }
}

fn run_op(chans: &[Chan<u64>], op: &Op, value: u64) -> Res {
    match op {
        Op::One(arm @ (Arm::Send(c) | Arm::Recv(c)), patience) => {
            run_one(&chans[*c], *arm, *patience, value)
        }
        Op::Close(c) => Res::CloseResult(caught(|| chans[*c].close())),
        Op::Len(c) => Res::Len(chans[*c].len(), chans[*c].cap()),
        Op::Select(arms, patience, true) => {
            assert_eq!(*arms, FIXED);
            let [a, b, c, nil] = chans else {
                unreachable!()
            };
            let arm = |i, r| Res::Arm(i, Box::new(r));
            macro_rules! fixed {
                ($($default:tt)*) => {
                    select! {
                        recv(a) -> v => arm(0, got(v)),
                        send(b.as_sender(), value) -> s => arm(1, sent(s.is_ok())),
                        recv(c) -> v => arm(2, got(v)),
                        send(nil, value) -> () => unreachable!(),
                        $($default)*
                    }
                };
            }
            match patience {
                Patience::Endless => fixed!(),
                Patience::None => fixed!(default => Res::WouldBlock),
                Patience::Short => fixed!(default(SHORT) => Res::WouldBlock),
            }
        }
        Op::Select(arms, patience, false) => {
            let mut sel = Select::new();
            for arm in arms {
                match *arm {
                    Arm::Recv(c) => sel.recv(chans[c].as_receiver()),
                    Arm::Send(c) => sel.send(chans[c].as_sender()),
                };
            }
            let op = match patience {
                Patience::Endless => Some(sel.select()),
                Patience::None => sel.try_select().ok(),
                Patience::Short => sel.select_timeout(SHORT).ok(),
            };
            let Some(op) = op else {
                return Res::WouldBlock;
            };
            let i = op.index();
            let res = match arms[i] {
                Arm::Recv(c) => got(op.recv(chans[c].as_receiver()).ok()),
                Arm::Send(c) => sent(op.send(chans[c].as_sender(), value).is_ok()),
            };
            Res::Arm(i, Box::new(res))
        }
    }
}

const FIXED: [Arm; 4] = [Arm::Recv(0), Arm::Send(1), Arm::Recv(2), Arm::Send(NIL)];

fn op() -> impl Strategy<Value = Op> {
    let arm = |channels: std::ops::RangeInclusive<usize>| {
        prop_oneof![
            channels.clone().prop_map(Arm::Recv),
            channels.prop_map(Arm::Send)
        ]
    };
    let patience = prop_oneof![
        4 => Just(Patience::Endless),
        4 => Just(Patience::None),
        1 => Just(Patience::Short),
    ];
    let arms = prop::collection::vec(arm(0..=NIL), 1..6).prop_map(|arms| {
        // The same arm twice has two right answers for one wake-up; other tests cover it.
        let mut unique: Vec<Arm> = Vec::new();
        for arm in arms {
            if !unique.contains(&arm) {
                unique.push(arm);
            }
        }
        // Who waits for nothing but the nil channel cannot be freed again.
        if unique.iter().all(|&arm| is_nil(arm)) {
            unique.push(Arm::Recv(0));
        }
        unique
    });
    prop_oneof![
        12 => arm(0..=NIL - 1).prop_map(|arm| Op::One(arm, Patience::Endless)),
        4 => arm(0..=NIL).prop_map(|arm| Op::One(arm, Patience::None)),
        1 => arm(0..=NIL).prop_map(|arm| Op::One(arm, Patience::Short)),
        1 => (0..=NIL).prop_map(Op::Close),
        1 => (0..=NIL).prop_map(Op::Len),
        4 => (arms, patience.clone()).prop_map(|(arms, patience)| Op::Select(arms, patience, false)),
        3 => patience.prop_map(|patience| Op::Select(FIXED.to_vec(), patience, true)),
    ]
}

fn is_nil(arm: Arm) -> bool {
    matches!(arm, Arm::Recv(NIL) | Arm::Send(NIL))
}

fn check(caps: [usize; CHANS], program: &[(usize, Op)], goroutines: bool) {
    let mut chans: Vec<Chan<u64>> = caps.iter().map(|&cap| make(cap)).collect();
    chans.push(Chan::nil());
    let mut model = Model::default();
    model.chans.extend(caps.iter().map(|&cap| MChan {
        cap,
        ..MChan::default()
    }));
    model.chans.push(MChan {
        nil: true,
        ..MChan::default()
    });
    let (results, result) = mpsc::channel::<(usize, Res)>();
    let orders: Vec<gors_chan::Sender<(Op, u64)>> = (0..ACTORS)
        .map(|actor| {
            let (order, orders) = gors_chan::unbounded::<(Op, u64)>();
            let (chans, results) = (chans.clone(), results.clone());
            let run = move || {
                for (op, value) in orders {
                    let res = run_op(&chans, &op, value);
                    if results.send((actor, res)).is_err() {
                        break;
                    }
                }
            };
            if goroutines {
                drop(gors_runtime::spawn(run));
            } else {
                drop(std::thread::spawn(run));
            }
            order
        })
        .collect();

    let mut blocked = [false; ACTORS];
    for (n, (actor, op)) in program.iter().enumerate() {
        let actor = *actor;
        if blocked[actor] {
            continue;
        }
        let value = n as u64 + 1;
        orders[actor].send((op.clone(), value)).unwrap();
        let mut expected = Finished::new();
        let wait = |arm| Wait { actor, arm, value };
        let mut early = None;
        match op {
            Op::One(arm, patience) => {
                if model.can(*arm) {
                    model.perform(&wait(None), *arm, &mut expected);
                } else if *patience == Patience::Endless {
                    model.enqueue(wait(None), *arm);
                    blocked[actor] = true;
                } else {
                    expected.push((actor, Res::WouldBlock));
                }
            }
            Op::Close(c) => {
                let closed = model.close(*c, &mut expected);
                expected.push((actor, Res::CloseResult(closed)));
            }
            Op::Len(c) => {
                let c = &model.chans[*c];
                expected.push((actor, Res::Len(c.buf.len(), c.cap)));
            }
            Op::Select(arms, patience, _) => {
                if arms.iter().any(|&arm| model.can(arm)) {
                    // See which arm was chosen, check that it was possible, and follow it.
                    let mut seen = Vec::new();
                    let chosen = loop {
                        let (who, res) = next(&result, n, op);
                        match res {
                            Res::Arm(i, _) if who == actor => {
                                seen.push((who, res));
                                break i;
                            }
                            _ => seen.push((who, res)),
                        }
                    };
                    assert!(
                        model.can(arms[chosen]),
                        "step {n}: {op:?} chose arm {chosen}"
                    );
                    model.perform(&wait(Some(chosen)), arms[chosen], &mut expected);
                    early = Some(seen);
                } else if *patience != Patience::Endless {
                    expected.push((actor, Res::WouldBlock));
                } else {
                    for (i, &arm) in arms.iter().enumerate() {
                        model.enqueue(wait(Some(i)), arm);
                    }
                    blocked[actor] = true;
                }
            }
        }
        let mut seen = early.unwrap_or_default();
        while seen.len() < expected.len() {
            seen.push(next(&result, n, op));
        }
        for (who, _) in &expected {
            blocked[*who] = false;
        }
        let by_actor = |f: &mut Finished| f.sort_by_key(|(who, _)| *who);
        by_actor(&mut seen);
        by_actor(&mut expected);
        assert_eq!(seen, expected, "step {n}: actor {actor}, {op:?}");
        // Everybody must have reached, or left, the queues before the next operation is given out.
        let begin = Instant::now();
        for (c, m) in chans.iter().zip(&model.chans) {
            while c.__waiters() != (m.recvq.len(), m.sendq.len()) {
                assert!(
                    begin.elapsed() < LONG,
                    "step {n}: {op:?} leaves waiters {:?}",
                    c.__waiters()
                );
                std::thread::yield_now();
            }
            assert_eq!(c.len(), m.buf.len());
        }
    }
    if blocked.iter().any(|&b| b)
        && let Ok(extra) = result.recv_timeout(Duration::from_millis(1))
    {
        panic!("{extra:?} should be blocked");
    }
    for c in &chans {
        c.as_sender().close();
    }
}

fn next(result: &mpsc::Receiver<(usize, Res)>, step: usize, op: &Op) -> (usize, Res) {
    result
        .recv_timeout(LONG)
        .unwrap_or_else(|_| panic!("step {step}: {op:?} should have finished somebody"))
}

fn programs() -> impl Strategy<Value = ([usize; CHANS], Vec<(usize, Op)>)> {
    let caps = prop::array::uniform3(0..3usize);
    (caps, prop::collection::vec((0..ACTORS, op()), 1..80))
}

fn config() -> ProptestConfig {
    ProptestConfig {
        // `GORS_CHAN_CASES=100000` for a long look.
        cases: std::env::var("GORS_CHAN_CASES").map_or(96, |n| n.parse().unwrap()),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn threads_follow_the_model((caps, program) in programs()) {
        check(caps, &program, false);
    }

    #[test]
    fn goroutines_follow_the_model((caps, program) in programs()) {
        check(caps, &program, true);
    }
}
