//! What is done to a process from outside: signals that interrupt every system call, a stop and a
//! continuation, children that are forked and replaced, a wall clock that jumps. Nothing hangs, nothing
//! is lost, nothing ends early.

#[path = "support/child.rs"]
mod child;

use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Instant, SystemTime};

use gors::chan::{after, bounded};
use gors::prelude::*;
use gors::sync::Mutex;
use gors::time::Ticker;

/// A round of all that waits: no time is cut short, no value is lost.
fn round(n: u64) {
    let (c, d) = (make(0), make(4));
    let sum = Arc::new(Mutex::new(0));
    let wg = WaitGroup::new();
    for i in 0..20 {
        let (c, d, sum) = (c.clone(), d.clone(), Arc::clone(&sum));
        wg.go(move || {
            let begin = Instant::now();
            let nap = Duration::from_micros((n + i) % 5 * 400);
            gors::time::sleep(nap);
            assert!(begin.elapsed() >= nap, "a sleep was cut short");
            if i % 2 == 0 {
                c.send(i)
            } else {
                d.send(i)
            }
            *sum.lock() += i;
        });
    }
    let mut got = 0;
    for _ in 0..20 {
        got += select! {
            recv(c) -> i => i.expect("open"),
            recv(d) -> i => i.expect("open"),
            recv(after(Duration::from_secs(100))) -> _ => panic!("a value is lost"),
        };
    }
    wg.wait();
    assert_eq!((got, *sum.lock()), (190, 190));

    let begin = Instant::now();
    let ticker = Ticker::new(Duration::from_millis(1));
    for _ in 0..3 {
        ticker.c().recv().expect("ticks");
    }
    assert!(begin.elapsed() >= Duration::from_millis(3), "an early tick");

    // Plain threads and `blocking` wait in the kernel.
    let (sender, receiver) = bounded(0);
    let (_silent, silence) = bounded::<()>(0);
    let thread = std::thread::spawn(move || {
        let begin = Instant::now();
        let patience = Duration::from_millis(2);
        assert!(silence.recv_timeout(patience).is_err());
        assert!(begin.elapsed() >= patience, "a timeout came early");
        receiver.recv()
    });
    blocking(|| gors::time::sleep(Duration::from_millis(3)));
    sender.send(n).expect("the thread receives");
    let received = blocking(|| thread.join()).expect("no panic");
    assert_eq!(received, Ok(n));
}

static HANDLED: AtomicU64 = AtomicU64::new(0);

extern "C" fn count_signal(_: libc::c_int) {
    HANDLED.fetch_add(1, Ordering::Relaxed);
}

/// Installs a handler after which interrupted system calls fail with EINTR.
fn interrupt_on(number: libc::c_int, flags: libc::c_int) {
    // SAFETY: all fields are integers or sets of bits; the handler only counts.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = count_signal as extern "C" fn(_) as *const () as libc::sighandler_t;
        action.sa_flags = flags;
        assert_eq!(
            libc::sigaction(number, &raw const action, std::ptr::null_mut()),
            0
        );
    }
}

/// Sends a signal to every thread of the process but the caller's.
fn hit_all_threads(number: libc::c_int) {
    // SAFETY: no memory is involved; a thread that has ended gives an error.
    unsafe {
        let me = libc::syscall(libc::SYS_gettid);
        for entry in std::fs::read_dir("/proc/self/task")
            .into_iter()
            .flatten()
            .flatten()
        {
            let name = entry.file_name();
            let Some(thread) = name.to_str().and_then(|name| name.parse::<i64>().ok()) else {
                continue;
            };
            if thread != me {
                libc::syscall(libc::SYS_tgkill, libc::getpid(), thread, number);
            }
        }
    }
}

/// Catches a system call whose EINTR is taken for an end: a wait cut short, a wake-up lost. With the
/// handler on the alternate stack, and on whatever stack runs, which is a goroutine's.
#[test]
fn a_storm_of_interrupted_calls() {
    for on_stack in ["", "alternate"] {
        let environment = [("FAULTS_STACK", on_stack), ("GOMAXPROCS", "4")];
        let ended = child::run("a_storm_of_interrupted_calls", &environment, || {
            let alternate = std::env::var("FAULTS_STACK").is_ok_and(|stack| !stack.is_empty());
            interrupt_on(libc::SIGUSR2, if alternate { libc::SA_ONSTACK } else { 0 });
            let stop = Arc::new(AtomicBool::new(false));
            let until = Arc::clone(&stop);
            let storm = std::thread::spawn(move || {
                while !until.load(Ordering::Relaxed) {
                    hit_all_threads(libc::SIGUSR2);
                    std::thread::yield_now();
                }
            });
            run(|| {
                let enough = |n| n >= 60 && HANDLED.load(Ordering::Relaxed) > 500;
                (0..).take_while(|&n| !enough(n)).for_each(round);
            });
            stop.store(true, Ordering::Relaxed);
            storm.join().expect("no panic");
        });
        ended.assert_success();
    }
}

/// Catches a stopped process that takes its sleep for a hang, a deadlock or a hog without end, and one
/// that does not go on.
#[test]
fn a_process_that_is_stopped_goes_on() {
    const NAME: &str = "a_process_that_is_stopped_goes_on";
    if std::env::var_os("FAULTS_STOPPED").is_some() {
        interrupt_on(libc::SIGUSR2, libc::SA_ONSTACK);
        println!("\nbegun");
        run(|| {
            // Until the one who stops it says that it was the last time.
            let over = || HANDLED.load(Ordering::Relaxed) > 0;
            (0..).take_while(|_| !over()).for_each(round);
            (0..20).for_each(round);
        });
        println!("\ndone");
        std::process::exit(0);
    }
    let mut process = Command::new(std::env::current_exe().expect("a test has a path"))
        .args([NAME, "--exact", "--nocapture"])
        .env("FAULTS_STOPPED", "1")
        .env("GOMAXPROCS", "2")
        .stdout(Stdio::piped())
        .spawn()
        .expect("the test can be started");
    let mut output = BufReader::new(process.stdout.take().expect("asked for"));
    let mut line = String::new();
    while line.trim() != "begun" {
        line.clear();
        assert_ne!(output.read_line(&mut line).expect("a text"), 0, "no begin");
    }
    let id = libc::pid_t::try_from(process.id()).expect("a process id");
    for pause in [1, 20, 60, 5, 120, 40, 1, 30] {
        // SAFETY: the process is our child and was not waited for.
        let sent = unsafe { libc::kill(id, libc::SIGSTOP) };
        assert_eq!(sent, 0);
        assert!(process.try_wait().expect("ours").is_none(), "it has ended");
        gors::time::sleep(Duration::from_millis(pause));
        // SAFETY: as above.
        unsafe { libc::kill(id, libc::SIGCONT) };
        gors::time::sleep(Duration::from_millis(10));
    }
    // SAFETY: as above.
    unsafe { libc::kill(id, libc::SIGUSR2) };
    let mut rest = String::new();
    output.read_to_string(&mut rest).expect("a text");
    let status = process.wait().expect("the child is ours");
    assert!(
        status.success() && rest.contains("done"),
        "{status}: {rest}"
    );
}

/// Catches a child that inherits more than it can use, or a pipe that a goroutine waits for without
/// end: goroutines start children by `posix_spawn`, and by `fork` with a step before the `exec`.
#[test]
fn goroutines_fork_and_execute() {
    let ended = child::run(
        "goroutines_fork_and_execute",
        &[("GOMAXPROCS", "4")],
        || {
            run(|| {
                let wg = WaitGroup::new();
                for n in 0..24_u32 {
                    wg.go(move || {
                        let mut command = Command::new("sh");
                        command.args(["-c", "read word; echo $word $$"]);
                        command.stdin(Stdio::piped()).stdout(Stdio::piped());
                        if n % 2 == 0 {
                            // SAFETY: does nothing; but with it the standard library forks.
                            unsafe { command.pre_exec(|| Ok(())) };
                        }
                        let mut child = command.spawn().expect("there is a shell");
                        gosched();
                        let mut input = child.stdin.take().expect("asked for");
                        std::io::Write::write_all(&mut input, format!("{n}\n").as_bytes())
                            .expect("the shell reads");
                        drop(input);
                        let output = if n % 3 == 0 {
                            // Unannounced: the monitor has to notice.
                            child.wait_with_output()
                        } else {
                            blocking(|| child.wait_with_output())
                        };
                        let output = output.expect("the child is ours");
                        let text = String::from_utf8_lossy(&output.stdout).into_owned();
                        assert_eq!(text.split(' ').next(), Some(n.to_string().as_str()));
                    });
                }
                for n in 0..5 {
                    round(n);
                }
                wg.wait();
            });
        },
    );
    ended.assert_success();
}

/// Seconds that the wall clock is off by, for this process; changed all the time by one test.
static WALL: AtomicI64 = AtomicI64::new(0);
/// How often the wall clock was read.
static WALL_READ: AtomicU64 = AtomicU64::new(0);

/// Takes the C library's place for this binary: the wall clock jumps, the others are what they are.
///
/// # Safety
///
/// As the function of that name: `time` is valid for a write.
#[unsafe(no_mangle)]
unsafe extern "C" fn clock_gettime(
    clock: libc::clockid_t,
    time: *mut libc::timespec,
) -> libc::c_int {
    // SAFETY: the caller's promise.
    unsafe {
        let code = libc::syscall(libc::SYS_clock_gettime, clock, time);
        if code == 0 && clock == libc::CLOCK_REALTIME {
            WALL_READ.fetch_add(1, Ordering::Relaxed);
            (*time).tv_sec += WALL.load(Ordering::Relaxed);
        }
        libc::c_int::try_from(code).unwrap_or(-1)
    }
}

/// Catches a deadline that is kept by the wall clock. It jumps by years, forwards and backwards, while
/// all waits go on as before; and nothing in them reads it.
#[test]
fn a_wall_clock_that_jumps_does_not_matter() {
    let ended = child::run("a_wall_clock_that_jumps_does_not_matter", &[], || {
        const YEAR: i64 = 365 * 24 * 3600;
        let begin = SystemTime::now();
        WALL.store(10 * YEAR, Ordering::Relaxed);
        let jumped = SystemTime::now().duration_since(begin).expect("forwards");
        assert!(
            jumped > Duration::from_secs(9 * YEAR as u64),
            "the jump works"
        );
        run(|| {
            // The first use draws the seed of the scheduler's randomness, also from the wall clock.
            round(0);
            WALL_READ.store(0, Ordering::Relaxed);
            for n in 0..40 {
                WALL.store(
                    [-30, 0, 10, 30, -1][n as usize % 5] * YEAR,
                    Ordering::Relaxed,
                );
                round(n);
            }
        });
        assert_eq!(
            WALL_READ.load(Ordering::Relaxed),
            0,
            "somebody reads the wall clock"
        );
    });
    ended.assert_success();
}
