//! The command line.

use std::ffi::OsString;
use std::time::Duration;

use lexopt::ValueExt as _;
use lexopt::prelude::*;

use crate::count::parse_count;
use crate::request::Request;

pub(crate) const HELP: &str = "\
A soak test: everything gors has, at the same time.

Usage: soak [--minutes N] [--seed N] [--fixed] [--patience N]

      --minutes N    how long, such as 60 or 0.5 (default: 2)
      --seed N       what to run: the same number, the same rounds (default: a random one)
      --fixed        keep GOMAXPROCS as it is; without this it changes between 1 and 8 all the time
      --patience N   seconds after which a lane without progress is called a hang (default: 120)
  -h, --help         this text

Environment: GOMAXPROCS, how many goroutines may run at the same time, to begin with.";

/// What to run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    pub(crate) time: Duration,
    pub(crate) seed: u64,
    pub(crate) fixed: bool,
    pub(crate) patience: Duration,
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
        time: Duration::from_secs(120),
        seed: u64::from(fastrand::u32(..)),
        fixed: false,
        patience: Duration::from_secs(120),
    };
    let mut parser = lexopt::Parser::from_iter(arguments);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("minutes") => options.time = parser.value()?.parse_with(minutes)?,
            Long("seed") => options.seed = parser.value()?.parse()?,
            Long("fixed") => options.fixed = true,
            Long("patience") => {
                options.patience = Duration::from_secs(parser.value()?.parse_with(parse_count)?);
            }
            Short('h') | Long("help") => return Ok(Request::Help),
            _ => return Err(argument.unexpected()),
        }
    }
    Ok(Request::Run(options))
}

fn minutes(text: &str) -> Result<Duration, String> {
    text.parse()
        .ok()
        .filter(|minutes| *minutes > 0.0)
        .and_then(|minutes: f64| Duration::try_from_secs_f64(minutes * 60.0).ok())
        .ok_or_else(|| "expected a number of minutes such as 60 or 0.5".to_owned())
}
