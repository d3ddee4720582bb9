//! Running a program that was built with ThreadSanitizer: its options, its reports, its exit code.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitCode, ExitStatus, Stdio};

use crate::fail;
use crate::report::Filter;

/// What cargo starts us with as a runner.
pub(crate) const FLAG: &str = "--as-runner";
/// The variable that tells the runner where the symboliser is.
pub(crate) const SYMBOLIZER: &str = "GORS_RACE_SYMBOLIZER";

const SUPPRESSIONS: &str = include_str!("../suppressions.txt");

/// Runs a program with its arguments.
pub(crate) fn run(mut program: Vec<OsString>) -> ExitCode {
    if program.is_empty() {
        return fail("no program to run");
    }
    let arguments = program.split_off(1);
    let options = match options() {
        Ok(options) => options,
        Err(message) => return fail(&message),
    };
    let child = Command::new(&program[0])
        .args(arguments)
        .env("TSAN_OPTIONS", options)
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => {
            return fail(&format!(
                "cannot run {}: {error}",
                program[0].to_string_lossy()
            ));
        }
    };
    let stderr = child.stderr.take().expect("stderr is a pipe");
    // Ends when the last process that holds the pipe has ended: the program, and what it left behind.
    let passed_on = pass_on(BufReader::new(stderr));
    match child.wait() {
        Err(error) => fail(&format!("lost the program: {error}")),
        Ok(status) => {
            if let Err(error) = passed_on {
                eprintln!("gors-race: cannot pass on what the program said: {error}");
            }
            exit_code(status)
        }
    }
}

/// ThreadSanitizer's options: ours, then the user's, which win.
fn options() -> Result<String, String> {
    let symbolizer = env::var(SYMBOLIZER).map_err(|_| {
        format!("{FLAG} is for cargo, which `cargo gors-race run` starts with {SYMBOLIZER} set")
    })?;
    let suppressions = format!("{symbolizer}.suppressions");
    install(SUPPRESSIONS, &suppressions)
        .map_err(|error| format!("cannot write {suppressions}: {error}"))?;
    let mut options = format!(
        "suppressions={suppressions} external_symbolizer_path={symbolizer} \
         report_thread_leaks=0 atexit_sleep_ms=0 history_size=4"
    );
    if let Ok(more) = env::var("TSAN_OPTIONS") {
        options.push(' ');
        options.push_str(&more);
    }
    Ok(options)
}

/// Makes `text` the file `path`, which programs that are starting just now may be reading: they find the
/// one before or this one, never a part.
fn install(text: &str, path: &str) -> std::io::Result<()> {
    if fs::read_to_string(path).is_ok_and(|there| there == text) {
        return Ok(());
    }
    let fresh = format!("{path}.{}", std::process::id());
    fs::write(&fresh, text)?;
    fs::rename(&fresh, path)
}

fn pass_on(mut from: impl BufRead) -> std::io::Result<()> {
    let raw = env::var("GORS_RACE").is_ok_and(|value| value == "raw");
    let mut to = std::io::stderr();
    let mut filter = Filter::new();
    loop {
        let bytes = from.fill_buf()?;
        if bytes.is_empty() {
            break;
        }
        let len = bytes.len();
        if raw {
            to.write_all(bytes)?;
        } else {
            to.write_all(&filter.feed(bytes))?;
        }
        to.flush()?;
        from.consume(len);
    }
    to.write_all(&filter.end())
}

/// The code of a program that ended so: its own, or 128 and the signal's number as shells have it.
pub(crate) fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status
        .code()
        .unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn a_file_is_whole_while_it_is_installed() {
        let text = SUPPRESSIONS.repeat(100);
        let path = env::temp_dir().join(format!("gors-race-install-{}", std::process::id()));
        let path = path.to_str().unwrap();
        install("", path).unwrap();
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for turn in 0..200 {
                    install(if turn % 2 == 0 { &text } else { "" }, path).unwrap();
                }
                over.store(true, Ordering::Release);
            });
            while !over.load(Ordering::Acquire) {
                let found = fs::read_to_string(path).unwrap();
                assert!(found.is_empty() || found == text);
            }
        });
        fs::remove_file(path).unwrap();
    }
}
