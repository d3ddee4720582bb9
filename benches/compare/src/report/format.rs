//! Numbers with three figures and the unit that suits them.

/// A value with its unit: `54.2 ns`, `1.20 ms`, `4.31 KiB`.
pub(crate) fn value(value: f64, unit: &str) -> String {
    match unit {
        "ns" => scaled(value, &[(1e9, "s"), (1e6, "ms"), (1e3, "µs")], "ns"),
        "µs" => scaled(value, &[(1e6, "s"), (1e3, "ms")], "µs"),
        "ms" => scaled(value, &[(1e3, "s")], "ms"),
        "B" => scaled(value, &[(1024.0 * 1024.0, "MiB"), (10_240.0, "KiB")], "B"),
        other => format!("{} {other}", figures(value)),
    }
}

fn scaled(value: f64, units: &[(f64, &str)], base: &str) -> String {
    for (limit, unit) in units {
        if value.abs() >= *limit {
            // KiB begin at ten of them: 4,136 B says more than 4.04 KiB.
            let divisor = if *unit == "KiB" { 1024.0 } else { *limit };
            return format!("{} {unit}", figures(value / divisor));
        }
    }
    format!("{} {base}", figures(value))
}

/// At least three figures, no more than two behind the point.
pub(crate) fn figures(value: f64) -> String {
    match value.abs() {
        size if size >= 99.95 => format!("{value:.0}"),
        size if size >= 9.995 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// `3.4×`, with a tilde in front where it is not to be trusted.
pub(crate) fn times(times: f64, noisy: bool) -> String {
    format!("{}{}×", if noisy { "~" } else { "" }, figures(times))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches a wrong unit or a lost figure at the borders.
    #[test]
    fn values_read_well() {
        assert_eq!(value(54.23, "ns"), "54.2 ns");
        assert_eq!(value(1_204_000.0, "ns"), "1.20 ms");
        assert_eq!(value(999.0, "ns"), "999 ns");
        assert_eq!(value(4_136.0, "B"), "4136 B");
        assert_eq!(value(20_480.0, "B"), "20.0 KiB");
        assert_eq!(value(0.51, "ns"), "0.51 ns");
        assert_eq!(times(3.42, true), "~3.42×");
    }
}
