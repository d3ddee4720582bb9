//! Bits of [`Record::flags`](super::Record::flags).

/// A plain thread's record.
pub(crate) const THREAD: u16 = 1 << 0;
/// `goexit` was called; raised again at blocking operations should user code swallow it.
pub(crate) const GOEXIT: u16 = 1 << 1;
/// Inside `blocking`.
pub(crate) const BLOCKING: u16 = 1 << 2;
/// Locked to its OS thread.
pub(crate) const LOCKED: u16 = 1 << 3;
/// In the injector as a token: whoever pops it passes its permit to the goroutine's thread.
pub(crate) const TOKEN: u16 = 1 << 4;
/// The main goroutine of `run`.
pub(crate) const MAIN: u16 = 1 << 5;
/// A panic that nobody catches ends the process.
pub(crate) const FATAL_PANIC: u16 = 1 << 6;
/// The panic hook saw this goroutine panic.
pub(crate) const UNWINDING: u16 = 1 << 7;

/// A plain thread that waits with a deadline.
pub(crate) const TIMED: u16 = 1 << 8;

/// The body of a `#[gors::test]`: the panic hook keeps what it said.
pub(crate) const TEST: u16 = 1 << 9;

/// Has not run yet: it has no stack, and a small closure lies in the header.
pub(crate) const FRESH: u16 = 1 << 15;
/// A member of a [`bubble`](crate::bubble).
pub(crate) const MEMBER: u16 = 1 << 12;
/// Migration audit: never resumed on the worker that ran it last.
pub(crate) const MIGRATE: u16 = 1 << 14;

/// A dump holds it: whoever wants to run it asks [`dump::hold`](crate::dump::hold) first. The only
/// bit that others than the owner write; it may be lost to the owner, and may stay behind.
pub(crate) const HELD: u16 = 1 << 10;

/// The [observer](crate::observe) is told what becomes of it.
pub(crate) const OBSERVED: u16 = 1 << 11;

/// A worker that is about to run a goroutine with any of these thinks twice.
pub(crate) const THINK_TWICE: u16 = TOKEN | HELD | OBSERVED | MIGRATE;

/// It called `fork`, and this is the child.
pub(crate) const FORKED: u16 = 1 << 13;

/// A goroutine with any of these waits on its own thread.
pub(crate) const WAITS_ON_THREAD: u16 = BLOCKING | LOCKED | FORKED;
/// The slow checks at the start of a blocking operation.
pub(crate) const ATTENTION: u16 = GOEXIT | UNWINDING | FORKED | MEMBER;
/// The slow way to park.
pub(crate) const PARKS_SLOWLY: u16 = THREAD | WAITS_ON_THREAD | MEMBER;
