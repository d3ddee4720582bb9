//! ThreadSanitizer's reports in the words of goroutines.
//!
//! A report arrives on the program's standard error, between two lines of equals signs. It speaks of
//! threads T1, T2, …, some of which are goroutines: those whose name, given by the runtime, says so. Here
//! each is called by that name, the frames of runtime and standard library below a goroutine's first
//! function are left out, and places stand on lines of their own, as in Go's reports. Everything else that
//! the program says goes through unchanged, as soon as it comes.

mod stack;

use std::collections::HashMap;

use stack::Frame;

const BAR: &str = "==================";
const WARNING: &str = "WARNING: ThreadSanitizer: ";
const TOTAL: &str = "ThreadSanitizer: reported ";

/// Lines that end the program, and what to do about it.
const HINTS: [(&str, &str); 2] = [
    (
        "ThreadSanitizer: unexpected memory mapping",
        "ThreadSanitizer needs memory at fixed addresses, and the kernel has put something there. \
         In a container, allow personality(2), so that it can switch the randomisation of addresses \
         off; or `sysctl vm.mmap_rnd_bits=28`",
    ),
    (
        "ThreadSanitizer: thread limit",
        "the race detector knows at most about 8,100 goroutines and threads at the same time (Go's \
         has the same limit). Run it with fewer",
    ),
];

/// Passes on what comes in, with the reports in it rewritten.
pub(crate) struct Filter {
    /// The line that has begun.
    line: Vec<u8>,
    /// The beginning of the line was passed on already.
    passed_on: bool,
    /// The lines of the report that has begun.
    report: Option<Vec<String>>,
}

impl Filter {
    pub(crate) const fn new() -> Self {
        Self {
            line: Vec::new(),
            passed_on: false,
            report: None,
        }
    }

    /// What to pass on now that `bytes` have come.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        for &byte in bytes {
            self.line.push(byte);
            if byte == b'\n' {
                self.end_of_line(&mut out);
            }
        }
        // A prompt, or a line that grows slowly, is not kept back unless it may be ours.
        if self.report.is_none() && !self.may_be_ours() {
            out.append(&mut self.line);
            self.passed_on |= !out.is_empty() && out.last() != Some(&b'\n');
        }
        out
    }

    /// What is left at the end.
    pub(crate) fn end(mut self) -> Vec<u8> {
        let mut out = Vec::new();
        for line in self.report.take().unwrap_or_default() {
            out.extend_from_slice(line.as_bytes());
            out.push(b'\n');
        }
        out.append(&mut self.line);
        out
    }

    fn may_be_ours(&self) -> bool {
        let begins = |whole: &str| {
            let len = self.line.len().min(whole.len());
            self.line[..len] == whole.as_bytes()[..len]
        };
        !self.passed_on && (begins(BAR) || begins(TOTAL))
    }

    fn end_of_line(&mut self, out: &mut Vec<u8>) {
        let bytes = std::mem::take(&mut self.line);
        if std::mem::take(&mut self.passed_on) {
            out.extend_from_slice(&bytes);
            return;
        }
        let text = String::from_utf8_lossy(&bytes[..bytes.len() - 1]).into_owned();
        match &mut self.report {
            None if text == BAR => self.report = Some(vec![text]),
            None => {
                match text.strip_prefix(TOTAL) {
                    Some(rest) => out.extend_from_slice(total(rest).as_bytes()),
                    None => out.extend_from_slice(&bytes),
                }
                for (line, hint) in HINTS {
                    if text.contains(line) {
                        out.extend_from_slice(format!("gors-race: {hint}\n").as_bytes());
                    }
                }
            }
            Some(lines) => {
                let first = lines.len() == 1;
                let last = text == BAR;
                lines.push(text);
                // Somebody else's bar.
                if first && !lines[1].starts_with(WARNING) {
                    for line in self.report.take().unwrap_or_default() {
                        out.extend_from_slice(line.as_bytes());
                        out.push(b'\n');
                    }
                } else if last {
                    let lines = self.report.take().unwrap_or_default();
                    out.extend_from_slice(rewrite(&lines).as_bytes());
                }
            }
        }
    }
}

/// `1 warnings`
fn total(rest: &str) -> String {
    let count = rest.split(' ').next().unwrap_or(rest);
    format!("Found {count} data race(s)\n")
}

/// One report, with its bars.
fn rewrite(lines: &[String]) -> String {
    let names = names(lines);
    let mut out = String::new();
    let mut frames = Vec::new();
    for line in lines {
        let text = line.trim_start();
        if let Some(frame) = Frame::parse(text) {
            frames.push(frame);
            continue;
        }
        stack::put(&mut frames, &mut out);
        if text.starts_with("SUMMARY: ") {
            continue;
        }
        let text = match text.strip_prefix(WARNING) {
            Some(what) => warning(what),
            None => rename(text, &names),
        };
        out.push_str(&text);
        out.push('\n');
        if text.contains("failed to restore the stack") {
            out.push_str("  (too long ago: TSAN_OPTIONS=history_size=7 remembers more)\n");
        }
    }
    stack::put(&mut frames, &mut out);
    out
}

/// `data race (pid=1)`
fn warning(what: &str) -> String {
    match what.strip_prefix("data race") {
        Some(rest) => format!("WARNING: DATA RACE{rest}"),
        None => format!("{WARNING}{what}"),
    }
}

/// T5 → goroutine 7 "name".
fn names(lines: &[String]) -> HashMap<&str, String> {
    lines
        .iter()
        .filter_map(|line| {
            let (number, rest) = line.trim_start().strip_prefix("Thread ")?.split_once(' ')?;
            let (name, _) = rest.strip_prefix('\'')?.split_once("' (tid=")?;
            let name = if name.starts_with("goroutine ") {
                name.to_owned()
            } else {
                format!("thread {name:?}")
            };
            Some((number, name))
        })
        .collect()
}

/// A line of a report with its threads' names.
fn rename(text: &str, names: &HashMap<&str, String>) -> String {
    // Thread T5 'goroutine 7' (tid=1, finished) created by …
    let mut text = text.to_owned();
    if let Some(rest) = text.strip_prefix("Thread ")
        && let Some((number, rest)) = rest.split_once(' ')
        && let Some(name) = names.get(number)
        && let Some((_, rest)) = rest.split_once("' (tid=")
        && let Some((_, rest)) = rest.split_once(", ")
    {
        text = format!("{}{} ({rest}", name[..1].to_uppercase(), &name[1..]);
    }
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once("thread T") {
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        out.push_str(before);
        match names.get(format!("T{}", &after[..digits]).as_str()) {
            Some(name) => out.push_str(name),
            None => out.push_str(&rest[before.len()..rest.len() - after.len() + digits]),
        }
        rest = &after[digits..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = "\
==================
WARNING: ThreadSanitizer: data race (pid=7)
  Read of size 8 at 0x7208 by thread T5:
    #0 <counter::Counter>::add /home/me/counter.rs:23:18 (counter+0x13) (BuildId: 80)
    #1 gors_runtime::goroutine::root::run /gors/root.rs:13:18 (counter+0x17)
    #2 __rust_try 6rkj (counter+0x17bc88) (BuildId: 80)

  Previous write of size 8 at 0x7208 by thread T6:
    [failed to restore the stack]

  Location is heap block of size 24 at 0x7200 allocated by main thread:
    #0 malloc /rustc/llvm/x.cpp:670:5 (counter+0xa1)

  Thread T5 'goroutine 2' (tid=0, running) created by thread T1 at:
    #0 <gors_runtime::sanitize::tsan::Fiber>::create /gors/tsan.rs:62:30 (counter+0x1a)
    #1 counter::main /home/me/counter.rs:33:14 (counter+0x13)

  Thread T6 'goroutine 3 \"adder\"' (tid=0, finished) created by thread T3 at:
    #0 counter::main /home/me/counter.rs:33:14 (counter+0x13)

  Thread T3 'gors-0' (tid=12, running) created by main thread at:
    #0 main <null> (counter+0x1380c9) (BuildId: 80)

SUMMARY: ThreadSanitizer: data race /home/me/counter.rs:23:18 in add
==================
";

    const REWRITTEN: &str = "\
==================
WARNING: DATA RACE (pid=7)
Read of size 8 at 0x7208 by goroutine 2:
  <counter::Counter>::add
      /home/me/counter.rs:23:18

Previous write of size 8 at 0x7208 by goroutine 3 \"adder\":
[failed to restore the stack]
  (too long ago: TSAN_OPTIONS=history_size=7 remembers more)

Location is heap block of size 24 at 0x7200 allocated by main thread:
  malloc
      /rustc/llvm/x.cpp:670:5

Goroutine 2 (running) created by thread T1 at:
  counter::main
      /home/me/counter.rs:33:14

Goroutine 3 \"adder\" (finished) created by thread \"gors-0\" at:
  counter::main
      /home/me/counter.rs:33:14

Thread \"gors-0\" (running) created by main thread at:
  main

==================
";

    fn through(pieces: &[&str]) -> String {
        let mut filter = Filter::new();
        let mut out = Vec::new();
        for piece in pieces {
            out.extend(filter.feed(piece.as_bytes()));
        }
        out.extend(filter.end());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_report_speaks_of_goroutines() {
        assert_eq!(through(&[REPORT]), REWRITTEN);
    }

    #[test]
    fn a_report_may_come_in_pieces_between_other_lines() {
        let (first, second) = REPORT.split_at(100);
        let text = through(&["one\ntw", "o\n", first, second, "three\n=== four\n"]);
        assert_eq!(text, format!("one\ntwo\n{REWRITTEN}three\n=== four\n"));
    }

    #[test]
    fn a_prompt_is_not_kept_back() {
        let mut filter = Filter::new();
        assert_eq!(filter.feed(b"name? "), b"name? ");
        assert_eq!(filter.feed(b"=="), b"==");
        assert_eq!(filter.feed(b"\n==="), b"\n");
        assert_eq!(filter.end(), b"===");
    }

    #[test]
    fn bars_of_the_program_stay() {
        let text = "==================\nmy report\n==================\n";
        assert_eq!(through(&[text, "x\n"]), format!("{text}x\n"));
        assert_eq!(
            through(&["==================\nWARNING: ThreadSanitizer: cut off"]),
            "==================\nWARNING: ThreadSanitizer: cut off"
        );
    }

    #[test]
    fn the_total_is_told_as_go_does_and_hints_follow_errors() {
        assert_eq!(
            through(&["ThreadSanitizer: reported 2 warnings\n"]),
            "Found 2 data race(s)\n"
        );
        let text = through(&["ThreadSanitizer: thread limit (8128 threads) exceeded. Dying.\n"]);
        assert!(
            text.contains("\ngors-race: the race detector knows"),
            "{text}"
        );
    }
}
