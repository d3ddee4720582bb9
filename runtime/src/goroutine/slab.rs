//! Memory for records: slabs that are never unmapped, a depot, and a cache per worker.
//!
//! ```text
//!   worker cache (LIFO, owner only) <-- chains of 64 --> depot (locked) <-- carve -- slabs
//! ```
//!
//! A record is spawned on one worker and ends on another, so caches trade chains through the
//! depot. Slabs stay mapped for ever: that makes stale record pointers readable and lets a dump
//! walk every record there is.
//!
//! Cost of the hot path: no atomic, no lock, one load and two stores for a record out of the
//! cache; one lock for every 64th in a one-sided flow.

use std::cell::Cell;
use std::io;
use std::ptr;

use super::record::flag;
use super::{Record, RecordPtr};
use crate::shim::Mutex;
use crate::shim::atomic::Ordering;

/// Records that change hands at once.
const CHAIN: usize = 64;
/// Records a cache holds before it gives a chain back.
const CACHE_MAX: usize = 4 * CHAIN;
/// Bytes of one slab.
const SLAB: usize = 1 << 20;
const SLAB_RECORDS: usize = SLAB / size_of::<Record>();

struct Depot {
    /// Heads of full chains, linked through `next`.
    chains: Vec<RecordPtr>,
    /// Single records given back by plain threads.
    loose: Vec<RecordPtr>,
    slabs: Vec<RecordPtr>,
    /// Records carved from the last slab.
    carved: usize,
}

static DEPOT: Mutex<Depot> = Mutex::new(Depot {
    chains: Vec::new(),
    loose: Vec::new(),
    slabs: Vec::new(),
    carved: SLAB_RECORDS,
});

impl Depot {
    /// A chain of fresh records.
    fn carve(&mut self) -> io::Result<*mut Record> {
        if self.carved == SLAB_RECORDS {
            let slab = new_slab().map_err(|error| {
                io::Error::new(
                    error.kind(),
                    format!("no memory for goroutine records: {error}"),
                )
            })?;
            crate::sanitize::root(slab.expose_provenance(), SLAB);
            self.slabs.push(RecordPtr(slab.cast()));
            self.carved = 0;
        }
        let slab = self.slabs.last().expect("a slab was just made").0;
        let mut head = ptr::null_mut();
        // The lowest address comes out first: memory is touched in order.
        for index in (self.carved..self.carved + CHAIN).rev() {
            // SAFETY: CHAIN divides SLAB_RECORDS, so the index is inside the slab; zeroed memory
            // is a valid free record.
            unsafe {
                let record = slab.add(index);
                (*record).next.set(head);
                head = record;
            }
        }
        self.carved += CHAIN;
        Ok(head)
    }

    fn chain(&mut self) -> io::Result<*mut Record> {
        match self.chains.pop() {
            Some(head) => Ok(head.0),
            None => self.carve(),
        }
    }
}

fn new_slab() -> io::Result<*mut u8> {
    let slab = crate::sys::reserve(SLAB)?;
    // SAFETY: the whole reservation is ours and page-aligned.
    match unsafe { crate::sys::commit(slab, SLAB) } {
        Ok(()) => Ok(slab),
        Err(error) => {
            // SAFETY: as above, and nobody knows it yet.
            unsafe { crate::sys::release(slab, SLAB) };
            Err(error)
        }
    }
}

/// Where nobody can be told: the end.
#[cold]
fn no_room(error: &io::Error) -> ! {
    crate::exit::fatal(&format!("out of memory: {error}"))
}

/// A worker's stock of free records. Only its worker touches it.
pub(crate) struct RecordCache {
    head: Cell<*mut Record>,
    len: Cell<usize>,
}

impl RecordCache {
    pub(crate) const fn new() -> Self {
        Self {
            head: Cell::new(ptr::null_mut()),
            len: Cell::new(0),
        }
    }

    /// A free record.
    #[inline]
    pub(crate) fn take(&self) -> RecordPtr {
        if self.head.get().is_null()
            && let Err(error) = self.refill()
        {
            no_room(&error);
        }
        self.pop()
    }

    /// A free record, or why there is none.
    pub(crate) fn try_take(&self) -> io::Result<RecordPtr> {
        if self.head.get().is_null() {
            self.refill()?;
        }
        Ok(self.pop())
    }

    #[inline]
    fn pop(&self) -> RecordPtr {
        let record = RecordPtr(self.head.get());
        let next = record.get().next.get();
        // The next spawn will write to it.
        Record::prefetch(next);
        self.head.set(next);
        self.len.set(self.len.get() - 1);
        record
    }

    /// Takes back a record whose goroutine ended.
    #[inline]
    pub(crate) fn give(&self, record: RecordPtr) {
        record.get().id.store(0, Ordering::Relaxed);
        record.get().next.set(self.head.get());
        self.head.set(record.0);
        self.len.set(self.len.get() + 1);
        if self.len.get() >= CACHE_MAX {
            self.spill();
        }
    }

    #[cold]
    #[inline(never)]
    fn refill(&self) -> io::Result<()> {
        self.head.set(DEPOT.lock().chain()?);
        self.len.set(CHAIN);
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn spill(&self) {
        // The most recent ones stay: they are in the processor's cache.
        let mut last_kept = self.head.get();
        for _ in 1..CACHE_MAX - 2 * CHAIN {
            last_kept = RecordPtr(last_kept).get().next.get();
        }
        let first = RecordPtr(last_kept).get().next.replace(ptr::null_mut());
        let mut middle = first;
        for _ in 1..CHAIN {
            middle = RecordPtr(middle).get().next.get();
        }
        let second = RecordPtr(middle).get().next.replace(ptr::null_mut());
        let mut depot = DEPOT.lock();
        depot.chains.push(RecordPtr(first));
        depot.chains.push(RecordPtr(second));
        self.len.set(CACHE_MAX - 2 * CHAIN);
    }
}

/// A free record, on a plain thread.
pub(crate) fn take_foreign() -> RecordPtr {
    try_take_foreign().unwrap_or_else(|error| no_room(&error))
}

/// A free record, on a plain thread, or why there is none.
pub(crate) fn try_take_foreign() -> io::Result<RecordPtr> {
    let mut depot = DEPOT.lock();
    if let Some(record) = depot.loose.pop() {
        return Ok(record);
    }
    let mut head = depot.chain()?;
    let taken = RecordPtr(head);
    head = taken.get().next.get();
    while !head.is_null() {
        depot.loose.push(RecordPtr(head));
        head = RecordPtr(head).get().next.get();
    }
    Ok(taken)
}

/// Takes back a record on a plain thread.
pub(crate) fn give_foreign(record: RecordPtr) {
    record.get().id.store(0, Ordering::Relaxed);
    record.get().flags.store(0, Ordering::Relaxed);
    DEPOT.lock().loose.push(record);
}

/// Calls `f` for every goroutine that exists at some moment of the walk. The fields it reads may
/// change under it.
pub(crate) fn for_each(mut f: impl FnMut(&'static Record)) {
    for_each_used(|record| {
        if record.goid() != 0 {
            f(record);
        }
    });
}

/// As [`for_each`], and plain threads as well.
pub(crate) fn for_each_used(mut f: impl FnMut(&'static Record)) {
    for_each_record(|record| {
        if record.goid() != 0 || record.has(flag::THREAD) {
            f(record);
        }
    });
}

/// Where records lie.
pub(crate) fn ranges() -> Vec<std::ops::Range<usize>> {
    let slabs = &DEPOT.lock().slabs;
    slabs
        .iter()
        .map(|slab| slab.0.addr()..slab.0.addr() + SLAB)
        .collect()
}

fn for_each_record(mut f: impl FnMut(&'static Record)) {
    let (slabs, carved) = {
        let depot = DEPOT.lock();
        (depot.slabs.clone(), depot.carved)
    };
    let count = slabs.len();
    for (index, slab) in slabs.into_iter().enumerate() {
        let end = if index + 1 == count {
            carved
        } else {
            SLAB_RECORDS
        };
        for record in 0..end {
            // SAFETY: inside a slab, which is never unmapped.
            f(unsafe { &*slab.0.add(record) });
        }
    }
}
