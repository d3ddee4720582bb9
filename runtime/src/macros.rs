//! The macros of the runtime.

/// Starts a goroutine: Go's `go` statement.
///
/// * `go!(f(a, b))`, `go!(path::f(a))`, `go!(x.method(a))`: the arguments, then the receiver, are
///   evaluated **now**, in the caller, and moved; the call runs in a new goroutine and its result is
///   dropped.
/// * `go!(move || ...)`, `go!(|| ...)`, `go!({ ... })`: runs the closure or block in a new goroutine.
///   Captures are always moved.
/// * `go!(name!(...))`, `go!(unsafe { ... })`: run in the goroutine.
///
/// Evaluates to `()`. Never blocks. Starts the runtime if it does not run yet. A panic in the
/// goroutine ends the process with exit code 2, as in Go
/// ([`set_panic_policy`](crate::set_panic_policy)); [`spawn`](crate::spawn) keeps it instead.
///
/// What the goroutine holds across a blocking operation may be used on another thread afterwards;
/// `docs/soundness.md` says what that rules out.
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicUsize, Ordering};
///
/// fn add(total: Arc<AtomicUsize>, n: usize) {
///     total.fetch_add(n, Ordering::SeqCst);
/// }
///
/// gors_runtime::run(|| {
///     let total = Arc::new(AtomicUsize::new(0));
///     gors_runtime::go!(add(total.clone(), 1));
///     gors_runtime::go!({
///         println!("in a goroutine");
///     });
///     while total.load(Ordering::SeqCst) == 0 {
///         gors_runtime::gosched();
///     }
/// });
/// ```
#[macro_export]
macro_rules! go {
    ($($statement:tt)*) => {
        $crate::__private::go_impl! { [$crate] $($statement)* }
    };
}

/// Runs an expression when the enclosing scope ends: also when it ends by a panic or `goexit`; the
/// last one first.
///
/// Unlike Go's `defer` it belongs to the block, not to the function, and evaluates everything in it
/// at the end: bind arguments to variables before where that matters. The expression may block. A
/// panic in it while the goroutine unwinds aborts the process.
///
/// ```
/// let log = std::cell::RefCell::new(Vec::new());
/// {
///     gors_runtime::defer!(log.borrow_mut().push("last"));
///     gors_runtime::defer!(log.borrow_mut().push("first"));
/// }
/// assert_eq!(log.into_inner(), ["first", "last"]);
/// ```
#[macro_export]
macro_rules! defer {
    ($($body:tt)*) => {
        let _guard = $crate::__private::Defer::new(|| { $($body)*; });
    };
}

/// Declares goroutine-local variables, in the shape of `thread_local!`.
///
/// Each goroutine has its own value, which goes with it from thread to thread and is dropped when
/// it ends. See [`GoroutineLocal`](crate::GoroutineLocal).
///
/// ```
/// use std::cell::RefCell;
/// gors_runtime::goroutine_local! {
///     /// The request that this goroutine serves.
///     static REQUEST: RefCell<String> = RefCell::new(String::new());
/// }
/// REQUEST.with(|request| request.borrow_mut().push_str("GET /"));
/// REQUEST.with(|request| assert_eq!(*request.borrow(), "GET /"));
/// ```
#[macro_export]
macro_rules! goroutine_local {
    () => {};
    ($(#[$attribute:meta])* $visibility:vis static $name:ident: $type:ty = $init:expr; $($rest:tt)*) => {
        $crate::goroutine_local! { $(#[$attribute])* $visibility static $name: $type = $init }
        $crate::goroutine_local! { $($rest)* }
    };
    ($(#[$attribute:meta])* $visibility:vis static $name:ident: $type:ty = $init:expr) => {
        $(#[$attribute])*
        $visibility static $name: $crate::GoroutineLocal<$type> = {
            fn init() -> $type {
                $init
            }
            $crate::GoroutineLocal::new(init)
        };
    };
}

/// The value behind [`defer!`](crate::defer).
#[doc(hidden)]
#[derive(Debug)]
pub struct Defer<F: FnOnce()>(Option<F>);

impl<F: FnOnce()> Defer<F> {
    /// Runs `f` when dropped.
    #[must_use]
    pub const fn new(f: F) -> Self {
        Self(Some(f))
    }
}

impl<F: FnOnce()> Drop for Defer<F> {
    fn drop(&mut self) {
        if let Some(f) = self.0.take() {
            f();
        }
    }
}
