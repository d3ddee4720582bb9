//! A select of up to 16 arms takes no memory from the heap, whether it finds an arm ready, misses,
//! or waits. Nor do plain operations and zero-size elements. Alone in its file: the counter is the
//! process's.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

use gors_chan::{make, select};

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: passes everything on.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Relaxed);
        // SAFETY: passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: passed on.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

#[test]
fn none() {
    let c = make::<u32>(1);
    let idle = make::<u32>(0);
    let units = make::<()>(1000);
    let work = move |rounds: u32| {
        let (there, back) = (make::<u32>(0), make::<u32>(0));
        let (there2, back2) = (there.clone(), back.clone());
        let echo = thread::spawn(move || {
            while let Some(v) = there2.recv() {
                back2.send(v);
            }
        });
        there.send(0);
        back.recv();
        let before = ALLOCATIONS.load(Relaxed);
        for i in 0..rounds {
            c.send(i);
            units.send(());
            units.recv();
            select! {
                recv(idle) -> _ => unreachable!(), recv(idle) -> _ => unreachable!(),
                recv(c) -> v => assert_eq!(v, Some(i)),
            }
            select! {
                recv(idle) -> _ => unreachable!(), recv(c) -> _ => unreachable!(),
                default => {}
            }
            there.send(i);
            select! {
                recv(back) -> v => assert_eq!(v, Some(i)), send(idle, 1) -> () => unreachable!(),
                recv(idle) -> _ => unreachable!(), recv(idle) -> _ => unreachable!(),
                recv(idle) -> _ => unreachable!(), recv(idle) -> _ => unreachable!(),
                recv(idle) -> _ => unreachable!(), recv(idle) -> _ => unreachable!(),
                recv(idle) -> _ => unreachable!(), recv(idle) -> _ => unreachable!(),
                recv(idle) -> _ => unreachable!(), recv(idle) -> _ => unreachable!(),
                recv(idle) -> _ => unreachable!(), recv(idle) -> _ => unreachable!(),
                recv(idle) -> _ => unreachable!(), recv(c) -> _ => unreachable!(),
            }
        }
        let allocations = ALLOCATIONS.load(Relaxed) - before;
        there.close();
        echo.join().unwrap();
        allocations
    };
    // The test's harness may allocate now and then; one allocation a round would be 2000.
    let allocations = work(2000);
    assert!(allocations < 50, "{allocations} allocations");
}
