//! `select!` with a timeout. Like Go's `println`, it writes to standard error.
//!
//! Go: `examples/go/seeds/select_timeout.go`. There, `break` leaves the `select`; here it leaves
//! the loop, which is what its author wanted.

use gors::chan::after;
use gors::prelude::*;

#[gors::main]
fn main() {
    let c = make(0);
    let o = make(0);
    let (values, timed_out) = (c.clone(), o.clone());
    go!({
        loop {
            select! {
                recv(values) -> v => eprintln!("{}", v.expect("nobody closes the channel")),
                recv(after(Duration::from_secs(5))) -> _ => {
                    eprintln!("timeout");
                    timed_out.send(true);
                    break;
                }
            }
        }
    });
    for i in 1..=3 {
        c.send(i);
    }
    o.recv();
}
