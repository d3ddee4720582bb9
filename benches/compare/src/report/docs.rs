//! `--docs`: the tables and charts of a run in a document that people wrote.
//!
//! What the tool makes stands between two markers, each on a line of its own;
//! everything else in the document stays as it is.

use std::error::Error;
use std::fs;
use std::path::Path;

use super::{charts, growth, markdown};
use crate::results::Results;

/// The line above what the tool makes.
const BEGIN: &str = "<!-- gors-compare: begin -->";
/// The line below it.
const END: &str = "<!-- gors-compare: end -->";

/// Brings the document up to date with the results.
pub(crate) fn update(results: &Results, document: &Path) -> Result<(), Box<dyn Error>> {
    let text = fs::read_to_string(document)?;
    let folder = document.with_extension("");
    fs::create_dir_all(&folder)?;
    // Pictures of rows that are no longer there would stay for ever.
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "svg") {
            fs::remove_file(path)?;
        }
    }
    let mut pictures = charts::draw(results, &folder)?;
    pictures.extend(growth::draw(results, &folder)?);
    if let Some(name) = folder.file_name() {
        for picture in &mut pictures {
            picture.file = format!("{}/{}", name.to_string_lossy(), picture.file);
        }
    }
    let made = markdown::text(results, &pictures);
    let text = between(&text, &made)
        .ok_or_else(|| format!("{}: no lines `{BEGIN}` and `{END}`", document.display()))?;
    fs::write(document, text)?;
    Ok(())
}

/// The text with what stands between the markers replaced.
fn between(text: &str, made: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!(
        "{before}{BEGIN}\n\n{}\n\n{END}{after}",
        made.trim()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches words of people that are lost, and old tables that are not.
    #[test]
    fn only_what_is_between_the_markers_changes() {
        let text = format!("above\n{BEGIN}\nold\n{END}\nbelow\n");
        let once = between(&text, "new\n").expect("there are markers");
        assert_eq!(once, format!("above\n{BEGIN}\n\nnew\n\n{END}\nbelow\n"));
        assert_eq!(between(&once, "new\n"), Some(once));
        assert_eq!(between("no markers", "new"), None);
    }
}
