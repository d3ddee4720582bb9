//! What the goroutines are doing, in words.

use std::fmt::Write as _;

use crate::goroutine::record::state;
use crate::goroutine::{Record, slab};
use crate::raw::WaitReason;
use crate::shim::atomic::Ordering;

/// `goroutine 7 "name" [state]:` and where it was created.
pub(crate) fn headline(g: &Record, doing: &str) -> String {
    let mut text = format!("goroutine {}", g.goid());
    if let Some(name) = crate::spawn::name_of(g) {
        let _ = write!(text, " {name:?}");
    }
    let _ = write!(text, " [{doing}]:");
    if let Some(created) = g.created() {
        let _ = write!(text, "\ncreated at {created}");
    }
    text
}

/// Every goroutine: number, state or what it waits for, and where it was created.
///
/// The list is a snapshot taken while the goroutines run. Go: the output of `SIGQUIT`,
/// `runtime.Stack(buf, true)`.
///
/// ```
/// gors_runtime::run(|| {
///     assert!(gors_runtime::stack_dump().contains("goroutine "));
/// });
/// ```
#[must_use]
pub fn stack_dump() -> String {
    let mut goroutines = Vec::new();
    slab::for_each(|g| {
        let reason = match g.state.load(Ordering::Relaxed) {
            state::RUNNING => WaitReason::None,
            _ => WaitReason::from_u8(g.reason.load(Ordering::Relaxed)),
        };
        let doing = match reason {
            WaitReason::None => "running or runnable",
            reason => reason.as_str(),
        };
        let mut text = format!("goroutine {} [{doing}]:", g.goid());
        if let Some(created) = g.created() {
            let _ = write!(text, "\ncreated at {created}");
        }
        goroutines.push((g.goid(), text));
    });
    goroutines.sort_unstable_by_key(|(id, _)| *id);
    let mut out = String::new();
    for (_, text) in goroutines {
        out.push_str(&text);
        out.push_str("\n\n");
    }
    out
}
