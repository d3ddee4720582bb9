//! What the compiler says about misuse, and that it says nothing about use in either edition. Would
//! catch a wrong statement that is accepted, a text that changed, and an error away from the user's
//! tokens.
//!
//! Runs `rustc` on small sources with the macros that this test was linked against.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The library in Cargo's `deps` folder, the newest if there is one for several profiles.
fn macros_library() -> PathBuf {
    use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};

    let test = std::env::current_exe().expect("a test has a path");
    let deps = test.parent().expect("a file is in a folder");
    let prefix = format!("{DLL_PREFIX}gors_macros-");
    // With `--target`, what runs at build time is in the folder of the host.
    let host_deps = deps.join("../../../debug/deps");
    [deps, &host_deps]
        .into_iter()
        .filter_map(|folder| {
            std::fs::read_dir(folder)
                .ok()?
                .filter_map(Result::ok)
                .map(|entry| entry.path())
                .filter(|path| {
                    let name = path.file_name().unwrap_or_default().to_string_lossy();
                    name.starts_with(&prefix) && name.ends_with(DLL_SUFFIX)
                })
                .max_by_key(|path| path.metadata().and_then(|data| data.modified()).ok())
        })
        .next()
        .expect("Cargo builds gors_macros before its tests")
}

/// Compiles a file and returns what the compiler says.
fn compile(file: &Path, edition: &str, kind: &[&str]) -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let library = macros_library();
    let output = Command::new(rustc)
        .arg(file)
        .args(["--edition", edition, "--emit=metadata", "--color=never"])
        .args(kind)
        .arg(format!("--extern=gors_macros={}", library.display()))
        .arg("--out-dir")
        .arg(concat!(env!("CARGO_TARGET_TMPDIR"), "/diagnostics"))
        .output()
        .expect("rustc runs");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn compile_source(source: &str) -> String {
    static FILES: AtomicUsize = AtomicUsize::new(0);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sources");
    std::fs::create_dir_all(&folder).expect("the target folder is writable");
    let number = FILES.fetch_add(1, Ordering::Relaxed);
    let file = folder.join(format!("source_{}_{number}.rs", std::process::id()));
    std::fs::write(&file, source).expect("the target folder is writable");
    let said = compile(&file, "2024", &["--crate-type=lib"]);
    std::fs::remove_file(&file).expect("the source was written");
    said
}

const STAND_IN: &str = "
#![allow(dead_code, unused)]
pub mod __private {
    pub fn go<F, R>(f: F) where F: FnOnce() -> R + Send + 'static { f(); }
}
pub fn run<T: Send>(f: impl FnOnce() -> T + Send) -> T { f() }
macro_rules! go { ($($t:tt)*) => { gors_macros::go_impl! { [crate] $($t)* } } }
fn f<T>(_: T) -> Option<()> { None }
fn g(_: u8) {}
";

/// Compiles one source with all `items`. The compiler must report each with its text, and nothing
/// else.
#[track_caller]
fn assert_errors(items: &[(&str, &str)]) {
    let mut source = STAND_IN.to_owned();
    let mut expected = Vec::new();
    for (item, text) in items {
        let line = source.lines().count() + 1;
        writeln!(source, "{item}").expect("a string takes everything");
        expected.push((line, *text));
    }
    let said = compile_source(&source);
    for (line, text) in &expected {
        let shown = format!("\n{line} | ");
        let found = said
            .split("\n\n")
            .any(|error| error.contains(text) && error.contains(&shown));
        assert!(
            found,
            "line {line}: wanted {text:?}, the compiler says\n{said}"
        );
    }
    let count = said
        .lines()
        .filter(|line| line.starts_with("error"))
        .count();
    // The last one sums up.
    assert_eq!(count, expected.len() + 1, "{said}");
}

#[test]
fn what_is_no_call_is_an_error_in_gos_words() {
    const NO_CALL: &str = "expression in go must be function call";
    const BLOCK: &str = "put statements into a block: go!({ … })";
    assert_errors(&[
        (
            "fn a() { go!(); }",
            "expression in go must be function call: go!() is empty",
        ),
        ("fn b(x: u8) { go!(x); }", NO_CALL),
        ("fn c(x: u8) { go!(x + f(x)); }", NO_CALL),
        ("fn d(x: u8) { go!(-f(x)); }", NO_CALL),
        ("fn e(x: u8) { go!(f(x) as u8); }", NO_CALL),
        ("fn h(x: u8) { go!(f(x)?); }", "nobody would see the error"),
        (
            "fn i(x: u8) { go!(f(x).await); }",
            "a goroutine blocks, it does not await",
        ),
        (
            "fn j(x: u8) { go!(async move { f(x) }); }",
            "a goroutine blocks, it does not await",
        ),
        (
            "fn k(x: u8) { go!((f(x))); }",
            "expression in go must not be parenthesized",
        ),
        ("fn l(x: u8) { go!(loop { f(x); }); }", BLOCK),
        (
            "fn m(x: u8) { go!(if x > 1 { f(x) } else { f(x) }); }",
            BLOCK,
        ),
        ("fn n(x: u8) { go!(return f(x)); }", BLOCK),
        ("fn o(x: u8) { go!('a: { f(x) }); }", BLOCK),
        ("fn p(x: u8) { go!(f(x);); }", BLOCK),
        (
            "fn q(x: u8) { go!(#[inline] f(x)); }",
            "attributes are not supported",
        ),
        (
            "fn r(x: u8) { go!(f(x), f(x)); }",
            "one go! starts one goroutine",
        ),
        (
            "fn s(x: u8) { go!(|| f(x), 1); }",
            "one go! starts one goroutine",
        ),
        (
            "fn t(x: u8) { go!(f(x,,)); }",
            "expected an argument before each comma",
        ),
        ("fn u(x: Option<u8>) { go!(x.is_some); }", NO_CALL),
        ("fn v(x: u8) { go!(f::<u8>); }", NO_CALL),
        ("fn w(x: [u8; 2]) { go!(x[0]); }", NO_CALL),
        ("fn x(x: u8) { go!(x == f(x)); }", NO_CALL),
        ("struct Y { x: u8 } fn y(x: u8) { go!(Y { x }); }", NO_CALL),
        ("fn z(x: u8) { go!(0..f(x)); }", NO_CALL),
    ]);
}

#[test]
fn what_does_not_type_check_is_reported_at_the_users_tokens() {
    let said = compile_source(&format!(
        "{STAND_IN}
fn a() {{ go!(g(\"text\".len())); }}
fn b() {{ go!(f(std::rc::Rc::new(1))); }}
fn d() {{ go!(f(1).missing(2)); }}
fn h() {{ go!(g()); }}
"
    ));
    let underlined = [
        (
            "a() { go!(g(\"text\".len())); }",
            "^^^^^^ expected `u8`, found `usize`",
        ),
        (
            "b() { go!(f(std::rc::Rc::new(1))); }",
            "`Rc<i32>` cannot be sent between threads",
        ),
        ("d() { go!(f(1).missing(2)); }", "^^^^^^^ method not found"),
        (
            "h() { go!(g()); }",
            "^-- argument #1 of type `u8` is missing",
        ),
    ];
    for (line, text) in underlined {
        let found = said
            .split("\n\n")
            .any(|error| error.contains(text) && error.contains(line));
        assert!(
            found,
            "wanted {text:?} under {line:?}, the compiler says\n{said}"
        );
    }
}

#[test]
fn what_is_moved_cannot_be_used_again_and_what_is_borrowed_cannot_be_moved() {
    let said = compile_source(&format!(
        "{STAND_IN}
fn c(x: &str) {{ go!(f(x)); }}
fn e(x: String) {{ go!(f(x)); go!(f(x)); }}
fn k(x: String) {{ go!(|| f(&x)); drop(x); }}
"
    ));
    let wanted = [
        "`x` escapes the function body here",
        "use of moved value: `x`",
        "value used here after move",
    ];
    for text in wanted {
        assert!(
            said.contains(text),
            "wanted {text:?}, the compiler says\n{said}"
        );
    }
}

#[test]
fn misuse_of_main_and_test_is_an_error() {
    const MAIN: &str = "#[gors_macros::main(crate = crate)]";
    const PLAIN: &str = "gors::main takes a plain fn";
    let with = |item: &str| format!("{MAIN} {item}");
    let plain: Vec<_> = [
        (
            "async fn main() {}",
            "gors::main takes a plain fn: goroutines block, they do not await",
        ),
        (
            "fn main(x: u8) {}",
            "gors::main takes a plain fn without parameters",
        ),
        (
            "fn main<T>() {}",
            "gors::main takes a plain fn without generics",
        ),
        ("const fn main() {}", PLAIN),
        ("unsafe fn main() {}", PLAIN),
        ("struct Main;", PLAIN),
        ("mod main {}", PLAIN),
    ]
    .into_iter()
    .enumerate()
    .map(|(n, (item, text))| (format!("mod main{n} {{ {} }}", with(item)), text))
    .collect();
    let mut items: Vec<_> = plain
        .iter()
        .map(|(item, text)| (item.as_str(), *text))
        .collect();
    items.extend([
        (
            "mod o0 { #[gors_macros::main(crate = \"gors\")] fn main() {} }",
            "`crate` takes a path",
        ),
        (
            "mod o1 { #[gors_macros::main(threads = 2)] fn main() {} }",
            "gors::main knows `crate = path`",
        ),
        (
            "mod o2 { #[gors_macros::main(crate = a, crate = b)] fn main() {} }",
            "`crate` is given twice",
        ),
        (
            "mod o3 { #[gors_macros::main(timeout = \"1s\")] fn main() {} }",
            "unknown argument",
        ),
        (
            "mod o4 { #[gors_macros::test(timeout = \"30\")] fn t() {} }",
            "`timeout` takes a duration",
        ),
        (
            "mod o5 { #[gors_macros::test(timeout = \"0s\")] fn t() {} }",
            "`timeout` takes a duration",
        ),
        (
            "mod o6 { #[gors_macros::test(timeout = \"soon\")] fn t() {} }",
            "`timeout` takes a duration",
        ),
        (
            "mod o7 { #[gors_macros::test(timeout = 30)] fn t() {} }",
            "`timeout` takes a duration",
        ),
        (
            "mod o8 { #[gors_macros::test(procs = 0)] fn t() {} }",
            "`procs` takes an integer",
        ),
        (
            "mod o9 { #[gors_macros::test(procs = \"2\")] fn t() {} }",
            "`procs` takes an integer",
        ),
        (
            "mod oa { #[gors_macros::test(slow)] fn t() {} }",
            "gors::test knows `timeout",
        ),
        (
            "mod ob { #[gors_macros::test] #[test] fn t() {} }",
            "gors::test adds #[test] itself",
        ),
        (
            "mod oc { #[gors_macros::test] async fn t() {} }",
            "gors::test takes a plain fn: goroutines",
        ),
    ]);
    assert_errors(&items);
}

#[test]
fn both_editions_compile_without_warnings() {
    for edition in ["2021", "2024"] {
        for name in ["go_forms", "entry_points"] {
            let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
            let said = compile(&tests.join(name).with_extension("rs"), edition, &["--test"]);
            assert_eq!(said, "", "{name} in edition {edition}");
        }
    }
}
