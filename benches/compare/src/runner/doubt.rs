//! How likely another run is to come out with another ratio.
//!
//! Two runs agree about a ratio when their medians lie within [`NOISY`] of each
//! other. How far medians scatter follows from how far the rounds do: by the
//! root of their number. Of few rounds one cannot tell how far they scatter, two
//! that happen to agree least of all; so what all rows of the same permit count
//! show counts as [`OTHERS`] rounds more. All of it is reckoned in logarithms:
//! ratios are compared by their quotient.

use crate::stats::NOISY;

/// What the other rows say about a row's scatter counts as so many rounds of its
/// own.
const OTHERS: f64 = 4.0;

/// The scatter of a median of `n` normal values is this by theirs, by √n.
const OF_A_MEDIAN: f64 = 1.25;

/// How far one round's ratio lies off, in logarithms. `None` for fewer than two
/// rounds.
///
/// By the interval between two of the rounds in which their median lies two
/// times in three, whatever they are distributed like: rounds far off, which the
/// median leaves out, do not count here either.
pub(super) fn scatter(ratios: &[f64]) -> Option<f64> {
    let n = ratios.len();
    if n < 2 {
        return None;
    }
    let mut sorted = ratios.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (middle, root) = (n as f64 / 2.0, (n as f64).sqrt());
    let low = (middle - root / 2.0).floor().max(0.0) as usize;
    let high = ((middle + root / 2.0).ceil() as usize).min(n) - 1;
    Some((sorted[high] / sorted[low]).ln() / 2.0 * root / OF_A_MEDIAN)
}

/// The scatter to reckon with, after `n` rounds of this `own` one, where rows
/// show a `typical` one.
pub(super) fn likely(own: Option<f64>, n: usize, typical: f64) -> f64 {
    let degrees = n.saturating_sub(1) as f64;
    let own = own.unwrap_or(0.0);
    ((OTHERS * typical * typical + degrees * own * own) / (OTHERS + degrees)).sqrt()
}

/// The probability that two runs of `n` rounds each disagree.
pub(super) fn disagreement(scatter: f64, n: f64) -> f64 {
    let apart = std::f64::consts::SQRT_2 * OF_A_MEDIAN * scatter / n.sqrt();
    if apart == 0.0 {
        return 0.0;
    }
    // The logistic curve stands in for the normal one; its tails are longer, as
    // those of measurements are.
    2.0 / (1.0 + (1.702 * NOISY.ln_1p() / apart).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches a round far off that decides, and a scatter out of proportion.
    #[test]
    fn scatter_is_that_of_the_median() {
        let near = [1.0, 1.01, 0.99, 1.0, 1.01, 0.99, 1.0, 1.01];
        let mut off = near;
        off[0] = 5.0;
        let (near, off) = (scatter(&near), scatter(&off));
        assert!(near.is_some_and(|s| (0.005..0.03).contains(&s)), "{near:?}");
        assert!(off.is_some_and(|s| s < 0.03), "{off:?}");
        assert_eq!(scatter(&[2.0]), None);
    }

    /// Catches two rounds that agree by chance and are believed.
    #[test]
    fn few_rounds_are_not_believed() {
        let sure = |n| disagreement(likely(Some(0.0), n, 0.1), n as f64);
        assert!(sure(2) > 0.1, "{}", sure(2));
        assert!(sure(12) < 0.01, "{}", sure(12));
    }

    /// Catches more rounds that make a ratio less certain.
    #[test]
    fn rounds_make_it_certain() {
        assert!(disagreement(0.2, 4.0) > disagreement(0.2, 16.0));
        assert!(disagreement(0.2, 4.0) > disagreement(0.1, 4.0));
        assert!(disagreement(100.0, 1.0) < 1.0);
        assert_eq!(disagreement(0.0, 4.0), 0.0);
    }
}
