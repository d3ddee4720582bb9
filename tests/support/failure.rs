//! How a test that should fail does.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// The message that `test` panics with.
#[track_caller]
pub(crate) fn text_of_failure<T>(test: impl FnOnce() -> T) -> String {
    let payload = match catch_unwind(AssertUnwindSafe(test)) {
        Ok(_) => panic!("it should fail"),
        Err(payload) => payload,
    };
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => (*payload.downcast::<&str>().expect("a text")).to_owned(),
    }
}
