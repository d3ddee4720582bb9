//! Goroutines: threads of the model.

#[path = "../../shared/record.rs"]
mod stand_in;

pub(crate) use self::stand_in::{Record, RecordPtr, record};
