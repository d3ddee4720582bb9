//! The kernel refuses further threads, as at a limit on processes: by a filter on system calls, which also
//! binds the superuser and cannot be taken off again.

#![cfg(target_os = "linux")]

#[path = "support/child.rs"]
mod child;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use gors::prelude::*;

/// From now on every thread of this process that creates a thread gets EAGAIN.
fn refuse_threads() {
    const LOAD_WORD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const JUMP_IF_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    const JUMP_IF_SET: u16 = (libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    /// Offsets in `seccomp_data`: the call's number, the lower half of its first argument.
    const NUMBER: u32 = 0;
    const FLAGS: u32 = 16;
    let step = |code, k, jt, jf| libc::sock_filter { code, jt, jf, k };
    let mut program = [
        step(LOAD_WORD, NUMBER, 0, 0),
        // The flags of `clone3` are in memory, where a filter cannot look; nothing here forks by it.
        step(JUMP_IF_EQUAL, libc::SYS_clone3 as u32, 3, 0),
        step(JUMP_IF_EQUAL, libc::SYS_clone as u32, 0, 3),
        step(LOAD_WORD, FLAGS, 0, 0),
        step(JUMP_IF_SET, libc::CLONE_THREAD as u32, 0, 1),
        step(RETURN, libc::SECCOMP_RET_ERRNO | libc::EAGAIN as u32, 0, 0),
        step(RETURN, libc::SECCOMP_RET_ALLOW, 0, 0),
    ];
    let program = libc::sock_fprog {
        len: program.len() as u16,
        filter: program.as_mut_ptr(),
    };
    // SAFETY: the program lives through the call, which copies it; its jumps stay inside.
    let refused = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            && libc::syscall(
                libc::SYS_seccomp,
                libc::SECCOMP_SET_MODE_FILTER,
                libc::SECCOMP_FILTER_FLAG_TSYNC,
                &raw const program,
            ) == 0
    };
    assert!(refused, "{}", std::io::Error::last_os_error());
    let error = std::thread::Builder::new().spawn(|| ()).map(drop);
    assert_eq!(
        error.expect_err("it is refused").raw_os_error(),
        Some(libc::EAGAIN)
    );
}

/// Goroutines that keep their thread in all ways, and others that talk to each other meanwhile.
fn work() {
    let sum = Arc::new(AtomicU64::new(0));
    let wg = WaitGroup::new();
    for n in 0..60 {
        let c = make(0);
        let (sender, sum) = (c.clone(), Arc::clone(&sum));
        wg.go(move || {
            match n % 4 {
                0 => blocking(sleep_on_thread),
                1 => sleep_on_thread(),
                2 => {
                    gors::lock_os_thread();
                    gosched();
                    gors::unlock_os_thread();
                }
                _ => gors::time::sleep(Duration::from_millis(1)),
            }
            sender.send(n);
        });
        wg.go(move || {
            sum.fetch_add(c.recv().expect("nobody closes"), Ordering::Relaxed);
        });
    }
    wg.wait();
    assert_eq!(sum.load(Ordering::Relaxed), 60 * 59 / 2);
}

/// Asks for more threads than [`work`] can have left behind: these calls end when every thread is in one and
/// somebody still waits.
fn crowd(all_are_inside: &Arc<AtomicBool>) {
    let wg = WaitGroup::new();
    for _ in 0..200 {
        let over = Arc::clone(all_are_inside);
        wg.go(move || {
            blocking(|| {
                while !over.load(Ordering::Relaxed) {
                    sleep_on_thread();
                }
            });
        });
    }
    wg.wait();
}

/// Says so, from a thread of its own, when no worker has been idle for a number of looks. There are more
/// goroutines than threads.
fn watch_for_idle_threads() -> Arc<AtomicBool> {
    let none = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&none);
    std::thread::spawn(move || {
        let mut looks = 0;
        while looks < 20 {
            sleep_on_thread();
            let stats = gors::runtime::stats();
            let none_is_idle = stats.workers_idle == 0 && stats.goroutines > stats.workers + 50;
            looks = if none_is_idle { looks + 1 } else { 0 };
        }
        told.store(true, Ordering::Relaxed);
    });
    none
}

/// Catches a runtime that goes on without its monitor, or ends without saying why.
#[test]
fn without_a_first_thread_the_program_says_so() {
    let ended = child::run("without_a_first_thread_the_program_says_so", &[], || {
        refuse_threads();
        run(work);
    });
    ended.assert_fatal("fatal error: thread exhaustion");
    ended.assert_fatal("gors: cannot create a thread: ");
}

/// Catches work that waits for a thread that cannot be had, beside threads that have nothing to do; and
/// silence about it.
#[test]
fn work_goes_on_with_the_threads_there_are() {
    let name = "work_goes_on_with_the_threads_there_are";
    let ended = child::run(name, &[("GOMAXPROCS", "4")], || {
        let all_are_inside = watch_for_idle_threads();
        run(|| {
            work();
            refuse_threads();
            let hog = Arc::new(AtomicU64::new(0));
            let done = Arc::clone(&hog);
            go!(move || while done.load(Ordering::Relaxed) == 0 {
                std::hint::spin_loop();
            });
            (0..5).for_each(|_| work());
            crowd(&all_are_inside);
            hog.store(1, Ordering::Relaxed);
        });
    });
    ended.assert_success();
    let text = "goroutines wait for the threads there are";
    assert!(ended.stderr.contains(text), "{ended:#?}");
}

#[expect(
    clippy::disallowed_methods,
    reason = "blocking the thread is the point"
)]
fn sleep_on_thread() {
    std::thread::sleep(Duration::from_millis(3));
}
