//! Making loom's objects before the threads begin, and ending them with the memory that they lie in.
//!
//! Ours are made at their first use, because `new` is `const`; loom wants everybody's use to come after
//! that. Each begins with a mark, by which it is found in the memory of what it is part of.

const MARK: u64 = 0x6D6F_6465_6C21_A70B;

/// The beginning of an object.
#[repr(C)]
pub(crate) struct Mark {
    mark: u64,
    /// `None` in zeroed memory, where no mark is either.
    touch: Option<unsafe fn(*const u8)>,
    end: unsafe fn(*const u8),
}

impl Mark {
    pub(crate) const fn new(touch: unsafe fn(*const u8), end: unsafe fn(*const u8)) -> Self {
        Self {
            mark: MARK,
            touch: Some(touch),
            end,
        }
    }
}

/// Makes every atomic and every cell that lies in `value` itself.
pub fn touch<T: ?Sized>(value: &T) {
    for_each(value, |mark, at| {
        if let Some(touch) = mark.touch {
            // SAFETY: the mark's own object.
            unsafe { touch(at) };
        }
    });
}

/// The memory of `value` goes: whoever uses a cell that lies in it, without an order that puts it before
/// this, fails the model.
pub fn end<T: ?Sized>(value: &T) {
    for_each(value, |mark, at| {
        if mark.touch.is_some() {
            // SAFETY: as above.
            unsafe { (mark.end)(at) };
        }
    });
}

fn for_each<T: ?Sized>(value: &T, f: impl Fn(&Mark, *const u8)) {
    let begin = std::ptr::from_ref(value).cast::<u8>();
    let mut at = begin.addr().next_multiple_of(8) - begin.addr();
    while at + size_of::<Mark>() <= size_of_val(value) {
        // SAFETY: inside the value. Padding has some value as well, and nobody compiles this read
        // together with the write.
        unsafe {
            if begin.add(at).cast::<u64>().read_volatile() == MARK {
                f(&*begin.add(at).cast::<Mark>(), begin.add(at));
            }
        }
        at += 8;
    }
}
