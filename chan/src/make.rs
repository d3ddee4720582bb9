//! The constructors.

use std::alloc::Layout;
use std::ptr::NonNull;
use std::time::{Duration, Instant};

use crate::clock;
use crate::core::{Core, UNBOUNDED, flag};
use crate::go::Chan;
use crate::link::Link;
use crate::receiver::Receiver;
use crate::sender::Sender;

/// The most a channel may hold in bytes, as in Go: what the allocator could not give anyway.
const MAX_BYTES: usize = isize::MAX as usize;

#[track_caller]
fn core_of<T>(cap: usize, flags: u32) -> NonNull<Core> {
    let elem = Layout::new::<T>();
    let fits = cap == UNBOUNDED || cap.checked_mul(elem.size()).is_some_and(|n| n <= MAX_BYTES);
    let core = if fits {
        Core::alloc(elem, cap, flags)
    } else {
        None
    };
    let Some(core) = core else {
        panic!("makechan: size out of range");
    };
    core
}

/// Makes a channel with Go's face (Go's `make(chan T, cap)`); 0 makes a rendezvous channel.
///
/// # Panics
///
/// `makechan: size out of range` if the buffer would not fit into the address space.
///
/// ```
/// let c = gors_chan::make::<&str>(1);
/// c.send("ping");
/// assert_eq!(c.recv(), Some("ping"));
/// assert_eq!((c.len(), c.cap()), (0, 1));
/// ```
#[track_caller]
pub fn make<T>(cap: usize) -> Chan<T> {
    // The largest number is the mark of an unbounded channel; no ring is that long.
    Chan {
        link: Link::new(core_of::<T>(cap.min(UNBOUNDED - 1), flag::WHOLE)),
    }
}

/// Makes a channel that holds `cap` values (Go's `make(chan T, cap)`); 0 makes a rendezvous
/// channel: a send waits for its receive.
///
/// # Panics
///
/// `makechan: size out of range` if the buffer would not fit into the address space.
///
/// ```
/// let (s, r) = gors_chan::bounded(0);
/// std::thread::spawn(move || s.send(1).unwrap());
/// assert_eq!(r.recv(), Ok(1));
/// ```
#[track_caller]
pub fn bounded<T>(cap: usize) -> (Sender<T>, Receiver<T>) {
    pair(core_of::<T>(cap.min(UNBOUNDED - 1), 0))
}

/// Makes a channel that holds any number of values: sends never block. Go has no equivalent.
///
/// ```
/// let (s, r) = gors_chan::unbounded();
/// for i in 0..1000 {
///     s.send(i).unwrap();
/// }
/// drop(s);
/// assert_eq!(r.iter().count(), 1000);
/// ```
pub fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    pair(core_of::<T>(UNBOUNDED, 0))
}

fn pair<T>(core: NonNull<Core>) -> (Sender<T>, Receiver<T>) {
    (
        Sender {
            link: Link::new(core),
        },
        Receiver {
            link: Link::new(core),
        },
    )
}

/// A receiver that nothing ever comes to (Go's nil channel). Useful as a switched-off arm of a
/// `select!`.
///
/// ```
/// use gors_chan::{after, never, select};
/// use std::time::Duration;
///
/// let timeout: Option<Duration> = None;
/// let timeout = timeout.map_or(never(), after);
/// select! {
///     recv(timeout) -> _ => unreachable!(),
///     default => {}
/// }
/// ```
pub const fn never<T>() -> Receiver<T> {
    Receiver { link: Link::NEVER }
}

/// A timer channel: `cap` 1 shows its value in `len`, as crossbeam's do; 0 hides it, as Go's timers
/// do.
pub(crate) fn timer(due: i64, period: i64, cap: usize) -> NonNull<Core> {
    // No ring is used: the value is the clock's. A zero-size element keeps the allocation at the
    // core alone.
    let core = Core::alloc(Layout::new::<()>(), cap, flag::TIMER | flag::OWNED)
        .expect("a core has a layout");
    // SAFETY: fresh, not shared.
    unsafe { core.as_ref() }.init_due(due, period);
    core
}

/// A receiver that gets one value, the due time, when `duration` has passed (Go's `time.After`).
/// Clones share the one value. Starts no thread and needs no runtime.
///
/// ```
/// use gors_chan::{after, never, select};
/// use std::time::Duration;
///
/// select! {
///     recv(never::<()>()) -> _ => unreachable!(),
///     recv(after(Duration::from_millis(5))) -> _ => println!("timed out"),
/// }
/// ```
pub fn after(duration: Duration) -> Receiver<Instant> {
    match gors_runtime::raw::deadline_in(duration) {
        Some(when) => at(when),
        None => never(),
    }
}

/// As [`after`], at a point in time.
///
/// ```
/// use gors_chan::at;
/// use std::time::{Duration, Instant};
///
/// let when = Instant::now() + Duration::from_millis(5);
/// assert_eq!(at(when).recv(), Ok(when));
/// ```
pub fn at(when: Instant) -> Receiver<Instant> {
    let core = timer(clock::to_word(when), 0, 1);
    // SAFETY: fresh, not shared.
    unsafe { core.as_ref() }.init_receiver_only();
    Receiver {
        link: Link::new(core),
    }
}

/// A receiver that gets a value each `duration` (Go's `time.Tick`). A slow receiver loses ticks;
/// clones share them. A zero duration is always ready.
///
/// ```
/// use gors_chan::tick;
/// use std::time::Duration;
///
/// let ticks = tick(Duration::from_millis(2));
/// let first = ticks.recv().unwrap();
/// assert!(ticks.recv().unwrap() >= first + Duration::from_millis(2));
/// ```
pub fn tick(duration: Duration) -> Receiver<Instant> {
    let Some(first) = gors_runtime::raw::deadline_in(duration) else {
        return never();
    };
    // A period of 0 would mean "once".
    let period = i64::try_from(duration.as_nanos())
        .unwrap_or(i64::MAX)
        .max(1);
    let core = timer(clock::to_word(first), period, 1);
    // SAFETY: fresh, not shared.
    unsafe { core.as_ref() }.init_receiver_only();
    Receiver {
        link: Link::new(core),
    }
}

/// A done channel: two sides, of which only the owner's can end it.
pub(crate) fn done() -> NonNull<Core> {
    core_of::<()>(0, flag::OWNED)
}
