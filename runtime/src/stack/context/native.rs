//! The switch on x86-64, System V.
//!
//! # Frames
//!
//! A suspended goroutine keeps on its stack, from the stack pointer up: R15, R14, R13, R12, RBX, RBP,
//! which the System V ABI makes the callee's to save, and the address to go on at, which
//! [`Context::suspend`] has put there. A worker that runs a goroutine keeps RBX, RBP and such an address; all
//! other registers are declared clobbered there, so that the compiler saves what it needs and only
//! that. The floating-point control words are not switched: nobody may change them across a blocking
//! operation, as nobody may across a call.
//!
//! At the bottom of a goroutine's stack stands [`start`], which says that there is no caller:
//! backtraces end there.
//!
//! # No calls and no returns
//!
//! Both ways end in an indirect jump where a function would return. The processor predicts returns
//! from a stack of its own, which knows nothing of ours: it would be wrong each time, 5 ns. For the
//! same reason a goroutine jumps into [`leave`] and does not call it. A call that nothing returns from
//! would stay behind on the processor's stack, and the next return, of the goroutine that goes on,
//! would be predicted to lead there.
//!
//! # Cost
//!
//! 8 instructions to run a goroutine and 8 after it, 13 to suspend and 8 to go on; two indirect
//! jumps, one of which always leads to the same place.

use std::arch::{asm, naked_asm};
use std::cell::Cell;
use std::ptr;

use super::Entry;
use crate::stack::Slot;

/// See the [module](super).
pub(in crate::stack) struct Context {
    /// Where the goroutine's side was left; null: not bound.
    goroutine: Cell<*mut usize>,
    /// Where the worker's side was left, while the goroutine runs.
    worker: Cell<*mut usize>,
}

impl Context {
    pub(in crate::stack) const fn new() -> Self {
        Self {
            goroutine: Cell::new(ptr::null_mut()),
            worker: Cell::new(ptr::null_mut()),
        }
    }

    #[inline]
    pub(in crate::stack) fn is_bound(&self) -> bool {
        !self.goroutine.get().is_null()
    }

    /// The stack pointer of the suspended goroutine's side.
    pub(in crate::stack) fn suspended_at(&self) -> Option<usize> {
        let at = self.goroutine.get();
        (!at.is_null()).then(|| at.expose_provenance())
    }

    /// Prepares the stack that ends at `slot`, so that the first resume calls `entry` with it.
    ///
    /// # Safety
    ///
    /// The memory below the header is a stack that nobody uses.
    pub(in crate::stack) unsafe fn bind(&self, slot: &'static Slot, entry: Entry) {
        let base = ptr::from_ref(slot).cast::<usize>().cast_mut();
        debug_assert!(base.addr().is_multiple_of(16));
        // SAFETY: nine words of a stack whose size is at least that of the smallest slot.
        unsafe {
            // Six registers and an address, as `suspend` would have left them; `start` then finds the
            // stack pointer at a multiple of 16.
            let top = base.sub(9);
            let registers = [
                0,                                       // R15
                0,                                       // R14
                ptr::from_ref(slot).expose_provenance(), // R13: the argument of
                entry as usize,                          // R12: the function
                0,                                       // RBX
                0,                                       // RBP: no frame above
                start as *const () as usize,
            ];
            for (at, value) in registers.into_iter().enumerate() {
                top.add(at).write(value);
            }
            self.goroutine.set(top);
        }
    }

    /// Forgets the goroutine's side. Its frames are not unwound.
    ///
    /// # Safety
    ///
    /// It is suspended between two goroutines, and its frames hold nothing that needs to be
    /// dropped.
    pub(in crate::stack) unsafe fn unbind(&self) {
        self.goroutine.set(ptr::null_mut());
    }

    /// Runs the goroutine's side until it suspends.
    ///
    /// # Safety
    ///
    /// Bound, not running, and the caller is not on this stack.
    #[inline(always)]
    pub(in crate::stack) unsafe fn resume(&self) {
        // SAFETY: the goroutine's side was left by `leave` or made by `bind`. All registers but the
        // stack pointer are saved by the compiler or here.
        unsafe {
            asm!(
                "push rbp",
                "push rbx",
                "lea rax, [rip + 2f]",
                "push rax",
                "mov [rdi], rsp",
                "mov rsp, rsi",
                "jmp {go_on}",
                "2:",
                "pop rbx",
                "pop rbp",
                go_on = sym go_on,
                inout("rdi") self.worker.as_ptr() => _,
                inout("rsi") self.goroutine.get() => _,
                out("r12") _,
                out("r13") _,
                out("r14") _,
                out("r15") _,
                clobber_abi("sysv64"),
            );
        }
    }

    /// Goes back to the worker's side, until the next resume.
    ///
    /// # Safety
    ///
    /// On this context's stack. Nothing derived from thread-local storage may be used after it.
    #[inline(always)]
    pub(in crate::stack) unsafe fn suspend(&self) {
        // SAFETY: the worker's side was left by the `resume` that runs this. What comes back at 2 has
        // kept the registers that a call keeps, and the stack pointer.
        unsafe {
            asm!(
                "lea rax, [rip + 2f]",
                "push rax",
                "jmp {leave}",
                "2:",
                leave = sym leave,
                inout("rdi") self.goroutine.as_ptr() => _,
                inout("rsi") self.worker.get() => _,
                clobber_abi("sysv64"),
            );
        }
    }
}

/// Suspends the goroutine, noting where in `left`, and goes on at the worker's side `to`. Entered by a
/// jump, with the address to come back to on the stack, and comes back there through [`go_on`].
#[unsafe(naked)]
unsafe extern "sysv64" fn leave(left: *mut *mut usize, to: *mut usize) {
    naked_asm!(
        ".cfi_startproc",
        "push rbp",
        ".cfi_adjust_cfa_offset 8",
        ".cfi_rel_offset rbp, 0",
        "push rbx",
        ".cfi_adjust_cfa_offset 8",
        ".cfi_rel_offset rbx, 0",
        "push r12",
        ".cfi_adjust_cfa_offset 8",
        ".cfi_rel_offset r12, 0",
        "push r13",
        ".cfi_adjust_cfa_offset 8",
        ".cfi_rel_offset r13, 0",
        "push r14",
        ".cfi_adjust_cfa_offset 8",
        ".cfi_rel_offset r14, 0",
        "push r15",
        ".cfi_adjust_cfa_offset 8",
        ".cfi_rel_offset r15, 0",
        "mov [rdi], rsp",
        "mov rsp, rsi",
        "pop rax",
        "jmp rax",
        ".cfi_endproc",
    )
}

/// The second half of [`leave`], on the goroutine's stack.
#[unsafe(naked)]
unsafe extern "sysv64" fn go_on() {
    naked_asm!(
        ".cfi_startproc",
        ".cfi_def_cfa rsp, 56",
        ".cfi_offset rbp, -16",
        ".cfi_offset rbx, -24",
        ".cfi_offset r12, -32",
        ".cfi_offset r13, -40",
        ".cfi_offset r14, -48",
        ".cfi_offset r15, -56",
        "pop r15",
        ".cfi_adjust_cfa_offset -8",
        "pop r14",
        ".cfi_adjust_cfa_offset -8",
        "pop r13",
        ".cfi_adjust_cfa_offset -8",
        "pop r12",
        ".cfi_adjust_cfa_offset -8",
        "pop rbx",
        ".cfi_adjust_cfa_offset -8",
        "pop rbp",
        ".cfi_adjust_cfa_offset -8",
        "pop rcx",
        ".cfi_adjust_cfa_offset -8",
        "jmp rcx",
        ".cfi_endproc",
    )
}

/// Where a bound stack begins: calls the function that [`Context::bind`] has put there.
#[unsafe(naked)]
unsafe extern "sysv64" fn start() {
    naked_asm!(
        ".cfi_startproc",
        // No caller: unwinders stop here.
        ".cfi_undefined rip",
        "mov rdi, r13",
        "call r12",
        "ud2",
        ".cfi_endproc",
    )
}
