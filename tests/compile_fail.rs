//! The bounds that keep goroutines sound: what must not compile, and the compiler's reason.
//!
//! Runs `rustc` on small sources with the `gors` that this test was linked against. The first
//! source is right: it shows that the others fail for their own reason.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A body of `main`, and what the compiler must say about it.
const MISTAKES: &[(&str, &str, &str)] = &[
    (
        "a_value_that_is_not_send",
        "let shared = std::rc::Rc::new(1); go!(move || drop(shared));",
        "cannot be sent between threads safely",
    ),
    (
        "an_argument_that_is_not_send",
        "fn take<T>(_: T) {} go!(take(std::rc::Rc::new(1)));",
        "cannot be sent between threads safely",
    ),
    (
        "a_guard_that_belongs_to_a_thread",
        "static LOCK: std::sync::Mutex<u8> = std::sync::Mutex::new(0);
         let guard = LOCK.lock().unwrap();
         go!({ drop(guard); });",
        "cannot be sent between threads safely",
    ),
    (
        "a_borrow_in_go",
        "let text = String::new(); let part = text.as_str(); go!(move || println!(\"{part}\"));",
        "`text` does not live long enough",
    ),
    (
        "a_borrow_in_spawn",
        "let text = String::new(); let handle = spawn(|| text.len()); handle.join().unwrap();",
        "may outlive the current function",
    ),
    (
        "a_result_that_is_not_send",
        "let handle = spawn(|| std::rc::Rc::new(1)); drop(handle.join());",
        "cannot be sent between threads safely",
    ),
    (
        "a_borrow_that_leaves_its_scope",
        "let mut kept = None;
         {
             let text = String::new();
             scope(|s| { kept = Some(s.spawn(|| text.len())); });
         }",
        "borrowed data escapes outside of closure",
    ),
    (
        "two_goroutines_that_change_one_value",
        "let mut n = 0; scope(|s| { s.go(|| n += 1); s.go(|| n += 1); });",
        "cannot borrow `n` as mutable more than once",
    ),
    (
        "a_scope_with_a_value_that_is_not_sync",
        "let cell = std::cell::Cell::new(0); scope(|s| s.go(|| cell.set(1)));",
        "cannot be shared between threads safely",
    ),
    (
        "a_value_borrowed_from_inside_the_scope",
        "scope(|s| { let text = String::new(); s.go(|| println!(\"{text}\")); });",
        "`text`",
    ),
    (
        "a_channel_of_values_that_are_not_send",
        "let c = make::<std::rc::Rc<u8>>(0); go!(move || drop(c));",
        "cannot be sent between threads safely",
    ),
    (
        "a_goroutine_local_that_leaves_its_goroutine",
        "goroutine_local! { static X: u8 = 0; }
         let kept: &'static u8 = X.with(|x| x);
         println!(\"{kept}\");",
        "lifetime may not live long enough",
    ),
    (
        "a_goroutine_that_is_no_call",
        "go!(1 + 2);",
        "expression in go must be function call",
    ),
];

/// Would catch a bound that is missing: each of these programs could use memory after its end, or
/// from two threads.
#[test]
fn mistakes_do_not_compile() {
    let right = "let text = String::new(); scope(|s| s.go(|| println!(\"{text}\")));";
    assert_eq!(compile("no_mistake", right), "");
    for (name, body, reason) in MISTAKES {
        let said = compile(name, body);
        let error = said.lines().any(|line| line.starts_with("error"));
        assert!(
            error && said.contains(reason),
            "{name}: wanted {reason:?}, the compiler says\n{said}"
        );
    }
}

/// Compiles a program with this `main`; returns what the compiler says.
fn compile(name: &str, body: &str) -> String {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compile_fail");
    fs::create_dir_all(&folder).expect("the target folder is writable");
    let file = folder.join(format!("{name}.rs"));
    let source = format!("#![allow(unused)]\nuse gors::prelude::*;\nfn main() {{ {body} }}\n");
    fs::write(&file, source).expect("the target folder is writable");
    let (library, deps) = library();
    let output = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
        .arg(&file)
        .args(["--edition", "2024", "--emit=metadata", "--color=never"])
        .arg("--extern")
        .arg(format!("gors={}", library.display()))
        .arg("-L")
        .arg(format!("dependency={}", deps.display()))
        .arg("--out-dir")
        .arg(&folder)
        .output()
        .expect("rustc runs");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The library beside this test, the newest if there are several, and the folder of its
/// dependencies.
fn library() -> (PathBuf, PathBuf) {
    let test = std::env::current_exe().expect("a test has a path");
    let deps = test.parent().expect("a file is in a folder");
    let library = fs::read_dir(deps)
        .expect("the folder is readable")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("libgors-") && name.ends_with(".rlib")
        })
        .max_by_key(|path| path.metadata().and_then(|data| data.modified()).ok())
        .expect("Cargo builds gors before its tests");
    (library, deps.to_owned())
}
