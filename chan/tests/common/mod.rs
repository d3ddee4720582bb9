//! What the tests share: each runs on plain threads and again on goroutines, and a hang fails fast.
#![allow(dead_code, clippy::disallowed_methods)] // plain threads are wanted here

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

pub(crate) fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Runs `test` on a plain thread, then as a goroutine. Prints all goroutines and aborts after a
/// minute.
pub(crate) fn everywhere(test: fn()) {
    guarded("plain threads", test);
    // For tools that do not understand stack switches, such as the thread sanitizer.
    if std::env::var_os("GORS_CHAN_THREADS_ONLY").is_none() {
        guarded("goroutines", move || gors_runtime::run(test));
    }
}

/// Runs `test` on a thread of its own under the watchdog.
pub(crate) fn guarded(what: &str, test: impl FnOnce() + Send + 'static) {
    let (done, ended) = mpsc::channel();
    let runner = thread::Builder::new().name(what.to_owned());
    let runner = runner
        .spawn(move || {
            test();
            let _ = done.send(());
        })
        .unwrap();
    if let Err(mpsc::RecvTimeoutError::Timeout) = ended.recv_timeout(Duration::from_secs(60)) {
        eprintln!("hangs on {what}\n{}", gors_runtime::stack_dump());
        std::process::abort();
    }
    if let Err(panic) = runner.join() {
        eprintln!("failed on {what}");
        std::panic::resume_unwind(panic);
    }
}

/// A goroutine if the caller is one, else a thread.
pub(crate) fn go<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> Handle<T> {
    if gors_runtime::goid() != 0 {
        Handle::Goroutine(gors_runtime::spawn(f))
    } else {
        let (tell, place) = mpsc::channel();
        let handle = thread::spawn(move || {
            let here = std::fs::read_link("/proc/thread-self").unwrap_or_default();
            let _ = tell.send(Path::new("/proc").join(here));
            f()
        });
        Handle::Thread { handle, place }
    }
}

pub(crate) enum Handle<T> {
    Goroutine(gors_runtime::JoinHandle<T>),
    Thread {
        handle: thread::JoinHandle<T>,
        /// Its folder in `/proc`, once it runs.
        place: mpsc::Receiver<PathBuf>,
    },
}

impl<T> Handle<T> {
    /// Returns when it waits for something, or has ended.
    fn until_blocked(&self) {
        match self {
            Handle::Goroutine(h) => {
                while gors_runtime::wait_reason_of(h.id()).is_none() && !h.is_finished() {
                    sleep(ms(1));
                }
            }
            Handle::Thread { handle, place } => {
                let place = place.recv().expect("it sends its place first");
                let sleeps = || {
                    let stat = std::fs::read_to_string(place.join("stat")).unwrap_or_default();
                    stat.rsplit_once(')')
                        .is_some_and(|(_, rest)| rest.starts_with(" S"))
                };
                while !sleeps() && !handle.is_finished() {
                    sleep(ms(1));
                }
            }
        }
    }

    pub(crate) fn is_finished(&self) -> bool {
        match self {
            Handle::Goroutine(h) => h.is_finished(),
            Handle::Thread { handle, .. } => handle.is_finished(),
        }
    }

    /// The result, or the panic's message.
    pub(crate) fn join(self) -> Result<T, String> {
        let panic = match self {
            Handle::Goroutine(h) => match h.join() {
                Ok(v) => return Ok(v),
                Err(e) => e.into_panic(),
            },
            Handle::Thread { handle, .. } => match handle.join() {
                Ok(v) => return Ok(v),
                Err(e) => e,
            },
        };
        Err(message(&panic))
    }
}

pub(crate) fn message(panic: &Box<dyn std::any::Any + Send>) -> String {
    if let Some(s) = panic.downcast_ref::<&str>() {
        (*s).to_owned()
    } else {
        panic.downcast_ref::<String>().cloned().unwrap_or_default()
    }
}

/// The message `f` panics with.
pub(crate) fn panics(f: impl FnOnce()) -> String {
    message(&std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)).expect_err("did not panic"))
}

pub(crate) fn sleep(d: Duration) {
    if gors_runtime::goid() != 0 {
        gors_runtime::sleep(d)
    } else {
        thread::sleep(d)
    }
}

/// Long enough for others to reach the point where they block.
pub(crate) fn settle() {
    sleep(ms(25));
}

/// `f` is still blocked after a while.
pub(crate) fn blocks<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> Handle<T> {
    still_blocked(go(f))
}

/// As [`blocks`], where a debug build's copies of large values have room.
pub(crate) fn blocks_with_room<T: Send + 'static>(
    f: impl FnOnce() -> T + Send + 'static,
) -> Handle<T> {
    if gors_runtime::goid() == 0 {
        return blocks(f);
    }
    let roomy = gors_runtime::Builder::new().stack_size(4 << 20);
    still_blocked(Handle::Goroutine(roomy.spawn(f).unwrap()))
}

fn still_blocked<T>(h: Handle<T>) -> Handle<T> {
    settle();
    h.until_blocked();
    assert!(!h.is_finished(), "went through, should block");
    h
}
