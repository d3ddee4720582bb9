//! How deep stacks were used, so that people can choose sizes.
//!
//! The kernel knows: memory is behind those pages of a stack that were touched. So nothing is counted
//! while goroutines run, and looking costs a system call for each stack. The answer is exact to a page. It
//! is that of the *stack*: one that was used before keeps what its former goroutines touched until its
//! memory is given back, so of many goroutines of a kind the lowest figure is the best, and the highest
//! is safe.

use std::panic::Location;
use std::ptr;
use std::sync::Arc;

use super::address;
use super::guard::GUARD;
use crate::current;
use crate::dump::names;
use crate::goroutine::record::{flag, state};
use crate::goroutine::{Record, slab};
use crate::shim::atomic::Ordering;
use crate::sys;

/// How much of its stack a goroutine has used; see [`stack_usage`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StackUsage {
    /// The goroutine's number.
    pub goid: u64,
    /// The goroutine's name, if it has one.
    pub name: Option<Arc<str>>,
    /// Where the goroutine was created.
    pub created: Option<&'static Location<'static>>,
    /// Bytes that the goroutine may use.
    pub size: usize,
    /// Bytes that were in use at the deepest moment so far, rounded up to pages.
    pub used: usize,
}

/// How much of its stack each goroutine has used at most, the deepest first: for choosing
/// [`Builder::stack_size`](crate::Builder::stack_size) or `GORS_STACK_SIZE`.
///
/// Lists the goroutines that wait for something, and the caller. Those that run just now are missing, and
/// those that have not run yet have no stack. A stack that was used before
/// counts what its former goroutines used, until its memory was given back
/// ([`free_os_memory`](crate::free_os_memory) does that for free stacks at once). With
/// `GORS_STACK_USAGE=1` dumps say the same of each goroutine. Does not block
/// goroutines; makes a system call for each of them: for people, not for loops.
///
/// Go has no equivalent: its stacks grow.
///
/// ```
/// gors_runtime::run(|| {
///     for stack in gors_runtime::stack_usage() {
///         assert!(stack.used <= stack.size);
///         println!("goroutine {}: {} of {} bytes", stack.goid, stack.used, stack.size);
///     }
/// });
/// ```
#[must_use]
pub fn stack_usage() -> Vec<StackUsage> {
    let mut all = Vec::new();
    let own = current::goroutine();
    slab::for_each(|g| {
        let stands_still = g.state.load(Ordering::Acquire) != state::RUNNING;
        if stands_still || own.is_some_and(|own| ptr::eq(own, g)) {
            all.extend(of(g));
        }
    });
    all.sort_unstable_by_key(|usage: &StackUsage| (std::cmp::Reverse(usage.used), usage.goid));
    all
}

/// How much of its stack a goroutine has used; `None` if it has none. Should it end meanwhile the answer is
/// that of another, or none.
pub(crate) fn of(g: &Record) -> Option<StackUsage> {
    if g.has(flag::FRESH) {
        return None;
    }
    // Good for comparing only: the goroutine may end meanwhile, and the field hold something else.
    let top = g.slot_of_another().addr();
    let bottom = address::bottom_of(top)? + GUARD;
    // The header's own page is there if no other is.
    let lowest = sys::first_resident(bottom, top.next_multiple_of(GUARD) - bottom)?;
    Some(StackUsage {
        goid: g.goid(),
        name: names::get(g.goid()),
        created: g.created(),
        size: top - bottom,
        used: top.saturating_sub(bottom + lowest),
    })
}
