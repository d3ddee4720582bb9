//! A poller over epoll and eventfd, plugged into its seam: idle workers wait in it, sysmon looks
//! after it, and nobody is called deadlocked who waits for it.
//!
//! One test in this file: a process has one poller.
#![allow(missing_docs, clippy::disallowed_types)]

use std::collections::HashMap;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use gors_runtime::raw::{self, FIRST_TOKEN, Poller, SpinLock, Task, WaitReason, install_poller};
use gors_runtime::{go, gomaxprocs, num_goroutine, run, sleep, spawn};

/// Waits for readability, one waiter a descriptor.
struct Epoll {
    epoll: OwnedFd,
    bell: OwnedFd,
    lock: SpinLock,
    /// Under the lock.
    waiting: Mutex<HashMap<i32, Task>>,
    waiters: AtomicUsize,
    /// Polls that waited, and polls that did not.
    waits: AtomicUsize,
    looks: AtomicUsize,
}

fn check(result: i32) -> i32 {
    assert!(result >= 0, "{}", std::io::Error::last_os_error());
    result
}

impl Epoll {
    fn new() -> Self {
        // SAFETY: fresh descriptors that nobody else owns.
        let (epoll, bell) = unsafe {
            (
                OwnedFd::from_raw_fd(check(libc::epoll_create1(libc::EPOLL_CLOEXEC))),
                OwnedFd::from_raw_fd(check(libc::eventfd(0, libc::EFD_NONBLOCK))),
            )
        };
        let this = Self {
            epoll,
            bell,
            lock: SpinLock::new(),
            waiting: Mutex::default(),
            waiters: AtomicUsize::new(0),
            waits: AtomicUsize::new(0),
            looks: AtomicUsize::new(0),
        };
        this.add(this.bell.as_raw_fd(), libc::EPOLLIN);
        this
    }

    fn add(&self, fd: i32, events: i32) {
        let mut event = libc::epoll_event {
            events: events as u32,
            u64: fd as u64,
        };
        // SAFETY: the event is live during the call.
        check(unsafe {
            libc::epoll_ctl(
                self.epoll.as_raw_fd(),
                libc::EPOLL_CTL_ADD,
                fd,
                &raw mut event,
            )
        });
    }

    /// Parks the caller until `fd` is readable.
    fn wait_readable(&self, fd: i32) {
        let me = Task::current();
        me.arm();
        self.waiters.fetch_add(1, Ordering::SeqCst);
        self.lock.lock();
        self.waiting.lock().unwrap().insert(fd, me);
        self.add(fd, libc::EPOLLIN | libc::EPOLLONESHOT);
        unsafe fn unlock(lock: *const ()) {
            // SAFETY: locked above, and as static as the poller.
            unsafe { (*lock.cast::<SpinLock>()).unlock() };
        }
        let lock = (&raw const self.lock).cast::<()>();
        // SAFETY: armed, and published under the lock that is opened by `unlock`.
        unsafe { raw::park(WaitReason::Park, None, Some((unlock, lock))) };
        // SAFETY: no memory is involved.
        check(unsafe {
            libc::epoll_ctl(
                self.epoll.as_raw_fd(),
                libc::EPOLL_CTL_DEL,
                fd,
                std::ptr::null_mut(),
            )
        });
        self.waiters.fetch_sub(1, Ordering::SeqCst);
    }
}

// SAFETY: a task is passed on after it was taken out of the table under the lock, by whoever won its
// claim.
unsafe impl Poller for Epoll {
    fn poll(&self, timeout: Option<Duration>, ready: &mut dyn FnMut(Task)) {
        let is_look = timeout.is_some_and(|timeout| timeout.is_zero());
        if is_look { &self.looks } else { &self.waits }.fetch_add(1, Ordering::SeqCst);
        let timeout = timeout.map_or(-1, |timeout| {
            i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX)
        });
        let mut events = [libc::epoll_event { events: 0, u64: 0 }; 16];
        // SAFETY: the buffer is as long as said.
        let count =
            unsafe { libc::epoll_wait(self.epoll.as_raw_fd(), events.as_mut_ptr(), 16, timeout) };
        for event in &events[..usize::try_from(count).unwrap_or(0)] {
            let fd = event.u64 as i32;
            if fd == self.bell.as_raw_fd() {
                let mut count = 0_u64;
                // SAFETY: room for the 8 bytes.
                unsafe { libc::read(fd, (&raw mut count).cast(), 8) };
                continue;
            }
            self.lock.lock();
            let task = self.waiting.lock().unwrap().remove(&fd);
            // SAFETY: locked above.
            unsafe { self.lock.unlock() };
            if let Some(task) = task
                && task.try_claim(FIRST_TOKEN)
            {
                ready(task);
            }
        }
    }

    fn interrupt(&self) {
        let one = 1_u64;
        // SAFETY: 8 bytes that live during the call.
        unsafe { libc::write(self.bell.as_raw_fd(), (&raw const one).cast(), 8) };
    }

    fn waiters(&self) -> usize {
        self.waiters.load(Ordering::SeqCst)
    }
}

fn pipe() -> (OwnedFd, OwnedFd) {
    let mut ends = [0; 2];
    // SAFETY: room for two descriptors, which nobody else owns.
    unsafe {
        check(libc::pipe(ends.as_mut_ptr()));
        (OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1]))
    }
}

fn write(fd: &OwnedFd) {
    // SAFETY: one byte that lives during the call.
    let written = unsafe { libc::write(fd.as_raw_fd(), [0_u8].as_ptr().cast(), 1) };
    assert_eq!(written, 1);
}

/// Catches readiness that nobody asks for: by an idle worker, beside a busy one, beside hogs.
#[test]
fn readiness_reaches_goroutines() {
    let poller: &'static Epoll = Box::leak(Box::new(Epoll::new()));
    gomaxprocs(2);
    run(|| {
        // The timekeeper sleeps without a poller at first.
        sleep(Duration::from_millis(5));
        assert!(install_poller(poller));
        assert!(!install_poller(poller));

        // Everybody waits; another thread writes, then the runtime's timers must still come.
        let (reader, writer) = pipe();
        let waiter = spawn(move || poller.wait_readable(reader.as_raw_fd()));
        let thread = std::thread::spawn(move || {
            while poller.waiters() == 0 || poller.waits.load(Ordering::SeqCst) == 0 {
                std::thread::yield_now();
            }
            write(&writer);
            writer
        });
        waiter.join().expect("no panic");
        gors_runtime::blocking(|| thread.join()).expect("no panic");
        sleep(Duration::from_millis(1));

        // A crowd, readied by goroutines.
        let crowd: Vec<_> = (0..100)
            .map(|_| {
                let (reader, writer) = pipe();
                let waiter = spawn(move || poller.wait_readable(reader.as_raw_fd()));
                (waiter, writer)
            })
            .collect();
        for (waiter, writer) in crowd {
            write(&writer);
            waiter.join().expect("no panic");
        }

        // All permits are in use, so only sysmon asks.
        static STOP: AtomicBool = AtomicBool::new(false);
        gomaxprocs(1);
        let (reader, writer) = pipe();
        let waiter = spawn(move || {
            poller.wait_readable(reader.as_raw_fd());
            STOP.store(true, Ordering::SeqCst);
        });
        while poller.waiters() == 0 {
            gors_runtime::gosched();
        }
        let begun = Instant::now();
        write(&writer);
        go!(|| ());
        while !STOP.load(Ordering::SeqCst) {
            assert!(begun.elapsed() < Duration::from_secs(60));
            std::hint::spin_loop();
        }
        waiter.join().expect("no panic");
        assert!(poller.looks.load(Ordering::SeqCst) > 0);
        assert_eq!(poller.waiters(), 0);
        // The waiter may have run before the one that only asked for a permit.
        let begun = Instant::now();
        while num_goroutine() > 1 {
            assert!(begun.elapsed() < Duration::from_secs(60));
            gors_runtime::gosched();
        }
    });
}
