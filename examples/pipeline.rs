//! A pipeline: the output of one channel is the input of the next.
//!
//! Go: `examples/go/seeds/pipeline.go`.

use gors::prelude::*;

#[gors::main]
fn main() {
    let ch1 = make(0);
    let ch2 = make(0);

    go!(ch1.clone().send(100));

    let out = ch2.clone();
    go!({
        for v in ch1 {
            out.send(v);
        }
    });

    println!("{}", ch2.recv().unwrap_or_default()); // 100
}
