//! Values of [`Record::state`](super::Record::state).

/// Runs, is queued, or was never started.
pub(crate) const RUNNING: u32 = 0;
/// Suspended; nobody runs on its stack.
pub(crate) const PARKED: u32 = 1;
/// Waits on its own thread, which still looks.
pub(crate) const ON_THREAD: u32 = 2;
/// Waits on its own thread, which sleeps.
pub(crate) const SLEEPING: u32 = 3;
/// Was readied while it waited on its own thread.
pub(crate) const NOTIFIED: u32 = 4;
/// As [`PARKED`], and an observer wants to know who readies it.
pub(crate) const PARKED_OBSERVED: u32 = 5;
/// As [`PARKED`], for a member of a bubble: readied through the bubble.
pub(crate) const IN_BUBBLE: u32 = 6;

/// Whether nobody runs on the goroutine's stack.
pub(crate) fn is_parked(state: u32) -> bool {
    matches!(state, PARKED | PARKED_OBSERVED | IN_BUBBLE)
}
