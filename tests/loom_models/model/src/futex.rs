//! A futex: sleeping on a word.

use std::cell::RefCell;
use std::sync::atomic::Ordering;

use loom::thread::Thread;

use crate::PerExecution;
use crate::atomic::AtomicU32;

/// Who sleeps, on which word. Read and written between two steps of the model, as the kernel does
/// it under its own lock.
static SLEEPERS: PerExecution<RefCell<Vec<(usize, Thread)>>> = PerExecution::new();

fn sleepers() -> &'static RefCell<Vec<(usize, Thread)>> {
    SLEEPERS.get_or(|| RefCell::new(Vec::new()))
}

/// Sleeps while `*word == expected`. Like the kernel's, it compares with the newest value: whoever
/// wakes after a change is not missed.
pub fn wait(word: &AtomicU32, expected: u32) {
    let address = std::ptr::from_ref(word).addr();
    let me = loom::thread::current();
    let id = me.id();
    sleepers().borrow_mut().push((address, me));
    if word.newest(Ordering::Relaxed) == expected {
        loom::thread::park();
    }
    sleepers()
        .borrow_mut()
        .retain(|(at, thread)| *at != address || thread.id() != id);
}

/// Wakes one that sleeps on the word at `address`, which need not exist any more.
pub fn wake_one(address: usize) {
    let sleeper = {
        let mut sleepers = sleepers().borrow_mut();
        let index = sleepers.iter().position(|(at, _)| *at == address);
        index.map(|index| sleepers.remove(index).1)
    };
    if let Some(thread) = sleeper {
        thread.unpark();
    }
}
