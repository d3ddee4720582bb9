//! The body of `#[gors::test]`.

use std::panic::{PanicHookInfo, resume_unwind};
use std::time::Duration;

use crate::builder::Builder;
use crate::shim::Mutex;

/// How long a test may take unless it says otherwise.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

/// What tests said when they panicked, by goroutine, until their own thread prints it.
static PANICS: Mutex<Vec<(u64, String)>> = Mutex::new(Vec::new());

/// Keeps the message of a test's panic. From the panic hook.
#[inline(never)]
pub(crate) fn keep_panic(id: u64, info: &PanicHookInfo<'_>) {
    PANICS.lock().push((id, format!("goroutine {id} {info}")));
}

/// Runs a test's body in a goroutine; a body that does not end in time fails with a dump of all
/// goroutines. `GORS_TEST_TIMEOUT`, in seconds, replaces the default.
///
/// # Panics
///
/// With the body's panic, or when it takes too long.
#[doc(hidden)]
#[track_caller]
pub fn run_test<T: Send + 'static>(
    name: &str,
    timeout: Option<Duration>,
    procs: Option<usize>,
    f: impl FnOnce() -> T + Send + 'static,
) -> T {
    let timeout = timeout.unwrap_or_else(|| {
        std::env::var("GORS_TEST_TIMEOUT")
            .ok()
            .and_then(|text| text.parse().ok())
            .map_or(DEFAULT_TIMEOUT, Duration::from_secs)
    });
    if let Some(procs) = procs {
        crate::gomaxprocs(procs);
    }
    let handle = Builder::new()
        .name(name)
        .stack_size(1 << 20)
        .spawn_test(f)
        .expect("stacks of 1 MiB exist");
    let id = handle.id();
    match handle.join_timeout(timeout) {
        Ok(Ok(value)) => value,
        Ok(Err(error)) if error.is_panic() => {
            // The hook has printed on the worker's thread, whose output the test runner may have
            // filed under another test, or lost.
            let mut kept = PANICS.lock();
            if let Some(index) = kept.iter().position(|(other, _)| *other == id) {
                eprintln!("{}", kept.swap_remove(index).1);
            }
            drop(kept);
            resume_unwind(error.into_panic())
        }
        Ok(Err(error)) => panic!("{name}: {error}"),
        Err(_) => {
            eprintln!("{}", crate::dump::stack_dump());
            panic!(
                "{name} has not ended within {timeout:?}; all goroutines are listed above \
                 (#[gors::test(timeout = \"...\")] or GORS_TEST_TIMEOUT allow more)"
            );
        }
    }
}
