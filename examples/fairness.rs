//! How late others are beside goroutines that hog the CPU, block their thread, or just sleep.
//!
//! ```text
//! cargo run --release --example fairness -- [CASE]
//! ```
//!
//! Each case is a program of its own: its goroutines do not end. `docs/fairness.md` has figures.

use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use gors::prelude::*;
use gors::runtime::stats;
use gors::time::sleep;

/// A case: its name, its program, and what it shows.
type Case = (&'static str, fn(), &'static str);

const CASES: &[Case] = &[
    ("sleep-50us", idle_50_us, "sleep(50 µs) in an idle process"),
    ("sleep-1ms", idle_1_ms, "sleep(1 ms) in an idle process"),
    (
        "sleep-many",
        many_sleepers,
        "CPU time of 1,000 goroutines that sleep 10 ms in a loop",
    ),
    ("hogs", hogs, "sleep(1 ms) beside one hog per permit"),
    (
        "yielders",
        yielders,
        "sleep(1 ms) beside 1,000 goroutines that work 20 µs and yield",
    ),
    (
        "unannounced",
        unannounced,
        "sleep(1 ms) beside one std::thread::sleep(50 ms) per permit, over and over",
    ),
    ("announced", announced, "the same inside blocking()"),
    (
        "cpu-bound",
        cpu_bound,
        "1,000 goroutines of 50 ms of work each, and sleep(1 ms) beside them",
    ),
    (
        "cpu-bound-10k",
        cpu_bound_10k,
        "10,000 of them: some four minutes, only if it is named",
    ),
    (
        "forever",
        forever,
        "100 goroutines in an endless loop, and sleep(1 ms) beside them for 10 s",
    ),
    (
        "thread-sleeps",
        thread_sleeps,
        "1,000 goroutines in std::thread::sleep(100 ms)",
    ),
    (
        "hop",
        hop,
        "a ping-pong, and one with a goroutine that is locked to its thread",
    ),
];

fn main() -> ExitCode {
    let Some(wanted) = std::env::args().nth(1) else {
        return run_all();
    };
    let Some((_, case, _)) = CASES.iter().find(|(name, ..)| *name == wanted) else {
        eprintln!("Usage: fairness [CASE]\n");
        for (name, _, what) in CASES {
            eprintln!("  {name:<14} {what}");
        }
        return ExitCode::FAILURE;
    };
    gors::run(*case);
    ExitCode::SUCCESS
}

fn run_all() -> ExitCode {
    let this = std::env::current_exe().expect("a program has a path");
    let mut all_right = true;
    for (name, _, what) in CASES.iter().filter(|(name, ..)| !name.ends_with("10k")) {
        println!("{name}: {what}");
        all_right &= Command::new(&this)
            .arg(name)
            .status()
            .is_ok_and(|status| status.success());
    }
    if all_right {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Sleeps `times` times; how late each was.
fn lateness(time: Duration, times: usize) -> Vec<Duration> {
    (0..times)
        .map(|_| {
            let begun = Instant::now();
            sleep(time);
            begun.elapsed().saturating_sub(time)
        })
        .collect()
}

fn print_quantiles(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    println!(
        "  {what}: p50 {:.1?}, p90 {:.1?}, p99 {:.1?}, max {:.1?}",
        at(0.5),
        at(0.9),
        at(0.99),
        at(1.0)
    );
}

fn print_lateness(times: usize) {
    print_quantiles("lateness", lateness(Duration::from_millis(1), times));
}

fn spin(time: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < time {
        std::hint::spin_loop();
    }
}

/// What the process has used of the CPUs.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let ticks = |n| {
        let field = fields.split_whitespace().nth(n);
        field.and_then(|text| text.parse::<u64>().ok()).unwrap_or(0)
    };
    Duration::from_millis(10 * (ticks(11) + ticks(12)))
}

fn idle_50_us() {
    let asked = Duration::from_micros(50);
    let times = lateness(asked, 5_000);
    print_quantiles("time", times.into_iter().map(|late| late + asked).collect());
}

fn idle_1_ms() {
    print_lateness(3_000);
}

fn many_sleepers() {
    const SECONDS: u64 = 5;
    for n in 0..1_000 {
        go!(move || {
            // Out of step.
            sleep(Duration::from_micros(n * 10));
            loop {
                sleep(Duration::from_millis(10));
            }
        });
    }
    sleep(Duration::from_millis(100));
    let before = cpu_time();
    sleep(Duration::from_secs(SECONDS));
    println!("  CPU: {:.1?} of {SECONDS} s", cpu_time() - before);
    print_quantiles("lateness", lateness(Duration::from_millis(10), 300));
}

fn endless() {
    loop {
        std::hint::spin_loop();
    }
}

fn hogs() {
    for _ in 0..gomaxprocs(0) {
        go!(endless());
    }
    sleep(Duration::from_millis(200));
    print_lateness(1_000);
}

fn yielders() {
    for _ in 0..1_000 {
        go!(|| loop {
            spin(Duration::from_micros(20));
            gosched();
        });
    }
    sleep(Duration::from_millis(200));
    print_lateness(1_000);
}

fn unannounced() {
    for _ in 0..gomaxprocs(0) {
        go!(|| loop {
            sleep_on_thread(Duration::from_millis(50));
            gosched();
        });
    }
    print_lateness(500);
}

fn announced() {
    for _ in 0..gomaxprocs(0) {
        go!(|| loop {
            blocking(|| sleep_on_thread(Duration::from_millis(50)));
            gosched();
        });
    }
    print_lateness(500);
}

/// Work that takes about 50 ms alone.
fn work(rounds: u64) -> u64 {
    let mut x = 1_u64;
    for _ in 0..rounds {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    std::hint::black_box(x)
}

/// How long rounds of work take, as many as are told, on as many threads at once as there are permits: the
/// shortest of many short runs, which nobody has interrupted; of all threads the mean.
fn calibrate(rounds: u64) -> Duration {
    const TIMES: u32 = 40;
    let shortest = || {
        let runs = (0..TIMES).map(|_| {
            let begun = Instant::now();
            work(rounds / 16);
            begun.elapsed() * 16
        });
        runs.min().expect("there are some")
    };
    let threads = gomaxprocs(0);
    blocking(|| {
        std::thread::scope(|scope| {
            let all: Vec<_> = (0..threads).map(|_| scope.spawn(shortest)).collect();
            let all = all.into_iter();
            let sum: Duration = all
                .map(|thread| thread.join().expect("it does not panic"))
                .sum();
            sum / threads as u32
        })
    })
}

fn cpu_bound() {
    cpu_bound_of(1_000);
}

fn cpu_bound_10k() {
    cpu_bound_of(10_000);
}

/// The pure work is measured before and after, because the machine's speed changes.
fn cpu_bound_of(goroutines: u32) {
    const WORK: Duration = Duration::from_millis(50);
    const ROUNDS: u64 = 1 << 24;
    let once = calibrate(ROUNDS);
    let rounds = (ROUNDS as f64 * WORK.as_secs_f64() / once.as_secs_f64()) as u64;
    let before = calibrate(rounds);
    let done = Arc::new(AtomicBool::new(false));
    let until = Arc::clone(&done);
    let sleeper = spawn(move || {
        let mut late = Vec::new();
        while !until.load(Ordering::Relaxed) {
            late.extend(lateness(Duration::from_millis(1), 1));
        }
        late
    });
    let most = Arc::new(AtomicU64::new(0));
    let wg = WaitGroup::new();
    let cpu = cpu_time();
    let begun = Instant::now();
    for _ in 0..goroutines {
        let most = Arc::clone(&most);
        wg.go(move || {
            work(rounds);
            most.fetch_max(stats().workers as u64, Ordering::Relaxed);
        });
    }
    wg.wait();
    let took = begun.elapsed();
    let cpu = cpu_time() - cpu;
    done.store(true, Ordering::Relaxed);
    let late = sleeper.join().expect("it does not panic");
    let after = calibrate(rounds);
    let pure = (before + after) / 2 * goroutines;
    let beyond =
        |time: Duration, base: Duration| 100.0 * (time.as_secs_f64() / base.as_secs_f64() - 1.0);
    let stats = stats();
    println!(
        "  {took:.2?}; {} worker threads at most, {} hogs, {} loans",
        most.load(Ordering::Relaxed),
        stats.hogs,
        stats.loans
    );
    let permits = gomaxprocs(0) as u32;
    println!(
        "  CPU time {cpu:.2?}, {:+.1} % beside the pure work of {pure:.2?}; the time is {:+.1} % beside the \
         pure work, and {:+.1} % beside the CPU time, of each permit",
        beyond(cpu, pure),
        beyond(took, pure / permits),
        beyond(took, cpu / permits),
    );
    println!(
        "  work alone: {before:.1?} before, {after:.1?} after; {} sleeps",
        late.len()
    );
    print_quantiles("lateness", late);
}

fn forever() {
    for _ in 0..100 {
        go!(endless());
    }
    let begun = Instant::now();
    let mut late = Vec::new();
    while begun.elapsed() < Duration::from_secs(10) {
        late.extend(lateness(Duration::from_millis(1), 1));
    }
    println!(
        "  {} sleeps, {} worker threads, {} loans",
        late.len(),
        stats().workers,
        stats().loans
    );
    print_quantiles("lateness", late);
}

fn thread_sleeps() {
    let base = stats().workers;
    let wg = WaitGroup::new();
    let begun = Instant::now();
    for _ in 0..1_000 {
        wg.go(|| sleep_on_thread(Duration::from_millis(100)));
    }
    wg.wait();
    println!(
        "  {:.2?}, {} worker threads",
        begun.elapsed(),
        stats().workers
    );
    let begun = Instant::now();
    while stats().workers > base.max(gomaxprocs(0)) + 1 {
        sleep(Duration::from_millis(10));
    }
    println!("  {} again after {:.2?}", stats().workers, begun.elapsed());
}

fn hop() {
    const TRIPS: u32 = 20_000;
    for locked in [false, true] {
        let (there, back) = (make(0), make(0));
        let (balls, returns) = (there.clone(), back.clone());
        go!(move || {
            if locked {
                gors::lock_os_thread();
            }
            for ball in balls {
                returns.send(ball);
            }
        });
        let begun = Instant::now();
        for n in 0..TRIPS {
            there.send(n);
            back.recv();
        }
        let each = begun.elapsed() / TRIPS;
        there.close();
        let how = if locked { "locked" } else { "plain" };
        println!("  {how}: {each:.1?} a round trip");
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "blocking the thread is the point"
)]
fn sleep_on_thread(time: Duration) {
    std::thread::sleep(time);
}
