//! `GORS_TRACE` and `GORS_SCHEDTRACE`: what they write, and that it is whole however the program ends.

#[path = "support/child.rs"]
mod child;

use std::path::PathBuf;

use gors::prelude::*;

/// A file of this test, for the child to write.
fn file(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("gors-{name}-{}.json", std::process::id()))
}

/// Runs `body` in a child with a trace; gives the trace's lines.
fn traced(name: &str, body: impl FnOnce()) -> (child::Ended, Vec<String>) {
    traced_with(name, &[], body)
}

/// As [`traced`], with more in the environment.
fn traced_with(
    name: &str,
    environment: &[(&str, &str)],
    body: impl FnOnce(),
) -> (child::Ended, Vec<String>) {
    let path = file(name);
    let path_text = path.to_str().expect("a plain path");
    let environment = [environment, &[("GORS_TRACE", path_text)]].concat();
    let ended = child::run(name, &environment, body);
    let text = std::fs::read_to_string(&path).expect("a trace");
    std::fs::remove_file(&path).expect("it exists");
    json::check(&text);
    (ended, text.lines().map(str::to_owned).collect())
}

fn work() {
    gors::run(|| {
        let c = make::<u32>(0);
        let theirs = c.clone();
        let named = gors::Builder::new()
            .name("the \"odd\" one")
            .spawn(move || {
                for n in 0..20 {
                    theirs.send(n);
                }
            })
            .expect("a stack");
        for n in 0..20 {
            assert_eq!(c.recv(), Some(n));
        }
        named.join().expect("it returns");
        let slow = gors::spawn(|| gors::time::sleep(Duration::from_millis(5)));
        for _ in 0..3 {
            gosched();
        }
        slow.join().expect("it returns");
    });
}

fn count(lines: &[String], parts: &[&str]) -> usize {
    lines
        .iter()
        .filter(|line| parts.iter().all(|part| line.contains(part)))
        .count()
}

/// Catches a trace without slices, names, reasons or arrows, and one whose slices do not end.
#[test]
fn a_trace_shows_what_ran_and_why_it_stopped() {
    let (ended, lines) = traced("a_trace_shows_what_ran_and_why_it_stopped", work);
    ended.assert_success();
    let begun = count(&lines, &["\"ph\":\"B\""]);
    let over = count(&lines, &["\"ph\":\"E\""]);
    assert_eq!(begun, over, "{lines:#?}");
    assert!(begun > 20, "{lines:#?}");
    for parts in [
        &["\"ph\":\"B\"", "the \\\"odd\\\" one", "tests/trace.rs:"][..],
        &["\"ph\":\"E\"", "\"end\":\"chan receive\""],
        &["\"ph\":\"E\"", "\"end\":\"sleep\""],
        &["\"ph\":\"E\"", "\"end\":\"end\""],
        &["\"ph\":\"M\"", "thread_name", "worker 0"],
        &["\"ph\":\"s\"", "\"name\":\"ready\""],
        &["\"ph\":\"s\"", "\"name\":\"spawn\""],
    ] {
        assert!(count(&lines, parts) > 0, "{parts:?} in {lines:#?}");
    }
    // Every arrow that arrives has begun.
    let id = |line: &String| {
        let (_, rest) = line.split_once("\"id\":").expect("an arrow has an id");
        rest.split(',').next().map(str::to_owned)
    };
    let of = |phase: &str| -> Vec<_> {
        let lines = lines.iter().filter(|line| line.contains(phase));
        lines.map(id).collect()
    };
    let begun = of("\"ph\":\"s\"");
    let arrived = of("\"ph\":\"f\"");
    assert!(arrived.len() > 20, "{lines:#?}");
    assert!(arrived.iter().all(|id| begun.contains(id)), "{lines:#?}");
}

/// Catches a seeded run whose trace does not say who woke whom.
#[test]
fn a_trace_of_a_seeded_run_has_arrows() {
    let name = "a_trace_of_a_seeded_run_has_arrows";
    let (ended, lines) = traced_with(name, &[("GORS_SEED", "7")], work);
    ended.assert_success();
    for parts in [
        &["\"ph\":\"s\"", "\"name\":\"ready\""][..],
        &["\"ph\":\"f\"", "\"name\":\"ready\""],
        &["\"ph\":\"X\"", "\"name\":\"ready goroutine "], // a timer
    ] {
        assert!(count(&lines, parts) > 0, "{parts:?} in {lines:#?}");
    }
}

/// Catches a slice without an end, because the process ended first.
#[test]
fn what_runs_at_the_end_of_the_process_ends_with_it() {
    let (ended, lines) = traced("what_runs_at_the_end_of_the_process_ends_with_it", || {
        gors::gomaxprocs(2);
        gors::run(|| {
            let runs = make::<()>(1);
            let theirs = runs.clone();
            go!(move || {
                theirs.send(());
                loop {
                    std::hint::spin_loop();
                }
            });
            runs.recv();
        });
    });
    ended.assert_success();
    let begun = count(&lines, &["\"ph\":\"B\""]);
    assert_eq!(begun, count(&lines, &["\"ph\":\"E\""]), "{lines:#?}");
    let cut = count(&lines, &["\"ph\":\"E\"", "\"end\":\"exit\""]);
    assert!(cut > 0, "{lines:#?}");
}

/// Catches a hand-off that the trace does not show.
#[test]
fn a_trace_shows_hand_offs() {
    let (ended, lines) = traced("a_trace_shows_hand_offs", || {
        gors::gomaxprocs(1);
        gors::run(|| {
            let (sender, receiver) = std::sync::mpsc::channel();
            go!(move || sender.send(()).expect("somebody waits for it"));
            // The other one needs the only permit.
            blocking(|| receiver.recv()).expect("a value");
        });
    });
    ended.assert_success();
    assert!(
        count(&lines, &["\"ph\":\"i\"", "hand-off"]) > 0,
        "{lines:#?}"
    );
}

/// Catches a file that is cut off when the program ends by exit, by a fatal error, or at once.
#[test]
fn a_trace_is_whole_after_an_exit() {
    let (ended, lines) = traced("a_trace_is_whole_after_an_exit", || {
        gors::run(|| {
            gors::spawn(work).join().expect("it returns");
            std::process::exit(7);
        });
    });
    assert_eq!(ended.code, Some(7), "{ended:#?}");
    // Nothing is lost: the last slice is that of the goroutine that left.
    assert!(count(&lines, &["\"end\":\"sleep\""]) > 0, "{lines:#?}");
}

/// As above, by a signal: what was collected last may be missing.
#[test]
fn a_trace_is_whole_after_an_abort() {
    let (ended, lines) = traced("a_trace_is_whole_after_an_abort", || {
        gors::run(|| {
            gors::spawn(work).join().expect("it returns");
            let path = std::env::var("GORS_TRACE").expect("set for the child");
            let written = || std::fs::read_to_string(&path).unwrap_or_default();
            while written().matches("\"ph\":\"B\"").count() <= 20 {
                gors::time::sleep(Duration::from_millis(20));
            }
            std::process::abort();
        });
    });
    assert_eq!(ended.code, None, "{ended:#?}");
    assert!(count(&lines, &["\"ph\":\"B\""]) > 20, "{lines:#?}");
}

/// Catches a trace or a line of numbers that keeps a deadlock from being found.
#[test]
fn observers_do_not_hide_a_deadlock() {
    let path = file("deadlock");
    let mut command = std::process::Command::new(child::example("deadlock"));
    command
        .arg("cycle")
        .env("GORS_TRACE", &path)
        .env("GORS_SCHEDTRACE", "50");
    let ended = child::wait(&mut command);
    ended.assert_fatal("all goroutines are asleep");
    let text = std::fs::read_to_string(&path).expect("a trace");
    std::fs::remove_file(&path).expect("it exists");
    json::check(&text);
    assert!(text.contains("\"end\":\"chan receive\""), "{text}");
}

/// Catches a line that is missing, or not in Go's form.
#[test]
fn schedtrace_writes_lines() {
    let ended = child::run(
        "schedtrace_writes_lines",
        &[("GORS_SCHEDTRACE", "20")],
        || {
            gors::gomaxprocs(3);
            gors::run(|| gors::time::sleep(Duration::from_millis(500)));
        },
    );
    ended.assert_success();
    let lines: Vec<&str> = ended
        .stderr
        .lines()
        .filter(|line| line.starts_with("SCHED "))
        .collect();
    assert!(lines.len() >= 2, "{ended:#?}");
    for line in &lines {
        for part in [
            "ms: gomaxprocs=",
            " idleprocs=",
            " threads=",
            " runqueue=",
            " [",
        ] {
            assert!(line.contains(part), "{part}: {line}");
        }
    }
    assert!(
        lines[lines.len() - 1].contains("gomaxprocs=3 "),
        "{ended:#?}"
    );
}

/// Catches a number that is not understood and silently ignored.
#[test]
fn a_wrong_interval_ends_the_program() {
    let ended = child::run(
        "a_wrong_interval_ends_the_program",
        &[("GORS_SCHEDTRACE", "often")],
        || gors::run(|| ()),
    );
    ended.assert_fatal("GORS_SCHEDTRACE=often: expected a number of milliseconds");
}

/// Just enough JSON to tell whether a text is.
mod json {
    pub(super) fn check(text: &str) {
        let mut at = text.as_bytes();
        value(&mut at);
        blank(&mut at);
        assert!(at.is_empty(), "something follows the JSON: {text}");
    }

    fn blank(at: &mut &[u8]) {
        *at = at.trim_ascii_start();
    }

    fn take(at: &mut &[u8], wanted: u8) -> bool {
        blank(at);
        let is = at.first() == Some(&wanted);
        if is {
            *at = &at[1..];
        }
        is
    }

    fn value(at: &mut &[u8]) {
        blank(at);
        match at.first() {
            Some(b'{') => list(at, b'}', |at| {
                string(at);
                assert!(take(at, b':'), "a colon is missing");
                value(at);
            }),
            Some(b'[') => list(at, b']', value),
            Some(b'"') => string(at),
            Some(_) => {
                let end = at
                    .iter()
                    .position(|byte| b",]} \n".contains(byte))
                    .unwrap_or(at.len());
                let (word, rest) = at.split_at(end);
                let word = std::str::from_utf8(word).expect("UTF-8");
                assert!(word.parse::<f64>().is_ok(), "{word:?} is no number");
                *at = rest;
            }
            None => panic!("the text ends too early"),
        }
    }

    fn list(at: &mut &[u8], end: u8, element: fn(&mut &[u8])) {
        *at = &at[1..];
        if take(at, end) {
            return;
        }
        loop {
            element(at);
            if take(at, end) {
                return;
            }
            assert!(take(at, b','), "a comma is missing");
        }
    }

    fn string(at: &mut &[u8]) {
        assert!(take(at, b'"'), "a string is missing");
        loop {
            match at[0] {
                b'"' => break,
                b'\\' => *at = &at[2..],
                byte => {
                    assert!(byte >= 0x20, "a control character in a string");
                    *at = &at[1..];
                }
            }
        }
        *at = &at[1..];
    }
}
