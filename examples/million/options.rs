//! The command line.

use std::ffi::OsString;

use lexopt::ValueExt as _;
use lexopt::prelude::*;

use crate::count::parse_count;
use crate::format::grouped;
use crate::memory;
use crate::request::Request;

pub(crate) const HELP: &str = "\
A million goroutines, each with a job whose result can be checked.

Usage: million [--count N] [--block]

  -n, --count N   how many goroutines, with a unit if you like: 250k, 1M, 1.5M (default: 1M)
  -b, --block     let all of them wait on one channel at the same time, then let them go
  -h, --help      this text

Environment: GOMAXPROCS, how many of them may run at the same time.";

/// Resident bytes of a goroutine that has not run yet, and of one that waits, rounded up.
const BYTES_UNSTARTED: u64 = 256;
const BYTES_BLOCKED: u64 = 5 * 1024;

/// What to run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    pub(crate) count: u64,
    pub(crate) block: bool,
}

/// Reads the command line.
///
/// # Errors
///
/// What is wrong with it, in words.
pub(crate) fn read(
    arguments: &mut dyn Iterator<Item = OsString>,
) -> Result<Request<Options>, lexopt::Error> {
    let mut options = Options {
        count: 1_000_000,
        block: false,
    };
    let mut parser = lexopt::Parser::from_iter(arguments);
    while let Some(argument) = parser.next()? {
        match argument {
            Short('n') | Long("count") => {
                options.count = parser.value()?.parse_with(parse_count)?;
            }
            Short('b') | Long("block") => options.block = true,
            Short('h') | Long("help") => return Ok(Request::Help),
            _ => return Err(argument.unexpected()),
        }
    }
    check(options)?;
    Ok(Request::Run(options))
}

fn check(options: Options) -> Result<(), String> {
    if options.count == 0 {
        return Err("--count 0: there is nothing to see without a goroutine".to_owned());
    }
    let (each, advice) = if options.block {
        (BYTES_BLOCKED, "ask for fewer, or leave --block out")
    } else {
        (BYTES_UNSTARTED, "ask for fewer")
    };
    let needed = options.count.saturating_mul(each);
    match memory::available() {
        Some(available) if available < needed => Err(format!(
            "--count {}: that many goroutines may need {}, and {} are available; {advice}",
            grouped(options.count),
            memory::in_words(needed),
            memory::in_words(available),
        )),
        _ => Ok(()),
    }
}
