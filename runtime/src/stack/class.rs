//! The sizes that stacks come in: slots of 64 KiB, 256 KiB, 1 MiB and so on up to 4 GiB.

use std::io;

use super::guard::GUARD;

/// log2 of the smallest slot.
pub(super) const MIN_SHIFT: u32 = 16;
/// How many size classes there are; class 8 has slots of 4 GiB.
pub(crate) const CLASSES: usize = 9;

/// A size of slots; see the [module](self).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SizeClass(u8);

impl SizeClass {
    /// The smallest class whose slots hold `bytes` of stack beside guard and header.
    pub(crate) fn for_stack(bytes: usize) -> io::Result<Self> {
        let needed = bytes.saturating_add(GUARD + 2048);
        (0..CLASSES as u8)
            .map(SizeClass)
            .find(|class| class.slot_size() >= needed)
            .ok_or_else(|| {
                io::Error::new(
                    io::ErrorKind::InvalidInput,
                    format!(
                        "a stack of {bytes} bytes is larger than the largest, {} bytes",
                        SizeClass(CLASSES as u8 - 1).slot_size() - GUARD - 2048
                    ),
                )
            })
    }

    /// The class with that index.
    pub(crate) const fn at(index: usize) -> Self {
        assert!(index < CLASSES);
        Self(index as u8)
    }

    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }

    pub(super) const fn shift(self) -> u32 {
        MIN_SHIFT + 2 * self.0 as u32
    }

    /// Bytes of one slot, guard and header included.
    pub(crate) const fn slot_size(self) -> usize {
        1 << self.shift()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_gets_the_smallest_class_that_holds_it() {
        assert_eq!(SizeClass::for_stack(1).unwrap().slot_size(), 64 << 10);
        assert_eq!(
            SizeClass::for_stack(40 << 10).unwrap().slot_size(),
            64 << 10
        );
        assert_eq!(
            SizeClass::for_stack(64 << 10).unwrap().slot_size(),
            256 << 10
        );
        assert_eq!(SizeClass::for_stack(8 << 20).unwrap().slot_size(), 16 << 20);
        assert_eq!(SizeClass::for_stack(1 << 30).unwrap().slot_size(), 4 << 30);
        assert!(SizeClass::for_stack(4 << 30).is_err());
    }
}
