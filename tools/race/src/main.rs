//! `cargo gors-race`: a race detector for programs that use gors.
//!
//! One program in four parts, told apart by how it is started:
//!
//! * `cargo gors-race run …` builds with ThreadSanitizer and lets cargo run the result ([`build`]);
//! * cargo starts it again as the *runner* of the program, which sets ThreadSanitizer up and passes on
//!   what the program says ([`runner`]), its reports in the words of goroutines ([`report`]);
//! * ThreadSanitizer starts it as `llvm-symbolizer`, to turn addresses into names and lines
//!   ([`symbolize`]).

mod build;
mod report;
mod runner;
mod symbolize;

use std::process::ExitCode;

const USAGE: &str = "\
Runs programs that use gors under ThreadSanitizer and reports data races between goroutines.

Usage: cargo gors-race <run|test|build|bench> [cargo's options] [-- the program's arguments]

  cargo gors-race run --example counter_racy
  cargo gors-race test --test parker

Exit code: 66 if there was a race and the program itself ended well, as with `go run -race`. `test` ends as
`cargo test` does: 101 if a test failed or raced.

  GORS_RACE=raw      reports as ThreadSanitizer prints them
  TSAN_OPTIONS       further options, e.g. history_size=7 if a stack could not be restored

Programs are built into gors-race/ in the target directory. See docs/race-detector.md.";

fn main() -> ExitCode {
    let mut args: Vec<_> = std::env::args_os().collect();
    let called = args.remove(0);
    if symbolize::is_name(&called) {
        return symbolize::serve();
    }
    if args.first().is_some_and(|arg| arg == runner::FLAG) {
        args.remove(0);
        return runner::run(args);
    }
    // Cargo passes a subcommand's own name first.
    if args.first().is_some_and(|arg| arg == "gors-race") {
        args.remove(0);
    }
    match args.first().and_then(|arg| arg.to_str()) {
        Some("run" | "r" | "test" | "t" | "build" | "b" | "bench") => build::cargo(&args),
        Some("-h" | "--help" | "help") => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        Some("-V" | "--version") => {
            println!("gors-race {}", env!("CARGO_PKG_VERSION"));
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// Says what went wrong, and what to do.
fn fail(message: &str) -> ExitCode {
    eprintln!("gors-race: {message}");
    ExitCode::from(2)
}
