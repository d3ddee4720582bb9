//! Where goroutines meet the operating system.

use std::process::Command;
use std::thread;
use std::time::Instant;

use fastrand::Rng;
use gors::prelude::*;
use gors::runtime::Builder;
use gors::signal::{self, Signal};
use gors::time::sleep;
use gors::{lock_os_thread, unlock_os_thread};

use super::check;

/// A locked goroutine stays on its thread; some end locked, and their thread with them.
pub(crate) fn locked_threads(mut random: Rng) -> Result<(), String> {
    let handles: Vec<_> = (0..random.usize(1..=4))
        .map(|_| {
            let (turns, unlocks) = (random.u32(1..=10), random.u32(0..8) != 0);
            spawn(move || {
                lock_os_thread();
                let home = thread::current().id();
                let mut moved = false;
                for turn in 0..turns {
                    if turn % 3 == 2 {
                        sleep(Duration::from_micros(50));
                    } else {
                        gosched();
                    }
                    moved |= thread::current().id() != home;
                }
                if unlocks {
                    unlock_os_thread();
                }
                moved
            })
        })
        .collect();
    for handle in handles {
        let moved = handle.join().map_err(|error| error.to_string())?;
        check("left its thread", moved, false)?;
    }
    Ok(())
}

/// Recursion on stacks of several sizes, with waits at the bottom.
pub(crate) fn deep_stacks(mut random: Rng) -> Result<(), String> {
    /// Bytes of a frame, about.
    const FRAME: usize = 1 << 10;

    #[inline(never)]
    fn descend(depth: usize, seed: u8) -> u64 {
        let mut frame = [seed; FRAME];
        std::hint::black_box(&mut frame);
        if depth == 0 {
            gosched();
            return 0;
        }
        let below = descend(depth - 1, seed.wrapping_add(1));
        gosched_sometimes(depth);
        below + u64::from(std::hint::black_box(&frame)[FRAME / 2])
    }

    fn gosched_sometimes(depth: usize) {
        if depth.is_multiple_of(64) {
            gosched();
        }
    }

    let handles: Vec<_> = (0..random.usize(1..=6))
        .map(|_| {
            let size = [64 << 10, 200 << 10, 1 << 20, 4 << 20][random.usize(0..4)];
            // Frames are larger than what they hold, in debug builds a lot.
            let depth = random.usize(1..=size / FRAME / 4);
            let goroutine = Builder::new()
                .stack_size(size)
                .spawn(move || descend(depth, 1));
            (depth, goroutine)
        })
        .collect();
    for (depth, handle) in handles {
        let handle = handle.map_err(|error| error.to_string())?;
        let sum = handle.join().map_err(|error| error.to_string())?;
        let expected = (0..depth).map(|n| (n as u64 + 1) % 256).sum();
        check("sum of frames", sum, expected)?;
    }
    Ok(())
}

/// Goroutines that use the processor for longer than a slice.
pub(crate) fn hogs(mut random: Rng) -> Result<(), String> {
    let handles: Vec<_> = (0..random.usize(1..=2))
        .map(|_| {
            let time = Duration::from_millis(random.u64(1..=15));
            let polite = random.bool();
            spawn(move || {
                let begin = Instant::now();
                while begin.elapsed() < time {
                    if polite {
                        checkpoint();
                    }
                    std::hint::spin_loop();
                }
            })
        })
        .collect();
    for handle in handles {
        handle.join().map_err(|error| error.to_string())?;
    }
    sleep(Duration::from_millis(20));
    Ok(())
}

/// Every signal that was sent while nobody had one arrives.
pub(crate) fn signals(mut random: Rng) -> Result<(), String> {
    let arrived = make(1);
    signal::notify(&arrived, &[Signal::USER1]);
    for _ in 0..random.u32(1..=10) {
        Signal::USER1.raise().map_err(|error| error.to_string())?;
        check("signal", arrived.recv(), Some(Signal::USER1))?;
    }
    signal::stop(&arrived);
    check("a signal after the stop", arrived.try_recv().is_err(), true)
}

/// Children are started, and waited for, by goroutines.
pub(crate) fn processes(mut random: Rng) -> Result<(), String> {
    let word = random.u64(..).to_string();
    let output = blocking(|| Command::new("echo").arg(&word).output());
    let output = output.map_err(|error| error.to_string())?;
    check(
        "output",
        String::from_utf8_lossy(&output.stdout).trim(),
        &word,
    )?;
    sleep(Duration::from_millis(random.u64(20..200)));
    Ok(())
}

/// Looks at the runtime from inside, and gives memory back, while all else runs.
pub(crate) fn dumps(mut random: Rng) -> Result<(), String> {
    let me = format!("goroutine {} [running", goid());
    let dump = gors::runtime::stack_dump();
    check("named in the dump", dump.contains(&me), true)?;
    if random.bool() {
        gors::runtime::free_os_memory();
    }
    let stats = gors::runtime::stats();
    check(
        "ended before they were spawned",
        stats.ended > stats.spawned,
        false,
    )?;
    sleep(Duration::from_millis(random.u64(20..200)));
    Ok(())
}
