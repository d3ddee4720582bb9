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

use std::sync::mpsc;
use std::time::{Duration, Instant};

use gors_chan::{Chan, Select, TryRecvError, TrySendError, make, select};
use proptest::prelude::*;
use reference::{Arm, Finished, MChan, Model, Op, Res, Wait};

const ACTORS: usize = 4;
const CHANS: usize = 3;
const LONG: Duration = Duration::from_secs(20);

fn run_op(chans: &[Chan<u64>], op: &Op, value: u64) -> Res {
    let sent = |ok: bool| if ok { Res::Sent } else { Res::SendFailed };
    let got = |v: Option<u64>| v.map_or(Res::Closed, Res::Got);
    match op {
        Op::Send(c) => sent(chans[*c].as_sender().send(value).is_ok()),
        Op::Recv(c) => got(chans[*c].recv()),
        Op::TrySend(c) => match chans[*c].try_send(value) {
            Ok(()) => Res::Sent,
            Err(TrySendError::Full(_)) => Res::WouldBlock,
            Err(TrySendError::Disconnected(_)) => Res::SendFailed,
        },
        Op::TryRecv(c) => match chans[*c].try_recv() {
            Ok(v) => Res::Got(v),
            Err(TryRecvError::Empty) => Res::WouldBlock,
            Err(TryRecvError::Disconnected) => Res::Closed,
        },
        Op::Close(c) => Res::CloseResult(chans[*c].as_sender().close()),
        Op::Len(c) => Res::Len(chans[*c].len()),
        Op::Select(arms, default, true) => {
            assert_eq!(*arms, FIXED);
            let [a, b, c] = chans else { unreachable!() };
            let arm = |i, r| Res::Arm(i, Box::new(r));
            if *default {
                select! {
                    recv(a) -> v => arm(0, got(v)),
                    send(b.as_sender(), value) -> s => arm(1, sent(s.is_ok())),
                    recv(c) -> v => arm(2, got(v)),
                    default => Res::WouldBlock,
                }
            } else {
                select! {
                    recv(a) -> v => arm(0, got(v)),
                    send(b.as_sender(), value) -> s => arm(1, sent(s.is_ok())),
                    recv(c) -> v => arm(2, got(v)),
                }
            }
        }
        Op::Select(arms, default, false) => {
            let mut sel = Select::new();
            for arm in arms {
                match *arm {
                    Arm::Recv(c) => sel.recv(chans[c].as_receiver()),
                    Arm::Send(c) => sel.send(chans[c].as_sender()),
                };
            }
            let op = if *default {
                match sel.try_select() {
                    Ok(op) => op,
                    Err(_) => return Res::WouldBlock,
                }
            } else {
                sel.select()
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

const FIXED: [Arm; 3] = [Arm::Recv(0), Arm::Send(1), Arm::Recv(2)];

fn op() -> impl Strategy<Value = Op> {
    let c = 0..CHANS;
    let arm = prop_oneof![c.clone().prop_map(Arm::Recv), c.clone().prop_map(Arm::Send)];
    let arms = prop::collection::vec(arm, 1..6).prop_map(|arms| {
        // The same arm twice has two right answers for one wake-up; other tests cover it.
        let mut unique: Vec<Arm> = Vec::new();
        for arm in arms {
            if !unique.contains(&arm) {
                unique.push(arm);
            }
        }
        unique
    });
    prop_oneof![
        6 => c.clone().prop_map(Op::Send),
        6 => c.clone().prop_map(Op::Recv),
        2 => c.clone().prop_map(Op::TrySend),
        2 => c.clone().prop_map(Op::TryRecv),
        1 => c.clone().prop_map(Op::Close),
        1 => c.prop_map(Op::Len),
        4 => (arms, any::<bool>()).prop_map(|(arms, default)| Op::Select(arms, default, false)),
        3 => any::<bool>().prop_map(|default| Op::Select(FIXED.to_vec(), default, true)),
    ]
}

fn check(caps: [usize; CHANS], program: &[(usize, Op)], goroutines: bool) {
    let chans: Vec<Chan<u64>> = caps.iter().map(|&cap| make(cap)).collect();
    let mut model = Model::default();
    model.chans.extend(caps.iter().map(|&cap| MChan {
        cap,
        ..MChan::default()
    }));
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
            Op::Send(c) | Op::Recv(c) | Op::TrySend(c) | Op::TryRecv(c) => {
                let arm = if matches!(op, Op::Send(_) | Op::TrySend(_)) {
                    Arm::Send(*c)
                } else {
                    Arm::Recv(*c)
                };
                if model.can(arm) {
                    model.perform(&wait(None), arm, &mut expected);
                } else if matches!(op, Op::TrySend(_) | Op::TryRecv(_)) {
                    expected.push((actor, Res::WouldBlock));
                } else {
                    model.enqueue(wait(None), arm);
                    blocked[actor] = true;
                }
            }
            Op::Close(c) => {
                let first = model.close(*c, &mut expected);
                expected.push((actor, Res::CloseResult(first)));
            }
            Op::Len(c) => expected.push((actor, Res::Len(model.chans[*c].buf.len()))),
            Op::Select(arms, default, _) => {
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
                } else if *default {
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
