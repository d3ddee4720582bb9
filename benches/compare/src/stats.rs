//! Medians and spreads over rounds.

/// A median or ratio whose rounds lie further apart than this is marked noisy.
pub(crate) const NOISY: f64 = 0.15;

/// The median; 0 for no values.
pub(crate) fn median(values: &[f64]) -> f64 {
    let sorted = sorted(values);
    match sorted.len() {
        0 => 0.0,
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
}

/// How far the rounds lie apart, as a fraction of the median: from the lower to
/// the upper quartile, so that one disturbed round of five does not count, and
/// from the least to the greatest where there are fewer than four. `None` for a
/// single round.
pub(crate) fn spread(values: &[f64]) -> Option<f64> {
    let sorted = sorted(values);
    let middle = median(values);
    if sorted.len() < 2 || middle == 0.0 {
        return None;
    }
    let cut = if sorted.len() < 4 {
        0
    } else {
        sorted.len() / 4
    };
    Some((sorted[sorted.len() - 1 - cut] - sorted[cut]) / middle.abs())
}

/// The geometric mean of the positive values; `None` if there is none.
pub(crate) fn geometric_mean(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values
        .into_iter()
        .filter(|value| *value > 0.0)
        .fold((0.0, 0_u32), |(sum, count), value| {
            (sum + value.ln(), count + 1)
        });
    (count > 0).then(|| (sum / f64::from(count)).exp())
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches a median that is off by one.
    #[test]
    fn median_of_odd_and_even() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(median(&[]), 0.0);
    }

    /// Catches a spread that one outlier of five decides.
    #[test]
    fn spread_leaves_out_one_outlier() {
        assert!(spread(&[10.0, 10.0, 10.0, 10.0, 90.0]).is_some_and(|s| s < 0.01));
        assert_eq!(spread(&[8.0, 12.0]), Some(0.4));
        assert_eq!(spread(&[8.0]), None);
    }

    /// Catches a mean that is not geometric.
    #[test]
    fn geometric_mean_of_reciprocals_is_one() {
        let mean = geometric_mean([4.0, 0.25]).unwrap_or_default();
        assert!((mean - 1.0).abs() < 1e-12);
        assert_eq!(geometric_mean([]), None);
    }
}
