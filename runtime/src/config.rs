//! What the environment says: read once, at the runtime's first use.
//!
//! A value that cannot be understood ends the program with a message that says what is understood:
//! going on with another value than the one asked for would be found out much later.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use crate::stack::SizeClass;

/// Stack size where nothing else is said: 256 KiB slots. An ordinary panic needs 22 KiB, one with
/// a symbolised backtrace several times that.
const DEFAULT_STACK: usize = 200 << 10;
const DEFAULT_MAX_THREADS: usize = 10_000;
/// The most permits there can be.
pub(crate) const MAX_PROCS: usize = 1024;

pub(crate) struct Config {
    /// GOMAXPROCS.
    pub(crate) procs: usize,
    /// GORS_STACK_SIZE.
    pub(crate) stack_class: SizeClass,
    /// GORS_MAX_THREADS.
    pub(crate) max_threads: usize,
    /// GORS_TRACE: a file.
    pub(crate) trace: Option<PathBuf>,
    /// GORS_SCHEDTRACE, in milliseconds.
    pub(crate) schedtrace: Option<Duration>,
    /// GORS_SEED: the seeded mode.
    pub(crate) seed: Option<u64>,
    /// GORS_AUDIT=migrate.
    pub(crate) migrate: bool,
    /// GORS_STACK_USAGE=1: dumps say how deep stacks were used.
    pub(crate) stack_usage: bool,
    /// GORS_GUARDS=mprotect: as on a kernel without guard markers. For tests.
    pub(crate) guard_markers: bool,
}

/// The configuration.
pub(crate) fn get() -> &'static Config {
    static CONFIG: OnceLock<Config> = OnceLock::new();
    CONFIG.get_or_init(read)
}

fn read() -> Config {
    let seed = var("GORS_SEED").map(|text| {
        text.trim().parse().unwrap_or_else(|_| {
            crate::exit::fatal(&format!(
                "GORS_SEED={text}: expected a number from 0 to {}",
                u64::MAX
            ))
        })
    });
    Config {
        procs: match var("GOMAXPROCS") {
            // Go ignores what is not a positive number here, and so do scripts that rely on it.
            Some(text) => match text.trim().parse() {
                Ok(n) if n > 0 => n,
                _ => crate::sys::default_parallelism(),
            },
            None => crate::sys::default_parallelism(),
        }
        .min(if seed.is_some() { 1 } else { MAX_PROCS }),
        seed,
        migrate: match var("GORS_AUDIT").as_deref().map(str::trim) {
            None | Some("") => false,
            Some("migrate") => true,
            Some(other) => crate::exit::fatal(&format!("GORS_AUDIT={other}: expected \"migrate\"")),
        },
        stack_class: {
            let size = var("GORS_STACK_SIZE").map_or(DEFAULT_STACK, |text| {
                parse_size(&text).unwrap_or_else(|| {
                    crate::exit::fatal(&format!(
                        "GORS_STACK_SIZE={text}: expected a number of bytes with an optional \
                         unit, such as 65536, 64K, 1M or 1G"
                    ))
                })
            });
            SizeClass::for_stack(size)
                .unwrap_or_else(|error| crate::exit::fatal(&format!("GORS_STACK_SIZE: {error}")))
        },
        trace: var("GORS_TRACE").map(PathBuf::from),
        schedtrace: var("GORS_SCHEDTRACE").and_then(|text| match text.trim().parse() {
            // As in Go, 0 is off.
            Ok(ms) => (ms > 0).then(|| Duration::from_millis(ms)),
            Err(_) => crate::exit::fatal(&format!(
                "GORS_SCHEDTRACE={text}: expected a number of milliseconds"
            )),
        }),
        stack_usage: match var("GORS_STACK_USAGE").as_deref().map(str::trim) {
            None | Some("0") => false,
            Some("1") => true,
            Some(other) => {
                crate::exit::fatal(&format!("GORS_STACK_USAGE={other}: expected 0 or 1"))
            }
        },
        guard_markers: var("GORS_GUARDS").as_deref() != Some("mprotect"),
        max_threads: var("GORS_MAX_THREADS").map_or(DEFAULT_MAX_THREADS, |text| {
            match text.trim().parse() {
                Ok(n) if n > 0 => n,
                _ => crate::exit::fatal(&format!(
                    "GORS_MAX_THREADS={text}: expected a number of threads, at least 1"
                )),
            }
        }),
    }
}

/// `GORS_SEED`.
#[must_use]
pub fn seed() -> Option<u64> {
    get().seed
}

fn var(name: &str) -> Option<String> {
    // What is no text is no value either, and its reader says so.
    std::env::var_os(name)
        .map(|text| text.to_string_lossy().into_owned())
        .filter(|text| !text.trim().is_empty())
}

/// Bytes, with a binary unit: `4096`, `64K`, `64KiB`, `1 MiB`, `1g`.
pub(crate) fn parse_size(text: &str) -> Option<usize> {
    let text = text.trim().to_ascii_lowercase();
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: usize = number.parse().ok()?;
    let scale: usize = match unit.trim() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        _ => return None,
    };
    number.checked_mul(scale).filter(|&bytes| bytes > 0)
}

#[cfg(test)]
mod tests {
    use super::parse_size;

    #[test]
    fn sizes_have_binary_units() {
        assert_eq!(parse_size("65536"), Some(65_536));
        assert_eq!(parse_size(" 64k "), Some(65_536));
        assert_eq!(parse_size("1 MiB"), Some(1 << 20));
        assert_eq!(parse_size("2G"), Some(2 << 30));
        for nonsense in ["", "K", "-1", "1.5M", "64x", "0", "99999999999G"] {
            assert_eq!(parse_size(nonsense), None, "{nonsense:?}");
        }
    }
}
