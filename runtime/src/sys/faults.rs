//! Calls to the operating system that fail on demand: for the tests of what then happens.
//!
//! `GORS_FAULTS` names calls and which of them fail: `commit=3` the third one, `thread=2+` all from the
//! second on, `wait=1/4` every fourth; several with commas between. Read once. Every call asked about
//! here is a system call or leads to one, beside which the look at one word that says «none» does not
//! count.

use std::io;
use std::sync::OnceLock;

use crate::shim::atomic::{AtomicU64, Ordering};

/// What can be made to fail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Call {
    /// Reserving address space (`mmap`): ENOMEM.
    Reserve,
    /// Making memory usable (`mprotect`): ENOMEM.
    Commit,
    /// A guard by marker (`madvise`): EINVAL, as before Linux 6.13.
    Guard,
    /// A guard by protection (`mprotect`): ENOMEM, as at the limit of mappings.
    Protect,
    /// Giving memory back (`madvise`): EINVAL, as for locked memory.
    Discard,
    /// Creating a thread: EAGAIN.
    Thread,
    /// Sleeping on a futex, with a timeout or without: EINTR, at once.
    Wait,
    /// Sleeping for a time (`nanosleep`): EINTR, at once.
    Sleep,
    /// Registering for barriers (`membarrier`): EPERM, as where a sandbox refuses it.
    Register,
    /// A barrier of all threads (`membarrier`): EPERM.
    Barrier,
}

/// All calls, by the names that the variable has for them.
const CALLS: [(&str, Call, libc::c_int); 10] = [
    ("reserve", Call::Reserve, libc::ENOMEM),
    ("commit", Call::Commit, libc::ENOMEM),
    ("guard", Call::Guard, libc::EINVAL),
    ("protect", Call::Protect, libc::ENOMEM),
    ("discard", Call::Discard, libc::EINVAL),
    ("thread", Call::Thread, libc::EAGAIN),
    ("wait", Call::Wait, libc::EINTR),
    ("sleep", Call::Sleep, libc::EINTR),
    ("register", Call::Register, libc::EPERM),
    ("barrier", Call::Barrier, libc::EPERM),
];

/// Which calls of a kind fail, counted from 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Which {
    Only(u64),
    From(u64),
    Every(u64),
}

impl Which {
    fn parse(text: &str) -> Option<Self> {
        let number = |text: &str| text.parse().ok().filter(|&n| n > 0);
        if let Some(every) = text.strip_prefix("1/") {
            number(every).map(Self::Every)
        } else if let Some(from) = text.strip_suffix('+') {
            number(from).map(Self::From)
        } else {
            number(text).map(Self::Only)
        }
    }

    fn includes(self, call: u64) -> bool {
        match self {
            Self::Only(n) => call == n,
            Self::From(n) => call >= n,
            Self::Every(n) => call.is_multiple_of(n),
        }
    }
}

/// A kind of call, which of them fail, how many there were.
type Fault = (Call, Which, AtomicU64);

/// What the environment asks for; empty, and then never allocated, in every ordinary process.
static FAULTS: OnceLock<Vec<Fault>> = OnceLock::new();

/// An error if this call is to fail.
#[inline]
pub(crate) fn check(call: Call) -> io::Result<()> {
    let faults = match FAULTS.get() {
        Some(faults) => faults,
        None => read(),
    };
    if faults.is_empty() {
        Ok(())
    } else {
        count(faults, call)
    }
}

#[cold]
#[inline(never)]
fn read() -> &'static [Fault] {
    FAULTS.get_or_init(|| {
        let text = std::env::var("GORS_FAULTS").unwrap_or_default();
        parse(&text).unwrap_or_else(|| {
            crate::exit::fatal(&format!(
                "GORS_FAULTS={text}: expected something like commit=3, thread=2+ or wait=1/4"
            ))
        })
    })
}

fn parse(text: &str) -> Option<Vec<Fault>> {
    text.split(',')
        .filter(|part| !part.trim().is_empty())
        .map(|part| {
            let (name, which) = part.trim().split_once('=')?;
            let (_, call, _) = CALLS.iter().find(|(known, _, _)| *known == name)?;
            Some((*call, Which::parse(which)?, AtomicU64::new(0)))
        })
        .collect()
}

#[cold]
#[inline(never)]
fn count(faults: &[Fault], call: Call) -> io::Result<()> {
    let mut fails = false;
    for (_, which, calls) in faults.iter().filter(|(of, _, _)| *of == call) {
        fails |= which.includes(calls.fetch_add(1, Ordering::Relaxed) + 1);
    }
    match CALLS.iter().find(|(_, known, _)| *known == call) {
        Some((_, _, error)) if fails => Err(io::Error::from_raw_os_error(*error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_named_calls_fail_and_no_others() {
        let faults = parse("commit=2,thread=3+, wait=1/2").unwrap();
        let failed = |call, times: usize| -> Vec<usize> {
            (1..=times)
                .filter(|_| count(&faults, call).is_err())
                .collect()
        };
        assert_eq!(failed(Call::Commit, 4), [2]);
        assert_eq!(failed(Call::Thread, 5), [3, 4, 5]);
        assert_eq!(failed(Call::Wait, 5), [2, 4]);
        assert_eq!(failed(Call::Sleep, 5), []);
        for nonsense in ["commit", "commit=0", "commit=1/0", "rain=1", "wait=x+"] {
            assert!(parse(nonsense).is_none(), "{nonsense}");
        }
    }
}
