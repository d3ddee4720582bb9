//! `tables.md`: the tables, their notes and the charts.

use std::fmt::Write;

use super::sheet::{self, Sheet};
use super::{Picture, summary};
use crate::results::Results;
use crate::rows::Area;

/// The whole document.
pub(crate) fn text(results: &Results, pictures: &[Picture]) -> String {
    let mut text = String::new();
    let kind = if results.quick {
        "A quick run"
    } else {
        "A full run"
    };
    push(
        &mut text,
        &format!(
            "{kind} of {} s on {}.\n",
            results.seconds,
            results.machine.sentence()
        ),
    );
    push(
        &mut text,
        "Less is better in all figures. n× says how many times less gors needs than the other; ~ marks a \
         ratio whose rounds lie further apart than 15 %, * a contender that does the row differently, n/a one \
         that does not do it (the notes say why).\n",
    );
    for line in summary::lines(results) {
        push(&mut text, &format!("- {line}"));
    }
    let sheets = sheet::sheets(results);
    for area in Area::ALL {
        let mut of_area = sheets.iter().filter(|sheet| sheet.area == area).peekable();
        if of_area.peek().is_none() {
            continue;
        }
        push(&mut text, &format!("\n## {}", area.title()));
        for picture in pictures
            .iter()
            .filter(|picture| picture.area == area.slug())
        {
            push(
                &mut text,
                &format!("\n![{}]({})", picture.caption, picture.file),
            );
        }
        for sheet in of_area {
            table(&mut text, sheet);
        }
    }
    text
}

/// A table and, folded, its notes.
fn table(text: &mut String, sheet: &Sheet) {
    push(
        text,
        &format!("\n### {}, GOMAXPROCS={}\n", sheet.area.title(), sheet.procs),
    );
    push(text, &line(&sheet.header));
    let rule: Vec<String> = (0..sheet.header.len())
        .map(|column| if column == 0 { "---" } else { "---:" }.to_owned())
        .collect();
    push(text, &line(&rule));
    for cells in &sheet.lines {
        push(text, &line(cells));
    }
    push(
        text,
        "\n<details><summary>What the rows are, and notes</summary>\n",
    );
    for note in &sheet.notes {
        push(text, &format!("- {}", escaped(note)));
    }
    push(text, "\n</details>");
}

fn line(cells: &[String]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| escaped(cell)).collect();
    format!("| {} |", cells.join(" | "))
}

/// Without characters that mean something in Markdown.
fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
        .replace('*', "\\*")
        .replace('<', "&lt;")
        .replace('~', "\\~")
}

fn push(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("writing to a String does not fail");
}
