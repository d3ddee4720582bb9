//! The buffer of an unbounded channel: a chain of blocks.
//!
//! Everything here runs under the channel's lock, except that blocks are allocated and freed outside
//! of it. The chain grows at its tail: [`Core::lock_to_send`] returns holding the lock *and* with a
//! place at the tail. Exhausted head blocks are kept as the spare (one) or freed by
//! [`Core::unlock_collect`].

use std::alloc::{self, Layout};
use std::ptr;

use super::ring::copy;
use super::{Core, UNBOUNDED};
use crate::shim::Cell;

/// What an unbounded channel has in place of a ring. `head` and `tail` of the core are indices in
/// the first and the last block.
pub(super) struct Chain {
    /// Of the blocks with elements in them.
    head: Cell<*mut Block>,
    tail: Cell<*mut Block>,
    /// An empty block kept for reuse.
    spare: Cell<*mut Block>,
    /// Exhausted blocks, to be freed by whoever releases the lock.
    garbage: Cell<*mut Block>,
}

impl Chain {
    /// No blocks.
    pub(super) fn empty() -> Chain {
        Chain {
            head: Cell::new(ptr::null_mut()),
            tail: Cell::new(ptr::null_mut()),
            spare: Cell::new(ptr::null_mut()),
            garbage: Cell::new(ptr::null_mut()),
        }
    }
}

/// The header of a block of an unbounded channel; its slots follow.
#[repr(C)]
pub(super) struct Block {
    pub(super) next: *mut Block,
}

/// About a page of elements in a block, but never fewer than one or more than 64.
const BLOCK_BYTES: usize = 2048;

#[inline(always)]
pub(super) fn block_slots(size: usize) -> usize {
    match BLOCK_BYTES.checked_div(size) {
        Some(slots) => slots.clamp(1, 64),
        None => usize::MAX,
    }
}

impl Core {
    /// The chain of an unbounded channel.
    #[inline(always)]
    fn chain(&self) -> &Chain {
        debug_assert!(self.cap == UNBOUNDED, "a ring has no chain");
        // SAFETY: callers know the channel as unbounded: `buf` points to a `Chain` that lives as
        // long as the channel.
        unsafe { &*self.buf.cast::<Chain>() }
    }

    /// How a block is allocated.
    pub(super) fn block_layout(&self) -> Layout {
        let size = self.elem_size();
        // The sizes stay below twice `BLOCK_BYTES` plus one element, which exists: no overflow.
        let slots = Layout::from_size_align(block_slots(size) * size, self.elem_align())
            .expect("a block of elements has a layout");
        let (layout, _) = Layout::new::<Block>()
            .extend(slots)
            .expect("a block has a layout");
        layout.pad_to_align()
    }

    /// Where slot `i` of `block` lies.
    ///
    /// # Safety
    ///
    /// `block` is one of this channel's, `i` within it.
    #[inline(always)]
    pub(super) unsafe fn block_slot(&self, block: *mut Block, i: usize, size: usize) -> *mut u8 {
        let align = self.elem_align().max(align_of::<Block>());
        let offset = size_of::<Block>().next_multiple_of(align);
        // SAFETY: in bounds: the layout above puts the slots at this offset.
        unsafe { block.cast::<u8>().add(offset + i * size) }
    }

    #[inline(always)]
    pub(super) fn needs_block(&self, size: usize) -> bool {
        let chain = self.chain();
        chain.spare.get().is_null()
            && (chain.tail.get().is_null() || self.tail.get() == block_slots(size))
    }

    /// With the lock held, needs a block; returns with the lock held and a spare block.
    #[cold]
    #[inline(never)]
    pub(super) fn grow(&self) {
        let layout = self.block_layout();
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
        let spare = self.chain().spare.replace(block);
        if !spare.is_null() {
            // Somebody else has left one meanwhile. Rare, and freeing needs the lock released.
            // SAFETY: the spare is empty and belongs to the lock's holder.
            unsafe {
                self.unlock();
                alloc::dealloc(spare.cast(), layout);
            }
            self.lock();
            if self.needs_block(self.elem_size()) {
                self.grow();
            }
        }
    }

    /// # Safety
    ///
    /// As [`push`](Self::push) to an unbounded channel.
    #[inline]
    pub(super) unsafe fn push_block(&self, src: *const u8, size: usize) {
        // SAFETY: blocks are touched under the lock only; `lock_to_send` made sure of a block with
        // a free slot.
        unsafe {
            let chain = self.chain();
            let mut block = chain.tail.get();
            let mut tail = self.tail.get();
            if block.is_null() || tail == block_slots(size) {
                let fresh = chain.spare.replace(ptr::null_mut());
                debug_assert!(!fresh.is_null(), "push into a full block without a spare");
                if block.is_null() {
                    chain.head.set(fresh);
                    self.head.set(0);
                } else {
                    (*block).next = fresh;
                }
                chain.tail.set(fresh);
                block = fresh;
                tail = 0;
            }
            copy(src, self.block_slot(block, tail, size), size);
            self.tail.set(tail + 1);
        }
    }

    /// # Safety
    ///
    /// As [`pop`](Self::pop) from an unbounded channel.
    #[inline]
    pub(super) unsafe fn pop_block(&self, dst: *mut u8, size: usize) {
        // SAFETY: as in `push_block`; a non-empty chain has a head block with an element at `head`.
        unsafe {
            let chain = self.chain();
            let block = chain.head.get();
            let head = self.head.get();
            copy(self.block_slot(block, head, size), dst, size);
            let head = head + 1;
            if head < block_slots(size) && (block != chain.tail.get() || head < self.tail.get()) {
                self.head.set(head);
            } else if block == chain.tail.get() {
                // Empty: begin again at the block's start.
                self.head.set(0);
                self.tail.set(0);
            } else {
                chain.head.set((*block).next);
                self.head.set(0);
                (*block).next = ptr::null_mut();
                if chain.spare.get().is_null() {
                    chain.spare.set(block);
                } else {
                    (*block).next = chain.garbage.replace(block);
                }
            }
        }
    }

    /// Under the lock: there are exhausted blocks to be freed.
    #[inline(always)]
    pub(super) fn has_garbage(&self) -> bool {
        !self.chain().garbage.get().is_null()
    }

    /// [`unlock_collect`](Self::unlock_collect) where there is garbage.
    ///
    /// # Safety
    ///
    /// The caller holds the lock.
    #[cold]
    #[inline(never)]
    pub(super) unsafe fn unlock_free(&self) {
        let mut block = self.chain().garbage.replace(ptr::null_mut());
        let layout = self.block_layout();
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

    /// Under the lock: takes the blocks with elements out, the first of them or null. Of a ring
    /// there are none.
    pub(super) fn take_blocks(&self) -> *mut Block {
        if self.cap != UNBOUNDED {
            return ptr::null_mut();
        }
        self.chain().tail.set(ptr::null_mut());
        self.chain().head.replace(ptr::null_mut())
    }

    /// Frees blocks that hold nothing. For the last owner.
    ///
    /// # Safety
    ///
    /// Nobody else can reach the channel.
    pub(super) unsafe fn free_blocks(&self) {
        if self.size == 0 || self.cap != UNBOUNDED {
            return;
        }
        let layout = self.block_layout();
        let chain = self.chain();
        for cell in [&chain.head, &chain.spare, &chain.garbage] {
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
