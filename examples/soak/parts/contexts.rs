//! Contexts.

use std::time::Instant;

use fastrand::Rng;
use gors::context::{Context, ContextError, with_cancel, with_timeout, with_value};
use gors::prelude::*;

use super::check;

/// A cancelled context takes its descendants with it, and nobody else.
pub(crate) fn tree(mut random: Rng) -> Result<(), String> {
    let (root, cancel_root) = with_cancel(&Context::background());
    // Parents come before children; node 0 is the root.
    let mut nodes = vec![(root, cancel_root, 0_usize)];
    for n in 1..random.usize(2..=40) {
        let parent = random.usize(0..n);
        let between = with_value(&nodes[parent].0, n);
        let (context, cancel) = with_cancel(&between);
        nodes.push((context, cancel, parent));
    }
    let chosen = random.usize(0..nodes.len());
    let mut cancelled = vec![false; nodes.len()];
    cancelled[chosen] = true;
    for n in 1..nodes.len() {
        cancelled[n] |= cancelled[nodes[n].2];
    }
    let waits: Vec<_> = nodes
        .iter()
        .map(|(context, _, _)| {
            let context = context.clone();
            spawn(move || {
                let ended = context.done().recv().is_err();
                (ended, context.err())
            })
        })
        .collect();
    gosched();
    nodes[chosen].1.cancel();
    for (n, (context, _, _)) in nodes.iter().enumerate() {
        let expected = cancelled[n].then_some(ContextError::Canceled);
        check("error", context.err(), expected)?;
        if n > 0 {
            check("value", context.value::<usize>(), Some(&n))?;
        }
    }
    nodes[0].1.cancel();
    for wait in waits {
        let end = wait.join().map_err(|error| error.to_string())?;
        check("end", end, (true, Some(ContextError::Canceled)))?;
    }
    Ok(())
}

/// A deadline ends what waits for it, not early; a child ends with its parent's.
pub(crate) fn deadlines(mut random: Rng) -> Result<(), String> {
    let handles: Vec<_> = (0..random.usize(1..=10))
        .map(|_| {
            let [outer, inner] = [(); 2].map(|()| Duration::from_micros(random.u64(0..1_500)));
            let cancels = random.u32(0..3) == 0;
            spawn(move || -> Result<(), String> {
                let begin = Instant::now();
                let (parent, cancel) = with_timeout(&Context::background(), outer);
                let (child, _keep) = with_timeout(&parent, inner);
                if cancels {
                    cancel.cancel();
                }
                let never = make::<()>(0);
                select! {
                    recv(never) -> _ => return Err("a value out of nothing".to_owned()),
                    recv(child.done()) -> _ => {}
                }
                let early = begin.elapsed() < outer.min(inner);
                match child.err() {
                    Some(ContextError::DeadlineExceeded) => check("early", early, false),
                    Some(ContextError::Canceled) => check("cancelled by nobody", cancels, true),
                    None => Err("done without an error".to_owned()),
                }
            })
        })
        .collect();
    for handle in handles {
        handle.join().map_err(|error| error.to_string())??;
    }
    Ok(())
}
