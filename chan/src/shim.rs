//! Where channels take their atomics and the cells that a lock or a claim guards from: the standard library's, or
//! in models loom's (see the runtime's `shim.rs`).

#[cfg(gors_loom)]
pub(crate) use model::{Cell, atomic};
#[cfg(not(gors_loom))]
pub(crate) use std::{cell::Cell, sync::atomic};
