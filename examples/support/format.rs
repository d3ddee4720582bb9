//! Numbers and tables for people.

/// Digits in groups of three: `1,000,000`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Prints rows of a name, a value and a remark under a title, the values aligned to the right.
pub(crate) fn print_table(title: &str, rows: &[(&str, String, String)]) {
    let width = |column: fn(&(&str, String, String)) -> usize| {
        rows.iter().map(column).max().unwrap_or_default()
    };
    let name = width(|row| row.0.chars().count());
    let value = width(|row| row.1.chars().count());
    let remark = width(|row| row.2.chars().count());
    let line = "─".repeat((name + value + remark + 6).max(title.chars().count()));
    println!("\n {title}\n {line}");
    for (row, text, note) in rows {
        println!(" {row:name$}   {text:>value$}   {note}");
    }
    println!(" {line}");
}
