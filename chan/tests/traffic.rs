//! Mixed topologies under changing numbers of permits: nothing lost, nothing doubled, order kept
//! for each sender. `GORS_CHAN_TRAFFIC=n` multiplies the amount; the default is for every test run.

mod common;

use common::guarded;
use gors_chan::{Receiver, Sender, after, bounded, select, unbounded};
use gors_runtime::{gomaxprocs, run, spawn};

fn scale() -> u64 {
    std::env::var("GORS_CHAN_TRAFFIC")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(1)
}

/// Sends `(id, 0..n)` in one of several ways.
fn produce(way: u64, id: u64, n: u64, s: &Sender<(u64, u64)>, other: &Sender<(u64, u64)>) {
    for i in 0..n {
        let v = (id, i);
        match (way + i) % 4 {
            0 => s.send(v).unwrap(),
            1 => select! { send(s, v) -> sent => sent.unwrap() },
            2 => {
                let mut v = v;
                while let Err(e) = s.try_send(v) {
                    v = e.into_inner();
                    gors_runtime::gosched();
                }
            }
            // The other channel has no room: the arm must lose and leave nothing behind.
            _ => select! {
                send(s, v) -> sent => sent.unwrap(),
                send(other, v) -> _ => unreachable!(),
            },
        }
    }
}

/// The sum of what one receiver got; checks that each sender's values come in order.
fn consume(way: u64, producers: u64, r: &Receiver<(u64, u64)>, idle: &Receiver<()>) -> (u64, u64) {
    let mut next = vec![0; producers as usize];
    let (mut count, mut sum) = (0, 0);
    loop {
        let got = match (way + count) % 4 {
            0 => r.recv().ok(),
            1 => select! { recv(r) -> v => v.ok(), recv(idle) -> _ => unreachable!() },
            2 => match r.recv_timeout(std::time::Duration::from_secs(50)) {
                Ok(v) => Some(v),
                Err(e) if e.is_disconnected() => None,
                Err(_) => unreachable!("a minute without a value"),
            },
            _ => select! {
                recv(r) -> v => v.ok(),
                recv(after(std::time::Duration::from_secs(50))) -> _ => unreachable!(),
            },
        };
        let Some((id, i)) = got else {
            return (count, sum);
        };
        assert!(
            i >= next[id as usize],
            "sender {id}: {i} after {}",
            next[id as usize]
        );
        next[id as usize] = i + 1;
        count += 1;
        sum += i;
    }
}

fn topology(cap: Option<usize>, producers: u64, consumers: u64, n: u64) {
    let (s, r) = cap.map_or_else(unbounded, bounded);
    let (full, _keep) = bounded(0);
    let (_idle_s, idle) = bounded::<()>(0);
    let p: Vec<_> = (0..producers)
        .map(|id| {
            let (s, full) = (s.clone(), full.clone());
            spawn(move || produce(id, id, n, &s, &full))
        })
        .collect();
    drop(s);
    let c: Vec<_> = (0..consumers)
        .map(|way| {
            let (r, idle) = (r.clone(), idle.clone());
            spawn(move || consume(way, producers, &r, &idle))
        })
        .collect();
    p.into_iter().for_each(|h| h.join().unwrap());
    let (mut count, mut sum) = (0, 0);
    for h in c {
        let (c, s) = h.join().unwrap();
        count += c;
        sum += s;
    }
    assert_eq!(
        (count, sum),
        (producers * n, producers * n * (n - 1) / 2),
        "{cap:?}"
    );
}

#[test]
fn nothing_lost_or_doubled() {
    let scale = scale();
    let all = move || {
        for procs in [1, 2, 8] {
            gomaxprocs(procs);
            for cap in [Some(0), Some(1), Some(64), None] {
                for (producers, consumers) in [(1, 1), (4, 1), (1, 4), (4, 4)] {
                    topology(cap, producers, consumers, 1000 * scale);
                }
            }
        }
    };
    if scale == 1 {
        guarded("goroutines", move || run(all))
    } else {
        run(all)
    }
}
