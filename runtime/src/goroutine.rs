//! Goroutine records and where their memory comes from.

pub(crate) mod cold;
pub(crate) mod record;
pub(crate) mod root;
pub(crate) mod slab;

pub(crate) use cold::Cold;
pub(crate) use record::{Record, RecordPtr};
