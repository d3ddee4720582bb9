//! What a dump says of each goroutine, and that it disturbs nobody.

#[path = "support/child.rs"]
mod child;
mod common;

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use gors::prelude::*;
use gors::runtime::stack_dump;
use gors::signal::{self, Signal};
use gors::sync::{Mutex, RwLock};

use crate::common::{spawn_blocked, until_blocked};

/// The paragraph of one goroutine.
fn paragraph(dump: &str, id: u64) -> &str {
    let start = format!("goroutine {id} ");
    dump.split("\n\n")
        .find(|text| text.starts_with(&start))
        .unwrap_or_else(|| panic!("goroutine {id} is missing in\n{dump}"))
}

/// Uses about `kib` KiB of stack.
#[inline(never)]
fn descend(kib: usize) -> usize {
    let frame = std::hint::black_box([kib as u8; 1024]);
    match kib {
        0 => 0,
        _ => usize::from(frame[kib % 1024] == kib as u8) + descend(kib - 1),
    }
}

/// Kibibytes of stack that a paragraph says were used.
fn used(text: &str) -> Option<usize> {
    let (_, line) = text.split_once("\nstack used: ")?;
    let (used, size) = line.split_once(" of ")?;
    assert!(size.starts_with("240 KiB"), "{text}");
    used.parse().ok()
}

/// Catches a mark that is not the goroutine's own, and one that nobody asked for.
#[test]
fn a_dump_says_on_request_how_deep_stacks_were_used() {
    let name = "a_dump_says_on_request_how_deep_stacks_were_used";
    for (asked, value) in [(true, "1"), (false, "0")] {
        let ended = child::run(name, &[("GORS_STACK_USAGE", value)], move || {
            let asked = std::env::var("GORS_STACK_USAGE").is_ok_and(|value| value == "1");
            gors::run(move || {
                let gate = make::<()>(0);
                let [shallow, deep] = [0, 100].map(|kib| {
                    let gate = gate.clone();
                    let goroutine = spawn(move || {
                        descend(kib);
                        gate.recv();
                    });
                    until_blocked(&goroutine);
                    goroutine
                });
                let dump = stack_dump();
                let [shallow, deep] = [&shallow, &deep].map(|g| used(paragraph(&dump, g.id())));
                if asked {
                    assert!(shallow.expect(&dump) < 100, "{dump}");
                    assert!((100..240).contains(&deep.expect(&dump)), "{dump}");
                } else {
                    assert_eq!((shallow, deep), (None, None), "{dump}");
                }
                gate.close();
            });
        });
        assert!(ended.code == Some(0), "asked: {asked}: {ended:#?}");
    }
}

#[inline(never)]
fn innermost(c: &Chan<()>) {
    c.recv();
}

#[inline(never)]
fn outer(c: &Chan<()>) {
    innermost(c);
    std::hint::black_box(());
}

/// Catches a paragraph without the goroutine's name, what it waits for, where, and who created it.
#[gors::test]
fn a_dump_says_what_a_goroutine_does() {
    let c = make::<()>(0);
    let theirs = c.clone();
    let named = gors::Builder::new()
        .name("worker")
        .spawn(move || outer(&theirs))
        .expect("a stack");
    until_blocked(&named);
    let dump = stack_dump();
    let text = paragraph(&dump, named.id());
    assert!(
        text.starts_with(&format!(
            "goroutine {} \"worker\" [chan receive",
            named.id()
        )),
        "{text}"
    );
    assert!(text.contains("created at tests/dump.rs:"), "{text}");
    if cfg!(target_arch = "x86_64") {
        let inner = text.find("dump::innermost\n\t").expect(text);
        let outer = text.find("dump::outer\n\t").expect(text);
        assert!(inner < outer, "{text}");
        assert!(text.contains("tests/dump.rs:"), "{text}");
        for inside in [
            "corosensei",
            "gors_runtime::",
            "gors_above_parked",
            "gors_goroutine_base",
        ] {
            assert!(!text.contains(inside), "{inside}: {text}");
        }
    }
    let own = dump.split("\n\n").next().unwrap_or_default();
    assert!(
        own.starts_with(&format!("goroutine {} ", gors::goid())),
        "{dump}"
    );
    assert!(
        own.contains("[running]:") && own.contains("a_dump_says_what_a_goroutine_does"),
        "{own}"
    );
    c.send(());
    named.join().expect("it returns");
    assert!(
        !stack_dump().contains("\"worker\""),
        "a name outlives its goroutine"
    );
}

/// Catches waits whose age is not told, or that of an earlier wait.
#[gors::test]
fn a_dump_says_for_how_long() {
    let c = make::<()>(0);
    let theirs = c.clone();
    let old = spawn_blocked(move || {
        theirs.recv();
    });
    gors::time::sleep(Duration::from_millis(1200));
    let theirs = c.clone();
    let young = spawn_blocked(move || {
        theirs.recv();
    });
    let dump = stack_dump();
    // In seconds.
    let age = |id| {
        let line = paragraph(&dump, id).lines().next().unwrap_or_default();
        let (_, age) = line.split_once("[chan receive").expect("it waits");
        let age = age.trim_start_matches(", ").trim_end_matches(" s]:");
        age.parse().unwrap_or(0.0) // less than a second
    };
    let (old_age, young_age): (f64, f64) = (age(old.id()), age(young.id()));
    assert!(old_age >= 1.1 && old_age - young_age >= 1.0, "{dump}");
    c.close();
    old.join().expect("it returns");
    young.join().expect("it returns");
}

/// Catches a dump of many goroutines that nobody can read, and one that loses some.
#[gors::test]
fn many_equal_goroutines_are_one_paragraph() {
    const MANY: usize = 100_000;
    let c = make::<()>(0);
    for _ in 0..MANY {
        let c = c.clone();
        go!(move || c.recv());
    }
    while c.__waiters().0 < MANY {
        gors::time::sleep(Duration::from_millis(5));
    }
    let dump = stack_dump();
    assert!(
        dump.contains(&format!("{MANY} goroutines [chan receive")),
        "{dump}"
    );
    let lines = dump.lines().count();
    assert!(lines < 200, "{lines} lines:\n{dump}");
    c.close();
}

/// Catches a lock whose holder is known and not told.
#[gors::test]
#[cfg(debug_assertions)]
fn a_dump_names_the_holder_of_a_lock() {
    let mutex = Arc::new(Mutex::new(()));
    let rw = Arc::new(RwLock::new(()));
    let (held, written) = (mutex.lock(), rw.write());
    let holder = format!("holder: goroutine {}]", gors::goid());
    let theirs = Arc::clone(&mutex);
    let first = spawn_blocked(move || drop(theirs.lock()));
    let theirs = Arc::clone(&rw);
    let second = spawn_blocked(move || drop(theirs.read()));
    let theirs = Arc::clone(&rw);
    let third = spawn_blocked(move || drop(theirs.write()));
    let dump = stack_dump();
    for (id, reason) in [
        (first.id(), "sync.Mutex.Lock"),
        (second.id(), "sync.RWMutex.RLock"),
        (third.id(), "sync.RWMutex.Lock"),
    ] {
        let text = paragraph(&dump, id);
        assert!(text.contains(reason) && text.contains(&holder), "{text}");
    }
    drop((held, written));
    for handle in [first, second, third] {
        handle.join().expect("it returns");
    }
    let next = mutex.lock();
    drop(next);
}

/// Catches goroutines that a dump loses, runs twice, or whose stack is read while they run.
#[gors::test(timeout = "300s")]
fn dumps_beside_running_goroutines() {
    const PAIRS: u64 = 50;
    let stop = Arc::new(AtomicBool::new(false));
    let turns = Arc::new(AtomicU64::new(0));
    let mutex = Arc::new(Mutex::new(0_u64));
    let mut handles = Vec::new();
    for _ in 0..PAIRS {
        let (there, back) = (make::<u64>(0), make::<u64>(0));
        let (from, to) = (there.clone(), back.clone());
        handles.push(gors::spawn(move || {
            let mut sum = 0;
            while let Some(n) = from.recv() {
                sum += n;
                to.send(n + 1);
            }
            sum
        }));
        let (stop, turns, mutex) = (Arc::clone(&stop), Arc::clone(&turns), Arc::clone(&mutex));
        handles.push(gors::spawn(move || {
            let mut n = 0;
            while !stop.load(Ordering::Relaxed) {
                there.send(n);
                let next = back.recv().expect("the other one answers");
                assert_eq!(next, n + 1);
                n = next;
                *mutex.lock() += 1;
                if n % 16 == 0 {
                    gors::time::sleep(Duration::from_micros(n % 300));
                }
                turns.fetch_add(1, Ordering::Relaxed);
            }
            there.close();
            n
        }));
    }
    let mut seen = 0;
    for _ in 0..30 {
        let dump = stack_dump();
        assert!(dump.contains("goroutine "), "{dump}");
        let before = turns.load(Ordering::Relaxed);
        while turns.load(Ordering::Relaxed) < before + PAIRS {
            gosched();
        }
        seen += dump.matches("dumps_beside_running_goroutines").count();
    }
    stop.store(true, Ordering::Relaxed);
    for handle in handles {
        handle.join().expect("it returns");
    }
    assert_eq!(*mutex.lock(), turns.load(Ordering::Relaxed));
    assert!(seen > 30, "the pairs were never seen parked");
}

/// Catches SIGQUIT without a dump, and another exit code than Go's.
#[test]
fn sigquit_dumps_and_ends() {
    let mut child = child::start("sigquit_dumps_and_ends", &[], || {
        gors::run(|| {
            let c = make::<()>(0);
            let theirs = c.clone();
            spawn_blocked(move || theirs.recv());
            println!("ready");
            c.clone().recv();
        });
    });
    child.wait_for("ready\n");
    child.send("QUIT");
    let ended = child.wait();
    ended.assert_fatal("SIGQUIT: quit\n\ngoroutine 1 [chan receive");
    assert_eq!(
        ended.stderr.matches("[chan receive").count(),
        2,
        "{ended:#?}"
    );
}

/// Catches a runtime that takes SIGQUIT in a program that was told to ignore it.
#[test]
fn sigquit_stays_ignored() {
    const NAME: &str = "sigquit_stays_ignored";
    if std::env::var_os("GORS_TEST_CHILD").is_some() {
        gors::run(|| {
            let end = make(1);
            signal::notify(&end, &[Signal::USER1]);
            println!("ready");
            assert_eq!(end.recv(), Some(Signal::USER1));
        });
        std::process::exit(0);
    }
    let mut child = child::Running::start(
        Command::new("sh")
            .arg("-c")
            .arg(format!(
                "trap '' QUIT; exec \"$0\" --exact {NAME} --nocapture"
            ))
            .arg(std::env::current_exe().expect("a path"))
            .env("GORS_TEST_CHILD", NAME),
    );
    child.wait_for("ready\n");
    child.send("QUIT");
    child.send("USR1");
    child.wait().assert_success();
}

/// Catches a test that hangs without a word on what it waits for.
#[test]
fn a_test_that_hangs_ends_with_a_dump() {
    let ended = child::run("a_test_that_hangs_ends_with_a_dump", &[], || {
        let timeout = Some(Duration::from_millis(200));
        let hangs = || gors::__private::run_test("hangs", timeout, None, || make::<()>(0).recv());
        if std::panic::catch_unwind(hangs).is_ok() {
            std::process::exit(1);
        }
    });
    ended.assert_success();
    for part in ["[chan receive", "created at", "has not ended within 200ms"] {
        assert!(ended.stderr.contains(part), "{part}: {ended:#?}");
    }
}
