//! Two players hit a ball to each other over an unbuffered channel, until one of them misses.
//!
//! Go: `examples/go/seeds/tennis.go`.

use gors::prelude::*;

static WG: WaitGroup = WaitGroup::new();

#[gors::main]
fn main() {
    let court = make(0);
    WG.add(2);
    go!(player("Nadal", court.clone()));
    go!(player("Djokovic", court.clone()));
    // Start the set.
    court.send(1);
    // Wait for the game to finish.
    WG.wait();
}

fn player(name: &str, court: Chan<u32>) {
    defer!(WG.done());
    let mut random = fastrand::Rng::new();
    loop {
        let Some(ball) = court.recv() else {
            println!("Player {name} Won");
            return;
        };
        if random.u32(0..100).is_multiple_of(13) {
            println!("Player {name} Missed");
            // Close the channel to signal we lost.
            court.close();
            return;
        }
        println!("Player {name} Hit {ball}");
        // Hit the ball back to the opposing player.
        court.send(ball + 1);
    }
}
