//! How much of each row is done.

use std::time::Duration;

use crate::cli::Options;
use crate::rows::{Need, Row, Size};

/// The sizes of a run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Effort {
    /// Small sizes?
    pub quick: bool,
    /// Target time of a timed row.
    pub target: Duration,
    /// Rounds of a short row.
    pub rounds: usize,
    /// Rounds of a long row.
    pub long_rounds: usize,
    /// After so many rounds a peer whose rounds lie close together is done.
    pub steady_rounds: usize,
    /// A contender whose first round of a row takes longer than this does a
    /// long row.
    pub long: Duration,
    /// A child that runs longer than this hangs, if the user says so.
    limit: Option<Duration>,
    /// After this time no further round of a row begins that has one already.
    pub budget: Option<Duration>,
}

impl Effort {
    /// What the options ask for.
    pub(super) fn of(options: &Options) -> Self {
        let (target, rounds, long_rounds, long, minutes) = if options.quick {
            (20, 2, 1, 250, 4)
        } else {
            (100, 5, 2, 1_000, 50)
        };
        let budget = match (options.minutes, options.rounds) {
            (Some(minutes), _) => Some(minutes),
            (None, Some(_)) => None,
            (None, None) => Some(minutes),
        };
        Self {
            quick: options.quick,
            target: Duration::from_millis(target),
            rounds: options.rounds.unwrap_or(rounds).max(1),
            long_rounds: options.rounds.unwrap_or(long_rounds).max(1),
            // Who asks for a number of rounds gets it.
            steady_rounds: if options.rounds.is_none() {
                3
            } else {
                usize::MAX
            },
            long: Duration::from_millis(long),
            limit: options.limit.map(Duration::from_secs),
            budget: budget.map(|minutes| Duration::from_secs(60 * minutes)),
        }
    }

    /// A child of this row that runs longer hangs.
    pub(super) fn limit(&self, row: &Row) -> Duration {
        let seconds = match (self.quick, row.need) {
            (true, _) => 10,
            (false, _) if row.once => 60,
            (false, Need::Little) if row.size == Size::Timed => 8,
            (false, Need::Little) => 15,
            (false, _) => 30,
        };
        self.limit.unwrap_or(Duration::from_secs(seconds))
    }

    /// The seconds that a child of this row may take, before one has run. Only
    /// the remaining time that is shown in the first round depends on it.
    pub(super) fn guess(&self, row: &Row) -> f64 {
        match (row.size, row.n(self.quick)) {
            (Size::Timed, _) => 2.0 * self.target.as_secs_f64() + 0.05,
            (Size::Fixed { .. }, Some(n)) if row.need != Need::Little => 0.1 + n as f64 * 3e-6,
            (Size::Fixed { .. }, _) => 0.8,
        }
    }
}
