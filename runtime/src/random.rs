//! The one source of randomness of the scheduler: victims, select order, seeds.

use std::cell::Cell;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::shim::atomic::{AtomicU64, Ordering};

/// Seeds of generators come from here, so that one number could fix them all.
static SEEDS: AtomicU64 = AtomicU64::new(0);

/// A seed for one generator; never 0.
pub(crate) fn seed() -> u64 {
    fresh() | 1
}

/// A random number that belongs to no generator: for plain threads.
pub(crate) fn fresh() -> u64 {
    if SEEDS.load(Ordering::Relaxed) == 0 {
        let seed = crate::config::get().seed.unwrap_or_else(|| {
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(1, |since| since.as_nanos() as u64)
        });
        let _ = SEEDS.compare_exchange(0, seed | 1, Ordering::Relaxed, Ordering::Relaxed);
    }
    mix(SEEDS.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed))
}

/// SplitMix64's finaliser (Steele, Lea, Flood): neighbouring numbers give unrelated ones.
pub(crate) fn mix(n: u64) -> u64 {
    let n = (n ^ (n >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    n ^ (n >> 31)
}

/// The next number of a generator with state `cell`: xorshift64* (Vigna).
#[inline]
pub(crate) fn step(cell: &Cell<u64>) -> u64 {
    let mut x = cell.get();
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    cell.set(x);
    x.wrapping_mul(0x2545_F491_4F6C_DD1D)
}
