//! What `go!` accepts, and what it evaluates when. Would catch a form that is no longer understood,
//! an argument that is evaluated late or out of order, and a warning in the user's code.
//!
//! `__private::go` stands in for the runtime: it runs the closure at once and notes that it did.
//! `tests/diagnostics.rs` compiles this file for other editions, too.

#![deny(warnings)]
#![deny(clippy::all, clippy::pedantic)]
#![forbid(
    unsafe_code,
    unused_mut,
    unused_parens,
    unused_braces,
    let_underscore_drop
)]
// What the arguments below look like on purpose.
#![allow(clippy::needless_pass_by_value, clippy::redundant_closure)]
#![allow(clippy::redundant_closure_for_method_calls, clippy::suspicious_map)]
#![allow(clippy::cast_lossless)]
#![allow(clippy::semicolon_if_nothing_returned)]

use std::cell::RefCell;
use std::fmt::Display;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

thread_local! {
    static LOG: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

#[doc(hidden)]
pub mod __private {
    use std::panic::Location;

    #[track_caller]
    pub fn go<F, R>(f: F)
    where
        F: FnOnce() -> R + Send + 'static,
    {
        crate::log(format!("go@{}", Location::caller().line()));
        drop(f());
    }
}

macro_rules! go {
    ($($t:tt)*) => { gors_macros::go_impl! { [crate] $($t)* } };
}

fn log(event: impl Display) {
    LOG.with_borrow_mut(|log| log.push(event.to_string()));
}

/// What was logged since the last call, without line numbers.
fn logged() -> Vec<String> {
    let log = LOG.with_borrow_mut(std::mem::take);
    let event = |event: String| event.split('@').next().unwrap_or_default().to_owned();
    log.into_iter().map(event).collect()
}

/// A value that is logged when it is evaluated.
fn eval<T: Display>(value: T) -> T {
    log(format!("eval {value}"));
    value
}

fn show(value: impl Display) {
    log(value);
}

fn show2<A: Display, B: Display>(a: A, b: B) -> String {
    let text = format!("{a} {b}");
    log(&text);
    text
}

/// Where `f` gets its argument's type from.
fn measure(f: impl Fn(&str) -> usize) {
    log(f("four"));
}

fn combine(a: usize, f: impl Fn(usize, usize) -> usize, b: usize) {
    log(f(a, b));
}

fn counts() -> Vec<fn(usize)> {
    vec![|n| log(n), |n| log(n * 10)]
}

mod path {
    pub(crate) mod deep {
        pub(crate) fn show<T: std::fmt::Display>(value: T) {
            crate::log(value);
        }
    }
}

trait Task<A = (), B = ()> {
    fn run_with(self, text: &'static str) -> bool;
    fn of(text: &'static str);
}

struct Job;

impl Task<u8, u16> for Job {
    fn run_with(self, text: &'static str) -> bool {
        log(text);
        true
    }
    fn of(text: &'static str) {
        log(text);
    }
}

#[derive(Clone, Default)]
struct Counter {
    count: usize,
    shared: Arc<AtomicUsize>,
}

impl Counter {
    fn add(&mut self, n: usize) -> usize {
        self.count += n;
        log(self.count);
        self.count
    }

    fn show(&self) {
        log(self.count);
    }

    fn take<T: Display>(self, value: T) {
        log(format!("{} {value}", self.count));
    }

    fn each(&self, f: impl Fn(&str) -> usize) {
        log(f("each") + self.count);
    }

    fn chain(&mut self) -> &mut Self {
        log("chain");
        self
    }

    fn next(&self) -> Self {
        log("next");
        let mut next = self.clone();
        next.count += 1;
        next
    }

    fn start(self) {
        go!(self.take("self"));
    }

    fn start_shared(self: &Arc<Self>) {
        go!(self.clone().show());
    }
}

struct Owner {
    counter: Counter,
    pair: ((u8, Counter), String),
}

static TOTAL: AtomicUsize = AtomicUsize::new(5);
static SHARED: Mutex<String> = Mutex::new(String::new());
#[allow(non_upper_case_globals)]
static lower: AtomicUsize = AtomicUsize::new(0);

// Closures and blocks.

#[test]
#[rustfmt::skip]
fn a_closure_runs_and_its_captures_are_moved() {
    let text = String::from("moved");
    go!(|| log(&text));
    let text = String::from("with move");
    go!(move || log(&text));
    go!(|| -> usize { 3 });
    go!(|| log("trailing comma"),);
    assert_eq!(
        logged(),
        [
            "go",
            "moved",
            "go",
            "with move",
            "go",
            "go",
            "trailing comma"
        ]
    );
}

#[test]
#[rustfmt::skip]
fn a_block_runs_in_the_goroutine() {
    let n = 1;
    let text = String::from("b");
    go!({
        eval(n);
        log(text);
    });
    go!({});
    go! { { log("braces"); } }
    assert_eq!(logged(), ["go", "eval 1", "b", "go", "go", "braces"]);
}

#[test]
#[rustfmt::skip]
fn a_macro_runs_in_the_goroutine() {
    macro_rules! statements {
        ($x:expr) => {
            let doubled = $x * 2;
            log(doubled);
        };
    }
    mod local {
        macro_rules! note {
            ($x:expr) => {
                $crate::log($x)
            };
        }
        pub(crate) use note;
    }
    go!(local::note!(eval(1)));
    go!(local::note![2]);
    go!(local::note! { 3 });
    go!(statements!(2));
    go!(vec![eval(5)]);
    assert_eq!(
        logged(),
        [
            "go", "eval 1", "1", "go", "2", "go", "3", "go", "4", "go", "eval 5"
        ]
    );
}

// Calls.

#[test]
#[rustfmt::skip]
fn arguments_are_evaluated_in_order_before_the_goroutine() {
    go!(show2(eval(1), eval(2)));
    go!(show2(
        eval(3),
        4,
    ),);
    go!(show2("x", -1));
    assert_eq!(
        logged(),
        [
            "eval 1", "eval 2", "go", "1 2", "eval 3", "go", "3 4", "go", "x -1"
        ]
    );
}

#[test]
fn arguments_are_moved() {
    let text = String::from("text");
    let n = 1;
    go!(show2(text, n));
    let kept = String::from("kept");
    go!(show(kept.clone()));
    log(kept);
    assert_eq!(logged(), ["go", "text 1", "go", "kept", "kept"]);
}

#[test]
fn a_callee_may_be_any_path() {
    let local = |n: usize| log(n);
    go!(path::deep::show(1));
    go!(self::path::deep::show::<u8>(2));
    go!(::std::mem::drop::<std::collections::HashMap<u8, u16>>(
        std::collections::HashMap::new()
    ));
    go!(<Job as Task<u8, u16>>::of("as"));
    go!(<Job as Task<_, _>>::run_with(Job, "with"));
    go!(<Job>::of("self type"));
    go!(local(3));
    go!(Some(4));
    assert_eq!(
        logged(),
        [
            "go",
            "1",
            "go",
            "2",
            "go",
            "go",
            "as",
            "go",
            "with",
            "go",
            "self type",
            "go",
            "3",
            "go"
        ]
    );
}

#[test]
#[rustfmt::skip]
fn other_callees_are_evaluated_after_the_arguments() {
    fn pick(n: usize) -> impl Fn(usize) + Send {
        eval("pick");
        move |m| log(n + m)
    }
    struct Fields {
        f: fn(usize),
    }
    let fields = Fields { f: |n| log(n) };
    let counts = counts();
    let text = String::from("c");
    let mut sum = 0;
    go!(counts[eval(0)](eval(1)));
    go!(counts[1](2));
    go!(pick(1)(eval(2)));
    go!((fields.f)(4));
    go!((|n: usize| log(format!("{n}{text}")))(5));
    go!((move |n: usize| {
        sum += n;
        log(sum);
    })(6));
    go!({ pick(0) }(7));
    go!((|| log(8))());
    assert_eq!(
        logged(),
        [
            "eval 1",
            "eval 0",
            "go",
            "1",
            "go",
            "20",
            "eval 2",
            "eval pick",
            "go",
            "3",
            "go",
            "4",
            "go",
            "5c",
            "go",
            "6",
            "eval pick",
            "go",
            "7",
            "go",
            "8"
        ]
    );
}

#[test]
#[rustfmt::skip]
fn commas_that_do_not_separate_arguments() {
    fn checked(n: u8) -> Result<u8, u16> {
        n.checked_add(9).ok_or(0)
    }
    fn apply(f: fn(u8) -> Result<u8, u16>, n: u8) {
        log(f(n).unwrap());
    }
    let (a, b, mask, shift) = (1, 2, 3_u8, 1);
    go!(show2(Vec::<Result<u8, u16>>::new().len(), 1));
    go!(show2(a < b, b > a));
    go!(show2(a < b || b < a, a | b));
    go!(show2(a << shift, <u8 as From<bool>>::from(true) | mask));
    go!(show2((true as u8) & mask, false as u8 | mask));
    go!(apply(checked as fn(u8) -> Result<u8, u16>, if a < b { 1 } else { 2 }));
    go!(apply(|n| -> Result<u8, u16> { Ok(n) }, mask));
    go!(show2(
        std::iter::once(1)
            .map(|a: i32| -> Result<i32, ()> { Ok(a) })
            .count(),
        matches!(Some(a), Some(1 | 2)),
    ));
    go!(combine(1, |a, b| a + b, 2));
    go!(combine(1, |a: usize, b| if a < b { a } else { b }, 5));
    go!(combine(1, move |a, b| -> usize { a | b }, 2));
    go!(combine(1, |_, _| std::mem::size_of::<Result<u8, u16>>(), 2));
    let calls = logged();
    let calls: Vec<_> = calls.iter().filter(|event| *event != "go").collect();
    assert_eq!(
        calls,
        ["0 1", "true true", "true 3", "2 3", "1 3", "10", "3", "1 true", "3", "1", "3", "4"]
    );
}

#[test]
fn a_closure_argument_has_its_types_inferred_and_its_captures_moved() {
    let text = String::from("1234");
    let offset = text.clone();
    go!(measure(|s| s.len()));
    go!(measure(move |s| s.len() + text.len()));
    go!(measure(|s| s.len() + offset.len() + 1));
    go!(Counter::default().each(|s| s.trim().len()));
    assert_eq!(logged(), ["go", "4", "go", "8", "go", "9", "go", "4"]);
}

#[test]
fn arguments_infer_from_the_callee() {
    fn all(list: Vec<u64>, one: Option<u8>, text: String, boxed: Box<dyn Fn(u8) -> u8 + Send>) {
        log(format!("{list:?} {one:?} {text} {}", boxed(1)));
    }
    go!(all(Vec::new(), None, "s".into(), Box::new(|n: u8| n + 1)));
    go!(all(
        "12".bytes().map(u64::from).collect(),
        "3".parse().ok(),
        "t".into(),
        Box::new(|n| n)
    ));
    assert_eq!(
        logged(),
        ["go", "[] None s 2", "go", "[49, 50] Some(3) t 1"]
    );
}

#[test]
fn a_question_mark_in_an_argument_returns_from_the_caller() {
    fn start(text: &str) -> Result<(), std::num::ParseIntError> {
        go!(show(text.parse::<usize>()?));
        log("started");
        Ok(())
    }
    assert!(start("x").is_err());
    assert_eq!(logged(), [""; 0]);
    assert!(start("1").is_ok());
    assert_eq!(logged(), ["go", "1", "started"]);
}

#[test]
fn a_return_in_an_argument_returns_from_the_caller() {
    fn start(value: Option<usize>) {
        go!(show(match value {
            Some(value) => value,
            None => return,
        }));
        log("started");
    }
    start(None);
    start(Some(1));
    assert_eq!(logged(), ["go", "1", "started"]);
}

#[test]
fn functions_that_do_not_return() {
    fn forever() -> ! {
        std::panic::panic_any(1_usize)
    }
    let run = |start: fn()| std::panic::catch_unwind(start).is_err();
    std::panic::set_hook(Box::new(|_| {}));
    assert!(run(|| go!(forever())));
    assert!(run(|| go!(std::panic::panic_any(2))));
    assert!(run(|| go!(panic!("{}", 3))));
    assert!(run(|| go!({
        forever();
    })));
    assert!(run(|| go!(|| forever())));
}

#[test]
fn a_result_may_borrow_from_what_was_moved_and_may_be_must_use() {
    #[must_use]
    fn keep(_: String, text: &mut Counter) -> &mut Counter {
        text
    }
    let counter: &'static mut Counter = Box::leak(Box::default());
    let texts = std::collections::HashMap::from([(1, String::new())]);
    go!(texts.get(&1));
    go!(String::from("ab").split_at(1));
    go!(counter.chain().chain());
    go!(std::fs::remove_file("/nonexistent/file"));
    go!(Mutex::new(1).lock());
    go!(keep(String::new(), Box::leak(Box::default())));
    assert_eq!(
        logged(),
        ["go", "go", "chain", "go", "chain", "go", "go", "go"]
    );
}

// Methods.

#[test]
fn receivers_are_evaluated_after_the_arguments() {
    let counter = Counter::default();
    go!(counter.next().take(eval(1)));
    go!(counter.next().next().take::<usize>(eval(2)));
    go!(Counter {
        count: 5,
        ..counter.clone()
    }
    .take(3));
    go!(vec![counter.clone()][0].clone().take(4));
    go!((counter.clone()).take(5));
    go!(String::from("ab").split_at(1));
    go!("text".to_owned());
    go!((0..3).for_each(|n| log(n)));
    go!([1, 2].map(|n| log(n)));
    assert_eq!(
        logged(),
        [
            "eval 1", "next", "go", "1 1", "eval 2", "next", "next", "go", "2 2", "go", "5 3",
            "go", "0 4", "go", "0 5", "go", "go", "go", "0", "1", "2", "go", "1", "2"
        ]
    );
}

#[test]
fn a_local_receiver_is_moved_and_need_not_be_mut() {
    let counter = Counter::default();
    go!(counter.add(2));
    let counter = Counter::default();
    go!(counter.clone().add(3));
    go!(counter.show());
    let r#type = Counter::default();
    go!(r#type.add(4));
    let shared = Arc::new(Counter::default());
    go!(shared.show());
    assert_eq!(
        logged(),
        ["go", "2", "go", "3", "go", "0", "go", "4", "go", "0"]
    );
}

#[test]
fn fields_are_moved_alone() {
    let mut owner = Owner {
        counter: Counter::default(),
        pair: ((1, Counter::default()), String::from("rest")),
    };
    go!(owner.counter.add(1));
    go!(owner.pair.0.1.add(2));
    log(owner.pair.1);
    let shared = Arc::new(Owner {
        counter: Counter::default(),
        pair: ((1, Counter::default()), String::new()),
    });
    go!(shared.counter.shared.fetch_add(eval(1), Ordering::Relaxed));
    assert_eq!(logged(), ["go", "1", "go", "2", "rest", "eval 1", "go"]);
}

#[test]
fn self_is_a_receiver() {
    Counter::default().start();
    Arc::new(Counter::default()).start_shared();
    assert_eq!(logged(), ["go", "0 self", "go", "0"]);
}

#[test]
fn a_static_is_used_in_place() {
    go!(TOTAL.fetch_add(eval(1), Ordering::Relaxed));
    go!(crate::TOTAL.fetch_add(1, Ordering::Relaxed));
    go!(self::lower.fetch_add(2, Ordering::Relaxed));
    let owned = String::from("x");
    go!({ SHARED.lock().unwrap().push_str(&owned) });
    assert_eq!(TOTAL.load(Ordering::Relaxed), 7);
    assert_eq!(lower.load(Ordering::Relaxed), 2);
    assert_eq!(*SHARED.lock().unwrap(), "x");
    assert_eq!(logged(), ["eval 1", "go", "go", "go", "go"]);
}

// What surrounds the statement.

#[test]
#[rustfmt::skip]
fn it_is_an_expression_of_type_unit() {
    fn tail(n: usize) {
        go!(show(n))
    }
    let unit: [(); 1] = [go!(show(1))];
    match unit {
        [()] => go!(show(2)),
    }
    if logged().is_empty() {
        go!(show(3))
    } else {
        go!(show(4))
    }
    let start = |n| go!(show(n));
    start(5);
    tail(6);
    assert_eq!(logged(), ["go", "4", "go", "5", "go", "6"]);
}

#[test]
fn statements_nest() {
    let text = String::from("inner");
    go!({
        go!(show2(text, {
            go!(show("argument"));
            eval(1)
        }));
    });
    assert_eq!(
        logged(),
        ["go", "go", "argument", "eval 1", "go", "inner 1"]
    );
}

#[test]
#[rustfmt::skip]
fn it_works_with_what_other_macros_matched() {
    macro_rules! start {
        (expr $e:expr) => { go!($e) };
        (call $f:ident, $x:expr) => { go!($f($x)) };
        (value $f:expr, $x:expr) => { go!($f($x)) };
        (path $f:path, $x:literal) => { go!($f($x)) };
        (method $x:expr, $m:ident, $($a:expr),*) => { go!($x.$m($($a),*)) };
        (ty $t:ty) => { go!(<$t>::default().show()) };
        (block $b:block) => { go!($b) };
    }
    let counter = Counter::default();
    start!(expr show(eval(1)));
    start!(expr || log(2));
    start!(call show, eval(3));
    start!(value counts()[0], 4);
    start!(value show, 5);
    start!(path path::deep::show, 6);
    start!(method counter.clone(), add, eval(7));
    start!(method counter, add, 8);
    start!(method TOTAL, load, Ordering::Relaxed);
    start!(ty Counter);
    start!(block { log(9); });
    assert_eq!(
        logged(),
        [
            "eval 1", "go", "1", "go", "2", "eval 3", "go", "3", "go", "4", "go", "5", "go", "6",
            "eval 7", "go", "7", "go", "8", "go", "go", "0", "go", "9"
        ]
    );
}

#[test]
#[rustfmt::skip]
fn generated_names_do_not_meet_the_users() {
    let gors_arg0 = 1;
    let gors_receiver = Counter::default();
    go!(gors_receiver.take(gors_arg0 + eval(1)));
    go!(show2({ eval(2) }, gors_arg0));
    assert_eq!(logged(), ["eval 1", "go", "0 2", "eval 2", "go", "2 1"]);
}

#[test]
#[rustfmt::skip]
fn the_location_is_the_statements() {
    let line = line!();
    go!(show(1));
    go!(|| log(2));
    go!(TOTAL.load(
        Ordering::Relaxed
    ));
    go!(
        show(3)
    );
    let lines = LOG.with_borrow_mut(std::mem::take);
    let lines: Vec<_> = lines
        .iter()
        .filter(|event| event.starts_with("go@"))
        .collect();
    let wanted = [1, 2, 3, 6].map(|n| format!("go@{}", line + n));
    assert_eq!(lines, wanted.iter().collect::<Vec<_>>());
}

#[test]
fn everything_is_dropped_with_the_goroutine() {
    let token = Arc::new(());
    let keep = |token: Arc<()>| token;
    go!(keep(token.clone()));
    go!(drop((token.clone(), eval(1))));
    let held = token.clone();
    go!(|| held);
    assert_eq!(Arc::strong_count(&token), 1);
    logged();
}
