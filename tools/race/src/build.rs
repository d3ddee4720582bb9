//! Building with ThreadSanitizer: cargo with the flags, in a target directory of its own.
//!
//! A stable compiler has ThreadSanitizer and its runtime library; only the switch is unstable, which is
//! what `RUSTC_BOOTSTRAP` is for. The standard library stays as it comes, without ThreadSanitizer.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::{fail, runner, symbolize};

/// Where ThreadSanitizer and the runtime's stacks are known to work together.
const TARGETS: [&str; 2] = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"];

const FLAGS: [&str; 6] = [
    "-Zsanitizer=thread",
    // The standard library was built without.
    "-Cunsafe-allow-abi-mismatch=sanitizer",
    "--cfg=gors_tsan",
    "--cfg=gors_race",
    // Lines in reports, in release builds too.
    "-Cdebuginfo=1",
    "-Cforce-frame-pointers=yes",
];

/// Runs cargo with `args`, its subcommand first.
pub(crate) fn cargo(args: &[OsString]) -> ExitCode {
    match prepare(args) {
        Err(message) => fail(&message),
        Ok(mut cargo) => match cargo.status() {
            Err(error) => fail(&format!("cannot run cargo: {error}")),
            Ok(status) => runner::exit_code(status),
        },
    }
}

fn prepare(args: &[OsString]) -> Result<Command, String> {
    let host = host()?;
    let target = match option(args, "--target") {
        Some(target) => target.to_string_lossy().into_owned(),
        None => host.clone(),
    };
    if !TARGETS.contains(&target.as_str()) {
        return Err(format!(
            "target {target} is not supported; these are: {}",
            TARGETS.join(", ")
        ));
    }
    if target != host {
        return Err(format!(
            "target {target} is not this machine ({host}), where the program will run"
        ));
    }
    find_library(&target)?;

    let directory = match option(args, "--target-dir") {
        Some(directory) => PathBuf::from(directory),
        None => target_directory(args)?,
    }
    .join("gors-race");
    fs::create_dir_all(&directory)
        .map_err(|error| format!("cannot make the directory {}: {error}", directory.display()))?;
    let me = env::current_exe().map_err(|error| format!("cannot find my own file: {error}"))?;
    let symbolizer = symbolize::install(&me, &directory)?;

    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.arg(&args[0]);
    if option(args, "--target").is_none() {
        cargo.args(["--target", &target]);
    }
    let runner_variable = format!(
        "CARGO_TARGET_{}_RUNNER",
        target.to_uppercase().replace('-', "_")
    );
    cargo
        .args(without(&args[1..], "--target-dir"))
        .env("CARGO_TARGET_DIR", &directory)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_ENCODED_RUSTFLAGS", flags("RUSTFLAGS"))
        .env("CARGO_ENCODED_RUSTDOCFLAGS", flags("RUSTDOCFLAGS"))
        .env(
            runner_variable,
            format!("{} {}", me.display(), runner::FLAG),
        )
        .env(runner::SYMBOLIZER, symbolizer)
        .env_remove("RUSTFLAGS")
        .env_remove("RUSTDOCFLAGS");
    if me.to_string_lossy().contains(char::is_whitespace) {
        return Err(format!(
            "cargo cannot start a runner whose path has blanks in it: {}",
            me.display()
        ));
    }
    Ok(cargo)
}

/// The user's flags in `variable`, or its encoded form, and ours.
fn flags(variable: &str) -> String {
    let mut all: Vec<String> = match env::var(format!("CARGO_ENCODED_{variable}")) {
        Ok(flags) => flags.split('\u{1f}').map(str::to_owned).collect(),
        Err(_) => env::var(variable)
            .unwrap_or_default()
            .split_whitespace()
            .map(str::to_owned)
            .collect(),
    };
    all.retain(|flag| !flag.is_empty());
    all.extend(FLAGS.map(str::to_owned));
    all.join("\u{1f}")
}

/// The value of an option of cargo's, in either spelling.
fn option<'a>(args: &'a [OsString], name: &str) -> Option<&'a OsStr> {
    let mut args = args.iter().take_while(|arg| *arg != "--");
    while let Some(arg) = args.next() {
        if arg == name {
            return args.next().map(OsString::as_os_str);
        }
        if let Some(value) = arg.to_str().and_then(|arg| arg.strip_prefix(name))
            && let Some(value) = value.strip_prefix('=')
        {
            return Some(OsStr::new(value));
        }
    }
    None
}

/// `args` without the option `name` and its value.
fn without<'a>(args: &'a [OsString], name: &str) -> Vec<&'a OsString> {
    let mut kept = Vec::new();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if arg == "--" {
            kept.push(arg);
            kept.extend(args);
            break;
        }
        if arg == name {
            args.next();
        } else if !arg
            .to_str()
            .and_then(|arg| arg.strip_prefix(name))
            .is_some_and(|rest| rest.starts_with('='))
        {
            kept.push(arg);
        }
    }
    kept
}

fn rustc() -> Command {
    Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
}

fn output(mut command: Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .map_err(|error| format!("cannot run {name}: {error}"))?;
    if !output.status.success() {
        return Err(format!(
            "{name} failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        ));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn host() -> Result<String, String> {
    let mut rustc = rustc();
    rustc.arg("-vV");
    output(rustc)?
        .lines()
        .find_map(|line| line.strip_prefix("host: ").map(str::to_owned))
        .ok_or_else(|| "rustc -vV names no host".to_owned())
}

/// The toolchain has ThreadSanitizer's runtime library.
fn find_library(target: &str) -> Result<(), String> {
    let mut rustc = rustc();
    rustc.args(["--print", "sysroot"]);
    let libraries = Path::new(output(rustc)?.trim())
        .join("lib/rustlib")
        .join(target)
        .join("lib");
    let there = fs::read_dir(&libraries)
        .into_iter()
        .flatten()
        .flatten()
        .any(|file| file.file_name().to_string_lossy().ends_with("_rt.tsan.a"));
    if there {
        Ok(())
    } else {
        Err(format!(
            "this toolchain has no ThreadSanitizer for {target}: no librustc-*_rt.tsan.a in {}. \
             Toolchains from rustup have one; those of Linux distributions often do not. Install \
             rustup (https://rustup.rs) and use its stable toolchain",
            libraries.display()
        ))
    }
}

/// The directory that cargo would build into.
fn target_directory(args: &[OsString]) -> Result<PathBuf, String> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["metadata", "--no-deps", "--format-version", "1"]);
    if let Some(manifest) = option(args, "--manifest-path") {
        cargo.arg("--manifest-path").arg(manifest);
    }
    let metadata = output(cargo)?;
    let directory = metadata
        .split_once("\"target_directory\":\"")
        .and_then(|(_, rest)| rest.split_once('"'))
        .map(|(directory, _)| directory.replace("\\\\", "\\"));
    directory
        .map(PathBuf::from)
        .ok_or_else(|| "cargo metadata names no target directory".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(text: &str) -> Vec<OsString> {
        text.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn options_are_found_in_both_spellings_and_not_behind_the_dashes() {
        let all = args("run --target=a --target-dir b -- --manifest-path c");
        assert_eq!(option(&all, "--target"), Some(OsStr::new("a")));
        assert_eq!(option(&all, "--target-dir"), Some(OsStr::new("b")));
        assert_eq!(option(&all, "--manifest-path"), None);
    }

    #[test]
    fn the_target_directory_is_not_passed_on() {
        let all = args("-q --target-dir b --target-dir=c --bin x -- --target-dir d");
        let kept: Vec<_> = without(&all, "--target-dir").into_iter().cloned().collect();
        assert_eq!(kept, args("-q --bin x -- --target-dir d"));
    }
}
