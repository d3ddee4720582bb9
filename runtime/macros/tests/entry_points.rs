//! What `#[gors::main]` and `#[gors::test]` make of a function. Would catch a lost attribute, return
//! type or option, and a warning in the user's code.
//!
//! `standin` stands in for gors: it runs the function on a thread of its own, as gors does, so the
//! result must be `Send`.

#![deny(warnings)]
#![deny(clippy::all, clippy::pedantic)]
#![forbid(unsafe_code)]

use std::error::Error;
use std::process::{ExitCode, Termination};
use std::time::Duration;

#[doc(hidden)]
pub mod standin {
    pub fn run<T: Send>(f: impl FnOnce() -> T + Send) -> T {
        std::thread::scope(|scope| scope.spawn(f).join())
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    #[doc(hidden)]
    pub mod __private {
        use std::cell::RefCell;
        use std::time::Duration;

        pub type Options = (String, Option<Duration>, Option<usize>);

        thread_local! {
            pub static OPTIONS: RefCell<Option<Options>> = const { RefCell::new(None) };
        }

        pub fn run_test<T: Send>(
            name: &str,
            timeout: Option<Duration>,
            procs: Option<usize>,
            f: impl FnOnce() -> T + Send + 'static,
        ) -> T {
            let options = (name.to_owned(), timeout, procs);
            super::run(|| {
                OPTIONS.set(Some(options));
                f()
            })
        }
    }
}

fn options() -> standin::__private::Options {
    standin::__private::OPTIONS
        .take()
        .expect("runs in run_test")
}

// `gors::test`.

/// A doc comment is an attribute.
#[gors_macros::test(crate = crate::standin)]
fn a_test_without_options() {
    let name = concat!(module_path!(), "::a_test_without_options");
    assert_eq!(options(), (name.to_owned(), None, None));
}

#[gors_macros::test(timeout = "1m30s", procs = 2, crate = standin,)]
fn a_test_with_options() {
    let (_, timeout, procs) = options();
    assert_eq!((timeout, procs), (Some(Duration::from_secs(90)), Some(2)));
}

#[gors_macros::test(crate = standin, procs = 1_0usize, timeout = "250ms")]
pub(crate) fn a_test_with_options_in_any_order() {
    let (_, timeout, procs) = options();
    assert_eq!(
        (timeout, procs),
        (Some(Duration::from_millis(250)), Some(10))
    );
}

#[gors_macros::test(crate = standin)]
#[should_panic(expected = "as it should")]
fn attributes_are_kept() {
    panic!("as it should");
}

#[gors_macros::test(crate = standin)]
#[ignore = "is not run"]
fn an_ignored_test() {
    panic!("was run");
}

#[gors_macros::test(crate = standin)]
#[cfg(any())]
fn a_test_that_is_not_compiled() {
    let n: u8 = "";
}

#[gors_macros::test(crate = standin)]
fn a_result_need_not_be_send() -> Result<(), Box<dyn Error>> {
    let n: u8 = "12".parse()?;
    if n == 12 {
        return Ok(());
    }
    Err("not 12")?
}

#[gors_macros::test(crate = standin)]
fn a_return_and_inner_attributes() {
    #![allow(unused_variables)]
    let unused = 1;
    if options().2.is_none() {
        return;
    }
    panic!("was not returned");
}

macro_rules! tests {
    ($($vis:vis $name:ident $body:block)*) => {
        $(#[gors_macros::test(crate = $crate::standin)] $vis fn $name() $body)*
    };
    (item $item:item) => { #[gors_macros::test(crate = $crate::standin)] $item };
}

tests! {
    a_test_from_a_macro { options(); }
    pub(crate) a_public_test_from_a_macro { options(); }
}
tests! { item fn an_item_from_a_macro() { options(); } }

// `gors::main`.

mod plain {
    #[gors_macros::main(crate = crate::standin)]
    pub(crate) fn main() {
        assert_ne!(std::thread::current().name(), Some("main"));
    }
}

mod result {
    use std::error::Error;

    #[gors_macros::main(crate = super::standin)]
    pub(super) fn main() -> Result<(), Box<dyn Error>> {
        Err("an error")?;
        Ok(())
    }
}

mod code {
    use std::process::{ExitCode, Termination};

    #[gors_macros::main(crate = super::standin)]
    pub(super) fn main() -> impl Termination {
        ExitCode::from(3)
    }
}

mod never {
    #[gors_macros::main(crate = super::standin)]
    pub(super) fn main() -> ! {
        std::panic::panic_any(7_u8)
    }
}

mod nested {
    pub(super) static RUNS: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);

    #[gors_macros::main(crate = super::standin)]
    pub(super) fn main() {
        if RUNS.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < 2 {
            main();
        }
    }
}

#[test]
fn main_runs() {
    plain::main();
    nested::main();
    assert_eq!(nested::RUNS.load(std::sync::atomic::Ordering::Relaxed), 3);
}

#[test]
fn the_result_of_main_is_its_exit_code() {
    fn same(left: impl Termination, right: impl Termination) {
        assert_eq!(
            format!("{:?}", left.report()),
            format!("{:?}", right.report())
        );
    }
    same(result::main(), ExitCode::FAILURE);
    same(code::main(), ExitCode::from(3));
}

#[test]
fn a_panic_of_main_is_resumed() {
    let start: fn() = || never::main();
    let panic = std::panic::catch_unwind(start).expect_err("main panics");
    assert_eq!(panic.downcast_ref(), Some(&7_u8));
}
