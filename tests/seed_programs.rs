//! The programs that gors was made for: each example in `examples/` that was a Go program prints
//! what Go prints. Where Go leaves the order open, what it guarantees is checked.
//!
//! `cargo test` builds the examples. With `--ignored` the same checks look at the Go originals in
//! `examples/go/seeds`, which needs Go: it shows that nothing is asked for that Go does not do.

#[path = "support/child.rs"]
mod child;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use crate::child::{Ended, example};

/// A program's name, and what its output must be.
type Check = (&'static str, fn(&Ended));

const CHECKS: &[Check] = &[
    ("say", say),
    ("counter_atomic", |ended| {
        prints(ended, "Final Counter: 4\n")
    }),
    ("counter_mutex", |ended| prints(ended, "Final Counter: 4\n")),
    ("sum", sum),
    ("pipeline", |ended| prints(ended, "100\n")),
    ("tennis", tennis),
    ("task_workers", task_workers),
    ("mirrored_query", mirrored_query),
    ("fibonacci", |ended| prints(ended, FIBONACCI)),
    ("directional", |ended| prints(ended, "1\n4\n9\n16\n25\n")),
    ("fibonacci_select", |ended| {
        prints(ended, &format!("{FIBONACCI}quit\n"))
    }),
    ("select_timeout", |ended| {
        assert_eq!(ended.stderr, "1\n2\n3\ntimeout\n")
    }),
    ("print_count", print_count),
];

const FIBONACCI: &str = "1\n1\n2\n3\n5\n8\n13\n21\n34\n55\n";

/// Would catch an example that prints something else than Go, at one permit or several, or does not
/// end.
#[test]
fn the_examples_print_what_go_prints() {
    check_all(|name| Command::new(example(name)));
}

/// Would catch a check that is stricter than Go.
#[test]
#[ignore = "needs Go"]
fn go_prints_what_is_checked() {
    let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join("seeds");
    std::fs::create_dir_all(&built).expect("the target folder is writable");
    for (name, _) in CHECKS {
        let status = Command::new("go")
            .arg("build")
            .arg("-o")
            .arg(built.join(name))
            .arg(format!("examples/go/seeds/{name}.go"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .expect("Go is installed");
        assert!(status.success(), "{name}");
    }
    check_all(|name| Command::new(built.join(name)));
}

/// Runs every program, all at the same time: one of them waits for five seconds.
fn check_all(program: impl Fn(&str) -> Command + Sync) {
    std::thread::scope(|s| {
        for (name, check) in CHECKS {
            for procs in ["1", "2", "8"] {
                let program = &program;
                s.spawn(move || {
                    let ended = child::wait(program(name).env("GOMAXPROCS", procs));
                    assert_eq!(ended.code, Some(0), "{name}: {ended:#?}");
                    check(&ended);
                });
            }
        }
    });
}

#[track_caller]
fn prints(ended: &Ended, text: &str) {
    assert_eq!(ended.stdout, text);
}

/// The main goroutine's five lines are there; of the other's, those that came before the end.
fn say(ended: &Ended) {
    let lines: Vec<_> = ended.stdout.lines().collect();
    let hellos = lines.iter().filter(|&&line| line == "hello").count();
    let worlds = lines.iter().filter(|&&line| line == "world").count();
    assert_eq!((hellos, hellos + worlds), (5, lines.len()), "{ended:#?}");
    assert!(worlds <= 5, "{ended:#?}");
}

/// The channel in some form, then the sum.
fn sum(ended: &Ended) {
    let lines: Vec<_> = ended.stdout.lines().collect();
    assert!(
        matches!(lines[..], [channel, "45"] if !channel.is_empty()),
        "{ended:#?}"
    );
}

/// The players hit in turn and count; the one whose turn it is misses at last, and the other wins.
fn tennis(ended: &Ended) {
    let lines: Vec<_> = ended.stdout.lines().map(words).collect();
    let (end, rally) = lines
        .split_at_checked(lines.len() - 2)
        .map(|(a, b)| (b, a))
        .expect("a game has an end");
    let players = ["Nadal", "Djokovic"];
    for (at, line) in rally.iter().enumerate() {
        let ball = (at + 1).to_string();
        assert!(
            matches!(line[..], ["Player", _, "Hit", n] if n == ball),
            "{ended:#?}"
        );
        assert!(
            players.contains(&line[1]) && (at == 0 || line[1] != rally[at - 1][1]),
            "{ended:#?}"
        );
    }
    let (loser, winner) = match [&end[0][..], &end[1][..]] {
        [["Player", loser, "Missed"], ["Player", winner, "Won"]] => (*loser, *winner),
        _ => panic!("{ended:#?}"),
    };
    assert!(
        players.contains(&loser) && players.contains(&winner) && loser != winner,
        "{ended:#?}"
    );
    if let Some(last) = rally.last() {
        assert_eq!(
            last[1], winner,
            "the loser's turn came after the winner's: {ended:#?}"
        );
    }
}

/// Each task is started and completed once, by the same worker; each worker shuts down once, at its
/// end.
fn task_workers(ended: &Ended) {
    let lines: Vec<_> = ended.stdout.lines().map(words).collect();
    let mut started = Vec::new();
    let mut completed = BTreeSet::new();
    let mut gone = BTreeSet::new();
    for line in &lines {
        match line[..] {
            ["Worker:", worker, ":", "Started", "Task", ":", task] => {
                assert!(!gone.contains(worker), "{ended:#?}");
                started.push((worker, task));
            }
            ["Worker:", worker, ":", "Completed", "Task", ":", task] => {
                assert!(started.contains(&(worker, task)), "{ended:#?}");
                assert!(completed.insert(task), "{ended:#?}");
            }
            ["Worker:", worker, ":", "Shutting", "Down"] => {
                assert!(gone.insert(worker), "{ended:#?}")
            }
            _ => panic!("{line:?} in {ended:#?}"),
        }
    }
    let tasks: BTreeSet<_> = (1..=10).map(|n| n.to_string()).collect();
    assert_eq!(started.len(), 10, "{ended:#?}");
    assert!(
        completed.into_iter().eq(tasks.iter().map(String::as_str)),
        "{ended:#?}"
    );
    assert!(gone.into_iter().eq(["1", "2", "3", "4"]), "{ended:#?}");
}

fn mirrored_query(ended: &Ended) {
    let hosts = ["asia", "europe", "americas"];
    let answers = hosts.map(|host| format!("response from {host}.gopl.io\n"));
    assert!(answers.contains(&ended.stdout), "{ended:#?}");
}

/// All but the last number: `main` may end the program before that one is printed.
fn print_count(ended: &Ended) {
    let numbers = ["8;7;6;5;4;3;2;", "8;7;6;5;4;3;2;1;"];
    assert!(numbers.contains(&ended.stdout.as_str()), "{ended:#?}");
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}
