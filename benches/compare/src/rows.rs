//! The table of rows: what is measured, in which unit, at which size.
//!
//! A row names a *program* that every contender implements under the same name
//! (`contenders/` in Rust, `go/` in Go) and passes it two parameters. Rows of
//! one area are in one file below `rows/`; their order is the order of the
//! report.

mod channels;
mod growth;
mod headline;
mod memory;
mod scheduling;
mod sync;
mod timers;

/// One line of the comparison.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// The name for `--only` and the tables.
    pub name: String,
    /// The chapter it stands in.
    pub area: Area,
    /// The program that does it.
    pub program: &'static str,
    /// The program's parameters.
    pub args: [u64; 2],
    /// What one operation is, in words.
    pub op: &'static str,
    /// The unit of its values.
    pub unit: Unit,
    /// What is compared, in the order of the table.
    pub metrics: &'static [&'static str],
    /// How much of it.
    pub size: Size,
    /// Operations in one iteration of the program: values are divided by it.
    pub per: u32,
    /// Fewer permits than this make no sense.
    pub min_procs: usize,
    /// What each of the `n` needs: rows that do not fit into the machine's
    /// memory are refused before they swap.
    pub need: Need,
    /// So large that it runs once, after all other rows.
    pub once: bool,
}

/// A chapter of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Area {
    /// The rows the project states its goals in.
    Headline,
    /// Goroutine creation, wake-ups, fork and join.
    Scheduling,
    /// Channels and select, in the shapes of Go's own benchmarks.
    Channels,
    /// Locks, condition variables, wait groups, likewise.
    Sync,
    /// Timers, sleeping, tickers.
    Timers,
    /// Bytes.
    Memory,
    /// Cost against size.
    Growth,
}

impl Area {
    /// All, in the order of the report.
    pub(crate) const ALL: [Self; 7] = [
        Self::Headline,
        Self::Scheduling,
        Self::Channels,
        Self::Sync,
        Self::Timers,
        Self::Memory,
        Self::Growth,
    ];

    /// The chapter's heading.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Headline => "Headline",
            Self::Scheduling => "Scheduling",
            Self::Channels => "Channels and select",
            Self::Sync => "Locks and wait groups",
            Self::Timers => "Timers",
            Self::Memory => "Memory",
            Self::Growth => "Growth",
        }
    }

    /// The chapter's name in file names.
    pub(crate) fn slug(self) -> &'static str {
        match self {
            Self::Headline => "headline",
            Self::Scheduling => "scheduling",
            Self::Channels => "channels",
            Self::Sync => "sync",
            Self::Timers => "timers",
            Self::Memory => "memory",
            Self::Growth => "growth",
        }
    }
}

/// What the numbers of a row count. Less is better in all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Nanoseconds for each operation.
    Nanos,
    /// Microseconds late.
    Micros,
    /// Milliseconds for all of it.
    Millis,
    /// Bytes for each goroutine.
    Bytes,
}

impl Unit {
    /// As it stands behind a number.
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::Nanos => "ns",
            Self::Micros => "µs",
            Self::Millis => "ms",
            Self::Bytes => "B",
        }
    }
}

/// How much of a row is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// As often as fits into the target time.
    Timed,
    /// This often.
    Fixed {
        /// In a full run.
        full: u64,
        /// With `--quick`; 0 leaves the row out.
        quick: u64,
    },
}

/// The memory that each of a row's `n` needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Not worth counting.
    Little,
    /// That of a task that has not started.
    Spawned,
    /// That of a task that waits.
    Parked,
    /// So many bytes in all contenders.
    Bytes(u64),
}

impl Row {
    /// A timed row in nanoseconds; the methods below change what differs.
    fn timed(area: Area, name: impl Into<String>, program: &'static str, op: &'static str) -> Self {
        Self {
            name: name.into(),
            area,
            program,
            args: [0, 0],
            op,
            unit: Unit::Nanos,
            metrics: &["ns"],
            size: Size::Timed,
            per: 1,
            min_procs: 1,
            need: Need::Little,
            once: false,
        }
    }

    /// Sets the program's parameters.
    fn args(mut self, a: u64, b: u64) -> Self {
        self.args = [a, b];
        self
    }

    /// Makes it a fixed row.
    fn fixed(mut self, full: u64, quick: u64) -> Self {
        self.size = Size::Fixed { full, quick };
        self
    }

    /// Sets unit and metrics.
    fn measures(mut self, unit: Unit, metrics: &'static [&'static str]) -> Self {
        self.unit = unit;
        self.metrics = metrics;
        self
    }

    /// Says that an iteration of the program holds `per` operations.
    fn per(mut self, per: u32) -> Self {
        self.per = per;
        self
    }

    /// Says that the row needs at least `procs` permits.
    fn min_procs(mut self, procs: usize) -> Self {
        self.min_procs = procs;
        self
    }

    /// Says how much memory each of the `n` needs.
    fn need(mut self, need: Need) -> Self {
        self.need = need;
        self
    }

    /// Says whether the row is so large that it runs once.
    fn once(mut self, once: bool) -> Self {
        self.once = once;
        self
    }

    /// The `n` handed to the program, or `None` where the row is left out.
    pub(crate) fn n(&self, quick: bool) -> Option<u64> {
        match self.size {
            Size::Timed => Some(0),
            Size::Fixed { quick: 0, .. } if quick => None,
            Size::Fixed { full, quick: small } => Some(if quick { small } else { full }),
        }
    }

    /// Brings a value of the program into the row's unit for one operation.
    pub(crate) fn scale(&self, value: f64) -> f64 {
        value / f64::from(self.per)
    }
}

/// The families of the growth chapter: program, what one operation is, metrics.
pub(crate) fn growth_families()
-> impl Iterator<Item = (&'static str, &'static str, &'static [&'static str])> {
    growth::FAMILIES
        .into_iter()
        .map(|(program, op, metrics, _)| (program, op, metrics))
}

/// Every row, in the order of the report.
pub(crate) fn all() -> Vec<Row> {
    let mut rows = headline::rows();
    rows.extend(scheduling::rows());
    rows.extend(channels::rows());
    rows.extend(sync::rows());
    rows.extend(timers::rows());
    rows.extend(memory::rows());
    rows.extend(growth::rows());
    rows
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// Catches a copied row whose name was not changed.
    #[test]
    fn names_are_unique() {
        let rows = all();
        let names: HashSet<_> = rows.iter().map(|row| &row.name).collect();
        assert_eq!(names.len(), rows.len());
    }

    /// Catches a chapter out of order: the report walks the rows once.
    #[test]
    fn areas_are_in_order() {
        assert!(all().windows(2).all(|pair| pair[0].area <= pair[1].area));
    }
}
