//! The function at the bottom of every goroutine's stack.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::Record;
use crate::exit;

/// Runs the goroutine's closure to its end, whatever that is. On the goroutine's stack.
pub(crate) fn run(g: &'static Record) {
    let entry = g.entry.take().expect("a goroutine runs once");
    let payload = g.payload.get().cast::<u8>();
    // SAFETY: `prepare` stored the function beside its payload; `take` made this the only call.
    let result = catch_unwind(AssertUnwindSafe(|| unsafe { entry(payload) }));
    if let Err(payload) = result {
        exit::goroutine_unwound(g, payload);
    }
    if g.cold_if_any().is_some() {
        crate::local::drop_all(g);
    }
    exit::settle(g);
}
