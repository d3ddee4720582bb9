//! Where the facade's own protocols take their atomics from: the standard library's, or in models loom's (see the runtime's
//! `shim.rs`).

#[cfg(gors_loom)]
pub(crate) use model::atomic;
#[cfg(not(gors_loom))]
pub(crate) use std::sync::atomic;
