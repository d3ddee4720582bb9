//! Names and lines for backtraces.
//!
//! The standard library finds them, for its own `Backtrace`; this rearranges its text into the form
//! that Go's programs have, and leaves out the frames that lead from a user's call into the runtime.
//! What was found is kept by return addresses: the same few stacks come in every dump.

use std::backtrace::Backtrace;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, LazyLock};

use crate::shim::Mutex;

/// Stacks that are remembered; a program that shows more different ones begins anew.
const MEMORY: usize = 4096;
/// Frames that are shown of one stack.
const SHOWN: usize = 50;

static KNOWN: LazyLock<Mutex<HashMap<Vec<usize>, Arc<str>>>> = LazyLock::new(Mutex::default);

/// Whether the words for this stack are known.
pub(super) fn are_known(addresses: &[usize]) -> bool {
    KNOWN.lock().contains_key(addresses)
}

/// A stack in words, a frame in two lines.
pub(super) fn in_words(addresses: Vec<usize>, backtrace: Option<Backtrace>) -> Arc<str> {
    let mut known = KNOWN.lock();
    if let Some(words) = known.get(&addresses) {
        return Arc::clone(words);
    }
    let words: Arc<str> = backtrace
        .and_then(|backtrace| parked(&backtrace))
        .unwrap_or_else(|| numbers(&addresses))
        .into();
    if known.len() == MEMORY {
        known.clear();
    }
    known.insert(addresses, Arc::clone(&words));
    words
}

/// The stack of the goroutine that asked for a dump.
pub(super) fn own(backtrace: &Backtrace) -> String {
    let frames = frames(&backtrace.to_string());
    let above = frames
        .iter()
        .rposition(|frame| {
            frame.function.starts_with("gors_runtime::dump::stack_dump")
                || frame.function == "stack_dump" && frame.lies_in(RUNTIME)
        })
        .map_or(0, |index| index + 1);
    text(&frames[above..])
}

/// The stack of a parked goroutine, captured above it. `None` if there are no names.
fn parked(backtrace: &Backtrace) -> Option<String> {
    let frames = frames(&backtrace.to_string());
    let above = frames
        .iter()
        .position(|frame| frame.function == "gors_above_parked")?;
    Some(text(&frames[above + 1..]))
}

/// A stack of a program without symbols.
fn numbers(addresses: &[usize]) -> String {
    let mut out = String::new();
    for address in addresses {
        let _ = writeln!(out, "{address:#x}");
    }
    out
}

#[derive(Debug, PartialEq, Eq)]
struct Frame {
    function: String,
    place: Option<String>,
}

/// Takes the standard library's text apart: `   3: function`, then perhaps `at file:line:column`.
fn frames(text: &str) -> Vec<Frame> {
    let mut frames: Vec<Frame> = Vec::new();
    for line in text.lines().map(str::trim_start) {
        if let Some(place) = line.strip_prefix("at ") {
            if let Some(frame) = frames.last_mut() {
                frame.place = Some(without_column(place).to_owned());
            }
        } else if let Some((number, function)) = line.split_once(": ")
            && number.bytes().all(|byte| byte.is_ascii_digit())
        {
            frames.push(Frame {
                function: function.trim().to_owned(),
                place: None,
            });
        }
    }
    frames
}

fn without_column(place: &str) -> &str {
    match place.rsplit_once(':') {
        Some((before, column))
            if column.bytes().all(|byte| byte.is_ascii_digit()) && before.contains(':') =>
        {
            before
        }
        _ => place,
    }
}

/// How a call leads into the runtime.
const INSIDE: &[&str] = &[
    "corosensei::",
    "gors_runtime::",
    "<gors_runtime::",
    "gors_chan::core",
    "gors_chan::handle",
    "gors_chan::link",
    "lock_api::",
    "<gors_chan::core",
    "<gors_chan::link",
    "core::",
    "<core::",
];
/// How a goroutine gets to its own code.
const OUTSIDE: &[&str] = &[
    "gors_goroutine_base",
    "gors_runtime::",
    "<gors_runtime::",
    "core::",
    "<core::",
    "std::",
    "<alloc::",
    "alloc::",
    "__rust_try",
];

/// The same by source files: in programs with line tables only, what was inlined has a name without its
/// crate.
const INSIDE_FILES: &[&str] = &[RUNTIME, "/lock_api-", "/library/core/src/"];
const OUTSIDE_FILES: &[&str] = &[
    RUNTIME,
    "/library/core/src/",
    "/library/std/src/",
    "/library/alloc/src/",
];
/// Of `gors-chan`, beside the file that it names.
const INSIDE_CHANNELS: &[&str] = &["core", "handle", "link"];

/// This crate's sources, as the compiler was given them: from the root of the workspace, or of the file
/// system.
const RUNTIME: &str = directory(file!(), "dump/symbols.rs");

/// What comes before `name` in the path of a file.
const fn directory(file: &'static str, name: &str) -> &'static str {
    file.split_at(file.len() - name.len()).0
}

impl Frame {
    /// Whether its function's source has a path that begins so, from wherever.
    fn lies_in(&self, path: &str) -> bool {
        let Some(place) = self.place.as_deref() else {
            return false;
        };
        let place = match place.strip_prefix("./") {
            Some(rest) => std::env::current_dir().map_or_else(
                |_| place.to_owned(),
                |here| here.join(rest).to_string_lossy().into_owned(),
            ),
            None => place.to_owned(),
        };
        let begins = |at: usize| at == 0 || path.starts_with('/') || place[..at].ends_with('/');
        place.match_indices(path).any(|(at, _)| begins(at))
    }

    fn is_inside(&self) -> bool {
        INSIDE.iter().any(|name| self.function.starts_with(name))
            || INSIDE_FILES.iter().any(|path| self.lies_in(path))
            || super::waits::source_of_channels().is_some_and(|file| {
                let directory = directory(file, "core.rs");
                let mut names = INSIDE_CHANNELS.iter();
                names.any(|name| self.lies_in(&format!("{directory}{name}")))
            })
    }

    fn is_outside(&self) -> bool {
        OUTSIDE.iter().any(|name| self.function.starts_with(name))
            || OUTSIDE_FILES.iter().any(|path| self.lies_in(path))
    }
}

fn text(frames: &[Frame]) -> String {
    let is_full = std::env::var_os("RUST_BACKTRACE").is_some_and(|value| value == "full");
    let mut shown = frames;
    if !is_full {
        let begin = shown.iter().take_while(|frame| frame.is_inside()).count();
        let back = shown.iter().rev();
        let end = back.take_while(|frame| frame.is_outside()).count();
        if begin + end < shown.len() {
            shown = &shown[begin..shown.len() - end];
        }
    }
    let mut out = String::new();
    for frame in shown.iter().take(SHOWN) {
        let _ = writeln!(out, "{}", frame.function);
        if let Some(place) = &frame.place {
            let _ = writeln!(out, "\t{place}");
        }
    }
    if shown.len() > SHOWN {
        let _ = writeln!(out, "...{} frames more", shown.len() - SHOWN);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches frames of the runtime that are shown because nothing but their file says whose they are.
    #[test]
    fn frames_without_crates_are_known_by_their_files() {
        let here = format!("{RUNTIME}raw/task.rs:1");
        let frame = |function: &str, place: &str| Frame {
            function: function.to_owned(),
            place: Some(place.to_owned()),
        };
        let core = "/rustc/59/library/core/src/option.rs:2";
        let frames = [
            frame("park", &here),
            frame("lock<u32>", "/x/lock_api-0.5.0/src/mutex.rs:3"),
            frame("map<u32>", core),
            frame("mine", "/home/src/main.rs:4"),
            frame("map<u32>", core),
            frame("yours", "/home/src/main.rs:5"),
            frame("call_once", core),
            frame("run", &format!("/elsewhere/{here}")),
        ];
        assert_eq!(
            text(&frames),
            format!(
                "mine\n\t/home/src/main.rs:4\nmap<u32>\n\t{core}\nyours\n\t/home/src/main.rs:5\n"
            )
        );
        assert!(!frame("mine", &format!("/not-{here}")).lies_in(RUNTIME));
    }

    /// Catches a change of the form that the standard library writes.
    #[test]
    fn a_backtrace_is_taken_apart() {
        let frames = frames(
            "   0: corosensei::switch\n             at /x/y.rs:10:5\n   1: <a::B as c::D>::e\n  \
             12: main::work\n             at ./src/main.rs:3:9\n",
        );
        assert_eq!(frames.len(), 3);
        assert_eq!(frames[0].place.as_deref(), Some("/x/y.rs:10"));
        assert_eq!(frames[1].function, "<a::B as c::D>::e");
        assert_eq!(frames[1].place, None);
        assert_eq!(frames[2].place.as_deref(), Some("./src/main.rs:3"));
        let real = Backtrace::force_capture().to_string();
        let real = super::frames(&real);
        assert!(
            real.iter()
                .any(|frame| frame.function.contains("a_backtrace_is_taken_apart")),
            "{real:#?}"
        );
    }
}
