//! The buffer: a ring in the channel's own allocation, or for an unbounded channel a chain of
//! blocks.
//!
//! Everything here runs under the lock, except that blocks are allocated and freed outside of it.
//! The chain grows at its tail: [`Core::lock_to_send`] returns holding the lock *and* with a place
//! at the tail. Exhausted head blocks are kept as the spare (one) or freed by
//! [`Core::unlock_collect`].

use std::alloc::{self, Layout};
use std::ptr;

use super::{Core, UNBOUNDED};
use crate::shim::atomic::Ordering;

/// The header of a block of an unbounded channel; its slots follow.
#[repr(C)]
pub(crate) struct Block {
    next: *mut Block,
}

/// About a page of elements in a block, but never fewer than one or more than 64.
const BLOCK_BYTES: usize = 2048;

#[inline(always)]
fn block_slots(size: usize) -> usize {
    match BLOCK_BYTES.checked_div(size) {
        Some(slots) => slots.clamp(1, 64),
        None => usize::MAX,
    }
}

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
    fn block_layout(&self) -> (Layout, usize) {
        let size = self.elem.size();
        // The sizes stay below twice `BLOCK_BYTES` plus one element, which exists: no overflow.
        let slots = Layout::from_size_align(block_slots(size) * size, self.elem.align())
            .expect("a block of elements has a layout");
        let (layout, offset) = Layout::new::<Block>()
            .extend(slots)
            .expect("a block has a layout");
        (layout.pad_to_align(), offset)
    }

    /// Where slot `i` of `block` lies.
    ///
    /// # Safety
    ///
    /// `block` is one of this channel's, `i` within it.
    #[inline(always)]
    unsafe fn block_slot(&self, block: *mut Block, i: usize, size: usize) -> *mut u8 {
        let align = self.elem.align().max(align_of::<Block>());
        let offset = size_of::<Block>().next_multiple_of(align);
        // SAFETY: in bounds: the layout above puts the slots at this offset.
        unsafe { block.cast::<u8>().add(offset + i * size) }
    }

    /// Takes the lock for an operation that may push.
    #[inline(always)]
    pub(crate) fn lock_to_send(&self, size: usize) {
        self.lock();
        if self.cap == UNBOUNDED && size != 0 && self.needs_block(size) {
            self.grow();
        }
    }

    #[inline(always)]
    fn needs_block(&self, size: usize) -> bool {
        self.spare_block.get().is_null()
            && (self.tail_block.get().is_null() || self.tail.get() == block_slots(size))
    }

    /// With the lock held, needs a block; returns with the lock held and a spare block.
    #[cold]
    #[inline(never)]
    fn grow(&self) {
        let (layout, _) = self.block_layout();
        // SAFETY: held by the caller, and taken again below. The layout is not empty.
        let block = unsafe {
            self.unlock();
            alloc::alloc(layout).cast::<Block>()
        };
        if block.is_null() {
            alloc::handle_alloc_error(layout);
        }
        // SAFETY: fresh memory.
        unsafe { (*block).next = ptr::null_mut() };
        self.lock();
        let spare = self.spare_block.replace(block);
        if !spare.is_null() {
            // Somebody else has left one meanwhile. Rare, and freeing needs the lock released.
            // SAFETY: the spare is empty and belongs to the lock's holder.
            unsafe {
                self.unlock();
                alloc::dealloc(spare.cast(), layout);
            }
            self.lock();
            if self.needs_block(self.elem.size()) {
                self.grow();
            }
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

    /// # Safety
    ///
    /// As [`push`](Self::push).
    #[inline]
    unsafe fn push_block(&self, src: *const u8, size: usize) {
        // SAFETY: blocks are touched under the lock only; `lock_to_send` made sure of a block with
        // a free slot.
        unsafe {
            let mut block = self.tail_block.get();
            let mut tail = self.tail.get();
            if block.is_null() || tail == block_slots(size) {
                let fresh = self.spare_block.replace(ptr::null_mut());
                debug_assert!(!fresh.is_null(), "push into a full block without a spare");
                if block.is_null() {
                    self.head_block.set(fresh);
                    self.head.set(0);
                } else {
                    (*block).next = fresh;
                }
                self.tail_block.set(fresh);
                block = fresh;
                tail = 0;
            }
            copy(src, self.block_slot(block, tail, size), size);
            self.tail.set(tail + 1);
        }
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

    /// # Safety
    ///
    /// As [`pop`](Self::pop).
    #[inline]
    unsafe fn pop_block(&self, dst: *mut u8, size: usize) {
        // SAFETY: as in `push_block`; a non-empty chain has a head block with an element at `head`.
        unsafe {
            let block = self.head_block.get();
            let head = self.head.get();
            copy(self.block_slot(block, head, size), dst, size);
            let head = head + 1;
            if head < block_slots(size)
                && (block != self.tail_block.get() || head < self.tail.get())
            {
                self.head.set(head);
            } else if block == self.tail_block.get() {
                // Empty: begin again at the block's start.
                self.head.set(0);
                self.tail.set(0);
            } else {
                self.head_block.set((*block).next);
                self.head.set(0);
                (*block).next = ptr::null_mut();
                if self.spare_block.get().is_null() {
                    self.spare_block.set(block);
                } else {
                    (*block).next = self.garbage.replace(block);
                }
            }
        }
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
            if self.cap == UNBOUNDED && !self.garbage.get().is_null() {
                self.unlock_free();
            } else {
                self.unlock();
            }
        }
    }

    /// # Safety
    ///
    /// As above.
    #[cold]
    #[inline(never)]
    unsafe fn unlock_free(&self) {
        let mut block = self.garbage.replace(ptr::null_mut());
        let (layout, _) = self.block_layout();
        // SAFETY: the blocks are exhausted and out of the channel's chain.
        unsafe {
            self.unlock();
            while !block.is_null() {
                let next = (*block).next;
                alloc::dealloc(block.cast(), layout);
                block = next;
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
            block: self.head_block.replace(ptr::null_mut()),
        };
        self.tail_block.set(ptr::null_mut());
        self.head.set(0);
        self.tail.set(0);
        self.len.store(0, Ordering::Release);
        contents
    }

    /// Frees blocks that hold nothing. For the last owner.
    ///
    /// # Safety
    ///
    /// Nobody else can reach the channel.
    pub(super) unsafe fn free_blocks(&self) {
        if self.elem.size() == 0 || self.cap != UNBOUNDED {
            return;
        }
        let (layout, _) = self.block_layout();
        for cell in [&self.head_block, &self.spare_block, &self.garbage] {
            let mut block = cell.replace(ptr::null_mut());
            while !block.is_null() {
                // SAFETY: the last owner frees each block of the chain once.
                unsafe {
                    let next = (*block).next;
                    alloc::dealloc(block.cast(), layout);
                    block = next;
                }
            }
        }
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
                        alloc::dealloc(old.cast(), core.block_layout().0);
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
                alloc::dealloc(block.cast(), self.core.block_layout().0);
            }
        }
    }
}
