//! The buffer: a ring in the channel's own allocation, or for an unbounded channel a
//! [`chain`](super::chain) of blocks. Everything here runs under the lock.

use std::alloc;
use std::ptr;

use super::chain::{Block, block_slots};
use super::{Core, UNBOUNDED};
use crate::shim::atomic::Ordering;

/// Copies one element. A constant `size` compiles to moves; of others a word is by far the most
/// frequent.
///
/// # Safety
///
/// As `ptr::copy_nonoverlapping` for `size` bytes.
#[inline(always)]
pub(crate) unsafe fn copy(src: *const u8, dst: *mut u8, size: usize) {
    const WORD: usize = size_of::<usize>();
    // SAFETY: passed on.
    unsafe {
        if size == WORD {
            ptr::copy_nonoverlapping(src, dst, WORD);
        } else {
            ptr::copy_nonoverlapping(src, dst, size);
        }
    }
}

impl Core {
    /// Takes the lock for an operation that may push.
    #[inline(always)]
    pub(crate) fn lock_to_send(&self, size: usize) {
        self.lock();
        if self.cap == UNBOUNDED && size != 0 && self.needs_block(size) {
            self.grow();
        }
    }

    /// Appends the element at `src`.
    ///
    /// # Safety
    ///
    /// The lock is held, by [`lock_to_send`](Self::lock_to_send) if unbounded; there is room;
    /// `size` is the element's and `src` valid for it.
    #[inline(always)]
    pub(crate) unsafe fn push(&self, src: *const u8, size: usize) {
        // SAFETY: the tail's place is free and in bounds.
        unsafe {
            if size != 0 {
                if self.cap == UNBOUNDED {
                    self.push_block(src, size);
                } else {
                    let tail = self.tail.get();
                    copy(src, self.buf.add(tail * size), size);
                    self.tail
                        .set(if tail + 1 == self.cap { 0 } else { tail + 1 });
                }
            }
        }
        self.len
            .store(self.len.load(Ordering::Relaxed) + 1, Ordering::Release);
    }

    /// Moves the oldest element to `dst`.
    ///
    /// # Safety
    ///
    /// The lock is held; `len > 0`; `size` is the element's and `dst` valid for it. An unbounded
    /// channel is unlocked by [`unlock_collect`](Self::unlock_collect) afterwards.
    #[inline(always)]
    pub(crate) unsafe fn pop(&self, dst: *mut u8, size: usize) {
        // SAFETY: the head holds an element that nobody else will read.
        unsafe {
            if size != 0 {
                if self.cap == UNBOUNDED {
                    self.pop_block(dst, size);
                } else {
                    let head = self.head.get();
                    copy(self.buf.add(head * size), dst, size);
                    self.head
                        .set(if head + 1 == self.cap { 0 } else { head + 1 });
                }
            }
        }
        self.len
            .store(self.len.load(Ordering::Relaxed) - 1, Ordering::Release);
    }

    /// Releases the lock after a [`pop`](Self::pop) and frees what it left over.
    ///
    /// # Safety
    ///
    /// The caller holds the lock.
    #[inline(always)]
    pub(crate) unsafe fn unlock_collect(&self) {
        // SAFETY: passed on.
        unsafe {
            if self.cap == UNBOUNDED && self.has_garbage() {
                self.unlock_free();
            } else {
                self.unlock();
            }
        }
    }

    /// Takes the whole contents out: afterwards the channel is empty, and [`Contents`] must be
    /// drained and freed without the lock. Only for a closed channel, whose ring nobody will push
    /// to.
    pub(crate) fn take_contents(&self) -> Contents<'_> {
        let contents = Contents {
            core: self,
            left: self.len.load(Ordering::Relaxed),
            head: self.head.get(),
            block: self.take_blocks(),
        };
        self.head.set(0);
        self.tail.set(0);
        self.len.store(0, Ordering::Release);
        // Held by operations that were forgotten: others have borrowed a receiver.
        self.held_values.set(0);
        contents
    }
}

/// The elements of a closed channel, taken out of it.
pub(crate) struct Contents<'a> {
    core: &'a Core,
    left: usize,
    head: usize,
    block: *mut Block,
}

impl Contents<'_> {
    /// Drops the elements one by one. Should one of them panic, the rest leaks: nothing is dropped
    /// twice.
    ///
    /// # Safety
    ///
    /// `T` is the channel's element type; its ring has not been pushed to since.
    pub(crate) unsafe fn drop_all<T>(mut self) {
        let core = self.core;
        let size = size_of::<T>();
        while self.left > 0 {
            // SAFETY: `left` elements start at `head`; each place is passed once.
            let at = unsafe {
                if size == 0 {
                    ptr::dangling_mut::<T>()
                } else if core.cap == UNBOUNDED {
                    if self.head == block_slots(size) {
                        let old = self.block;
                        self.block = (*old).next;
                        self.head = 0;
                        alloc::dealloc(old.cast(), core.block_layout());
                    }
                    core.block_slot(self.block, self.head, size).cast::<T>()
                } else {
                    core.buf.add(self.head * size).cast::<T>()
                }
            };
            self.head += 1;
            if core.cap != UNBOUNDED && self.head == core.cap {
                self.head = 0;
            }
            self.left -= 1;
            // SAFETY: an initialised element, never looked at again.
            unsafe { ptr::drop_in_place(at) };
        }
    }
}

impl Drop for Contents<'_> {
    /// Frees the blocks, also when an element's drop has panicked.
    fn drop(&mut self) {
        while !self.block.is_null() {
            let block = self.block;
            // SAFETY: a chain that only we hold, and whose elements nobody will look at.
            unsafe {
                self.block = (*block).next;
                alloc::dealloc(block.cast(), self.core.block_layout());
            }
        }
    }
}
