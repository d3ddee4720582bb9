//! What the goroutines are doing, in words.
//!
//! | file | question it answers |
//! | --- | --- |
//! | [`hold`] | how are parked goroutines kept still while others run? (the protocol) |
//! | [`unwind`] | where is a parked goroutine? |
//! | [`symbols`] | what is that called? |
//! | [`snapshot`] | what is known of each goroutine? |
//! | [`report`] | how is that said, of one or of 100,000? |
//! | [`leaks`], [`waits`], [`memory`], [`reach`], [`quiet`] | who can never wake? |
//! | [`names`] | what are goroutines called? |
//! | [`quit`] | what does SIGQUIT do? |
//!
//! A dump runs on an OS thread's stack, because finding symbols takes more than a goroutine may have
//! left, and waits for no goroutine. Dumps are made one at a time.

pub(crate) mod hold;
pub(crate) mod leaks;
mod memory;
pub(crate) mod names;
pub(crate) mod quiet;
pub(crate) mod quit;
pub(crate) mod reach;
mod report;
mod snapshot;
mod symbols;
mod unwind;
pub(crate) mod waits;

use std::backtrace::Backtrace;
use std::fmt::Write as _;
use std::panic::resume_unwind;

use crate::goroutine::Record;
use crate::goroutine::record::state;
use crate::raw::WaitReason;
use crate::shim::Mutex;
use crate::shim::atomic::Ordering;
use crate::stack::current_slot;

/// Held by whoever makes a dump.
static DUMPING: Mutex<()> = Mutex::new(());

/// `goroutine 7 "name" [state]:` and where it was created.
pub(crate) fn headline(g: &Record, doing: &str) -> String {
    let mut text = format!("goroutine {}", g.goid());
    if let Some(name) = names::get(g.goid()) {
        let _ = write!(text, " {name:?}");
    }
    let _ = write!(text, " [{doing}]:");
    if let Some(created) = g.created() {
        let _ = write!(text, "\ncreated at {created}");
    }
    text
}

/// Every goroutine: number and name, what it does or what it waits for and for how long, where it
/// waits (the caller's own stack first, then those of parked goroutines), and where it was created.
///
/// ```text
/// goroutine 1 "main" [running]:
/// server::report
///     ./src/main.rs:20
/// created at src/main.rs:7
///
/// goroutine 18 [chan receive, 2 minutes]:
/// gors_chan::go::Chan<T>::recv
///     ./chan/src/go.rs:86
/// server::worker
///     ./src/main.rs:31
/// created at src/main.rs:12
/// ```
///
/// With `GORS_STACK_USAGE=1` each goroutine has a line such as `stack used: 8 of 240 KiB`, what
/// [`stack_usage`](crate::stack_usage) says of it.
///
/// Goroutines that do the same are listed together once there are more than a few of them. A wait of
/// less than a millisecond has no age. `leaked` marks what [`leaks`](crate::leaks) finds. `holder: goroutine 7` names the goroutine that holds the lock which is waited for, which is known in builds with debug
/// assertions only. Frames of the runtime are left out unless `RUST_BACKTRACE=full`. Backtraces of
/// parked goroutines need x86-64 and a kernel with `membarrier`.
///
/// The list is taken while the goroutines run: those that wait are held for about a millisecond, a
/// few dozen at a time; nothing stops the others. It takes some microseconds a goroutine, and up to
/// a second for symbols the first time. Blocks the OS thread meanwhile.
///
/// Go: `runtime.Stack(buf, true)`. The same list is written when the program gets SIGQUIT, when all
/// goroutines are asleep, and when a `#[gors::test]` takes too long.
///
/// ```
/// gors_runtime::run(|| {
///     let dump = gors_runtime::stack_dump();
///     assert!(dump.starts_with("goroutine 1 [running]:"));
/// });
/// ```
#[must_use]
pub fn stack_dump() -> String {
    let caller = leaks::Own::of_caller();
    let own = current_slot().map(|slot| (slot.record().goid(), capture()));
    with_room(move || {
        let _hidden = crate::sanitize::hide();
        let _dumping = DUMPING.lock();
        let leaked = leaks::find(&caller);
        report::write(snapshot::take(), &leaked, own)
    })
}

/// Out of line: touches thread-local storage.
#[inline(never)]
fn capture() -> Backtrace {
    Backtrace::force_capture()
}

/// Runs `f` where there is room for finding symbols.
#[inline(never)]
fn with_room<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = std::thread::Builder::new()
        .name("gors-dump".to_owned())
        .stack_size(2 << 20)
        .spawn(f);
    match thread.map(std::thread::JoinHandle::join) {
        Ok(Ok(result)) => result,
        Ok(Err(panic)) => resume_unwind(panic),
        Err(error) => {
            eprintln!("gors: no thread for a dump: {error}");
            crate::exit::fatal("thread exhaustion")
        }
    }
}

/// What one goroutine waits for, or `None` if it does not, or does not exist. For tests, which ask
/// often.
#[doc(hidden)]
#[must_use]
pub fn wait_reason_of(goroutine: u64) -> Option<WaitReason> {
    let mut found = None;
    crate::goroutine::slab::for_each(|g| {
        if g.goid() == goroutine && g.state.load(Ordering::Acquire) != state::RUNNING {
            found = Some(WaitReason::from_u8(g.reason.load(Ordering::Relaxed)));
        }
    });
    found
}
