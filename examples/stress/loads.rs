//! What the rounds are made of. Each load is a function of a random source; it checks what it did.

mod channels;
mod sharing;
mod waiting;

use fastrand::Rng;

/// A load: an error says what was wrong.
pub(crate) type Load = fn(Rng) -> Result<(), String>;

/// All loads.
pub(crate) const LOADS: &[(&str, Load)] = &[
    ("crowd", sharing::crowd),
    ("mutex", sharing::mutex),
    ("scope", sharing::scope_borrows),
    ("tree", sharing::tree),
    ("ping-pong", channels::ping_pong),
    ("pipeline", channels::pipeline),
    ("producers and consumers", channels::producers_and_consumers),
    ("select", channels::select_fan_in),
    ("select both ways", channels::select_both_ways),
    ("plain threads", channels::plain_threads),
    ("sleeps", waiting::sleeps),
    ("timeouts", waiting::timeouts),
    ("parkers", waiting::parkers),
    ("blocking calls", waiting::blocking_calls),
    ("endings", waiting::endings),
];

/// Checks a sum, or any other number.
fn check<T: PartialEq + std::fmt::Debug>(what: &str, found: T, expected: T) -> Result<(), String> {
    if found == expected {
        Ok(())
    } else {
        Err(format!("{what}: {found:?} instead of {expected:?}"))
    }
}
