//! Linux: futexes, threads, the affinity mask.

use std::io;
use std::ptr;
use std::time::{Duration, Instant};

use super::faults::{self, Call};
use super::memory::{commit, reserve};
use crate::shim::atomic::{AtomicBool, AtomicU32, Ordering};

/// Sleeps while `*word == expected`, at most for `timeout`. May return spuriously. Meanwhile what the
/// caller has in registers is also in memory.
pub(crate) fn futex_wait(word: &AtomicU32, expected: u32, timeout: Option<Duration>) {
    if faults::check(Call::Wait).is_err() {
        return;
    }
    let spec = timeout.map(|d| libc::timespec {
        // A timeout beyond the type's range is as good as none.
        tv_sec: libc::time_t::try_from(d.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_nsec: libc::c_long::from(d.subsec_nanos()),
    });
    let spec = spec.as_ref().map_or(ptr::null(), ptr::from_ref);
    let registers = preserved_registers();
    // SAFETY: the word outlives the call (it is borrowed), the timeout is null or a live timespec.
    // EAGAIN, EINTR and ETIMEDOUT all mean «look again», which every caller does.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG,
            expected,
            spec,
        );
    }
    std::hint::black_box(&registers);
}

/// The registers that functions preserve for their callers. A copy of them on the stack is memory.
#[inline(always)]
pub(crate) fn preserved_registers() -> [usize; 6] {
    #[cfg(target_arch = "x86_64")]
    {
        let mut saved = [0_usize; 6];
        // SAFETY: writes the array and nothing else.
        unsafe {
            std::arch::asm!(
                "mov [{to}], rbx",
                "mov [{to} + 8], rbp",
                "mov [{to} + 16], r12",
                "mov [{to} + 24], r13",
                "mov [{to} + 32], r14",
                "mov [{to} + 40], r15",
                to = in(reg) &raw mut saved,
                options(nostack, preserves_flags),
            );
        }
        saved
    }
    #[cfg(not(target_arch = "x86_64"))]
    [0; 6]
}

/// Wakes at most one thread that sleeps on `word`.
///
/// Takes a pointer, not a reference: the waker may have lost the right to look at the word the
/// moment it stored into it. The kernel uses the address as a key; a stale one wakes nobody or
/// causes a spurious wake-up.
pub(crate) fn futex_wake_one(word: *const AtomicU32) {
    // SAFETY: FUTEX_WAKE does not read the memory at the address.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            word,
            libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG,
            1,
        );
    }
}

/// Asks the kernel to end this thread's sleeps when they are over, and not up to 50 µs later, which
/// is its default for saving wake-ups.
pub(crate) fn precise_sleeps() {
    // SAFETY: changes a property of the calling thread.
    unsafe {
        libc::prctl(libc::PR_SET_TIMERSLACK, 1, 0, 0, 0);
    }
}

/// Nanoseconds on the clock that `Instant` reads.
#[inline]
pub(crate) fn monotonic() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: writes the time into the variable. The clock exists, so the call does not fail.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_nsec.unsigned_abs()
}

/// Whether the kernel's clock is the processors' time stamp counter: one that runs at one rate and agrees
/// between them.
#[cfg(target_arch = "x86_64")]
pub(crate) fn counter_is_clock() -> bool {
    std::fs::read_to_string("/sys/devices/system/clocksource/clocksource0/current_clocksource")
        .is_ok_and(|source| source.trim() == "tsc")
}

/// Sleeps, perhaps a little shorter if a signal comes.
pub(crate) fn sleep(duration: Duration) {
    if faults::check(Call::Sleep).is_err() {
        return;
    }
    let spec = libc::timespec {
        tv_sec: libc::time_t::try_from(duration.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_nsec: libc::c_long::from(duration.subsec_nanos()),
    };
    // SAFETY: the timespec lives through the call; no remainder is asked for.
    unsafe {
        libc::nanosleep(&raw const spec, ptr::null_mut());
    }
}

/// Gives the processor to another thread.
pub(crate) fn yield_thread() {
    // SAFETY: no arguments, no preconditions.
    unsafe {
        libc::sched_yield();
    }
}

/// Writes to standard error without locks or buffers. Async-signal-safe.
pub(crate) fn write_stderr(mut bytes: &[u8]) {
    while !bytes.is_empty() {
        // SAFETY: the buffer is as long as said.
        let written =
            unsafe { libc::write(libc::STDERR_FILENO, bytes.as_ptr().cast(), bytes.len()) };
        match usize::try_from(written) {
            Ok(written) if written > 0 => bytes = &bytes[written..],
            _ => return,
        }
    }
}

/// The stack pointer of the interrupted code, out of a signal handler's context; 0 if unknown.
pub(crate) fn stack_pointer_of(context: *mut libc::c_void) -> usize {
    let context: *const libc::ucontext_t = context.cast_const().cast();
    // SAFETY: null or the context that the kernel passed to a SA_SIGINFO handler.
    let Some(context) = (unsafe { context.as_ref() }) else {
        return 0;
    };
    #[cfg(target_arch = "x86_64")]
    {
        context.uc_mcontext.gregs[libc::REG_RSP as usize] as usize
    }
    #[cfg(target_arch = "aarch64")]
    {
        context.uc_mcontext.sp as usize
    }
}

/// Makes sure that signal handlers of this thread have a stack of their own. Threads of the
/// standard library have one if its overflow handler is installed, which it is not in every process.
pub(crate) fn ensure_signal_stack() {
    /// Room for the frames of wide vector registers and a handler.
    const SIZE: usize = 64 << 10;
    // SAFETY: the query writes a whole stack_t; the new stack is leaked, because a thread's signal
    // stack must outlive everything that runs on the thread.
    unsafe {
        let mut old = std::mem::zeroed::<libc::stack_t>();
        if libc::sigaltstack(ptr::null(), &raw mut old) == 0 && old.ss_flags & libc::SS_DISABLE != 0
        {
            let Ok(memory) = reserve(SIZE) else { return };
            if commit(memory, SIZE).is_ok() {
                let stack = libc::stack_t {
                    ss_sp: memory.cast(),
                    ss_flags: 0,
                    ss_size: SIZE,
                };
                libc::sigaltstack(&raw const stack, ptr::null_mut());
            }
        }
    }
}

/// What [`barrier_all_threads`] costs, at least, in fences of 2 ns: 0.4 to 1.4 µs for the caller, and an
/// interrupt for every other processor that runs a thread of the process.
pub(crate) const BARRIER_IN_FENCES: u32 = 4096;

static HAS_BARRIERS: AtomicBool = AtomicBool::new(false);
/// Somebody would use [`barrier_all_threads`], and nobody has registered.
static BARRIERS_WANTED: AtomicBool = AtomicBool::new(false);
static REGISTERED: std::sync::Once = std::sync::Once::new();

/// Asks the kernel for [`barrier_all_threads`]: takes a microsecond while the process has one thread,
/// and some 10 ms when it has more.
#[cold]
pub(crate) fn register_for_barriers() {
    REGISTERED.call_once(|| {
        let registered = faults::check(Call::Register).is_ok()
            && membarrier(libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED)
            && membarrier(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED);
        HAS_BARRIERS.store(registered, Ordering::Relaxed);
    });
}

/// As [`register_for_barriers`], if that takes no time.
pub(crate) fn register_for_barriers_if_alone() {
    use std::os::unix::fs::MetadataExt;
    // `.`, `..` and the threads.
    if std::fs::metadata("/proc/self/task").is_ok_and(|tasks| tasks.nlink() == 3) {
        register_for_barriers();
    }
}

/// As [`register_for_barriers`], if somebody has asked for barriers since. For a thread that has time.
pub(crate) fn register_for_barriers_if_wanted() {
    if BARRIERS_WANTED.load(Ordering::Relaxed) && !REGISTERED.is_completed() {
        register_for_barriers();
    }
}

/// Whether [`barrier_all_threads`] works, as far as is known; to ask is to want it.
pub(crate) fn has_barriers() -> bool {
    let has = HAS_BARRIERS.load(Ordering::Relaxed);
    if !has && !BARRIERS_WANTED.load(Ordering::Relaxed) {
        BARRIERS_WANTED.store(true, Ordering::Relaxed);
    }
    has
}

/// Makes every running thread of the process execute a full memory barrier. False if it could not;
/// then [`has_barriers`] says so from now on.
pub(crate) fn barrier_all_threads() -> bool {
    let done =
        faults::check(Call::Barrier).is_ok() && membarrier(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED);
    if !done {
        HAS_BARRIERS.store(false, Ordering::Relaxed);
    }
    done
}

/// As [`barrier_all_threads`]; where the kernel refuses it that granted it before, waits for longer than a
/// processor goes without an interrupt, whose return is a fence.
pub(crate) fn barrier_or_wait() {
    if barrier_all_threads() {
        return;
    }
    let until = Instant::now() + Duration::from_millis(20);
    // Signals end a sleep.
    while Instant::now() < until {
        sleep(until.saturating_duration_since(Instant::now()));
    }
}

fn membarrier(command: libc::c_int) -> bool {
    // SAFETY: takes two numbers, touches no memory of ours.
    unsafe { libc::syscall(libc::SYS_membarrier, command, 0) == 0 }
}

/// Reads memory of this process that others may be writing, or unmapping; says how many words were
/// read.
pub(crate) fn read_own_memory(address: usize, words: &mut [usize]) -> io::Result<usize> {
    let into = libc::iovec {
        iov_base: words.as_mut_ptr().cast(),
        iov_len: size_of_val(words),
    };
    let from = libc::iovec {
        iov_base: ptr::without_provenance_mut(address),
        iov_len: size_of_val(words),
    };
    // SAFETY: the kernel writes into `words` only, and reads what it finds at the address.
    let bytes = unsafe {
        libc::process_vm_readv(libc::getpid(), &raw const into, 1, &raw const from, 1, 0)
    };
    match usize::try_from(bytes) {
        Ok(bytes) => Ok(bytes / size_of::<usize>()),
        Err(_) => Err(io::Error::last_os_error()),
    }
}

/// The kernel's number of the calling thread.
pub(crate) fn thread_id() -> u32 {
    // SAFETY: no arguments, no preconditions.
    let id = unsafe { libc::syscall(libc::SYS_gettid) };
    u32::try_from(id).unwrap_or(0)
}

/// The threads of this process; `None` if /proc does not say.
pub(crate) fn threads_of_process() -> Option<Vec<u32>> {
    std::fs::read_dir("/proc/self/task")
        .ok()?
        .map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect()
}

/// How many CPUs the calling thread may run on; `None` if the kernel does not say.
pub(crate) fn affinity_count() -> Option<usize> {
    // Machines with more CPUs than the libc type holds answer EINVAL: grow until it fits.
    let mut words = 16;
    while words <= 4096 {
        let mut mask = vec![0_u64; words];
        // SAFETY: the buffer is as long as said, and only written to.
        let bytes = unsafe {
            libc::syscall(
                libc::SYS_sched_getaffinity,
                0,
                words * size_of::<u64>(),
                mask.as_mut_ptr(),
            )
        };
        if bytes > 0 {
            return Some(mask.iter().map(|word| word.count_ones() as usize).sum());
        }
        words *= 2;
    }
    None
}

pub(super) fn check(code: libc::c_int) -> io::Result<()> {
    if code == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
