//! A generator: a goroutine sends numbers until it closes the channel, and `for` takes them.
//!
//! Go: `examples/go/seeds/fibonacci.go`.

use gors::prelude::*;

fn fibonacci(n: usize, c: Chan<u64>) {
    let (mut x, mut y) = (1, 1);
    for _ in 0..n {
        c.send(x);
        (x, y) = (y, x + y);
    }
    c.close();
}

#[gors::main]
fn main() {
    let c = make(10);
    go!(fibonacci(c.cap(), c.clone()));
    for i in c {
        println!("{i}");
    }
}
