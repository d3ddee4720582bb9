//! Prints what it receives. `main` returns when the last number is handed over, so whether that one
//! is still printed is a matter of luck, here as in Go.
//!
//! Go: `examples/go/seeds/print_count.go`.

use std::io::Write as _;

use gors::prelude::*;

fn print_count(c: Chan<i32>) {
    let mut num = 0;
    while num >= 0 {
        num = c.recv().expect("nobody closes the channel");
        print!("{num};");
        // Go's standard output has no buffer.
        std::io::stdout().flush().expect("standard output is open");
    }
}

#[gors::main]
fn main() {
    let c = make(0);
    let a = [8, 7, 6, 5, 4, 3, 2, 1];

    go!(print_count(c.clone()));

    for v in a {
        c.send(v);
    }
}
