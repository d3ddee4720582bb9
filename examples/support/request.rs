//! What a command line asks for.

use std::ffi::OsString;
use std::process::ExitCode;

/// What was read of a command line.
#[derive(Debug)]
pub(crate) enum Request<O> {
    Run(O),
    Help,
}

/// The options that `read` finds on the command line.
///
/// # Errors
///
/// There is nothing to run: help was asked for, or what is wrong has been said. The code to end with.
pub(crate) fn options<O>(
    program: &str,
    help: &str,
    read: impl FnOnce(&mut dyn Iterator<Item = OsString>) -> Result<Request<O>, lexopt::Error>,
) -> Result<O, ExitCode> {
    match read(&mut std::env::args_os()) {
        Ok(Request::Run(options)) => Ok(options),
        Ok(Request::Help) => {
            println!("{help}");
            Err(ExitCode::SUCCESS)
        }
        Err(error) => {
            eprintln!("{program}: {error}\nTry --help.");
            Err(ExitCode::from(2))
        }
    }
}
