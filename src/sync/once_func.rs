//! Functions that do their work in the first call.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};

use gors_runtime::raw;

use super::{Mutex, OnceLock};

/// How the one run of a function ended.
enum Outcome<T> {
    Returned(T),
    /// The text of the panic, if it had one: payloads cannot be copied.
    Panicked(Option<String>),
    Goexit,
}

impl<T> Outcome<T> {
    /// Runs `f`; gives back what unwound it, for the caller that ran it.
    fn of(f: impl FnOnce() -> T) -> (Self, Option<Box<dyn Any + Send>>) {
        match catch_unwind(AssertUnwindSafe(f)) {
            Ok(value) => (Self::Returned(value), None),
            Err(payload) if raw::is_goexit(&*payload) => (Self::Goexit, Some(payload)),
            Err(payload) => {
                let text = payload
                    .downcast_ref::<&str>()
                    .map(|text| (*text).to_owned())
                    .or_else(|| payload.downcast_ref::<String>().cloned());
                (Self::Panicked(text), Some(payload))
            }
        }
    }
}

/// A function that calls `f` in its first call and does nothing in later ones. Calls that come
/// meanwhile block until the first has ended.
///
/// # Panics
///
/// If `f` panics, every call panics with its message. If `f` ends by [`goexit`](crate::goexit) every
/// call ends its goroutine.
///
/// Go: `sync.OnceFunc`.
///
/// ```
/// use gors::sync::once_func;
/// let hello = once_func(|| println!("once"));
/// hello();
/// hello();
/// ```
pub fn once_func<F>(f: F) -> impl Fn() + Send + Sync
where
    F: FnOnce() + Send,
{
    let value = once_value(f);
    move || value()
}

/// A function that calls `f` in its first call and returns clones of the result. Calls that come
/// meanwhile block until it is there.
///
/// # Panics
///
/// As [`once_func`].
///
/// Go: `sync.OnceValue`, and with a tuple `sync.OnceValues`.
///
/// ```
/// use gors::sync::once_value;
/// let config = once_value(|| String::from("read once"));
/// assert_eq!(config(), "read once");
/// assert_eq!(config(), config());
/// ```
pub fn once_value<T, F>(f: F) -> impl Fn() -> T + Send + Sync
where
    F: FnOnce() -> T + Send,
    T: Clone + Send + Sync,
{
    let function = Mutex::new(Some(f));
    let outcome = OnceLock::new();
    move || {
        let mut unwound = None;
        let outcome = outcome.get_or_init(|| {
            let f = function.lock().take().expect("initialised once");
            let (outcome, payload) = Outcome::of(f);
            unwound = payload;
            outcome
        });
        if let Some(payload) = unwound {
            std::panic::resume_unwind(payload);
        }
        match outcome {
            Outcome::Returned(value) => value.clone(),
            Outcome::Panicked(Some(text)) => panic_any(text.clone()),
            Outcome::Panicked(None) => panic!("once_value: the function has panicked"),
            Outcome::Goexit => crate::goexit(),
        }
    }
}
