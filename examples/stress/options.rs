//! The command line.

use std::ffi::OsString;
use std::time::Duration;

use lexopt::ValueExt as _;
use lexopt::prelude::*;

use crate::count::parse_count;
use crate::request::Request;

pub(crate) const HELP: &str = "\
A mixed stress test of the whole runtime.

Usage: stress [--rounds N | --seconds N] [--seed N] [--fixed] [--patience N | --unwatched]

      --rounds N     stop after N rounds, with a unit if you like: 10k (default: 1k)
      --seconds N    stop after N seconds
      --seed N       what to run: the same number, the same loads (default: a random one)
      --fixed        keep GOMAXPROCS as it is; without this it changes between 1 and 8 all the time
      --patience N   seconds after which a round that has not ended is called a hang (default: 60)
      --unwatched    no thread beside the runtime, neither to watch for hangs nor to change GOMAXPROCS: such
                     threads hold the detection of deadlocks back, which must find none here
  -h, --help         this text

Environment: GOMAXPROCS, how many goroutines may run at the same time, to begin with.";

/// When to stop.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Limit {
    Rounds(u64),
    Time(Duration),
}

impl Limit {
    pub(crate) fn is_reached(self, rounds: u64, time: Duration) -> bool {
        match self {
            Self::Rounds(limit) => rounds >= limit,
            Self::Time(limit) => time >= limit,
        }
    }
}

/// What to run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    pub(crate) limit: Limit,
    pub(crate) seed: u64,
    pub(crate) fixed: bool,
    /// `None`: nobody watches.
    pub(crate) patience: Option<Duration>,
}

/// Reads the command line.
///
/// # Errors
///
/// What is wrong with it, in words.
pub(crate) fn read(
    arguments: &mut dyn Iterator<Item = OsString>,
) -> Result<Request<Options>, lexopt::Error> {
    let mut limit = None;
    let mut options = Options {
        limit: Limit::Rounds(1_000),
        seed: u64::from(fastrand::u32(..)),
        fixed: false,
        patience: Some(Duration::from_secs(60)),
    };
    let mut parser = lexopt::Parser::from_iter(arguments);
    while let Some(argument) = parser.next()? {
        let new_limit = match argument {
            Long("rounds") => Some(Limit::Rounds(parser.value()?.parse_with(positive)?)),
            Long("seconds") => {
                let seconds = parser.value()?.parse_with(positive)?;
                Some(Limit::Time(Duration::from_secs(seconds)))
            }
            Long("seed") => {
                options.seed = parser.value()?.parse()?;
                None
            }
            Long("fixed") => {
                options.fixed = true;
                None
            }
            Long("patience") => {
                let seconds = parser.value()?.parse_with(positive)?;
                options.patience = Some(Duration::from_secs(seconds));
                None
            }
            Long("unwatched") => {
                options.fixed = true;
                options.patience = None;
                None
            }
            Short('h') | Long("help") => return Ok(Request::Help),
            _ => return Err(argument.unexpected()),
        };
        if new_limit.is_some() && limit.is_some() {
            return Err("--rounds and --seconds: only one of them, once".into());
        }
        limit = limit.or(new_limit);
    }
    options.limit = limit.unwrap_or(options.limit);
    Ok(Request::Run(options))
}

fn positive(text: &str) -> Result<u64, String> {
    match parse_count(text)? {
        0 => Err("expected at least 1".to_owned()),
        number => Ok(number),
    }
}
