//! A question goes to several backends at the same time; the answers come back together, or the
//! first failure ends them all.
//!
//! Go: `examples/go/programs/fan_out`.

use std::sync::Arc;

use gors::context::{self, Context};
use gors::prelude::*;
use gors::sync::Mutex;
use gors::sync::errgroup::Group;
use gors::time::after;

type Error = Box<dyn std::error::Error + Send + Sync>;
type Result<T> = std::result::Result<T, Error>;

type Search = Arc<dyn Fn(&Context, &str) -> Result<String> + Send + Sync>;

/// A backend that answers after a while, unless nobody waits any more.
fn backend(kind: &'static str, takes: Duration) -> Search {
    Arc::new(move |ctx, query| {
        select! {
            recv(after(takes)) -> _ => Ok(format!("{kind} result for {query:?}")),
            recv(ctx.done()) -> _ => Err(ctx.err().unwrap().into()),
        }
    })
}

fn broken(_ctx: &Context, _query: &str) -> Result<String> {
    Err("news: unavailable".into())
}

fn ask(ctx: &Context, query: &'static str, backends: &[Search]) -> Result<Vec<String>> {
    let (g, ctx) = Group::<Error>::with_context(ctx);
    let results = Arc::new(Mutex::new(vec![String::new(); backends.len()]));
    for (i, search) in backends.iter().cloned().enumerate() {
        let (ctx, results) = (ctx.clone(), results.clone());
        g.go(move || {
            let result = search(&ctx, query)?;
            results.lock()[i] = result;
            Ok(())
        });
    }
    g.wait()?;
    let results = std::mem::take(&mut *results.lock());
    Ok(results)
}

fn report(results: Result<Vec<String>>) {
    match results {
        Err(err) => println!("failed: {err}"),
        Ok(results) => {
            for result in results {
                println!("{result}");
            }
        }
    }
}

#[gors::main]
fn main() {
    let web = backend("web", Duration::from_millis(15));
    let image = backend("image", Duration::from_millis(10));
    let video = backend("video", Duration::from_millis(5));
    let slow = backend("archive", Duration::from_secs(3600));

    let ctx = Context::background();
    report(ask(&ctx, "gophers", &[web.clone(), image, video]));

    // The failure of one ends the wait for the slow one.
    report(ask(&ctx, "gophers", &[web, slow.clone(), Arc::new(broken)]));

    // So does the time limit.
    let (ctx, cancel) = context::with_timeout(&ctx, Duration::from_millis(20));
    let _cancel = cancel.cancel_on_drop();
    report(ask(&ctx, "gophers", &[slow.clone(), slow]));
}
