//! Asks three mirrors and takes the quickest answer. The channel has room for all of them, so the
//! slow ones need nobody to take theirs.
//!
//! Go: `examples/go/seeds/mirrored_query.go`.

use gors::prelude::*;
use gors::time::sleep;

#[gors::main]
fn main() {
    println!("{}", mirrored_query());
}

fn mirrored_query() -> String {
    let responses = make(3);
    for host in ["asia.gopl.io", "europe.gopl.io", "americas.gopl.io"] {
        let responses = responses.clone();
        go!(|| responses.send(request(host)));
    }
    responses.recv().expect("nobody closes the channel") // the quickest
}

fn request(host: &str) -> String {
    sleep(Duration::from_millis(fastrand::u64(0..100)));
    format!("response from {host}")
}
