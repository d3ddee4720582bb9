//! Ring, prime sieve, skynet and matrix multiplication.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::{Channels, timed};
use crate::measure::{Report, Task};

/// A token goes round `a` goroutines.
pub(crate) fn ring<R: Channels>(task: &Task) -> Report {
    let size = task.a;
    timed(task, |n| {
        let (first, mut rx) = R::chan::<u64>(0);
        for _ in 1..size {
            let (tx, next) = R::chan::<u64>(0);
            let from = std::mem::replace(&mut rx, next);
            R::go(move || {
                while let Some(token) = R::recv(&from) {
                    R::send(&tx, token + 1);
                }
                R::close(tx);
            });
        }
        let rounds = n / size + 1;
        let mut hops = 0;
        let start = Instant::now();
        for _ in 0..rounds {
            R::send(&first, 0);
            hops += R::recv(&rx).expect("the ring broke") + 1;
        }
        let took = start.elapsed();
        assert_eq!(hops, rounds * size);
        R::close(first);
        R::recv(&rx);
        per_asked(took, hops, n)
    })
}

/// The time of `did` operations brought to the `asked` ones.
pub(crate) fn per_asked(took: Duration, did: u64, asked: u64) -> Duration {
    took.mul_f64(asked as f64 / did as f64)
}

/// The concurrent prime sieve up to the `n`-th prime. Its goroutines end with
/// the process.
pub(crate) fn sieve<R: Channels>(task: &Task) -> Report {
    let start = Instant::now();
    let (generator, mut rx) = R::chan::<u64>(0);
    R::go(move || {
        for i in 2.. {
            R::send(&generator, i);
        }
    });
    let mut prime = 0;
    for _ in 0..task.n {
        prime = R::recv(&rx).expect("the generator goes on for ever");
        let (tx, next) = R::chan::<u64>(0);
        let from = std::mem::replace(&mut rx, next);
        R::go(move || {
            while let Some(i) = R::recv(&from) {
                if i % prime != 0 {
                    R::send(&tx, i);
                }
            }
        });
    }
    let mut report = Report::per_op(start.elapsed(), task.n);
    report.extra("last_prime", prime as f64);
    // Keeps the last filter from seeing a closed channel until the exit.
    std::mem::forget(rx);
    report
}

/// A tree of goroutines, ten children each, with `n` leaves whose numbers are
/// summed up.
pub(crate) fn skynet<R: Channels>(task: &Task) -> Report {
    fn branch<R: Channels>(result: &R::Tx<u64>, number: u64, size: u64) {
        if size == 1 {
            R::send(result, number);
            return;
        }
        let size = size / 10;
        let (tx, rx) = R::chan::<u64>(10);
        for i in 0..10 {
            let tx = tx.clone();
            R::go(move || branch::<R>(&tx, number + i * size, size));
        }
        let sum = (0..10)
            .map(|_| R::recv(&rx).expect("the parent holds a sender"))
            .sum();
        R::send(result, sum);
    }
    let n = task.n;
    let mut report = Report {
        ops: n,
        ..Report::default()
    };
    for metric in ["cold", "warm"] {
        let start = Instant::now();
        let (tx, rx) = R::chan::<u64>(0);
        R::go(move || branch::<R>(&tx, 0, n));
        let sum = R::recv(&rx);
        report.value(metric, start.elapsed().as_nanos() as f64 / n as f64);
        assert_eq!(sum, Some(n * (n - 1) / 2));
    }
    report
}

/// The operands of a product. The cells of the result are atomics because
/// goroutines write to them through a shared reference; relaxed loads and
/// stores are plain moves.
#[derive(Debug)]
pub(crate) struct Product {
    x: Vec<Vec<f64>>,
    y: Vec<Vec<f64>>,
    z: Vec<Vec<AtomicU64>>,
}

/// A block of the product: rows, columns, and the summed dimension.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    i: (usize, usize),
    j: (usize, usize),
    k: (usize, usize),
}

/// What is to be done with a block.
#[derive(Debug)]
pub(crate) enum Split {
    /// Both halves may run at the same time.
    Parallel(Block, Block),
    /// Both halves add to the same cells.
    Sequential(Block, Block),
    /// Small enough.
    Leaf,
}

/// Halves `from..to`.
fn halves((from, to): (usize, usize)) -> ((usize, usize), (usize, usize)) {
    let middle = from + (to - from) / 2;
    ((from, middle), (middle, to))
}

impl Block {
    const THRESHOLD: usize = 8;

    /// Go's rule: the longest side is halved, down to eight.
    pub(crate) fn split(self) -> Split {
        let [di, dj, dk] = [self.i, self.j, self.k].map(|(from, to)| to - from);
        if di >= dj && di >= dk && di >= Self::THRESHOLD {
            let (a, b) = halves(self.i);
            Split::Parallel(Self { i: a, ..self }, Self { i: b, ..self })
        } else if dj >= dk && dj >= Self::THRESHOLD {
            let (a, b) = halves(self.j);
            Split::Parallel(Self { j: a, ..self }, Self { j: b, ..self })
        } else if dk >= Self::THRESHOLD {
            let (a, b) = halves(self.k);
            Split::Sequential(Self { k: a, ..self }, Self { k: b, ..self })
        } else {
            Split::Leaf
        }
    }
}

impl Product {
    /// Two matrices with room for `n` multiply-adds, and their whole block.
    /// They are leaked: goroutines borrow them for good, as Go's slices do.
    pub(crate) fn leak(n: u64) -> (&'static Self, Block) {
        let n = (n as f64).cbrt() as usize + 1;
        let matrix = || -> Vec<Vec<f64>> {
            (0..n)
                .map(|i| (0..n).map(|j| (i * n + j) as f64).collect())
                .collect()
        };
        let (x, y) = (matrix(), matrix());
        let z = matrix()
            .into_iter()
            .map(|row| {
                row.into_iter()
                    .map(|cell| AtomicU64::new(cell.to_bits()))
                    .collect()
            })
            .collect();
        let whole = Block {
            i: (0, n),
            j: (0, n),
            k: (0, n),
        };
        (Box::leak(Box::new(Self { x, y, z })), whole)
    }

    /// Does one small block.
    pub(crate) fn compute(&self, block: Block) {
        for i in block.i.0..block.i.1 {
            for j in block.j.0..block.j.1 {
                for k in block.k.0..block.k.1 {
                    let cell = &self.z[i][j];
                    let sum =
                        f64::from_bits(cell.load(Ordering::Relaxed)) + self.x[i][k] * self.y[k][j];
                    cell.store(sum.to_bits(), Ordering::Relaxed);
                }
            }
        }
    }
}

/// Divide and conquer; the operations are the multiply-adds.
pub(crate) fn matmult<R: Channels>(task: &Task) -> Report {
    fn multiply<R: Channels>(product: &'static Product, block: Block) {
        match block.split() {
            Split::Parallel(a, b) => {
                let (tx, rx) = R::chan::<()>(1);
                R::go(move || {
                    multiply::<R>(product, a);
                    R::send(&tx, ());
                });
                multiply::<R>(product, b);
                R::recv(&rx);
            }
            Split::Sequential(a, b) => {
                multiply::<R>(product, a);
                multiply::<R>(product, b);
            }
            Split::Leaf => product.compute(block),
        }
    }
    timed(task, |n| {
        let (product, whole) = Product::leak(n);
        let start = Instant::now();
        multiply::<R>(product, whole);
        start.elapsed()
    })
}
