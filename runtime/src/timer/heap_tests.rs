//! The heap against a list.

use super::*;

fn timer() -> Box<Node> {
    Box::new(Node::new(0, RecordPtr(ptr::null_mut())))
}

fn push(heap: &mut Heap, timer: &Node, when: u64) {
    timer.when.set(when);
    // SAFETY: the tests' timers outlive the heap's use of them.
    unsafe { heap.push(when, timer) };
}

fn remove(heap: &mut Heap, timer: &Node) {
    heap.remove(timer.handle.load(Ordering::Relaxed));
}

/// Timers that are armed, moved and removed at random. Catches a wrong sift, a removed or put-off timer
/// that counts as a deadline or fires early, ties out of the order of arming, a handle that two have,
/// and entries that pile up.
#[test]
fn fires_in_order_of_deadline_then_of_arming() {
    const TIMERS: u64 = 200;
    let mut seed = 7_u64;
    let mut random = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) % below
    };
    let timers: Vec<_> = (0..TIMERS).map(|_| timer()).collect();
    let mut armed: Vec<Option<(u64, u64)>> = vec![None; timers.len()];
    let first = |armed: &[Option<(u64, u64)>]| armed.iter().flatten().min().copied();
    // Orders of arming wrap on the way.
    let mut heap = Heap {
        sequence: u32::MAX - 5_000,
        ..Heap::new()
    };
    let (mut now, mut most) = (0, 0);
    for step in 0..20_000 {
        // Times in which most are armed, in which few are, and in which time stands still.
        let (mostly_removed, still) = (step / 1_000 % 2 == 1, step / 2_000 % 2 == 1);
        let one = random(TIMERS) as usize;
        let when = now + random(100);
        let removes = random(4) == 0 || mostly_removed && random(4) != 0;
        if removes && armed[one].take().is_some() {
            remove(&mut heap, &timers[one]);
        } else if !removes {
            match armed[one].replace((when, step)) {
                None => push(&mut heap, &timers[one], when),
                // SAFETY: it is armed.
                Some(_) => unsafe { heap.move_to(&timers[one], when) },
            }
        }
        most = most.max(armed.iter().flatten().count());
        assert!(heap.entries.len() <= most, "entries pile up");
        let earliest = first(&armed).map_or(NEVER, |(when, _)| when);
        assert!(heap.bound() <= earliest);
        if random(8) == 0 {
            assert_eq!(heap.settle(), earliest);
            assert_eq!(heap.bound(), earliest);
        }
        if !still {
            now += [0, 0, 1, 30][random(4) as usize];
        }
        while let Some(due) = first(&armed).filter(|&(when, _)| when <= now) {
            let popped = heap.pop_due(now).expect("one is due");
            let one = armed.iter().position(|one| *one == Some(due)).unwrap();
            assert!(ptr::eq(popped.node, &raw const *timers[one]));
            armed[one] = None;
        }
        assert!(heap.pop_due(now).is_none());
    }
}

/// Catches a stop, a reset, or a start in place of a stopped timer that moves an entry.
#[test]
fn what_does_not_happen_moves_nothing() {
    let timers: Vec<_> = (0..100).map(|_| timer()).collect();
    let mut heap = Heap::new();
    for (at, timer) in timers.iter().enumerate() {
        push(&mut heap, timer, at as u64);
    }
    let places = heap.places.clone();
    for round in 1..10 {
        for timer in &timers {
            // SAFETY: it is armed.
            unsafe { heap.move_to(timer, 1_000 * round) };
        }
        for timer in &timers[50..] {
            remove(&mut heap, timer);
        }
        for timer in timers[50..].iter().rev() {
            push(&mut heap, timer, 2_000 * round);
        }
    }
    assert_eq!(heap.places, places);
    assert_eq!(heap.settle(), 9_000);
}

/// Catches dead entries that are taken out one by one, each at the price of a pop, or that are never
/// taken out.
#[test]
fn many_dead_entries_are_forgotten_together() {
    let timers: Vec<_> = (0..1_000).map(|_| timer()).collect();
    let mut heap = Heap::new();
    for (at, timer) in timers.iter().enumerate() {
        push(&mut heap, timer, at as u64);
    }
    for timer in &timers[..900] {
        remove(&mut heap, timer);
    }
    assert_eq!(heap.settle(), 900);
    assert_eq!(heap.entries.len(), 100);
    for timer in &timers[900..] {
        remove(&mut heap, timer);
    }
    assert_eq!(heap.settle(), NEVER);
}
