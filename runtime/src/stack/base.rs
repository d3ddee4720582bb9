//! The outermost frame of every goroutine's stack, which tells unwinders that there is nothing further
//! out.
//!
//! Without it a backtrace would go on into the frames of the worker that resumed the stack last. That
//! is noise in a running goroutine's backtrace, and in a parked one's the worker has long been
//! elsewhere: its frames would be read from memory that means something else by now.

/// Calls `live(slot)` in the outermost frame.
#[cfg(target_arch = "x86_64")]
pub(super) fn enter(live: extern "C" fn(usize) -> !, slot: usize) -> ! {
    // SAFETY: calls its first argument with the second, on this stack.
    unsafe { gors_goroutine_base(live, slot) }
}

#[cfg(not(target_arch = "x86_64"))]
pub(super) fn enter(live: extern "C" fn(usize) -> !, slot: usize) -> ! {
    live(slot)
}

#[cfg(target_arch = "x86_64")]
std::arch::global_asm!(
    ".pushsection .text.gors_goroutine_base,\"ax\",@progbits",
    ".balign 16",
    ".hidden gors_goroutine_base",
    ".globl gors_goroutine_base",
    ".type gors_goroutine_base,@function",
    "gors_goroutine_base:",
    ".cfi_startproc",
    // No return address: the end of the stack.
    ".cfi_undefined rip",
    "sub rsp, 8",
    ".cfi_adjust_cfa_offset 8",
    "mov rax, rdi",
    "mov rdi, rsi",
    "call rax",
    "ud2",
    ".cfi_endproc",
    ".size gors_goroutine_base, . - gors_goroutine_base",
    ".popsection",
);

#[cfg(target_arch = "x86_64")]
unsafe extern "C" {
    fn gors_goroutine_base(live: extern "C" fn(usize) -> !, slot: usize) -> !;
}
