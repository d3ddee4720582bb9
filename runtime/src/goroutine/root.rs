//! The function at the bottom of every goroutine's stack.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::Record;
use super::record::flag;
use crate::{bubble, exit};

/// Runs the goroutine's closure to its end, whatever that is. On the goroutine's stack.
pub(crate) fn run(g: &'static Record) {
    // SAFETY: on the goroutine's stack, once.
    let result = catch_unwind(AssertUnwindSafe(|| unsafe { g.enter() }));
    if let Err(payload) = result {
        exit::goroutine_unwound(g, payload);
    }
    if g.cold_if_any().is_some() {
        // Destructors may block; a goexit has had its effect.
        g.clear(flag::GOEXIT);
        crate::local::drop_all(g);
    }
    exit::settle(g);
    bubble::before_wait(g);
}
