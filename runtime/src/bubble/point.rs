//! Where a member can be preempted although it need not wait.

use crate::goroutine::record::flag;
use crate::mode;
use crate::sanitize;
use crate::stack::{Action, current_slot};
use crate::sysmon::slices;

use super::{member, turn};

/// An operation before (or, with `go!`, after) which another member may run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Point {
    /// A new goroutine was made.
    Go,
    /// A lock is about to be taken.
    Lock,
    /// A `try_` operation.
    Try,
    /// An operation on a channel, under way.
    Channel,
    /// An operation of `gors::sync::atomic`.
    Atomic,
    /// A blocking operation, which may turn out not to block.
    Blocking,
    /// `gosched`, by a goroutine that keeps its thread.
    Yield,
}

impl Point {
    /// Whether the operation is one in which a goroutine may change its thread.
    fn may_switch(self) -> bool {
        matches!(self, Self::Lock | Self::Blocking | Self::Yield)
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Go => "go",
            Self::Lock => "lock",
            Self::Try => "try",
            Self::Channel => "channel operation",
            Self::Atomic => "atomic",
            Self::Blocking => "before blocking operation",
            Self::Yield => "yield",
        }
    }
}

/// Lets another goroutine of the caller's bubble run, if the seed says so. Outside of bubbles, ends the
/// caller's slice if sysmon asks for that and the operation may block. Else it does nothing, which costs
/// a load.
///
/// The caller holds none of the runtime's locks.
#[inline]
pub fn point(point: Point) {
    if mode::any_or_asked() {
        taken(point);
    }
}

/// Whether what the caller makes shall have points of its own.
#[must_use]
pub fn explores() -> bool {
    mode::any() && {
        let _hidden = sanitize::hide();
        super::current().is_some_and(|bubble| bubble.preempts())
    }
}

#[cold]
#[inline(never)]
fn taken(point: Point) {
    if point.may_switch() {
        slices::answer();
    }
    if !mode::any() {
        return;
    }
    let _hidden = sanitize::hide();
    let Some(slot) = current_slot() else {
        return;
    };
    let g = slot.record();
    let Some(member) = member(g).filter(|member| member.bubble.preempts()) else {
        return;
    };
    {
        let mut inner = member.bubble.inner.lock();
        let every = inner.point_every;
        if inner.ready.is_empty() || !inner.draw().is_multiple_of(every) {
            return;
        }
    }
    if point.may_switch() && !g.has(flag::WAITS_ON_THREAD) && !std::thread::panicking() {
        // SAFETY: on this stack; nothing of the thread is used after the call.
        unsafe { slot.switch_out(Action::YieldInBubble) };
    } else {
        turn::preempt_in_place(g, point, false);
    }
}
