//! Three workers share the jobs of one channel and put their results into another.
//!
//! Go: `examples/go/programs/worker_pool`.

use gors::prelude::*;

const WORKERS: usize = 3;

#[derive(Clone, Copy, Default)]
struct Job {
    id: usize,
    n: u64,
}

#[derive(Clone, Copy, Default)]
struct Done {
    job: Job,
    steps: u32,
}

/// Counts the steps from n to 1.
fn collatz(mut n: u64) -> u32 {
    let mut steps = 0;
    while n != 1 {
        match n % 2 {
            0 => n /= 2,
            _ => n = 3 * n + 1,
        }
        steps += 1;
    }
    steps
}

fn worker(jobs: Receiver<Job>, results: Chan<Done>, wg: WaitGroup) {
    defer!(wg.done());
    for job in jobs {
        let steps = collatz(job.n);
        results.send(Done { job, steps });
    }
}

#[gors::main]
fn main() {
    let jobs = make(0);
    let results = make(WORKERS);

    let wg = WaitGroup::new();
    for _ in 0..WORKERS {
        wg.add(1);
        go!(worker(jobs.receiver(), results.clone(), wg.clone()));
    }

    // The jobs go in from a goroutine of their own, so that main can take the results.
    go!({
        let all = [1, 7, 27, 97, 871, 6171, 77031, 837799];
        for (id, n) in all.into_iter().enumerate() {
            jobs.send(Job { id, n });
        }
        jobs.close();
    });

    // Nobody sends any more when all workers have ended.
    let sent = results.clone();
    go!({
        wg.wait();
        sent.close();
    });

    let mut all = [Done::default(); 8];
    let mut total = 0;
    for r in results {
        all[r.job.id] = r;
        total += r.steps;
    }
    for r in all {
        println!("job {}: {} takes {} steps", r.job.id, r.job.n, r.steps);
    }
    println!("{total} steps in all");
}
