//! In a forked child the runtime says that it cannot be used, and `exec` works.
//!
//! One test in this file: no other thread of the test runner shall hold a lock while it forks.
#![allow(missing_docs, clippy::disallowed_methods)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use gors_runtime::{blocking, gosched, lock_os_thread, run, sleep, spawn, unlock_os_thread};

/// Runs `child` in a forked process, which ends with its result as exit code; returns the code.
fn fork(child: impl FnOnce() -> i32) -> i32 {
    // SAFETY: the child allocates, which glibc and musl allow after fork, and ends by _exit.
    unsafe {
        let pid = libc::fork();
        assert!(pid >= 0);
        if pid == 0 {
            // A hang of the child is not one of the test.
            libc::alarm(30);
            libc::_exit(child());
        }
        let mut status = 0;
        assert_eq!(libc::waitpid(pid, &raw mut status, 0), pid);
        assert!(libc::WIFEXITED(status), "the child died: {status:#x}");
        libc::WEXITSTATUS(status)
    }
}

/// Whether `f` panics with the message about fork.
fn refuses(f: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(f)).is_err_and(|payload| {
        payload
            .downcast_ref::<String>()
            .is_some_and(|message| message.contains("process made by fork"))
    })
}

const USES: &[(&str, fn())] = &[
    ("spawn", || drop(spawn(|| ()))),
    ("gosched", gosched),
    ("sleep", || sleep(Duration::from_millis(1))),
    ("blocking", || blocking(|| ())),
    ("run", || run(gosched)),
];

fn first_use_that_works(uses: &[(&str, fn())]) -> i32 {
    let index = uses.iter().position(|(_, f)| !refuses(f));
    index.map_or(0, |index| 1 + i32::try_from(index).expect("few"))
}

/// Catches a child that hangs because it waits for threads that do not exist.
#[test]
fn a_forked_child_is_refused_and_may_exec() {
    // Before the runtime starts a child is a process like any other.
    assert_eq!(fork(|| run(|| spawn(|| 7).join().expect("no panic"))), 7);

    run(|| {
        assert_eq!(fork(|| first_use_that_works(USES)), 0, "in a goroutine");
        lock_os_thread();
        assert_eq!(fork(|| first_use_that_works(USES)), 0, "a locked one");
        unlock_os_thread();
        let code = fork(|| {
            let arguments = [
                c"sh".as_ptr(),
                c"-c".as_ptr(),
                c"exit 3".as_ptr(),
                std::ptr::null(),
            ];
            // SAFETY: an array of C strings that ends with null. Returns only if it failed.
            unsafe { libc::execv(c"/bin/sh".as_ptr(), arguments.as_ptr()) };
            1
        });
        assert_eq!(code, 3);
        // The parent has lost nothing.
        sleep(Duration::from_millis(1));
        assert_eq!(spawn(|| 7).join().expect("no panic"), 7);
    });

    // On a plain thread. (The last one, gosched, is a call of the system there.)
    let uses: Vec<_> = USES
        .iter()
        .copied()
        .filter(|(name, _)| *name != "gosched" && *name != "blocking")
        .collect();
    assert_eq!(fork(|| first_use_that_works(&uses)), 0, "on a plain thread");
    assert_eq!(run(|| spawn(|| 7).join().expect("no panic")), 7);
}
