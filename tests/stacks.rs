//! Stacks: how big they are, what an overflow says, and that their memory comes back.
//!
//! Under sanitizers there are other limits. ThreadSanitizer notes calls in a table of 65,536 for a thread
//! or fibre, and does not look for its end: recursion that goes deeper crashes, with std alone as well.
//! It knows 8,100 goroutines; AddressSanitizer's shadow leaves addresses for 32,768 stacks. Both have
//! memory of their own for each page that a program has touched.

#[path = "support/child.rs"]
mod child;

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use gors::prelude::*;

/// How deep a goroutine can be, in calls.
const DEEPEST: usize = if cfg!(gors_tsan) { 32 << 10 } else { 256 << 10 };
/// Goroutines at the same time, of which one's stack overflows.
const AMONG: usize = if cfg!(gors_tsan) {
    6_000
} else if cfg!(gors_asan) {
    20_000
} else {
    100_000
};

/// Uses about `kib` KiB of stack.
#[inline(never)]
fn descend(kib: usize) -> usize {
    let frame = black_box([kib as u8; 1024]);
    if kib == 0 {
        0
    } else {
        usize::from(frame[kib % 1024] == kib as u8) + descend(kib - 1)
    }
}

/// Catches a class that is smaller than what was asked for.
#[gors::test]
fn a_goroutine_gets_the_stack_it_asks_for() {
    let sizes = [32, 200, 1 << 10, 8 << 10, 64 << 10, 225 << 10];
    for kib in sizes.into_iter().filter(|kib| *kib <= DEEPEST) {
        // Debug builds make more of a frame than its kilobyte.
        let handle = gors::Builder::new()
            .stack_size((4 * kib) << 10)
            .spawn(move || descend(kib));
        assert_eq!(handle.expect("such stacks exist").join().ok(), Some(kib));
    }
}

/// Catches a size that is silently cut down.
#[gors::test]
fn a_stack_that_no_class_holds_is_an_error() {
    let error = gors::Builder::new()
        .stack_size(usize::MAX)
        .go(|| {})
        .expect_err("nobody has that much");
    assert!(
        error.to_string().contains("larger than the largest"),
        "{error}"
    );
}

/// Lets that many goroutines wait at the same time and end.
fn park_and_end(count: usize) {
    let (gate, done) = (make::<()>(0), WaitGroup::new());
    for _ in 0..count {
        let gate = gate.clone();
        done.go(move || {
            gate.recv();
        });
    }
    gate.close();
    done.wait();
}

/// Catches an overflow that names another goroutine, or ends without a word.
#[test]
fn an_overflow_names_the_goroutine_among_many() {
    let ended = child::run("an_overflow_names_the_goroutine_among_many", &[], || {
        gors::run(|| {
            // Stacks that others had before, half of them with their memory given back.
            park_and_end(AMONG / 2);
            gors::runtime::free_os_memory();
            park_and_end(AMONG / 4);
            let wait = make::<()>(0);
            for n in 0..AMONG {
                let wait = wait.clone();
                gors::Builder::new()
                    .name(format!("number {n}"))
                    .go(move || {
                        if n == AMONG / 4 * 3 {
                            descend(1 << 20);
                        }
                        wait.recv();
                    })
                    .expect("stacks of the default size exist");
            }
            wait.recv();
        });
    });
    assert_eq!(ended.code, None, "abort is a signal: {ended:#?}");
    let name = format!("\"number {}\", created at tests/stacks.rs:", AMONG / 4 * 3);
    assert!(ended.stderr.contains(&name), "{ended:#?}");
    assert!(
        ended.stderr.contains("has overflowed its stack of 240 KiB"),
        "{ended:#?}"
    );
    assert!(
        ended.stderr.contains("fatal error: stack overflow"),
        "{ended:#?}"
    );
}

/// Catches a handler that swallows faults which are not its own.
#[test]
#[cfg_attr(
    gors_tsan,
    ignore = "std's signal stack has no room for ThreadSanitizer's handler: a program without gors dies in silence, too"
)]
fn the_main_threads_overflow_is_still_reported_by_std() {
    let ended = child::run(
        "the_main_threads_overflow_is_still_reported_by_std",
        &[],
        || {
            gors::run(|| {});
            descend(1 << 30);
        },
    );
    if cfg!(gors_asan) {
        // Its handler was there before, and stands for std's.
        let said = ended.stderr.contains("AddressSanitizer: stack-overflow");
        return assert!(said, "{ended:#?}");
    }
    assert_eq!(ended.code, None, "abort is a signal: {ended:#?}");
    assert!(
        ended.stderr.contains("has overflowed its stack"),
        "{ended:#?}"
    );
    assert!(!ended.stderr.contains("gors:"), "{ended:#?}");
}

/// Catches nonsense that is taken for a size.
#[test]
fn a_stack_size_that_is_none_ends_with_advice() {
    for nonsense in ["much", "-1", "64Q", "0"] {
        let ended = child::run(
            "a_stack_size_that_is_none_ends_with_advice",
            &[("GORS_STACK_SIZE", nonsense)],
            || gors::run(|| {}),
        );
        ended.assert_fatal(&format!("GORS_STACK_SIZE={nonsense}"));
        ended.assert_fatal("64K");
    }
}

/// Catches units that are not understood, and a default that is not the default.
#[test]
fn the_default_size_can_be_set() {
    for size in ["8M", "8 MiB", "8388608"] {
        let ended = child::run(
            "the_default_size_can_be_set",
            &[("GORS_STACK_SIZE", size)],
            || {
                gors::run(|| {
                    let depth = go_and_descend(2 << 10);
                    assert_eq!(depth, 2 << 10);
                    assert!(gors::runtime::stack_usage()[0].size >= 8 << 20);
                });
            },
        );
        ended.assert_success();
    }
    let ended = child::run(
        "the_default_size_can_be_set",
        &[("GORS_STACK_SIZE", "4G")],
        || gors::run(|| {}),
    );
    ended.assert_fatal("larger than the largest");
}

/// How deep a goroutine of `go!` gets that many KiB.
fn go_and_descend(kib: usize) -> usize {
    let answer = make::<usize>(1);
    let to = answer.clone();
    go!(move || to.send(descend(kib)));
    answer.recv().expect("it answers")
}

/// Catches a high-water mark that follows the stack pointer, or that of another goroutine.
#[test]
fn stack_usage_tells_how_deep_a_goroutine_was() {
    let ended = child::run("stack_usage_tells_how_deep_a_goroutine_was", &[], || {
        gors::run(|| {
            let (deep, parked, gate) = (make::<u64>(0), WaitGroup::new(), make::<()>(0));
            parked.add(3);
            for kib in [0, 100, 0] {
                let (deep, parked, gate) = (deep.clone(), parked.clone(), gate.clone());
                go!(move || {
                    descend(kib);
                    parked.done();
                    if kib > 0 {
                        deep.send(goid());
                    }
                    gate.recv();
                });
            }
            let deep = deep.recv().expect("one of them was deep");
            parked.wait();
            let usage = gors::runtime::stack_usage();
            assert_eq!(usage.len(), 4, "main and three others: {usage:?}");
            assert_eq!(usage[0].goid, deep, "{usage:?}");
            assert!((100 << 10..220 << 10).contains(&usage[0].used), "{usage:?}");
            assert!(usage[1].used < 100 << 10, "{usage:?}");
            assert!(
                usage[0]
                    .created
                    .is_some_and(|at| at.file().ends_with("stacks.rs"))
            );
            gate.close();
        });
    });
    ended.assert_success();
}

/// Catches stacks that keep their memory after a burst, and ones that are broken by giving it back.
#[test]
#[cfg_attr(
    any(gors_asan, gors_tsan),
    ignore = "a sanitizer's shadow of a stack stays when the stack's memory goes: 32 KiB each of AddressSanitizer's"
)]
fn memory_comes_back_after_a_burst() {
    let ended = child::run("memory_comes_back_after_a_burst", &[], || {
        const BURST: usize = 20_000;
        let before = resident();
        for round in 0..3 {
            gors::run(|| {
                let (ready, gate) = (WaitGroup::new(), make::<()>(0));
                let done = WaitGroup::new();
                ready.add(BURST as isize);
                for _ in 0..BURST {
                    let (ready, gate) = (ready.clone(), gate.clone());
                    done.go(move || {
                        ready.done();
                        gate.recv();
                    });
                }
                ready.wait();
                assert!(
                    resident() - before > BURST << 12,
                    "a parked goroutine has a page"
                );
                gate.close();
                done.wait();
            });
            if round == 0 {
                gors::runtime::free_os_memory();
            }
            let begun = Instant::now();
            while resident() > before + (BURST << 12) / 10 {
                assert!(
                    begun.elapsed() < Duration::from_secs(60),
                    "round {round}: {}",
                    resident()
                );
                gors::time::sleep(Duration::from_millis(50));
            }
        }
    });
    ended.assert_success();
}

/// Catches page tables that stay for ever, and a mapping that falls to pieces when they are given back.
#[test]
#[cfg_attr(
    any(gors_asan, gors_tsan),
    ignore = "the page tables of a sanitizer's shadow stay, and ThreadSanitizer knows 8,100 goroutines"
)]
fn page_tables_come_back_after_a_burst() {
    const BURST: usize = 20_000;
    let ended = child::run("page_tables_come_back_after_a_burst", &[], || {
        let mappings = || {
            let maps = std::fs::read_to_string("/proc/self/maps").expect("Linux has it");
            maps.lines().count()
        };
        for round in 0..3 {
            gors::run(|| park_at_once(BURST));
            if mappings() > BURST {
                // No guard markers, before Linux 6.13.
                return;
            }
            let peak = page_tables();
            gors::runtime::free_os_memory();
            let after = page_tables();
            assert!(
                after < peak / 2,
                "round {round}: {after} KiB of {peak} stay"
            );
            let count = mappings();
            assert!(count < 500, "round {round}: {count} mappings");
        }
    });
    ended.assert_success();
}

/// Kibibytes of page tables.
fn page_tables() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux has it");
    let line = status.lines().find_map(|line| line.strip_prefix("VmPTE:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .expect("a number of kB")
}

/// Lets that many goroutines have a stack each and end.
fn park_at_once(count: usize) {
    let (ready, gate) = (WaitGroup::new(), make::<()>(0));
    let done = WaitGroup::new();
    ready.add(count as isize);
    for _ in 0..count {
        let (ready, gate) = (ready.clone(), gate.clone());
        done.go(move || {
            ready.done();
            gate.recv();
        });
    }
    ready.wait();
    gate.close();
    done.wait();
}

/// Catches a crash, or a goroutine on an unguarded stack, where guards cost mappings and run out:
/// on kernels without guard markers. Those that find no stack wait until one comes free.
#[test]
#[cfg_attr(
    gors_tsan,
    ignore = "ThreadSanitizer knows fewer goroutines than the kernel has guards"
)]
fn without_guard_markers_goroutines_wait_for_a_stack() {
    const MANY: usize = 40_000;
    let ended = child::run(
        "without_guard_markers_goroutines_wait_for_a_stack",
        &[("GORS_GUARDS", "mprotect")],
        || {
            gors::run(|| {
                let (gate, done) = (make::<()>(0), WaitGroup::new());
                let running = Arc::new(AtomicUsize::new(0));
                for _ in 0..MANY {
                    let (gate, running) = (gate.clone(), Arc::clone(&running));
                    done.go(move || {
                        running.fetch_add(1, Ordering::Relaxed);
                        gate.recv();
                    });
                }
                // Until others wait for a stack already.
                let error = loop {
                    match gors::Builder::new().go(|| {}) {
                        Ok(()) => gors::time::sleep(Duration::from_millis(10)),
                        Err(error) => break error,
                    }
                };
                assert!(error.to_string().contains("vm.max_map_count"), "{error}");
                while running.load(Ordering::Relaxed) < 29_000 {
                    gors::time::sleep(Duration::from_millis(10));
                }
                let first = running.load(Ordering::Relaxed);
                assert!(first < MANY, "all run at once");
                gate.close();
                done.wait();
                assert_eq!(running.load(Ordering::Relaxed), MANY);
            });
        },
    );
    ended.assert_success();
    let warnings = ended
        .stderr
        .matches("goroutines wait until a stack comes free")
        .count();
    assert_eq!(warnings, 1, "{}", ended.stderr);
}

/// Resident memory in bytes.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux has it");
    let pages: usize = statm
        .split_whitespace()
        .nth(1)
        .and_then(|pages| pages.parse().ok())
        .expect("the second number is the resident set");
    pages << 12
}
