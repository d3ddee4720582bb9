//! Two goroutines take turns. When `main` returns the program ends, so the last `world` may be
//! missing.
//!
//! Go: `examples/go/seeds/say.go`.

use gors::prelude::*;

fn say(s: &str) {
    for _ in 0..5 {
        gosched();
        println!("{s}");
    }
}

#[gors::main]
fn main() {
    go!(say("world")); // create a new goroutine
    say("hello"); // current goroutine
}
