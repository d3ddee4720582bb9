//! Go's `time`.

pub use std::time::{Duration, Instant};

#[doc(inline)]
pub use gors_chan::{after, tick};
#[doc(inline)]
pub use gors_runtime::sleep;
