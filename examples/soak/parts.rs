//! What the lanes run: one function for each part of the library. Each is a function of a random
//! source; it checks what it did.

mod contexts;
mod endings;
mod exchange;
mod locks;
mod once;
mod system;
mod timing;

// The loads of the stress test are parts as well.
#[path = "../stress/loads/channels.rs"]
mod channels;
#[path = "../stress/loads/sharing.rs"]
mod sharing;
#[path = "../stress/loads/waiting.rs"]
mod waiting;

use fastrand::Rng;

/// A part of the library, and how many goroutines run rounds of it.
pub(crate) struct Part {
    pub(crate) name: &'static str,
    pub(crate) run: fn(Rng) -> Result<(), String>,
    pub(crate) lanes: usize,
}

const fn part(name: &'static str, lanes: usize, run: fn(Rng) -> Result<(), String>) -> Part {
    Part { name, run, lanes }
}

/// All parts.
pub(crate) static PARTS: &[Part] = &[
    part("spawn, wait group", 1, sharing::crowd),
    part("spawn, join", 1, sharing::tree),
    part("scope", 1, sharing::scope_borrows),
    part("panics, carried by join", 1, endings::panics),
    part("panics, through a scope", 1, endings::scope_panics),
    part("goexit", 1, waiting::endings),
    part("block_on", 1, endings::futures),
    part("goroutine-locals", 1, endings::locals),
    part("unbuffered channels", 1, channels::ping_pong),
    part("buffered channels", 1, channels::pipeline),
    part("many to many", 2, channels::producers_and_consumers),
    part("unbounded channels", 1, exchange::unbounded_channels),
    part("large values", 1, exchange::large_values),
    part("close beside senders", 1, exchange::close_race),
    part("select!", 2, channels::select_fan_in),
    part("select!, both ways", 2, channels::select_both_ways),
    part("Select", 1, exchange::select_builder),
    part("plain threads", 1, channels::plain_threads),
    part("parkers", 1, waiting::parkers),
    part("mutex", 1, sharing::mutex),
    part("rwlock", 1, locks::rwlock),
    part("condition variables", 1, locks::condvar),
    part("semaphore", 1, locks::semaphore),
    part("barrier", 1, locks::barrier),
    part("once, lazy", 1, once::once),
    part("map, pool", 1, once::map_and_pool),
    part("errgroup", 1, once::errgroup),
    part("singleflight", 1, once::singleflight),
    part("sleeps", 1, waiting::sleeps),
    part("timeouts", 1, waiting::timeouts),
    part("timers", 2, timing::timers),
    part("tickers", 1, timing::tickers),
    part("functions of timers", 1, timing::after_funcs),
    part("context trees", 1, contexts::tree),
    part("context deadlines", 1, contexts::deadlines),
    part("blocking", 1, waiting::blocking_calls),
    part("locked threads", 1, system::locked_threads),
    part("deep stacks", 1, system::deep_stacks),
    part("hogs", 1, system::hogs),
    part("signals", 1, system::signals),
    part("child processes", 1, system::processes),
    part("dumps, memory given back", 1, system::dumps),
];

/// What rounds panic with on purpose.
pub(crate) struct Planned(pub(crate) u64);

/// Checks a sum, or any other number.
fn check<T: PartialEq + std::fmt::Debug>(what: &str, found: T, expected: T) -> Result<(), String> {
    if found == expected {
        Ok(())
    } else {
        Err(format!("{what}: {found:?} instead of {expected:?}"))
    }
}
