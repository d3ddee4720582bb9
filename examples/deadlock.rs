//! Programs in which everything is asleep, and programs that only look like it.
//!
//! ```text
//! cargo run --example deadlock -- CASE
//! ```
//!
//! In the first group nothing can wake anybody any more: the runtime says so, lists the goroutines with
//! what they wait for and where they were created, and ends the program with code 2. In the second
//! group something still can, and the program goes on.

use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

use gors::prelude::*;
use gors::signal;
use gors::sync::Mutex;

/// A case: its name, its program, and what it shows.
type Case = (&'static str, fn(), &'static str);

const STUCK: &[Case] = &[
    (
        "main",
        main_waits,
        "main receives from a channel that nobody sends to",
    ),
    ("lock", lock_twice, "main locks a mutex that it has locked"),
    (
        "locks",
        locks,
        "two goroutines lock two mutexes in different orders",
    ),
    ("cycle", cycle, "two goroutines wait for each other"),
    ("locked", locked, "main waits, locked to its OS thread"),
    (
        "inside",
        inside,
        "main waits inside blocking() for a goroutine",
    ),
    (
        "plain",
        plain,
        "main, on a plain thread, waits for a goroutine that waits",
    ),
    (
        "thread-ended",
        thread_ended,
        "main waits, and after eight seconds the thread that could have sent ends without it",
    ),
    (
        "unsubscribed",
        unsubscribed,
        "main waits after it has stopped to listen to signals",
    ),
    (
        "timers",
        idle_timers,
        "main waits beside timers that are stopped, or that nobody receives from",
    ),
    (
        "goexit",
        goexit_last,
        "main has ended by goexit, the others have returned",
    ),
    (
        "goexit-waiting",
        goexit_waiting,
        "main has ended by goexit, another one waits",
    ),
    (
        "stacks",
        stacks,
        "with GORS_STACK_SIZE=1G: those that have a stack wait for those that get none",
    ),
];

const ALIVE: &[Case] = &[
    ("timer", timer, "a timer is pending"),
    ("blocking", in_blocking, "a goroutine is inside blocking()"),
    (
        "unannounced",
        unannounced,
        "a goroutine blocks its thread without saying so",
    ),
    ("foreign", foreign, "another OS thread could still send"),
    ("signal", subscribed, "a signal may come"),
    (
        "timed-thread",
        timed_thread,
        "a plain thread waits with a timeout",
    ),
];

fn main() -> ExitCode {
    let wanted = std::env::args().nth(1).unwrap_or_default();
    let mut cases = STUCK.iter().chain(ALIVE);
    if let Some((_, case, _)) = cases.find(|(name, ..)| *name == wanted) {
        case();
        return ExitCode::SUCCESS;
    }
    eprintln!("Usage: deadlock CASE\n\nEnds with a report and code 2:");
    print_cases(STUCK);
    eprintln!("\nGoes on after half a second:");
    print_cases(ALIVE);
    ExitCode::FAILURE
}

fn print_cases(cases: &[Case]) {
    for (name, _, what) in cases {
        eprintln!("  {name:<16} {what}");
    }
}

const HALF_A_SECOND: Duration = Duration::from_millis(500);

fn main_waits() {
    gors::run(|| make::<()>(0).recv());
}

fn lock_twice() {
    gors::run(|| {
        let mutex = Mutex::new(());
        let _held = mutex.lock();
        drop(mutex.lock());
    });
}

fn locks() {
    gors::run(|| {
        let first = Arc::new(Mutex::new("first"));
        let second = Arc::new(Mutex::new("second"));
        let (ours, theirs) = (first.clone(), second.clone());
        let mine = first.lock();
        go!(move || {
            let _held = theirs.lock();
            drop(ours.lock());
        });
        // The other goroutine gets as far as it can.
        gors::time::sleep(Duration::from_millis(10));
        drop(second.lock());
        drop(mine);
    });
}

/// Goroutines that end together. There is address space for 1,024 stacks of a gigabyte.
fn stacks() {
    const MANY: isize = 2_000;
    gors::run(|| {
        let together = WaitGroup::new();
        together.add(MANY);
        for _ in 0..MANY {
            let together = together.clone();
            go!(move || {
                together.done();
                together.wait();
            });
        }
        together.wait();
    });
}

fn cycle() {
    gors::run(|| {
        let (to, from) = (make::<()>(0), make::<()>(0));
        let (theirs, ours) = (to.clone(), from.clone());
        go!(move || {
            theirs.recv();
            ours.send(());
        });
        from.recv();
        to.send(());
    });
}

fn locked() {
    gors::run(|| {
        gors::lock_os_thread();
        make::<()>(0).recv();
    });
}

fn inside() {
    gors::run(|| blocking(|| make::<()>(0).recv()));
}

fn plain() {
    let silent = make::<()>(0);
    let theirs = silent.clone();
    go!(move || theirs.recv());
    silent.clone().recv();
}

fn thread_ended() {
    gors::run(|| {
        let news = make::<()>(0);
        let theirs = news.clone();
        thread::spawn(move || {
            let silent = make::<()>(0);
            assert!(silent.recv_timeout(Duration::from_secs(8)).is_err());
            drop(theirs);
        });
        news.recv();
    });
}

fn unsubscribed() {
    gors::run(|| {
        let signals = make(1);
        signal::notify(&signals, &[signal::Signal::USER1]);
        signal::stop(&signals);
        signals.recv();
    });
}

fn idle_timers() {
    const HOUR: Duration = Duration::from_secs(3600);
    gors::run(|| {
        let stopped = gors::time::after_func(HOUR, || ());
        stopped.stop();
        let _timer = gors::time::Timer::new(HOUR);
        let ticker = gors::time::Ticker::new(HOUR);
        select! { recv(ticker.c()) -> _ => {}, default => {} }
        make::<()>(0).recv();
    });
}

fn goexit_last() {
    gors::run(|| {
        go!(|| gors::time::sleep(Duration::from_millis(50)));
        goexit();
    });
}

fn goexit_waiting() {
    gors::run(|| {
        go!(|| make::<()>(0).recv());
        goexit();
    });
}

/// Main waits until `wake` has sent.
fn woken_by(wake: impl FnOnce(Chan<&'static str>) + Send) {
    gors::run(|| {
        let news = make(1);
        wake(news.clone());
        println!("woken by {}", news.recv().unwrap_or("nobody"));
    });
}

fn timer() {
    woken_by(|news| {
        go!(move || {
            gors::time::sleep(HALF_A_SECOND);
            news.send("a timer");
        });
    });
}

fn in_blocking() {
    woken_by(|news| {
        go!(move || {
            blocking(sleep_on_thread);
            news.send("a goroutine that blocked");
        });
    });
}

fn unannounced() {
    woken_by(|news| {
        go!(move || {
            sleep_on_thread();
            news.send("a goroutine that blocked its thread");
        });
    });
}

fn foreign() {
    woken_by(|news| {
        thread::spawn(move || {
            sleep_on_thread();
            news.send("another thread");
        });
    });
}

fn subscribed() {
    woken_by(|news| {
        go!(move || {
            let signals = make(1);
            signal::notify(&signals, &[signal::Signal::USER1]);
            // Another process; this one has no thread and no timer that could wake anybody.
            let shell = format!("sleep 0.5; kill -USR1 {}", std::process::id());
            let sent = std::process::Command::new("sh")
                .args(["-c", &shell])
                .spawn();
            let mut sent = sent.expect("there is a shell");
            signals.recv();
            sent.wait().expect("it is ours");
            news.send("a signal");
        });
    });
}

fn timed_thread() {
    let silent = make::<()>(0);
    let theirs = silent.clone();
    go!(move || theirs.recv());
    assert!(silent.recv_timeout(HALF_A_SECOND).is_err());
    println!("woken by a timeout");
}

#[expect(
    clippy::disallowed_methods,
    reason = "blocking the thread is the point"
)]
fn sleep_on_thread() {
    thread::sleep(HALF_A_SECOND);
}
