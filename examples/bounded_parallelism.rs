//! A goroutine for each file, of which four at a time do their work.
//!
//! Go: `examples/go/programs/bounded_parallelism`.

use gors::context::{self, Context, ContextError};
use gors::prelude::*;
use gors::sync::Semaphore;
use gors::sync::atomic::{AtomicU32, AtomicUsize, Ordering::SeqCst};
use gors::time::sleep;

const FILES: usize = 12;
const LIMIT: usize = 4;

static RUNNING: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
static SEM: Semaphore = Semaphore::new(LIMIT);
static DIGESTS: [AtomicU32; FILES] = [const { AtomicU32::new(0) }; FILES];

/// Works on one file.
fn digest(name: &str) -> u32 {
    let now = RUNNING.fetch_add(1, SeqCst) + 1;
    defer!(RUNNING.fetch_sub(1, SeqCst));
    PEAK.fetch_max(now, SeqCst);

    sleep(Duration::from_millis(2)); // reading it takes a while
    fnv32a(name.repeat(100).as_bytes())
}

fn fnv32a(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, &byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

#[gors::main]
fn main() -> Result<(), ContextError> {
    let ctx = Context::background();

    for (i, place) in DIGESTS.iter().enumerate() {
        SEM.acquire_ctx(&ctx, 1)?;
        go!({
            defer!(SEM.release(1));
            place.store(digest(&format!("file{i:02}")), SeqCst);
        });
    }

    // Who has all tokens knows that nobody works any more.
    SEM.acquire_ctx(&ctx, LIMIT)?;
    for (i, d) in DIGESTS.iter().enumerate() {
        println!("file{i:02} {:08x}", d.load(SeqCst));
    }
    let kept = PEAK.load(SeqCst) <= LIMIT;
    println!("never more than {LIMIT} at a time: {kept}");

    // With all tokens taken, a request with a time limit fails.
    let (ctx, cancel) = context::with_timeout(&ctx, Duration::from_millis(5));
    let _cancel = cancel.cancel_on_drop();
    println!("{}", SEM.acquire_ctx(&ctx, 1).unwrap_err());
    Ok(())
}
