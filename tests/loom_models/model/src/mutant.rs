//! One line of the sources, made weaker while the model runs.
//!
//! A model proves something only if it fails when the line that it is about is taken away. Atomics and
//! fences of the models know the line that calls them, so most such lines need no other build.

use std::panic::Location;
use std::path::Path;
use std::sync::OnceLock;

/// What happens at the line instead.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// Nothing: the fence, barrier, store or lock is left out.
    Skip,
    /// The access happens with `Relaxed`.
    Relaxed,
    /// The load (of a compare-and-swap, the result) says this, and nothing is accessed.
    Pretend(u64),
    /// The read-modify-write is a load and a store.
    Split,
    /// The model does something else: the line is one of [`mutated`](crate::mutated).
    Instead,
}

/// A line and what happens to it.
#[derive(Clone, Copy, Debug)]
pub struct Mutant {
    /// Path of the source, from the root of the repository.
    pub file: &'static str,
    /// The line that follows this text: the first one at or behind it that calls one of `shim`.
    pub after: &'static str,
    /// A text of the line.
    pub line: &'static str,
    pub change: Change,
}

struct Active {
    file: &'static str,
    line: u32,
    change: Change,
}

/// `MODEL_TRACE`: print every access.
static TRACE: OnceLock<bool> = OnceLock::new();
static ACTIVE: OnceLock<Option<Active>> = OnceLock::new();

impl Mutant {
    /// Finds the line.
    pub fn line(&self, root: &Path) -> Result<u32, String> {
        let path = root.join(self.file);
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{path:?}: {error}"))?;
        let mut behind = false;
        for (index, line) in text.lines().enumerate() {
            behind |= line.contains(self.after);
            if behind && line.contains(self.line) {
                return Ok(index as u32 + 1);
            }
        }
        Err(format!(
            "{}: no line with {:?} behind {:?}: the mutant must follow the source",
            self.file, self.line, self.after
        ))
    }

    /// From now on, in this process.
    pub(crate) fn activate(&self, root: &Path) -> Result<(), String> {
        let line = self.line(root)?;
        let _ = ACTIVE.set(Some(Active {
            file: self.file,
            line,
            change: self.change,
        }));
        Ok(())
    }
}

/// The change at the line of an access.
pub(crate) fn at(location: &Location<'_>) -> Option<Change> {
    if *TRACE.get_or_init(|| std::env::var_os("MODEL_TRACE").is_some()) {
        let thread = loom::thread::current().id();
        println!("{thread:?} {}:{}", location.file(), location.line());
    }
    match ACTIVE.get() {
        Some(Some(active))
            if active.line == location.line()
                && (location.file().ends_with(active.file)
                    || active.file.ends_with(location.file())) =>
        {
            Some(active.change)
        }
        _ => None,
    }
}
