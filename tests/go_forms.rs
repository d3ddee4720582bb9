//! What `go!` takes, with the real runtime behind it. The macro's grammar has its own tests in
//! `runtime/macros/tests`; these are about where and when things are evaluated.

use std::sync::Arc;

use gors::prelude::*;
use gors::sync::Mutex;

/// What happened, in order, with the goroutine it happened in.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<(String, u64)>>>);

impl Log {
    fn note(&self, what: &str) {
        self.0.lock().push((what.to_owned(), goid()));
    }

    /// Notes that an expression is evaluated.
    fn eval<T>(&self, what: &str, value: T) -> T {
        self.note(what);
        value
    }

    fn taken(&self) -> Vec<(String, u64)> {
        std::mem::take(&mut self.0.lock())
    }
}

fn call<A, B>(_: A, _: B, log: Log, done: Chan<()>) {
    log.note("call");
    done.send(());
}

struct Worker {
    log: Log,
    done: Chan<()>,
}

impl Worker {
    fn work(self, _: u8) {
        self.log.note("method");
        self.done.send(());
    }

    fn generic<T: Default + ToString>(&self) {
        self.log.note(&T::default().to_string());
        self.done.send(());
    }
}

/// Would catch arguments that are evaluated in the goroutine, or out of order.
#[gors::test]
fn arguments_are_evaluated_at_once_in_the_caller() {
    let (log, done) = (Log::default(), make(0));
    go!(call(
        log.eval("a", 1),
        log.eval("b", "two"),
        log.clone(),
        done.clone()
    ));
    log.note("after");
    done.recv();
    let log = log.taken();
    let here = goid();
    assert_eq!(&log[..2], &[("a".to_owned(), here), ("b".to_owned(), here)]);
    let call = log
        .iter()
        .find(|(what, _)| what == "call")
        .expect("the call was made");
    assert_ne!(call.1, here, "the call runs in another goroutine");
}

/// Would catch a receiver that is evaluated before the arguments, late, or twice.
#[gors::test]
fn the_receiver_is_evaluated_after_the_arguments() {
    let (log, done) = (Log::default(), make(0));
    let worker = Worker {
        log: log.clone(),
        done: done.clone(),
    };
    go!(log.eval("receiver", worker).work(log.eval("argument", 1)));
    done.recv();
    let names: Vec<_> = log.taken().into_iter().map(|(what, _)| what).collect();
    assert_eq!(names, ["argument", "receiver", "method"]);
}

/// Would catch a form that is not taken, or that runs in the caller.
#[gors::test]
fn every_form_runs_in_a_goroutine_of_its_own() {
    let here = goid();
    let ids = make(0);
    macro_rules! report {
        ($ids:expr) => {
            $ids.send(goid())
        };
    }
    fn report(ids: Chan<u64>) {
        ids.send(goid());
    }
    fn generic<T: Default>(ids: Chan<u64>) -> T {
        ids.send(goid());
        T::default()
    }
    mod inner {
        pub(super) use super::Chan;
        pub(super) fn report(ids: Chan<u64>) {
            ids.send(super::goid());
        }
    }
    let functions = [report as fn(Chan<u64>)];

    let (a, b, c, d) = (ids.clone(), ids.clone(), ids.clone(), ids.clone());
    go!(report(ids.clone()));
    go!(inner::report(ids.clone()));
    go!(generic::<String>(ids.clone()));
    go!(functions[0](ids.clone()));
    go!((|ids: Chan<u64>| ids.send(goid()))(ids.clone()));
    go!(move || a.send(goid()));
    go!(|| b.send(goid()));
    go!({
        let id = goid();
        c.send(id);
    });
    go!(report!(d));

    let mut seen: Vec<_> = ids.iter().take(9).collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 9, "nine goroutines, each with its own number");
    assert!(!seen.contains(&here) && !seen.contains(&0));
}

/// Would catch a method call that takes away more than its receiver, and a lost turbofish.
#[gors::test]
fn a_cloned_receiver_leaves_the_original() {
    let done = make(0);
    let worker = Arc::new(Worker {
        log: Log::default(),
        done: done.clone(),
    });
    go!(worker.clone().generic::<u32>());
    go!(worker.clone().generic::<bool>());
    done.recv();
    done.recv();
    let mut names: Vec<_> = worker
        .log
        .taken()
        .into_iter()
        .map(|(what, _)| what)
        .collect();
    names.sort();
    assert_eq!(names, ["0", "false"]);
}

/// Would catch a closure argument that needs its types written out.
#[gors::test]
fn a_closure_as_an_argument_keeps_its_inference() {
    fn measure(f: impl Fn(&str) -> usize, result: Chan<usize>) {
        result.send(f("four"));
    }
    let result = make(0);
    go!(measure(|s| s.len(), result.clone()));
    assert_eq!(result.recv(), Some(4));
}

/// Would catch a `go!` that is not a statement of type `()`, and a result that is not dropped.
#[gors::test]
fn the_result_is_dropped_in_the_goroutine() {
    struct Result(Chan<u64>);
    impl Drop for Result {
        fn drop(&mut self) {
            self.0.send(goid());
        }
    }
    fn make_result(dropped: Chan<u64>) -> Result {
        Result(dropped)
    }
    let dropped = make(0);
    let () = go!(make_result(dropped.clone()));
    assert_ne!(dropped.recv(), Some(goid()));
}
