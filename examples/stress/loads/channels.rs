//! Goroutines that communicate.

use std::thread;

use fastrand::Rng;
use gors::chan::{after, bounded};
use gors::prelude::*;

use super::check;

/// Two goroutines and one ball.
pub(crate) fn ping_pong(mut random: Rng) -> Result<(), String> {
    let rallies = random.u64(1..=500);
    let (there, back) = (make(0), make(0));
    let (balls, returns) = (there.clone(), back.clone());
    go!({
        for ball in balls {
            returns.send(ball + 1);
        }
        returns.close();
    });
    let mut ball = 0;
    for _ in 0..rallies {
        there.send(ball);
        ball = back.recv().ok_or("the other player has left")?;
    }
    there.close();
    check("ball", ball, rallies)?;
    check("after the game", back.recv(), None)
}

/// Numbers go through a row of goroutines in order.
pub(crate) fn pipeline(mut random: Rng) -> Result<(), String> {
    let count = random.u64(1..=300);
    let stages = random.u64(1..=10);
    let first = make(random.usize(0..4));
    let mut last = first.clone();
    for _ in 0..stages {
        let (input, output) = (last, make(random.usize(0..4)));
        last = output.clone();
        go!({
            for n in input {
                output.send(n + 1);
            }
            output.close();
        });
    }
    go!({
        for n in 0..count {
            first.send(n);
        }
        first.close();
    });
    let mut expected = stages;
    for n in last {
        check("number", n, expected)?;
        expected += 1;
    }
    check("how many", expected - stages, count)
}

/// Some send, some receive, on one channel.
pub(crate) fn producers_and_consumers(mut random: Rng) -> Result<(), String> {
    let (producers, consumers) = (random.u64(1..=8), random.usize(1..=8));
    let each = random.u64(1..=100);
    let goods = make(random.usize(0..16));
    let sums = make(consumers);
    for _ in 0..consumers {
        let (goods, sums) = (goods.clone(), sums.clone());
        go!(move || sums.send(goods.iter().sum::<u64>()));
    }
    let wg = WaitGroup::new();
    for producer in 0..producers {
        let goods = goods.clone();
        wg.go(move || {
            for n in 0..each {
                goods.send(producer * each + n);
            }
        });
    }
    wg.wait();
    goods.close();
    let total = producers * each;
    let sum = sums.iter().take(consumers).sum();
    check("sum", sum, total * (total - 1) / 2)
}

/// One goroutine receives from several channels, whichever has something.
pub(crate) fn select_fan_in(mut random: Rng) -> Result<(), String> {
    let each = random.u64(1..=100);
    let cap = random.usize(0..3);
    let [a, b, c] = [(); 3].map(|()| make::<u64>(cap));
    let done = make::<()>(0);
    let wg = WaitGroup::new();
    for source in [&a, &b, &c] {
        let source = source.clone();
        wg.go(move || {
            for n in 1..=each {
                source.send(n);
            }
        });
    }
    let all_sent = done.clone();
    go!(move || {
        wg.wait();
        all_sent.close();
    });
    let mut sum = 0;
    let mut stopping = false;
    loop {
        let number = select! {
            recv(a) -> n => n,
            recv(b) -> n => n,
            recv(c) -> n => n,
            recv(done) -> _ => { stopping = true; None }
        };
        sum += number.unwrap_or_default();
        if stopping && a.is_empty() && b.is_empty() && c.is_empty() {
            break;
        }
    }
    check("sum", sum, 3 * each * (each + 1) / 2)
}

/// Goroutines that send and receive in the same `select!`, among themselves: every number sent is
/// received.
pub(crate) fn select_both_ways(mut random: Rng) -> Result<(), String> {
    let pairs = random.u64(1..=6);
    let turns = random.u64(1..=100);
    let market = make::<u64>(0);
    let totals = make(0);
    for _ in 0..pairs * 2 {
        let (market, totals) = (market.clone(), totals.clone());
        let mut random = random.fork();
        go!(move || {
            let (mut given, mut taken) = (0_u64, 0_u64);
            for _ in 0..turns {
                let offer = random.u64(1..1_000);
                select! {
                    send(market, offer) -> _ => given += offer,
                    recv(market) -> n => taken += n.expect("nobody closes the market"),
                    recv(after(Duration::from_micros(300))) -> _ => {}
                }
            }
            totals.send((given, taken));
        });
    }
    let (mut given, mut taken) = (0, 0);
    for (gave, took) in totals
        .iter()
        .take(usize::try_from(pairs * 2).unwrap_or_default())
    {
        given += gave;
        taken += took;
    }
    check("given and taken", given, taken)
}

/// Plain threads at one end of a channel, goroutines at the other.
pub(crate) fn plain_threads(mut random: Rng) -> Result<(), String> {
    let count = random.u64(1..=100);
    let (to_threads, jobs) = bounded::<u64>(random.usize(0..3));
    let (results, from_threads) = bounded::<u64>(random.usize(0..3));
    for _ in 0..2 {
        let (jobs, results) = (jobs.clone(), results.clone());
        thread::spawn(move || {
            for job in jobs {
                results
                    .send(job * 2)
                    .expect("somebody collects the results");
            }
        });
    }
    drop((jobs, results));
    go!({
        for job in 1..=count {
            to_threads.send(job).expect("the threads take all jobs");
        }
    });
    check("sum", from_threads.iter().sum(), count * (count + 1))
}
