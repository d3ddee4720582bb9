#!/usr/bin/env bash
# Second half of dropin.sh in its mode `goroutines`: rewrites the copied tests in the scratch package $1 so that each
# test is a goroutine and spawns goroutines. Mechanical, by name only:
#
#   #[test]                         -> #[gors_runtime::test]
#   std::thread                     -> the module `thread` below
#   crossbeam_utils::thread::scope  -> the function `scope` below
#
# Left out: thread_locals.rs, which tests the end of an OS thread.
set -euo pipefail
scratch=$1

rm -f "$scratch/tests/thread_locals.rs"
# golang.rs waits in `std::sync::Condvar` inside its own WaitGroup and Chan: it stays as it is, a blocked worker
# is what the runtime's monitor is for.
sed -i -E \
    -e 's/^( *)#\[test\]/\1#[gors_runtime::test(crate = gors_runtime, timeout = "150s")]/' \
    -e 's/use std::thread::JoinHandle;/use dropin_goroutines::thread::JoinHandle;/' \
    -e 's/use std::thread;/use dropin_goroutines::thread;/' \
    -e 's/std::thread::panicking/::std::thread::panicking/; s/::::std/::std/' \
    -e 's/use crossbeam_utils::thread::scope;/use dropin_goroutines::scope;/' \
    "$scratch"/tests/*.rs

cat >"$scratch/src/lib.rs" <<'RUST'
//! `std::thread` and `crossbeam_utils::thread::scope` in shape, goroutines in fact.

pub mod thread {
    pub use std::thread::panicking;

    pub struct JoinHandle<T>(gors_runtime::JoinHandle<T>);

    impl<T> JoinHandle<T> {
        pub fn join(self) -> std::thread::Result<T> {
            self.0.join().map_err(|e| e.into_panic())
        }
    }

    pub fn spawn<F, T>(f: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        JoinHandle(gors_runtime::spawn(f))
    }

    pub fn sleep(d: std::time::Duration) {
        gors_runtime::sleep(d)
    }

    pub fn yield_now() {
        gors_runtime::gosched()
    }
}

pub struct Scope<'scope, 'env>(&'scope gors_runtime::Scope<'scope, 'env>);

impl<'scope, 'env> Scope<'scope, 'env> {
    pub fn spawn<F, T>(&self, f: F)
    where
        F: FnOnce(&()) -> T + Send + 'scope,
        T: Send + 'scope,
    {
        self.0.spawn(move || f(&()));
    }
}

pub fn scope<'env, F, R>(f: F) -> std::thread::Result<R>
where
    F: for<'scope> FnOnce(Scope<'scope, 'env>) -> R,
{
    Ok(gors_runtime::scope(|s| f(Scope(s))))
}
RUST
