//! `GORS_AUDIT=migrate`: a goroutine is on another thread after each park.

use std::collections::HashSet;
use std::thread;
use std::time::Duration;

use gors::prelude::*;
use gors::time;

#[path = "support/child.rs"]
mod support;

const AUDIT: (&str, &str) = ("GORS_AUDIT", "migrate");

/// A sleep always parks; a receive does so mostly.
fn waits(procs: usize) {
    gors::gomaxprocs(procs);
    gors::run(|| {
        for _ in 0..50 {
            let here = thread::current().id();
            time::sleep(Duration::from_micros(10));
            assert_ne!(thread::current().id(), here, "still on its thread");
        }
        let (there, back) = (make(0), make(0));
        let (theirs, answer) = (there.clone(), back.clone());
        go!(move || {
            for n in &theirs {
                answer.send(n);
            }
        });
        let mut moved = 0;
        for n in 0..100 {
            let here = thread::current().id();
            there.send(n);
            assert_eq!(back.recv(), Some(n));
            moved += u32::from(thread::current().id() != here);
        }
        assert!(moved > 50, "{moved} of 100");
        there.close();
    });
}

#[test]
fn every_wait_moves() {
    for procs in [1, 2, 4] {
        support::run("every_wait_moves", &[AUDIT], || waits(procs)).assert_success();
    }
}

#[test]
fn locked_goroutines_stay() {
    support::run("locked_goroutines_stay", &[AUDIT], || {
        gors::run(|| {
            gors::lock_os_thread();
            let here = thread::current().id();
            for _ in 0..10 {
                time::sleep(Duration::from_micros(10));
                gosched();
                assert_eq!(thread::current().id(), here);
            }
            gors::unlock_os_thread();
        });
    })
    .assert_success();
}

#[test]
fn seeded_runs_move_too() {
    let said = |seed| {
        let environment = [AUDIT, ("GORS_SEED", seed)];
        let ended = support::run("seeded_runs_move_too", &environment, || {
            gors::run(|| {
                let c = make(0);
                for n in 0..10 {
                    let c = c.clone();
                    go!(move || c.send(n));
                }
                // A sleep may be more than one move, there and back again.
                let mut threads = HashSet::new();
                for _ in 0..20 {
                    threads.insert(thread::current().id());
                    time::sleep(Duration::from_secs(1));
                }
                assert!(threads.len() > 1);
                let order: Vec<i32> = c.iter().take(10).collect();
                println!("order {order:?} {:x}", gors::testing::trace_hash());
            });
        });
        ended.assert_success();
        let line = ended.stdout.lines().find(|line| line.contains("order "));
        line.expect("an order").to_owned()
    };
    assert_eq!(said("5"), said("5"));
}
