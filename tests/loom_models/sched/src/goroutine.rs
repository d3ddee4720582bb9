//! Goroutines: closures that a worker calls.

#[path = "../../../../runtime/src/goroutine/slab.rs"]
pub(crate) mod slab;
#[path = "../../shared/record.rs"]
mod stand_in;

pub(crate) use self::stand_in::{Cold, Record, RecordPtr, record};
