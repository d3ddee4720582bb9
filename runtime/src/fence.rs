//! The StoreLoad fence of the wake-up protocol.

/// Orders every earlier store before every later load, for all threads that use it.
///
/// On x86-64 this is a locked read-modify-write of the caller's own stack: 2 ns, where
/// `atomic::fence(SeqCst)` becomes an `mfence` of 16 ns (measured beside each other on the
/// reference box; `docs/decisions.md`). Elsewhere it is the fence itself.
#[inline(always)]
pub(crate) fn store_load() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a locked `or` of 0 changes nothing; the byte below the stack pointer is in the red
    // zone or below it, and is always mapped: the next call would write there.
    unsafe {
        std::arch::asm!("lock or byte ptr [rsp - 1], 0", options(nostack));
    }
    #[cfg(not(target_arch = "x86_64"))]
    crate::shim::atomic::fence(crate::shim::atomic::Ordering::SeqCst);
}

/// As [`store_load`], right behind an atomic exchange: that is the fence itself on x86-64, where every
/// such instruction is locked.
#[inline(always)]
pub(crate) fn store_load_after_exchange() {
    #[cfg(not(target_arch = "x86_64"))]
    store_load();
}

/// Keeps the caller's stores before its later loads in the machine code, and says nothing to the
/// processor: the other side executes [`barrier_all_threads`](crate::sys::barrier_all_threads), which
/// puts a fence wherever this thread is.
#[inline(always)]
pub(crate) fn unfenced() {
    crate::shim::atomic::compiler_fence(crate::shim::atomic::Ordering::SeqCst);
}
