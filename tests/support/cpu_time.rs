//! CPU clocks: what a test has done, whatever else the machine does.

#![allow(dead_code, reason = "no test file uses all of it")]

use std::time::Duration;

/// What all threads of this process have used.
pub(crate) fn of_process() -> Duration {
    read(libc::CLOCK_PROCESS_CPUTIME_ID)
}

/// What this thread has used.
pub(crate) fn of_thread() -> Duration {
    read(libc::CLOCK_THREAD_CPUTIME_ID)
}

fn read(clock: libc::clockid_t) -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is a place for the answer.
    let refused = unsafe { libc::clock_gettime(clock, &raw mut time) };
    assert_eq!(refused, 0, "the kernel has CPU clocks");
    Duration::new(
        u64::try_from(time.tv_sec).expect("not negative"),
        u32::try_from(time.tv_nsec).expect("below a second"),
    )
}
