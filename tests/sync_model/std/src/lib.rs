//! `std`, with the atomics and hints of [shuttle]. A crate that names this one `std` compiles source
//! files as they are, with every atomic access a point where the model may switch threads.

pub use ::std::*;

/// `std::hint`.
pub mod hint {
    pub use ::std::hint::*;
    pub use shuttle::hint::spin_loop;
}

/// `std::sync`.
pub mod sync {
    pub use ::std::sync::*;

    /// `std::sync::atomic`.
    pub mod atomic {
        pub use shuttle::sync::atomic::*;
    }
}
