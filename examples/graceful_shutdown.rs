//! A server that ends on SIGTERM: takes no more requests, finishes those that it has, and does not
//! wait for ever.
//!
//! Go: `examples/go/programs/graceful_shutdown`.

use std::sync::Arc;

use gors::context::{Context, ContextError};
use gors::prelude::*;
use gors::signal::{self, Signal};
use gors::time::{after, sleep};

const PATIENCE: Duration = Duration::from_secs(30);

struct Server {
    requests: Chan<u64>,
    in_flight: WaitGroup,
}

impl Server {
    /// Works on one request until after the signal.
    fn handle(self: Arc<Self>, ctx: Context, id: u64, finished: Chan<u64>) {
        defer!(self.in_flight.done());
        let _ = ctx.done().recv();
        sleep(Duration::from_millis(id));
        finished.send(id);
    }

    /// Takes requests until the context is done.
    fn serve(self: Arc<Self>, ctx: Context, finished: Chan<u64>) {
        loop {
            select! {
                recv(self.requests) -> id => {
                    self.in_flight.add(1);
                    go!(self.clone().handle(ctx.clone(), id.unwrap(), finished.clone()));
                }
                recv(ctx.done()) -> _ => return,
            }
        }
    }

    /// Waits for the requests in flight, for a while.
    fn drain(&self) -> Result<(), ContextError> {
        let drained = make::<()>(0);
        let (in_flight, all) = (self.in_flight.clone(), drained.clone());
        go!({
            in_flight.wait();
            all.close();
        });
        select! {
            recv(drained) -> _ => Ok(()),
            recv(after(PATIENCE)) -> _ => Err(ContextError::DeadlineExceeded),
        }
    }
}

#[gors::main]
fn main() -> Result<(), ContextError> {
    let (ctx, stop) = signal::notify_context(&Context::background(), &[Signal::TERMINATE]);
    defer!(stop.stop());

    let s = Arc::new(Server {
        requests: make(0),
        in_flight: WaitGroup::new(),
    });
    let finished = make(3);
    let served = make::<()>(0);
    {
        let (s, ctx, finished, served) = (s.clone(), ctx.clone(), finished.clone(), served.clone());
        go!({
            s.serve(ctx, finished);
            served.close();
        });
    }
    for id in 1..=3 {
        s.requests.send(id);
    }
    println!("serving 3 requests");

    let _ = ctx.done().recv();
    println!("{}", ctx.cause().unwrap());
    served.recv();
    println!("no more requests");
    s.drain()?;
    finished.close();
    let sum: u64 = finished.into_iter().sum();
    println!("all finished, sum of their numbers: {sum}");
    Ok(())
}
