//! A chain of goroutines, one for each prime, each of which lets pass what its prime does not
//! divide.
//!
//! Go: `examples/go/programs/prime_sieve`.

use gors::prelude::*;

/// Sends 2, 3, 4, … to c.
fn generate(c: Chan<u32>) {
    for i in 2.. {
        c.send(i);
    }
}

/// Copies what prime does not divide.
fn filter(from: Chan<u32>, to: Chan<u32>, prime: u32) {
    loop {
        let i = from.recv().unwrap();
        if !i.is_multiple_of(prime) {
            to.send(i);
        }
    }
}

#[gors::main]
fn main() {
    let mut c = make(0);
    go!(generate(c.clone()));
    for _ in 0..50 {
        let prime = c.recv().unwrap();
        println!("{prime}");
        let next = make(0);
        go!(filter(c, next.clone(), prime));
        c = next;
    }
}
