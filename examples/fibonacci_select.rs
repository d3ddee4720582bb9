//! `select!` sends the next number or hears that it is time to quit, whichever is possible first.
//!
//! Go: `examples/go/seeds/fibonacci_select.go`.

use gors::prelude::*;

fn fibonacci(c: Chan<u64>, quit: Chan<()>) {
    let (mut x, mut y) = (1, 1);
    loop {
        select! {
            send(c, x) -> _ => (x, y) = (y, x + y),
            recv(quit) -> _ => {
                println!("quit");
                return;
            }
        }
    }
}

#[gors::main]
fn main() {
    let c = make(0);
    let quit = make(0);
    let (numbers, stop) = (c.clone(), quit.clone());
    go!({
        for number in numbers.iter().take(10) {
            println!("{number}");
        }
        stop.send(());
    });
    fibonacci(c, quit);
}
