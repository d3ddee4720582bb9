//! The race detector, on small programs: finds what is wrong with each of one half, says nothing about the other
//! half, which is right.
//!
//! Builds everything again under ThreadSanitizer, so it is not part of `cargo test`:
//!
//! ```text
//! cargo test -p gors-race -- --ignored
//! ```

use std::process::{Command, Output};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Go's code for a program that raced.
const RACED: i32 = 66;

fn gors_race(arguments: &[&str], procs: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cargo-gors-race"))
        .args(arguments)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .env("GOMAXPROCS", procs)
        .output()
        .expect("the race detector starts")
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Runs one of the programs.
fn run(name: &str, procs: &str) -> Output {
    let arguments = [
        "run",
        "--quiet",
        "-p",
        "gors-race",
        "--example",
        "programs",
        "--",
        name,
    ];
    gors_race(&arguments, procs)
}

/// The names of the programs of a kind.
fn names(kind: &str) -> Vec<String> {
    let list = run("--list", "2");
    assert!(list.status.success(), "{}", text(&list));
    let names: Vec<_> = String::from_utf8(list.stdout)
        .unwrap()
        .lines()
        .filter_map(|line| {
            line.strip_prefix(kind)?
                .strip_prefix(' ')
                .map(str::to_owned)
        })
        .collect();
    assert_eq!(names.len(), 22);
    names
}

/// Runs every program of a kind, on one worker and on two; what `wrong` has to say of each.
fn each(kind: &str, wrong: impl Fn(&Output) -> Option<String> + Sync) {
    let names = names(kind);
    let next = AtomicUsize::new(0);
    let complaints = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(name) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
                    for procs in ["1", "2"] {
                        let output = run(name, procs);
                        if let Some(wrong) = wrong(&output) {
                            let complaint =
                                format!("{name}, GOMAXPROCS={procs}: {wrong}\n{}", text(&output));
                            complaints.lock().unwrap().push(complaint);
                        }
                    }
                }
            });
        }
    });
    let complaints = complaints.into_inner().unwrap();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
#[ignore = "builds everything again; .ci/run runs it"]
fn every_racy_program_is_found() {
    each("racy", |output| {
        let text = text(output);
        if output.status.code() != Some(RACED) {
            return Some(format!("ended with {}", output.status));
        }
        // Both sides are in the program's own lines, and one of them is a goroutine's.
        let sides: Vec<_> = text.split("\n\n").take(2).collect();
        let own = |side: &&str| side.contains("/examples/programs/");
        if !sides.iter().all(own) || !sides.concat().contains(" by goroutine ") {
            return Some("a side is not named".to_owned());
        }
        None
    });
}

#[test]
#[ignore = "builds everything again; .ci/run runs it"]
fn no_clean_program_is_accused() {
    each("clean", |output| {
        if !output.status.success() {
            return Some(format!("ended with {}", output.status));
        }
        (!output.stderr.is_empty()).then(|| "said something".to_owned())
    });
}

#[test]
#[ignore = "builds everything again; .ci/run runs it"]
fn the_report_names_goroutines_lines_and_the_go() {
    let output = gors_race(&["run", "--quiet", "--example", "counter_racy"], "1");
    assert_eq!(output.status.code(), Some(RACED));
    let text = text(&output);
    for part in [
        "WARNING: DATA RACE",
        " by goroutine ",
        "<counter_racy::Counter>::add\n      ",
        "examples/counter_racy.rs:23:",
        "created by goroutine 1 at:\n  counter_racy::main",
        "Found 1 data race(s)\n",
    ] {
        assert!(text.contains(part), "{part:?} is missing in\n{text}");
    }
    for twin in ["counter_mutex", "counter_atomic"] {
        let output = gors_race(&["run", "--quiet", "--example", twin], "2");
        assert!(output.status.success() && output.stderr.is_empty());
    }
}

/// Would catch a verdict that waits for ThreadSanitizer's own thread, and one that it replaces by its
/// complaints.
#[test]
#[ignore = "builds everything again; .ci/run runs it"]
fn a_deadlock_ends_as_ever() {
    for case in ["main", "locks", "locked"] {
        let arguments = ["run", "--quiet", "--example", "deadlock", "--", case];
        let output = gors_race(&arguments, "2");
        let said = text(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.starts_with("fatal error: all goroutines"), "{said}");
        assert!(!said.contains("ThreadSanitizer"), "{said}");
    }
}

#[test]
fn what_cannot_be_done_is_said() {
    let output = gors_race(&["run", "--target", "wasm32-unknown-unknown"], "1");
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output);
    assert!(
        said.contains("wasm32-unknown-unknown is not supported"),
        "{said}"
    );

    // A compiler without ThreadSanitizer, as distributions have them.
    let scratch = std::env::temp_dir().join(format!("gors-race-{}", std::process::id()));
    std::fs::create_dir_all(&scratch).unwrap();
    let rustc = scratch.join("rustc");
    let script = format!(
        "#!/bin/sh\ncase $1 in -vV) echo 'host: x86_64-unknown-linux-gnu';; *) echo {};; esac\n",
        scratch.display()
    );
    std::fs::write(&rustc, script).unwrap();
    Command::new("chmod")
        .arg("+x")
        .arg(&rustc)
        .status()
        .unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_cargo-gors-race"))
        .args(["gors-race", "run"])
        .env("RUSTC", &rustc)
        .output()
        .unwrap();
    std::fs::remove_dir_all(&scratch).unwrap();
    let said = text(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("has no ThreadSanitizer"), "{said}");
}
