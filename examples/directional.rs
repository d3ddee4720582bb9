//! Channels of one direction: `Sender<T>` is Go's `chan<- T`, `Receiver<T>` is `<-chan T`.
//!
//! Go: `examples/go/seeds/directional.go`.

use gors::prelude::*;

/// Can only send.
fn counter(out: Sender<u32>) {
    for i in 1..=5 {
        out.send(i).expect("the channel is open");
    }
    out.close();
}

/// Can only receive from `input`, and only send to `out`.
fn square(input: Receiver<u32>, out: Sender<u32>) {
    for v in input {
        out.send(v * v).expect("the channel is open");
    }
    out.close();
}

#[gors::main]
fn main() {
    let numbers = make(0);
    let squares = make(0);
    go!(counter(numbers.sender()));
    go!(square(numbers.receiver(), squares.sender()));
    for v in squares {
        println!("{v}");
    }
}
