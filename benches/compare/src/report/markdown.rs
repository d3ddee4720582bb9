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
        push(&mut text, &format!("- {}", escaped(&line)));
    }
    if let Some(agreement) = &results.agreement {
        push(&mut text, &format!("- {agreement}"));
    }
    let sheets = sheet::sheets(results);
    for area in Area::ALL {
        let of_area: Vec<&Sheet> = sheets.iter().filter(|sheet| sheet.area == area).collect();
        if of_area.is_empty() {
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
        for sheet in &of_area {
            table(&mut text, sheet);
        }
        notes(&mut text, &of_area);
    }
    text
}

/// A table.
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
}

/// The notes of a chapter, folded: what the rows are, what holds at all permit
/// counts, and what at one of them.
fn notes(text: &mut String, sheets: &[&Sheet]) {
    let mut said: Vec<&str> = Vec::new();
    let say = |text: &mut String, note: &str, words: &str| {
        push(text, &format!("- {}{words}", escaped(note)));
    };
    push(
        text,
        "\n<details><summary>What the rows are, and notes</summary>\n",
    );
    let rows = sheets.iter().flat_map(|sheet| &sheet.rows);
    for row in rows {
        if !said.contains(&row.as_str()) {
            said.push(row);
            say(text, row, "");
        }
    }
    push(text, "");
    for sheet in sheets {
        for note in &sheet.notes {
            if said.contains(&note.as_str()) {
                continue;
            }
            said.push(note);
            let everywhere = sheets.iter().all(|sheet| sheet.notes.contains(note));
            let words = if everywhere || sheets.len() == 1 {
                String::new()
            } else {
                format!(" (GOMAXPROCS={})", sheet.procs)
            };
            say(text, note, &words);
        }
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
