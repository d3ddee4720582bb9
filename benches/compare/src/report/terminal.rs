//! Tables on the terminal.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, ContentArrangement, Table};

use super::{sheet, summary};
use crate::results::Results;

/// Prints everything on standard output.
pub(crate) fn print(results: &Results) {
    for sheet in sheet::sheets(results) {
        println!("\n{}, GOMAXPROCS={}", sheet.area.title(), sheet.procs);
        let mut table = Table::new();
        table
            .load_style(UTF8_FULL_CONDENSED.with_rounded_corners())
            .set_content_arrangement(ContentArrangement::Disabled)
            .set_header(&sheet.header);
        for line in &sheet.lines {
            table.add_row(line);
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        println!("{table}");
    }
    println!("\n{}", results.machine.sentence());
    for line in summary::lines(results) {
        println!("{line}");
    }
    println!(
        "n× = n times less than the other; ~ = noisy, the rounds differ by more than 15 %; * = done differently, see tables.md; {} s",
        results.seconds
    );
}
