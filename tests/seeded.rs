//! The seeded mode: `GORS_SEED` makes a program do the same again.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use gors::prelude::*;
use gors::sync::atomic::{AtomicU64, Ordering};
use gors::sync::{Mutex, RwLock};
use gors::testing::{explore, synctest, trace_hash};
use gors::time;

#[path = "support/child.rs"]
mod support;

/// A program in which almost everything could happen in another order; says what has happened.
fn program() {
    assert_eq!(gors::gomaxprocs(0), 1);
    gors::run(|| {
        let begin = time::now();
        let (jobs, results) = (make::<u64>(3), make::<(u64, u64)>(0));
        let log = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::new(RwLock::new(0));
        let sum = Arc::new(AtomicU64::new(0));
        let wg = WaitGroup::new();
        for worker in 0..5 {
            let (jobs, results, log) = (jobs.clone(), results.clone(), log.clone());
            let (seen, sum) = (seen.clone(), sum.clone());
            wg.go(move || {
                for job in &jobs {
                    log.lock().push((worker, job, goid()));
                    *seen.write() += 1;
                    sum.fetch_add(job, Ordering::Relaxed);
                    time::sleep(Duration::from_millis(job % 3));
                    results.send((worker, job));
                }
            });
        }
        let quit = time::after(Duration::from_secs(3600));
        let ticks = time::tick(Duration::from_millis(1));
        let feed = jobs.clone();
        go!(move || {
            for job in 0..40 {
                feed.send(job);
                checkpoint();
            }
            feed.close();
        });
        let closer = results.clone();
        go!(move || {
            wg.wait();
            closer.close();
        });
        let mut ticked = 0;
        let mut order = Vec::new();
        loop {
            select! {
                recv(results) -> result => match result {
                    Some(result) => order.push(result),
                    None => break,
                },
                recv(ticks) -> _ => ticked += 1,
                recv(quit) -> _ => unreachable!(),
            }
        }
        assert_eq!(order.len(), 40);
        println!("order {order:?}");
        println!("log {:?}", log.lock());
        println!("ticked {ticked} in {:?}", time::now() - begin);
        println!("random {}", gors::runtime::raw::random());
        println!("trace {:016x}", trace_hash());
    });
}

/// What the child says; the libtest's own lines with their times are left out.
fn said(seed: &str) -> String {
    let ended = support::run("same_seed_same_program", &[("GORS_SEED", seed)], program);
    ended.assert_success();
    ended
        .stdout
        .lines()
        .filter(|line| line.contains(' ') && !line.starts_with("running"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn same_seed_same_program() {
    let first = said("1");
    assert!(first.contains("trace "), "{first}");
    for _ in 0..4 {
        assert_eq!(said("1"), first);
    }
    let mut traces: Vec<String> = (1..=5)
        .map(|seed| {
            let text = said(&seed.to_string());
            text.lines().last().expect("lines").to_owned()
        })
        .collect();
    traces.sort();
    traces.dedup();
    assert_eq!(traces.len(), 5, "{traces:?}");
}

#[test]
fn an_hour_passes_at_once() {
    support::run("an_hour_passes_at_once", &[("GORS_SEED", "3")], || {
        gors::run(|| {
            let begin = time::now();
            time::sleep(Duration::from_secs(3600));
            assert_eq!(time::now() - begin, Duration::from_secs(3600));
        });
    })
    .assert_success();
}

/// Threads send and wait as ever, although that is not repeatable.
#[test]
fn threads_take_part() {
    support::run("threads_take_part", &[("GORS_SEED", "3")], || {
        let c = make(0);
        let theirs = c.clone();
        let thread = std::thread::spawn(move || {
            for n in 0..100 {
                theirs.send(n);
            }
            theirs.close();
        });
        let sum = gors::run(move || c.iter().sum::<i32>());
        assert_eq!(sum, 4950);
        thread.join().unwrap();
        let (tell, fired) = (make(1), make(0));
        let answer = fired.clone();
        time::after_func(Duration::from_secs(3600), move || tell.send(answer.recv()));
        fired.send(5);
    })
    .assert_success();
}

#[test]
fn a_deadlock_is_found() {
    // A program of its own: a test runner's threads would pass for somebody who may still send.
    let mut command = Command::new(support::example("deadlock"));
    let ended = support::wait(command.arg("cycle").env("GORS_SEED", "3"));
    ended.assert_fatal("fatal error: all goroutines are asleep - deadlock!");
    ended.assert_fatal("[chan receive");
}

#[test]
fn panics_end_the_process() {
    support::run("panics_end_the_process", &[("GORS_SEED", "3")], || {
        gors::run(|| {
            go!(|| panic!("expected"));
            gosched();
            time::sleep(Duration::from_secs(1));
        });
    })
    .assert_fatal("expected");
}

#[test]
fn bubbles_float_in_a_seeded_process() {
    support::run(
        "bubbles_float_in_a_seeded_process",
        &[("GORS_SEED", "7")],
        || {
            gors::run(|| {
                let begin = time::now();
                synctest(|| time::sleep(Duration::from_secs(60)));
                explore(5, || {
                    let wg = WaitGroup::new();
                    wg.go(|| time::sleep(Duration::from_secs(60)));
                    wg.wait();
                });
                assert_eq!(time::now(), begin, "their time is not ours");
            });
        },
    )
    .assert_success();
}

#[test]
fn nonsense_is_refused() {
    for (name, value) in [("GORS_SEED", "x"), ("GORS_AUDIT", "nothing")] {
        support::run("nonsense_is_refused", &[(name, value)], || gors::run(|| ()))
            .assert_fatal(name);
    }
}
