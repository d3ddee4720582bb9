//! A map that goroutines share, behind a readers-writer lock.
//!
//! Go: `examples/go/programs/synchronized_map`, which has the map itself, too.

use std::sync::Arc;

use gors::patterns::SynchronizedMap;
use gors::prelude::*;

fn sum(squares: &SynchronizedMap<u64, u64>) -> (u32, u64) {
    let (mut entries, mut sum) = (0, 0);
    squares.each(|_, v| {
        entries += 1;
        sum += v;
    });
    (entries, sum)
}

#[gors::main]
fn main() {
    let squares = Arc::new(SynchronizedMap::new());
    let wg = WaitGroup::new();
    for part in 0..10 {
        let squares = squares.clone();
        wg.go(move || {
            for n in part * 100..(part + 1) * 100 {
                squares.put(n, n * n);
                squares.get(&n);
            }
        });
    }
    wg.wait();
    let (entries, total) = sum(&squares);
    println!("{entries} {total}");
    println!("31 * 31 = {}", squares.get(&31).unwrap());

    for part in 0..10 {
        let squares = squares.clone();
        wg.go(move || {
            for n in (part..1000).step_by(20) {
                squares.delete(&n);
            }
        });
    }
    wg.wait();
    let (entries, total) = sum(&squares);
    println!("{entries} {total}");
    println!("9 * 9 is known: {}", squares.get(&9).is_some());
}
