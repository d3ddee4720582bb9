//! What the runtime counted, for a table.

use gors::runtime::Stats;

use crate::format::grouped;

/// Goroutines, steals and hand-offs.
pub(crate) fn rows(stats: &Stats) -> [(&'static str, String, String); 3] {
    [
        (
            "goroutines",
            grouped(stats.spawned),
            format!("{} have not ended", stats.goroutines),
        ),
        (
            "steals",
            grouped(stats.steals),
            format!("{} worker threads", stats.workers),
        ),
        (
            "hand-offs",
            grouped(stats.hand_offs),
            format!("{} hogs seen", grouped(stats.hogs)),
        ),
    ]
}
