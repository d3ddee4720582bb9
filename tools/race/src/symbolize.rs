//! Names and lines for addresses, as `llvm-symbolizer` answers them.
//!
//! ThreadSanitizer starts a program of that name and asks it, one question a line:
//!
//! ```text
//! CODE "/path/of/the/module" 0x1234
//! DATA "/path/of/the/module" 0x5678
//! ```
//!
//! The answer to CODE is a function and a place for each frame that was inlined at the address, the
//! innermost first; to DATA a name and a range; an empty line ends each. Its own symboliser is not part
//! of a Rust toolchain, so we are one.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use addr2line::Loader;

/// ThreadSanitizer knows what to ask by the program's name.
const NAME: &str = "llvm-symbolizer";

pub(crate) fn is_name(called: &OsStr) -> bool {
    Path::new(called).file_name() == Some(OsStr::new(NAME))
}

/// Makes this program callable by that name.
pub(crate) fn install(me: &Path, directory: &Path) -> Result<PathBuf, String> {
    let link = directory.join(NAME);
    if fs::read_link(&link).is_ok_and(|target| target == me) {
        return Ok(link);
    }
    // Under another name first: somebody may start it just now.
    let fresh = directory.join(format!("{NAME}.{}", std::process::id()));
    std::os::unix::fs::symlink(me, &fresh)
        .and_then(|()| fs::rename(&fresh, &link))
        .map_err(|error| format!("cannot make the link {}: {error}", link.display()))?;
    Ok(link)
}

/// Answers questions until there are no more.
pub(crate) fn serve() -> ExitCode {
    let mut modules = Modules::default();
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let Ok(line) = line else { break };
        let answer = modules.answer(&line);
        if out
            .write_all(answer.as_bytes())
            .and_then(|()| out.flush())
            .is_err()
        {
            break;
        }
    }
    ExitCode::SUCCESS
}

#[derive(Default)]
struct Modules(HashMap<String, Option<Loader>>);

impl Modules {
    fn get(&mut self, path: &str) -> Option<&Loader> {
        self.0
            .entry(path.to_owned())
            .or_insert_with(|| Loader::new(path).ok())
            .as_ref()
    }

    fn answer(&mut self, question: &str) -> String {
        let mut answer = String::new();
        if let Some(rest) = question.strip_prefix("DATA ") {
            let name = parse(rest).and_then(|(path, address)| {
                let symbol = self.get(path)?.find_symbol_info(address)?;
                Some((demangle(symbol.name()), symbol.address()))
            });
            let (name, start) = name.unwrap_or_else(|| ("??".to_owned(), 0));
            let _ = writeln!(answer, "{name}\n{start} 0");
        } else if let Some((path, address)) =
            parse(question.strip_prefix("CODE ").unwrap_or(question))
        {
            self.code(path, address, &mut answer);
        }
        if answer.is_empty() {
            answer.push_str("??\n??:0:0\n");
        }
        answer.push('\n');
        answer
    }

    fn code(&mut self, path: &str, address: u64, answer: &mut String) {
        let Some(module) = self.get(path) else { return };
        let symbol = module.find_symbol(address).map(demangle);
        if let Ok(mut frames) = module.find_frames(address) {
            while let Ok(Some(frame)) = frames.next() {
                let name = frame
                    .function
                    .as_ref()
                    .and_then(|function| function.raw_name().ok())
                    .map(|name| demangle(&name))
                    .or_else(|| symbol.clone())
                    .unwrap_or_else(|| "??".to_owned());
                let place = frame.location.as_ref();
                let file = place.and_then(|place| place.file).unwrap_or("??");
                let line = place.and_then(|place| place.line).unwrap_or(0);
                let column = place.and_then(|place| place.column).unwrap_or(0);
                let _ = writeln!(answer, "{name}\n{file}:{line}:{column}");
            }
        }
        if answer.is_empty()
            && let Some(symbol) = symbol
        {
            let _ = writeln!(answer, "{symbol}\n??:0:0");
        }
    }
}

/// `"path" 0xaddress`, the quotes optional.
fn parse(text: &str) -> Option<(&str, u64)> {
    let (path, address) = text.trim().rsplit_once(' ')?;
    let address = address.strip_prefix("0x")?;
    Some((
        path.trim_matches('"'),
        u64::from_str_radix(address, 16).ok()?,
    ))
}

/// Without the crates' hashes.
fn demangle(name: &str) -> String {
    format!("{:#}", rustc_demangle::demangle(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[inline(never)]
    fn here() -> u64 {
        std::hint::black_box(7)
    }

    #[test]
    fn an_address_of_this_program_has_its_name_and_line() {
        let path = std::env::current_exe().unwrap();
        let path = path.to_str().unwrap();
        // Where the program was loaded: the first of its mappings.
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let base = maps.lines().find(|line| line.ends_with(path)).unwrap();
        let base = u64::from_str_radix(base.split_once('-').unwrap().0, 16).unwrap();
        let here: fn() -> u64 = here;
        let address = here as *const () as u64 - base + 1;
        let answer = Modules::default().answer(&format!("CODE \"{path}\" {address:#x}"));
        assert!(answer.contains("symbolize::tests::here\n"), "{answer}");
        assert!(answer.contains("symbolize.rs:"), "{answer}");
        assert!(answer.ends_with("\n\n"), "{answer}");
    }

    #[test]
    fn what_is_unknown_is_answered_all_the_same() {
        let mut modules = Modules::default();
        assert_eq!(
            modules.answer("CODE \"/no/such file\" 0x10"),
            "??\n??:0:0\n\n"
        );
        assert_eq!(modules.answer("DATA \"/no/such file\" 0x10"), "??\n0 0\n\n");
        assert_eq!(modules.answer("nonsense"), "??\n??:0:0\n\n");
    }
}
