//! Shows results: on the terminal, as JSON, Markdown and SVG.

pub(crate) mod agreement;
mod charts;
pub(crate) mod docs;
mod format;
mod frame;
mod growth;
pub(crate) mod json;
mod markdown;
mod sheet;
mod summary;
pub(crate) mod terminal;

use std::error::Error;
use std::fs;
use std::path::Path;

use crate::results::Results;

/// Writes `results.json`, `tables.md` and the charts into `out`.
pub(crate) fn write(results: &Results, out: &Path) -> Result<(), Box<dyn Error>> {
    fs::write(out.join("results.json"), json::text(results)?)?;
    let mut pictures = charts::draw(results, out)?;
    pictures.extend(growth::draw(results, out)?);
    fs::write(out.join("tables.md"), markdown::text(results, &pictures))?;
    Ok(())
}

/// A picture that was drawn.
#[derive(Debug)]
pub(crate) struct Picture {
    /// Its file, in the folder of the results.
    pub file: String,
    /// The chapter it belongs to.
    pub area: &'static str,
    /// What it shows.
    pub caption: String,
}
