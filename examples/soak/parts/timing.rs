//! Timers that are stopped, moved, and dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use fastrand::Rng;
use gors::prelude::*;
use gors::time::{Ticker, Timer, after_func, sleep};

use super::check;

/// After a stop or a reset no older value comes, and none comes early.
pub(crate) fn timers(mut random: Rng) -> Result<(), String> {
    let handles: Vec<_> = (0..random.usize(1..=20))
        .map(|_| {
            let [first, then, last] = [(); 3].map(|()| Duration::from_micros(random.u64(0..800)));
            let stops = random.bool();
            spawn(move || -> Result<(), String> {
                let timer = Timer::new(first);
                sleep(then);
                if stops {
                    timer.stop();
                    check("value after a stop", timer.c().try_recv().is_err(), true)?;
                }
                let begin = Instant::now();
                timer.reset(last);
                timer.c().recv().map_err(|error| error.to_string())?;
                check("early", begin.elapsed() < last, false)?;
                check("a second value", timer.c().try_recv().is_err(), true)
            })
        })
        .collect();
    for handle in handles {
        handle.join().map_err(|error| error.to_string())??;
    }
    Ok(())
}

/// Ticks come in order and not before their time.
pub(crate) fn tickers(mut random: Rng) -> Result<(), String> {
    let handles: Vec<_> = (0..random.usize(1..=8))
        .map(|_| {
            let period = Duration::from_micros(random.u64(50..1_000));
            let ticks = random.u32(1..=8);
            spawn(move || -> Result<(), String> {
                let begin = Instant::now();
                let ticker = Ticker::new(period);
                let mut before = begin;
                for n in 1..=ticks {
                    let tick = ticker.c().recv().map_err(|error| error.to_string())?;
                    check("order of ticks", tick > before, true)?;
                    check("early", begin.elapsed() < period * n, false)?;
                    before = tick;
                }
                ticker.stop();
                check(
                    "a tick after the stop",
                    ticker.c().try_recv().is_err(),
                    true,
                )
            })
        })
        .collect();
    for handle in handles {
        handle.join().map_err(|error| error.to_string())??;
    }
    Ok(())
}

/// A function runs if and only if nobody stopped it.
pub(crate) fn after_funcs(mut random: Rng) -> Result<(), String> {
    let count = random.u64(1..=40);
    let fired = Arc::new(AtomicU64::new(0));
    let wg = WaitGroup::new();
    let mut timers = Vec::new();
    for _ in 0..count {
        wg.add(1);
        let (fired, done) = (Arc::clone(&fired), wg.clone());
        timers.push(after_func(
            Duration::from_micros(random.u64(0..1_000)),
            move || {
                fired.fetch_add(1, Ordering::Relaxed);
                done.done();
            },
        ));
    }
    sleep(Duration::from_micros(random.u64(0..1_000)));
    let mut stopped = 0;
    for timer in timers {
        // Some are dropped, which stops nothing.
        if random.bool() && timer.stop() {
            stopped += 1;
            wg.done();
        }
    }
    wg.wait();
    check("fired", fired.load(Ordering::Relaxed), count - stopped)
}
