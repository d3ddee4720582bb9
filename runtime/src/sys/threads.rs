//! What the kernel says about another thread of this process, and a hook for `fork`.

use std::mem::MaybeUninit;

/// The CPU time that a thread of this process has used, in nanoseconds; `None` if there is no such
/// thread.
pub(crate) fn thread_cpu_time(thread: u32) -> Option<u64> {
    /// `CPUCLOCK_SCHED` of one thread: what `pthread_getcpuclockid` makes of a thread's number.
    const PER_THREAD_SCHED: i32 = 4 | 2;
    let thread = i32::try_from(thread).ok().filter(|&thread| thread > 0)?;
    let clock = (!thread << 3) | PER_THREAD_SCHED;
    let mut time = MaybeUninit::<libc::timespec>::uninit();
    // SAFETY: the place is valid, and read only if it was written.
    let time = unsafe {
        if libc::clock_gettime(clock, time.as_mut_ptr()) != 0 {
            return None;
        }
        time.assume_init()
    };
    let seconds = u64::try_from(time.tv_sec).ok()?;
    Some(seconds * 1_000_000_000 + u64::try_from(time.tv_nsec).ok()?)
}

/// Whether a thread of this process sleeps in the kernel: neither runs nor waits for a CPU.
pub(crate) fn thread_sleeps(thread: u32) -> bool {
    std::fs::read(format!("/proc/self/task/{thread}/stat")).is_ok_and(|stat| {
        // The name before it is in parentheses and may hold anything, even those.
        let name_end = stat.iter().rposition(|&byte| byte == b')');
        let state = name_end.and_then(|end| stat.get(end + 2));
        matches!(state, Some(b'S' | b'D'))
    })
}

/// Has `child` called on the only thread of each process that is made by `fork` from now on.
pub(crate) fn on_fork(child: unsafe extern "C" fn()) {
    // SAFETY: the function does what is allowed between fork and exec, by its caller's word. Without
    // memory for the entry the child is not told, which is not worth ending the program for.
    unsafe {
        libc::pthread_atfork(None, None, Some(child));
    }
}

/// Ends the process without running anything of it: what is left in a forked child.
pub(crate) fn exit_at_once(code: i32) -> ! {
    // SAFETY: no preconditions.
    unsafe { libc::_exit(code) }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{thread_cpu_time, thread_sleeps};

    /// Would catch a clock of another thread, or of the process.
    #[test]
    fn the_clock_of_a_thread_stands_while_it_sleeps() {
        let (tell, told) = std::sync::mpsc::channel();
        let (end, ends) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            tell.send(super::super::thread_id())
                .expect("the test waits");
            ends.recv().expect_err("the other end is dropped");
        });
        let other = told.recv().expect("the thread sends");
        while !thread_sleeps(other) {
            std::thread::yield_now();
        }
        let before = thread_cpu_time(other).expect("the thread exists");
        let me = super::super::thread_id();
        let mine = thread_cpu_time(me).expect("I exist");
        let begun = Instant::now();
        while thread_cpu_time(me).expect("I exist") - mine < 5_000_000 {
            assert!(begun.elapsed() < Duration::from_secs(60));
        }
        assert!(!thread_sleeps(me));
        assert_eq!(thread_cpu_time(other), Some(before));
        drop(end);
        thread.join().expect("no panic");
    }

    #[test]
    fn a_thread_that_does_not_exist_has_no_clock() {
        assert_eq!(thread_cpu_time(0), None);
        // The numbers end before this.
        assert_eq!(thread_cpu_time(1 << 23), None);
        assert!(!thread_sleeps(1 << 23));
    }
}
