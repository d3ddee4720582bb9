//! Programs that a Go programmer knows: each example in `examples/` prints what its Go original in
//! `examples/go/programs` prints, in full.
//!
//! `cargo test` builds the examples. Where there is no Go, nothing can be compared; the test says so
//! and checks only that the ports come to their end.

#[path = "support/child.rs"]
mod child;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::child::{Ended, Running, example};

const PROGRAMS: &[&str] = &[
    "worker_pool",
    "rate_limiter",
    "fan_out",
    "bounded_parallelism",
    "pub_sub",
    "dining_philosophers",
    "prime_sieve",
    "quicksort",
    "crawler",
    "graceful_shutdown",
    "countdown",
    "chat_hub",
    "timed_crawl",
    "runner",
    "resource_pool",
    "work",
    "synchronized_map",
];

/// Programs that wait for a signal: what they print before it, and its name.
const SIGNALLED: &[(&str, &str, &str)] = &[
    ("graceful_shutdown", "serving", "TERM"),
    ("runner", "press Ctrl-C", "INT"),
];

/// Would catch a port that prints something else than Go, at one permit or several, or does not
/// end.
#[test]
fn the_ports_print_what_the_originals_print() {
    let originals = build_originals();
    if originals.is_none() {
        println!("skipped: there is no Go on PATH, so the ports are run and not compared");
    }
    let originals = originals.as_deref();
    std::thread::scope(|s| {
        for name in PROGRAMS {
            s.spawn(move || {
                let expected =
                    originals.map(|built| run(name, &mut Command::new(built.join(name))));
                for procs in ["1", "2", "8"] {
                    let port = run(name, Command::new(example(name)).env("GOMAXPROCS", procs));
                    assert!(!port.stdout.is_empty(), "{name}: {port:#?}");
                    if let Some(expected) = &expected {
                        assert_eq!(port.stdout, expected.stdout, "{name}, {procs} permits");
                    }
                }
            });
        }
    });
}

/// Builds all originals; `None` where there is no Go.
fn build_originals() -> Option<PathBuf> {
    Command::new("go").arg("version").output().ok()?;
    let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join("programs");
    fs::create_dir_all(&built).expect("the target folder is writable");
    let status = Command::new("go")
        .args(["build", "-o"])
        .arg(&built)
        .arg("./...")
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/go/programs"))
        .status()
        .expect("Go was there a moment ago");
    assert!(status.success());
    Some(built)
}

/// Runs a program to its end, which must be a good one.
fn run(name: &str, command: &mut Command) -> Ended {
    let mut program = Running::start(command);
    for (_, printed, signal) in SIGNALLED.iter().filter(|(waits, ..)| *waits == name) {
        program.wait_for(printed);
        program.send(signal);
    }
    let ended = program.wait();
    assert_eq!(ended.code, Some(0), "{command:?}: {ended:#?}");
    ended
}

/// Would catch a guide that shows something else than what is compiled, run and compared.
#[test]
fn the_guide_shows_the_program_that_runs() {
    let read = |path: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        fs::read_to_string(path).expect("the file is in the repository")
    };
    let guide = read("docs/porting-from-go.md");
    for (language, path) in [
        ("go", "examples/go/programs/timed_crawl/main.go"),
        ("rust", "examples/timed_crawl.rs"),
    ] {
        let block = format!("\n```{language}\n{}```\n", read(path));
        assert!(guide.contains(&block), "{path} is not what the guide shows");
    }
}
