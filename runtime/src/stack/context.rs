//! The switch between a worker's stack and a goroutine's.
//!
//! [`Context`] is what the two need to leave for each other: bound to a stack when a goroutine first
//! runs there, then resumed by workers and suspended by the goroutine in turns.
//!
//! # Two of them
//!
//! On x86-64 the switch is our own ([`native`]), elsewhere and under the sanitizers corosensei's
//! ([`portable`]). The reason is one instruction: corosensei leaves a coroutine by `ret`, and the
//! processor predicts returns from a stack of its own, which is never right there, because between
//! resume and suspend the goroutine has returned from one function that waits and has called the
//! next. The native one leaves by an indirect jump, which is predicted by its place. That is 15 to
//! 20 % of every operation that parks (`docs/decisions.md`).

#[cfg(all(target_arch = "x86_64", not(any(gors_asan, gors_tsan))))]
mod native;
#[cfg(all(target_arch = "x86_64", not(any(gors_asan, gors_tsan))))]
pub(super) use native::Context;

#[cfg(not(all(target_arch = "x86_64", not(any(gors_asan, gors_tsan)))))]
mod portable;
#[cfg(not(all(target_arch = "x86_64", not(any(gors_asan, gors_tsan)))))]
pub(super) use portable::Context;

use super::Slot;

/// What runs on a bound stack: the loop over goroutines. Never returns.
pub(super) type Entry = fn(&'static Slot) -> !;
