//! Where the facade's own protocols take their atomics from: the standard library's, unless a model
//! puts another module in this one's place (see the runtime's `shim.rs`).

/// `std::sync::atomic`.
pub(crate) mod atomic {
    pub(crate) use std::sync::atomic::*;
}
