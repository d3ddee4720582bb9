//! A goroutine hands its result over an unbuffered channel.
//!
//! Go: `examples/go/seeds/sum.go`.

use gors::prelude::*;

#[gors::main]
fn main() {
    let ch = make(0);

    let result = ch.clone();
    go!({
        let mut s = 0;
        for i in 0..10 {
            s += i;
        }
        result.send(s);
    });

    println!("{ch:?}");
    println!("{}", ch.recv().unwrap_or_default()); // 45
}
