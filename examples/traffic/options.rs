//! The command line.

use std::ffi::OsString;

use lexopt::ValueExt as _;
use lexopt::prelude::*;

use crate::count::parse_count;
use crate::request::Request;

pub(crate) const HELP: &str = "\
A great many messages through mixed topologies of channels.

Usage: traffic [--messages N] [--permits LIST]

      --messages N     for each number of permits, with a unit if you like: 1G (default: 10M)
      --permits LIST   numbers of permits, one after the other (default: 1,2,8)
  -h, --help           this text";

/// What to run.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) messages: u64,
    pub(crate) permits: Vec<usize>,
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
        messages: 10_000_000,
        permits: vec![1, 2, 8],
    };
    let mut parser = lexopt::Parser::from_iter(arguments);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("messages") => options.messages = parser.value()?.parse_with(parse_count)?,
            Long("permits") => options.permits = parser.value()?.parse_with(permits)?,
            Short('h') | Long("help") => return Ok(Request::Help),
            _ => return Err(argument.unexpected()),
        }
    }
    Ok(Request::Run(options))
}

fn permits(text: &str) -> Result<Vec<usize>, String> {
    text.split(',')
        .map(|number| match number.trim().parse() {
            Ok(permits) if permits > 0 => Ok(permits),
            _ => Err("expected numbers such as 1,2,8".to_owned()),
        })
        .collect()
}
