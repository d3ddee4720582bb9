//! Goroutines that wait for time, for each other, for the system, and that end in other ways.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use fastrand::Rng;
use gors::chan::after;
use gors::prelude::*;
use gors::runtime::Parker;
use gors::time::sleep;

use super::check;

/// Many short sleeps, none too short.
pub(crate) fn sleeps(mut random: Rng) -> Result<(), String> {
    let sleepers: Vec<_> = (0..random.usize(1..=50))
        .map(|_| {
            let time = Duration::from_micros(random.u64(0..1_500));
            spawn(move || {
                let begin = Instant::now();
                sleep(time);
                begin.elapsed() >= time
            })
        })
        .collect();
    for sleeper in sleepers {
        let slept = sleeper.join().map_err(|error| error.to_string())?;
        check("slept long enough", slept, true)?;
    }
    Ok(())
}

/// Waits for a value that comes in time, too late or never.
pub(crate) fn timeouts(mut random: Rng) -> Result<(), String> {
    let waits: Vec<_> = (0..random.usize(1..=20))
        .map(|_| {
            let values = make::<u64>(1);
            let delay = random
                .bool()
                .then(|| Duration::from_micros(random.u64(0..1_000)));
            let patience = Duration::from_micros(random.u64(0..1_000));
            if let Some(delay) = delay {
                let values = values.clone();
                go!({
                    sleep(delay);
                    values.send(7);
                });
            }
            spawn(move || {
                select! {
                    recv(values) -> value => value == Some(7) && delay.is_some(),
                    recv(after(patience)) -> _ => true,
                }
            })
        })
        .collect();
    for wait in waits {
        let right = wait.join().map_err(|error| error.to_string())?;
        check("value or timeout", right, true)?;
    }
    Ok(())
}

/// Tokens go round a ring of parkers.
pub(crate) fn parkers(mut random: Rng) -> Result<(), String> {
    let laps = random.u64(1..=30);
    let ring: Vec<_> = (0..random.usize(2..=8)).map(|_| Parker::new()).collect();
    let expected = laps * ring.len() as u64;
    let unparkers: Vec<_> = ring
        .iter()
        .map(|parker| parker.unparker().clone())
        .collect();
    let steps = Arc::new(AtomicU64::new(0));
    let wg = WaitGroup::new();
    for (at, parker) in ring.into_iter().enumerate() {
        let next = unparkers[(at + 1) % unparkers.len()].clone();
        let steps = Arc::clone(&steps);
        wg.go(move || {
            for _ in 0..laps {
                parker.park();
                steps.fetch_add(1, Ordering::Relaxed);
                next.unpark();
            }
        });
    }
    unparkers[0].unpark();
    wg.wait();
    check("steps", steps.load(Ordering::Relaxed), expected)
}

/// Calls that block the thread while other goroutines go on.
pub(crate) fn blocking_calls(mut random: Rng) -> Result<(), String> {
    let results = make(0);
    let count = random.u64(1..=8);
    for n in 1..=count {
        let results = results.clone();
        let naps = random.bool();
        go!(move || {
            let square = blocking(|| {
                if naps {
                    // Inside `blocking` this waits as on a plain thread.
                    sleep(Duration::from_micros(200));
                }
                let (there, back) = (make(0), make(0));
                let (numbers, squares) = (there.clone(), back.clone());
                go!(move || squares.send(numbers.recv().map_or(0, |n: u64| n * n)));
                there.send(n);
                back.recv().unwrap_or_default()
            });
            results.send(square);
        });
    }
    let sum = results
        .iter()
        .take(usize::try_from(count).unwrap_or_default())
        .sum::<u64>();
    check(
        "sum of squares",
        sum,
        count * (count + 1) * (2 * count + 1) / 6,
    )
}

/// Goroutines that end by `goexit`, below destructors that block.
pub(crate) fn endings(mut random: Rng) -> Result<(), String> {
    let count = random.u64(1..=10);
    let farewells = make(0);
    let handles: Vec<_> = (0..count)
        .map(|_| {
            let farewells = farewells.clone();
            spawn(move || -> () {
                defer!(farewells.send(1));
                gosched();
                goexit();
            })
        })
        .collect();
    let sum = farewells
        .iter()
        .take(usize::try_from(count).unwrap_or_default())
        .sum::<u64>();
    check("farewells", sum, count)?;
    for handle in handles {
        check(
            "ended by goexit",
            handle.join().is_err_and(|error| error.is_goexit()),
            true,
        )?;
    }
    Ok(())
}
