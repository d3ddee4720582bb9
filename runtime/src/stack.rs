//! Stacks: where they come from, how big they are, which goroutine runs on one.
//!
//! ```text
//!   worker's magazine (hot, LIFO) <--> depot (locked) <-- carve -- arena (one reservation)
//! ```
//!
//! The seam to the rest of the runtime is small: [`Slot`] is a stack with what belongs to it,
//! [`Magazine`] hands slots out and takes them back, [`current_slot`] finds the slot that the
//! caller runs on. See [`arena`] for the layout.

pub(crate) mod address;
mod arena;
mod bare;
mod class;
mod context;
pub(crate) mod depot;
mod guard;
pub(crate) mod magazine;
pub(crate) mod overflow;
pub(crate) mod slot;
pub(crate) mod usage;

pub(crate) use address::{arena_range, carved_slot_at, current_slot};
pub(crate) use class::{CLASSES, SizeClass};
pub use depot::free_os_memory;
pub(crate) use depot::trim;
pub(crate) use guard::GUARD;
pub(crate) use magazine::Magazine;
pub(crate) use slot::{Action, Slot};
pub use usage::{StackUsage, stack_usage};
