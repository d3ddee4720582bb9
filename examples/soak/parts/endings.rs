//! Goroutines that panic, and what belongs to one goroutine only.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fastrand::Rng;
use gors::prelude::*;

use super::{Planned, check};

/// A panic arrives at whoever joins, after destructors that block.
pub(crate) fn panics(mut random: Rng) -> Result<(), String> {
    let farewells = make(0);
    let count = random.u64(1..=8);
    let handles: Vec<_> = (0..count)
        .map(|n| {
            let (farewells, yields) = (farewells.clone(), random.bool());
            spawn(move || -> u64 {
                // A goroutine that unwinds waits on its own thread.
                defer!(farewells.send(n));
                if yields {
                    gosched();
                }
                panic_any(Planned(n))
            })
        })
        .collect();
    let sum: u64 = farewells.iter().take(handles.len()).sum();
    check("farewells", sum, count * (count - 1) / 2)?;
    for (n, handle) in (0..).zip(handles) {
        let payload = handle.join().err().filter(|error| error.is_panic());
        let payload = payload.and_then(|error| error.into_panic().downcast::<Planned>().ok());
        check("payload", payload.map(|planned| planned.0), Some(n))?;
    }
    Ok(())
}

/// A scope waits for all its children before it passes a panic on.
pub(crate) fn scope_panics(mut random: Rng) -> Result<(), String> {
    let ended = AtomicU64::new(0);
    let children = random.u64(1..=8);
    let bad = random.u64(0..children);
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        scope(|s| {
            for n in 0..children {
                let ended = &ended;
                s.go(move || {
                    defer!({
                        ended.fetch_add(1, Ordering::Relaxed);
                    });
                    gosched();
                    if n == bad {
                        panic_any(Planned(n));
                    }
                    gosched();
                });
            }
        });
    }));
    check("passed on", outcome.is_err(), true)?;
    check("ended", ended.load(Ordering::Relaxed), children)
}

goroutine_local! {
    static OWN: Cell<u64> = Cell::new(0);
}

/// Each goroutine keeps its own value on whatever thread it goes on.
pub(crate) fn locals(mut random: Rng) -> Result<(), String> {
    let wrong = Arc::new(AtomicU64::new(0));
    let turns = random.u64(1..=50);
    let wg = WaitGroup::new();
    for _ in 0..random.u64(1..=16) {
        let wrong = Arc::clone(&wrong);
        wg.go(move || {
            for turn in 0..turns {
                let before = OWN.with(|own| own.replace(turn + 1));
                wrong.fetch_add(u64::from(before != turn), Ordering::Relaxed);
                gosched();
            }
        });
    }
    wg.wait();
    check("wrong values", wrong.load(Ordering::Relaxed), 0)
}

/// Goroutines as futures, polled a few times before they are waited for.
pub(crate) fn futures(mut random: Rng) -> Result<(), String> {
    let count = random.u64(1..=20);
    let handles: Vec<_> = (0..count)
        .map(|n| {
            let nap = Duration::from_micros(random.u64(0..300));
            spawn(move || {
                gors::time::sleep(nap);
                n
            })
        })
        .collect();
    let mut sum = 0;
    for mut handle in handles {
        let mut polls = 0;
        sum += block_on(std::future::poll_fn(|context| {
            polls += 1;
            if polls < 3 {
                // An unpark before the park must not be lost.
                context.waker().wake_by_ref();
            }
            Pin::new(&mut handle).poll(context)
        }))
        .map_err(|error| error.to_string())?;
    }
    check("sum", sum, count * (count - 1) / 2)
}
