//! When everything is asleep the program says so and ends; when something could still wake it, it
//! goes on. The cases are those of `examples/deadlock.rs`: a test's own process has threads of the
//! test runner, beside which the runtime never passes a verdict.

#[path = "support/child.rs"]
mod child;

use std::process::Command;

use crate::child::Ended;

const DEADLOCK: &str = "fatal error: all goroutines are asleep - deadlock!";
const NO_GOROUTINES: &str = "fatal error: no goroutines (main called runtime.Goexit) - deadlock!";

fn case(name: &str) -> Ended {
    child::wait(Command::new(child::example("deadlock")).arg(name))
}

/// Catches a hang where Go ends, and a report that does not say what was waited for.
#[test]
fn a_program_that_is_stuck_ends_with_a_report() {
    for (name, reason) in [
        ("main", "goroutine 1 [chan receive, "),
        ("lock", "goroutine 1 [sync.Mutex.Lock, "),
        ("cycle", "goroutine 1 [chan receive, "),
        ("locked", "goroutine 1 [chan receive, "),
        ("inside", "goroutine 1 [chan receive, "),
        ("unsubscribed", "goroutine 1 [chan receive, "),
        ("timers", "goroutine 1 [chan receive, "),
        ("plain", "[chan receive, "),
        ("goexit-waiting", "[chan receive, "),
    ] {
        let ended = case(name);
        ended.assert_fatal(DEADLOCK);
        ended.assert_fatal(reason);
        ended.assert_fatal("created at examples/deadlock.rs:");
    }
    case("goexit").assert_fatal(NO_GOROUTINES);
}

/// Catches a program that hangs in silence because the last thread that could have woken anybody has ended: nobody
/// waits, or runs, or is woken at that moment.
#[test]
fn the_end_of_a_thread_may_leave_a_deadlock() {
    let ended = case("thread-ended");
    ended.assert_fatal(DEADLOCK);
    ended.assert_fatal("goroutine 1 [chan receive, ");
}

/// Catches a report that does not say who holds the lock, where the goroutine waits, or how long.
#[test]
fn a_report_says_who_holds_what() {
    let ended = case("locks");
    ended.assert_fatal(DEADLOCK);
    let report: Vec<&str> = ended.stderr.split("\n\n").collect();
    let main = report[1];
    let (_, rest) = main.split_once("holder: goroutine ").expect(main);
    let other: u64 = rest
        .split(']')
        .next()
        .unwrap_or_default()
        .parse()
        .expect(rest);
    let start = format!("goroutine {other} [sync.Mutex.Lock, ");
    let other = report
        .iter()
        .find(|text| text.starts_with(&start))
        .expect(main);
    assert!(
        main.starts_with("goroutine 1 [sync.Mutex.Lock, "),
        "{ended:#?}"
    );
    assert!(other.contains(", holder: goroutine 1]:"), "{ended:#?}");
    for text in [main, other] {
        assert!(text.contains("created at examples/deadlock.rs:"), "{text}");
        if cfg!(target_arch = "x86_64") {
            assert!(text.contains("deadlock::locks::"), "{text}");
        }
    }
}

/// Catches a verdict over a program that a timer, a blocking call, a signal or another thread would
/// wake.
#[test]
fn a_program_that_something_may_wake_goes_on() {
    for name in [
        "timer",
        "blocking",
        "unannounced",
        "foreign",
        "signal",
        "timed-thread",
    ] {
        let ended = case(name);
        ended.assert_success();
        assert!(ended.stdout.starts_with("woken by "), "{name}: {ended:#?}");
    }
}
