//! What a panic of a goroutine's function leads to, for those who run such functions themselves.

use std::any::Any;

use crate::exit::{self, Goexit};

/// Whether `payload`, caught by `catch_unwind`, is a `goexit` on its way.
#[must_use]
pub fn is_goexit(payload: &(dyn Any + Send)) -> bool {
    payload.is::<Goexit>()
}

/// Does what the runtime does when the function of a `go!` goroutine has unwound with `payload`:
/// under [`PanicPolicy::Exit`](crate::PanicPolicy::Exit) a panic ends the process here. Returns if
/// it is a `goexit`, or if panics are isolated.
pub fn apply_panic_policy(payload: Box<dyn Any + Send>) {
    exit::goroutine_unwound(crate::current::record(), payload);
}
