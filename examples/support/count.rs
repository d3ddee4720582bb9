//! Numbers with units on a command line: `1M`, `250k`, `1_000_000`.

/// Reads a whole number with an optional unit: `k` (thousand), `M` (million) or `G` (thousand
/// million).
///
/// # Errors
///
/// What is wrong with the text, in words.
pub(crate) fn parse_count(text: &str) -> Result<u64, String> {
    const HINT: &str = "expected a whole number such as 1000000, 1_000_000, 250k or 1.5M";
    /// The largest number below which every whole number is an `f64`.
    const LARGEST: f64 = 9_007_199_254_740_992.0;

    let plain = text.trim().replace(['_', ','], "");
    let (number, unit) = match plain.char_indices().last() {
        Some((at, 'k' | 'K')) => (&plain[..at], 1e3),
        Some((at, 'm' | 'M')) => (&plain[..at], 1e6),
        Some((at, 'g' | 'G')) => (&plain[..at], 1e9),
        _ => (plain.as_str(), 1.0),
    };
    if !number.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(HINT.to_owned());
    }
    let value = number.parse::<f64>().map_err(|_| HINT.to_owned())? * unit;
    if value.fract() != 0.0 {
        return Err(HINT.to_owned());
    }
    if value >= LARGEST {
        return Err("that is more than anybody can count".to_owned());
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole, not negative and in range: checked above"
    )]
    Ok(value as u64)
}
