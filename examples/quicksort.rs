//! Sorts the two sides of a partition at the same time. A `scope` lets goroutines borrow them.
//!
//! Go: `examples/go/programs/quicksort`.

use gors::prelude::*;

const LENGTH: usize = 200_000;
/// Shorter parts are not worth a goroutine.
const SMALL: usize = 1_000;

/// A fixed sequence of numbers.
fn numbers(n: usize) -> Vec<u32> {
    let mut x = 1_u32;
    let next = || {
        x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        x >> 8
    };
    std::iter::repeat_with(next).take(n).collect()
}

/// Returns where the pivot is when smaller numbers are left of it and others right.
fn partition(a: &mut [u32]) -> usize {
    let last = a.len() - 1;
    a.swap(a.len() / 2, last);
    let mut at = 0;
    for i in 0..last {
        if a[i] < a[last] {
            a.swap(i, at);
            at += 1;
        }
    }
    a.swap(at, last);
    at
}

fn quicksort(a: &mut [u32]) {
    if a.len() < 2 {
        return;
    }
    let length = a.len();
    let at = partition(a);
    let (left, right) = a.split_at_mut(at);
    let right = &mut right[1..];
    if length < SMALL {
        quicksort(left);
        quicksort(right);
        return;
    }
    scope(|s| {
        s.go(|| quicksort(left));
        quicksort(right);
    });
}

#[gors::main]
fn main() {
    let mut a = numbers(LENGTH);
    println!("sorted before: {}", a.is_sorted());
    quicksort(&mut a);
    println!("sorted after: {}", a.is_sorted());
    println!("smallest: {}", words(&a[..3]));
    println!("median: {}", a[LENGTH / 2]);
    println!("largest: {}", words(&a[LENGTH - 3..]));
}

/// Numbers as Go prints a slice.
fn words(a: &[u32]) -> String {
    let words: Vec<_> = a.iter().map(u32::to_string).collect();
    format!("[{}]", words.join(" "))
}
