//! Who is compared, and which programs each of them has.
//!
//! A contender is a table of programs by name. What it does not have is in its
//! table of refusals, with the reason that the report shows; a test sees to it
//! that every row is in one of the two.

mod crossbeam;
mod flume;
#[cfg(feature = "gors")]
mod gors;
mod kanal;
mod may;
mod parking_lot;
mod tokio;

use crate::measure::{Report, Task};
use crate::rows::{Need, Row};

/// A program of a Rust contender.
pub(crate) type Program = fn(&Task) -> Report;

/// Programs by name.
pub(crate) type Programs = &'static [(&'static str, Program)];

/// One column of the comparison.
#[derive(Debug)]
pub(crate) struct Contender {
    /// The name for `--contender` and the tables.
    pub name: &'static str,
    /// What runs it.
    pub about: &'static str,
    /// Bytes of a task that has not started, at most.
    pub spawned_bytes: u64,
    /// Bytes of a task that waits, at most.
    pub parked_bytes: u64,
    /// Its programs, in groups.
    pub programs: &'static [Programs],
    /// Programs it cannot do: a prefix of their names, and why. The first that
    /// fits is taken.
    pub refusals: &'static [(&'static str, &'static str)],
    /// Remarks on programs it does differently, by prefix.
    pub notes: &'static [(&'static str, &'static str)],
}

/// The name of the column that is built from `go/` and not in the table below.
pub(crate) const GO: &str = "go";
/// The name of the column everything is about.
pub(crate) const GORS: &str = "gors";

/// gors, when it is switched off.
#[cfg(not(feature = "gors"))]
const GORS_CONTENDER: Contender = Contender {
    name: GORS,
    about: "left out of this build",
    spawned_bytes: 0,
    parked_bytes: 0,
    programs: &[],
    refusals: &[("", "built without the feature `gors`")],
    notes: &[],
};
#[cfg(feature = "gors")]
use self::gors::CONTENDER as GORS_CONTENDER;

/// Go's column. Its programs are in another process; all rows have one.
const GO_CONTENDER: Contender = Contender {
    name: GO,
    about: "goroutines, programs under benches/compare/go",
    spawned_bytes: 3_000,
    parked_bytes: 3_000,
    programs: &[],
    refusals: &[],
    notes: &[],
};

/// All columns, in the order of the tables.
pub(crate) const ALL: [Contender; 8] = [
    GORS_CONTENDER,
    GO_CONTENDER,
    tokio::CONTENDER,
    may::CONTENDER,
    crossbeam::CONTENDER,
    flume::CONTENDER,
    kanal::CONTENDER,
    parking_lot::CONTENDER,
];

/// The contender of this name.
pub(crate) fn by_name(name: &str) -> Option<&'static Contender> {
    ALL.iter().find(|contender| contender.name == name)
}

impl Contender {
    /// The program of this name.
    pub(crate) fn program(&self, name: &str) -> Option<Program> {
        let mut known = self.programs.iter().copied().flatten();
        known
            .find(|(known, _)| *known == name)
            .map(|(_, program)| *program)
    }

    /// Why the contender does not do `row`, if it does not.
    pub(crate) fn refuses(&self, row: &Row) -> Option<&'static str> {
        if self.name == GO || self.program(row.program).is_some() {
            return None;
        }
        Some(by_prefix(self.refusals, row.program).unwrap_or("not written"))
    }

    /// The bytes that `n` of a row take here, at most.
    pub(crate) fn bytes(&self, row: &Row, n: u64) -> u64 {
        n * match row.need {
            Need::Little => 0,
            Need::Spawned => self.spawned_bytes,
            Need::Parked => self.parked_bytes,
            Need::Bytes(bytes) => bytes,
        }
    }

    /// What is different in the contender's version of `row`.
    pub(crate) fn note(&self, row: &Row) -> Option<&'static str> {
        by_prefix(self.notes, row.program)
    }
}

/// The entry whose prefix fits first.
fn by_prefix(
    table: &'static [(&'static str, &'static str)],
    program: &str,
) -> Option<&'static str> {
    table
        .iter()
        .find(|(prefix, _)| program.starts_with(prefix))
        .map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows;

    /// Catches a row that a contender neither does nor refuses with a reason.
    #[test]
    fn every_row_has_a_program_or_a_reason() {
        for contender in &ALL {
            for row in rows::all() {
                let reason = contender.refuses(&row);
                assert_ne!(
                    reason,
                    Some("not written"),
                    "{} in {}",
                    row.program,
                    contender.name
                );
            }
        }
    }

    /// Catches a program that no row runs, usually a misspelt name.
    #[test]
    fn every_program_has_a_row() {
        let rows = rows::all();
        for contender in &ALL {
            for (program, _) in contender.programs.iter().copied().flatten() {
                assert!(
                    rows.iter().any(|row| row.program == *program),
                    "{program} in {}",
                    contender.name
                );
            }
        }
    }
}
