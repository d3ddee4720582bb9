//! The job, and the sieve that checks it.

/// Whether `n` is prime, by trial division: the goroutine's work.
pub(crate) fn is_prime(n: u64) -> bool {
    if n < 4 {
        return n > 1;
    }
    if n.is_multiple_of(2) || n.is_multiple_of(3) {
        return false;
    }
    let mut divisor = 5;
    while divisor * divisor <= n {
        if n.is_multiple_of(divisor) || n.is_multiple_of(divisor + 2) {
            return false;
        }
        divisor += 6;
    }
    true
}

/// How many primes there are below `limit` and what their sum is, by the sieve of Eratosthenes.
pub(crate) fn count_and_sum(limit: u64) -> (u64, u64) {
    let limit = usize::try_from(limit).expect("a count of goroutines fits into memory");
    let mut composite = vec![false; limit];
    let (mut count, mut sum) = (0, 0);
    for n in 2..limit {
        if composite[n] {
            continue;
        }
        count += 1;
        sum += n as u64;
        for multiple in (n.saturating_mul(n)..limit).step_by(n) {
            composite[multiple] = true;
        }
    }
    (count, sum)
}
