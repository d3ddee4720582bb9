//! Four workers share the tasks of a buffered channel.
//!
//! Go: `examples/go/seeds/task_workers.go`.

use gors::prelude::*;
use gors::time::sleep;

/// How many goroutines work.
const WORKERS: usize = 4;
/// How much there is to do.
const TASK_LOAD: usize = 10;

static WG: WaitGroup = WaitGroup::new();

#[gors::main]
fn main() {
    // A buffered channel manages the task load.
    let tasks = make(TASK_LOAD);

    // Launch goroutines to handle the work.
    WG.add(WORKERS.cast_signed());
    for id in 1..=WORKERS {
        go!(worker(tasks.receiver(), id));
    }

    // Add a bunch of work to get done.
    for post in 1..=TASK_LOAD {
        tasks.send(format!("Task : {post}"));
    }

    // The workers quit when all the work is done.
    tasks.close();
    WG.wait();
}

fn worker(tasks: Receiver<String>, id: usize) {
    defer!(WG.done());
    let mut random = fastrand::Rng::new();
    for task in tasks {
        println!("Worker: {id} : Started {task}");

        // Randomly wait to simulate work time.
        sleep(Duration::from_millis(random.u64(0..100)));

        println!("Worker: {id} : Completed {task}");
    }
    // The channel is empty and closed.
    println!("Worker: {id} : Shutting Down");
}
