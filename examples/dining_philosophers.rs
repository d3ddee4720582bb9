//! Five philosophers share five forks, and each needs two of them to eat.
//!
//! Go: `examples/go/programs/dining_philosophers`.

use std::sync::Arc;

use gors::prelude::*;
use gors::sync::Mutex;
use gors::sync::atomic::{AtomicU32, Ordering::SeqCst};
use gors::time::sleep;

const COURSES: u32 = 5;
const BITE: Duration = Duration::from_millis(1);

type Fork = Arc<Mutex<()>>;

struct Philosopher {
    name: &'static str,
    first: Fork,
    second: Fork,
    eaten: AtomicU32,
}

impl Philosopher {
    fn dine(self: Arc<Self>, wg: WaitGroup) {
        defer!(wg.done());
        for _ in 0..COURSES {
            self.eat();
            sleep(BITE); // thinks
        }
    }

    fn eat(&self) {
        let _first = self.first.lock();
        let _second = self.second.lock();
        sleep(BITE);
        self.eaten.fetch_add(1, SeqCst);
    }
}

#[gors::main]
fn main() {
    let names = ["Plato", "Locke", "Pascal", "Kant", "Hume"];
    let forks = names.map(|_| Fork::default());

    let mut philosophers = Vec::new();
    for (i, name) in names.into_iter().enumerate() {
        // All take the fork with the lower number first: so nobody waits in a circle.
        let (left, right) = (i, (i + 1) % names.len());
        philosophers.push(Arc::new(Philosopher {
            name,
            first: forks[left.min(right)].clone(),
            second: forks[left.max(right)].clone(),
            eaten: AtomicU32::new(0),
        }));
    }

    let wg = WaitGroup::new();
    for p in &philosophers {
        wg.add(1);
        go!(p.clone().dine(wg.clone()));
    }
    wg.wait();

    for p in philosophers {
        println!("{} has eaten {} times", p.name, p.eaten.load(SeqCst));
    }
    println!("the table is empty");
}
