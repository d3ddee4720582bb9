//! `results.json`: everything, for other tools and for `--against`.

use std::fs;
use std::io;
use std::path::Path;

use crate::results::Results;

/// The results as text.
pub(crate) fn text(results: &Results) -> serde_json::Result<String> {
    serde_json::to_string_pretty(results)
}

/// Reads what [`text`] wrote.
pub(crate) fn read(file: &Path) -> io::Result<Results> {
    let text = fs::read_to_string(file)?;
    serde_json::from_str(&text).map_err(io::Error::other)
}
