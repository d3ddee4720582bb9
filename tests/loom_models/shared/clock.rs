//! A clock that the model moves.

use std::time::{Duration, Instant};

use super::world;

/// Now, a step later at each look.
pub(crate) fn now() -> u64 {
    world::tick()
}

pub(crate) fn tick() -> u64 {
    now()
}

pub(crate) fn callers() -> u64 {
    now()
}

pub(crate) fn coarse() -> u64 {
    0
}

pub(crate) fn instant() -> Instant {
    Instant::now()
}

pub(crate) fn deadline_in(timeout: Duration) -> Option<Instant> {
    instant().checked_add(timeout)
}

/// Deadlines of models are all the same.
pub(crate) fn at(_: Instant) -> u64 {
    world::DEADLINE
}
