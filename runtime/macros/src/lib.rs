//! The procedural macros of [gors], goroutines for Rust.
//!
//! Programs use them through `gors`, which re-exports them as `gors::go!`, `#[gors::main]` and
//! `#[gors::test]`. The examples here need that crate and are not run; the ones on the re-exports
//! are.
//!
//! There are no dependencies, `syn` and `quote` included, so that `gors` stays quick to build.
//!
//! [gors]: https://docs.rs/gors

#![forbid(unsafe_code)]

mod entry;
mod go;

mod scan;
mod tokens;

use entry::Entry;
use proc_macro::TokenStream;

/// Go's `go` statement. Called by `gors::go!`, which passes on what it got after a group with the
/// path of the runtime.
///
/// Starts a goroutine and does not wait for it. Never blocks and never switches to another
/// goroutine. What the call or closure returns is dropped, and the macro itself evaluates to `()`.
/// Everything that goes into the goroutine must be `Send` and `'static`.
///
/// | form | evaluated now, in the caller | runs in the goroutine |
/// | --- | --- | --- |
/// | `go!(f(a, b))`, `go!(path::f::<T>(a))`, `go!(<T as Trait>::f(a))` | the arguments, in order | the call |
/// | `go!(fs[0](a))`, `go!((closure)(a))`, `go!(f()(a))` | the arguments, then what is called | the call |
/// | `go!(x.method(a))`, `go!(x.clone().method(a))` | the arguments, then the receiver | the call |
/// | <code>go!(\|\| …)</code>, <code>go!(move \|\| …)</code> | nothing, the captures are moved | the closure |
/// | `go!({ … })`, `go!(unsafe { … })`, `go!(name!(…))` | nothing, the captures are moved | all of it |
///
/// Since arguments are the caller's, `go!(f(x?))` returns from the caller. A closure as an argument,
/// `go!(f(|s| s.len()))`, has its types inferred from `f`; its captures are moved, too. A closure
/// deeper in an argument, as in `Box::new(|s| …)`, needs its own `move` and types.
///
/// A receiver made of names and fields is moved, or captured through a reference, and a static can be
/// used in place: `go!(WG.wait())`. Write `go!(x.clone().method())` to keep `x`. A method that takes
/// `&mut self` works on a local that is not declared `mut` (rustc calls a `mut` there unused), but on
/// one of its fields only if the local is `mut`. One lower-case name is taken for a local: write
/// `go!(self::name.method())` for a static with such a name.
///
/// Everything else is an error in Go's words: `expression in go must be function call`.
///
/// # Examples
///
/// ```go
/// go worker(1, jobs)
/// go wg.Wait()
/// go func() { results <- 42 }()
/// ```
/// ```ignore
/// go!(worker(1, jobs.clone()));
/// go!(wg.wait());
/// go!(move || results.send(42));
/// ```
#[proc_macro]
pub fn go_impl(input: TokenStream) -> TokenStream {
    go::expand(input)
}

/// Runs `main` as the main goroutine, as Go runs every program's `main`.
///
/// The program ends when `main` returns, whatever other goroutines do. The function takes no
/// parameters and returns anything that implements
/// [`Termination`](std::process::Termination), which need not be `Send`: `Result<(), Box<dyn
/// Error>>` and [`ExitCode`](std::process::ExitCode) work as without the attribute. Other attributes
/// are kept.
///
/// The same as `fn main() { gors::run(|| …) }`.
///
/// # Arguments
///
/// * `crate = path`: where gors is, if not at `::gors`.
///
/// # Examples
///
/// ```go
/// func main() {
///     done := make(chan string)
///     go func() { done <- "hello" }()
///     fmt.Println(<-done)
/// }
/// ```
/// ```ignore
/// use gors::prelude::*;
///
/// #[gors::main]
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let done = make(0);
///     let sender = done.clone();
///     go!(sender.send("hello"));
///     println!("{}", done.recv().ok_or("closed")?);
///     Ok(())
/// }
/// ```
#[proc_macro_attribute]
pub fn main(options: TokenStream, item: TokenStream) -> TokenStream {
    Entry::Main.expand(options, item)
}

/// A unit test that runs as the main goroutine, like a `func TestXxx(t *testing.T)` of Go.
///
/// Takes what [`#[test]`](macro@core::prelude::v1::test) takes, a function without parameters that
/// returns `()` or a `Result`, and adds that attribute. Others, such as `#[ignore]` and
/// `#[should_panic]`, are kept. A watchdog fails the test if it does not end in time, and shows what
/// every goroutine waits for, like `go test -timeout`.
///
/// # Arguments
///
/// * `timeout = "30s"`: the watchdog's time, in `ms`, `s` and `m`; also `"1m30s"`.
/// * `procs = 2`: the test's `gomaxprocs`.
/// * `crate = path`: where gors is, if not at `::gors`.
///
/// # Examples
///
/// ```ignore
/// use gors::prelude::*;
///
/// #[gors::test(timeout = "5s", procs = 2)]
/// fn a_value_arrives() {
///     let c = make(0);
///     let sender = c.clone();
///     go!(sender.send(1));
///     assert_eq!(c.recv(), Some(1));
/// }
/// ```
#[proc_macro_attribute]
pub fn test(options: TokenStream, item: TokenStream) -> TokenStream {
    Entry::Test.expand(options, item)
}
