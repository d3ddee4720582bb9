//! Where a parked goroutine is: its return addresses, read from outside.
//!
//! # Why the goroutine is not resumed for it
//!
//! A goroutine that is resumed to capture its own backtrace needs room on its stack, which a deep one
//! may not have, and touches pages below its stack pointer: 400 MB for 100,000 goroutines. So the
//! unwinder runs on the caller's stack and is told, by call frame information, that the caller of
//! [`gors_above_parked`] is the parked goroutine. It then reads the parked frames, and
//! writes nothing there. The unwinder is the one that the standard library is linked with; the
//! standard library's own backtraces go the same way and bring the symbols.
//!
//! A suspended stack ends in the seven words that the switch has left: six registers and the address to
//! go on at ([`stack::context`](crate::stack)).
//!
//! Only x86-64 knows how; elsewhere, and under the sanitizers, a dump has no backtraces.

use std::backtrace::Backtrace;

/// Frames that are looked at.
pub(super) const DEPTH: usize = 64;

/// A suspended stack.
#[derive(Clone, Copy)]
pub(super) struct Suspended {
    /// The stack pointer.
    pub(super) at: usize,
    /// Where the stack ends.
    pub(super) top: usize,
}

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    use std::ffi::{c_int, c_void};
    use std::ptr;

    use super::{Backtrace, DEPTH, Suspended};

    std::arch::global_asm!(
        ".pushsection .text.gors_above_parked,\"ax\",@progbits",
        ".balign 16",
        ".hidden gors_above_parked",
        ".globl gors_above_parked",
        ".type gors_above_parked,@function",
        "gors_above_parked:",
        ".cfi_startproc",
        "push rbx",
        "mov rbx, rdi",
        // For unwinders: the caller's frame begins above the seven words at RBX.
        // DW_CFA_def_cfa_expression, 2 bytes: DW_OP_breg3 (rbx) + 56.
        ".cfi_escape 0x0f, 2, 0x73, 0x38",
        ".cfi_offset rip, -8",
        ".cfi_offset rbp, -16",
        ".cfi_offset rbx, -24",
        ".cfi_offset r12, -32",
        ".cfi_offset r13, -40",
        ".cfi_offset r14, -48",
        ".cfi_offset r15, -56",
        "mov rdi, rdx",
        "call rsi",
        "pop rbx",
        "ret",
        ".cfi_endproc",
        ".size gors_above_parked, . - gors_above_parked",
        ".popsection",
    );

    type Context = *mut c_void;

    unsafe extern "C" {
        fn gors_above_parked(at: usize, f: extern "C" fn(*mut c_void), data: *mut c_void);
        fn _Unwind_Backtrace(
            step: extern "C" fn(Context, *mut c_void) -> c_int,
            data: *mut c_void,
        ) -> c_int;
        fn _Unwind_GetIP(context: Context) -> usize;
        fn _Unwind_GetCFA(context: Context) -> usize;
        fn _Unwind_FindEnclosingFunction(address: *mut c_void) -> *mut c_void;
    }

    /// Words between the outermost frame's and the stack's end.
    const OUTERMOST: usize = 96;

    /// Words that a suspended side has left.
    const LEFT: usize = 7;

    /// Whether what lies there looks like what the switch leaves.
    fn is_plausible(stack: Suspended) -> bool {
        if !stack.at.is_multiple_of(8) || stack.at + LEFT * 8 > stack.top {
            return false;
        }
        // SAFETY: within the stack, aligned.
        let resume_at = unsafe {
            ptr::with_exposed_provenance::<usize>(stack.at)
                .add(LEFT - 1)
                .read_volatile()
        };
        // SAFETY: looks for the address in the tables of loaded code.
        resume_at != 0
            && !unsafe { _Unwind_FindEnclosingFunction(ptr::without_provenance_mut(resume_at)) }
                .is_null()
    }

    struct Walk {
        stack: Suspended,
        addresses: Vec<usize>,
    }

    extern "C" fn step(context: Context, data: *mut c_void) -> c_int {
        // SAFETY: the walk that `walk` passed on; it waits.
        let walk = unsafe { &mut *data.cast::<Walk>() };
        // SAFETY: the unwinder's own context.
        let (address, frame) = unsafe { (_Unwind_GetIP(context), _Unwind_GetCFA(context)) };
        let inside = (walk.stack.at..walk.stack.top).contains(&frame);
        if !inside {
            // Before the first frame of the goroutine: those that led here.
            return c_int::from(!walk.addresses.is_empty());
        }
        if address == 0 || walk.addresses.len() == DEPTH || frame + OUTERMOST >= walk.stack.top {
            return 1;
        }
        walk.addresses.push(address);
        0
    }

    extern "C" fn walk(data: *mut c_void) {
        // SAFETY: `step` gets what this function got.
        unsafe { _Unwind_Backtrace(step, data) };
    }

    /// # Safety
    ///
    /// Nobody runs on the stack meanwhile.
    pub(crate) unsafe fn addresses(stack: Suspended) -> Vec<usize> {
        let mut found = Walk {
            stack,
            addresses: Vec::new(),
        };
        if is_plausible(stack) {
            // SAFETY: calls `walk` with the data, on this stack; the words at the suspended stack
            // pointer are what unwinders are told they are.
            unsafe { gors_above_parked(stack.at, walk, (&raw mut found).cast()) };
        }
        found.addresses
    }

    extern "C" fn capture(data: *mut c_void) {
        // SAFETY: what `backtrace` passed on; it waits.
        let result = unsafe { &mut *data.cast::<Option<Backtrace>>() };
        *result = Some(Backtrace::force_capture());
    }

    /// # Safety
    ///
    /// As [`addresses`], which found some.
    pub(crate) unsafe fn backtrace(stack: Suspended) -> Option<Backtrace> {
        let mut result: Option<Backtrace> = None;
        // SAFETY: as in `addresses`; the walk ends at the goroutine's outermost frame.
        unsafe { gors_above_parked(stack.at, capture, (&raw mut result).cast()) };
        result
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) use x86_64::{addresses, backtrace};

#[cfg(not(target_arch = "x86_64"))]
mod other {
    use super::{Backtrace, Suspended};

    /// # Safety
    ///
    /// None.
    pub(crate) unsafe fn addresses(_: Suspended) -> Vec<usize> {
        Vec::new()
    }

    /// # Safety
    ///
    /// None.
    pub(crate) unsafe fn backtrace(_: Suspended) -> Option<Backtrace> {
        None
    }
}

#[cfg(not(target_arch = "x86_64"))]
pub(super) use other::{addresses, backtrace};
