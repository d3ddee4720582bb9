//! Connections that goroutines share: taken out of a pool, put back, made when the pool has none.
//!
//! Go: `examples/go/programs/resource_pool`, which has the pool itself, too.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use gors::patterns::pool::{Error, Pool};
use gors::prelude::*;
use gors::time::sleep;

static MADE: AtomicU32 = AtomicU32::new(0);
static OPEN: AtomicU32 = AtomicU32::new(0);

struct Connection {
    id: u32,
}

fn connect() -> Result<Connection, Infallible> {
    OPEN.fetch_add(1, SeqCst);
    let id = MADE.fetch_add(1, SeqCst) + 1;
    Ok(Connection { id })
}

impl Drop for Connection {
    fn drop(&mut self) {
        OPEN.fetch_sub(1, SeqCst);
    }
}

fn open() -> u32 {
    OPEN.load(SeqCst)
}

#[gors::main]
fn main() -> Result<(), Error> {
    if let Err(error) = Pool::new(connect, 0) {
        println!("{error}");
    }

    let p = Arc::new(Pool::new(connect, 2)?);
    let (a, b, c) = (p.acquire()?, p.acquire()?, p.acquire()?);
    println!(
        "connections {} {} {} are new; {} open",
        a.id,
        b.id,
        c.id,
        open()
    );
    p.release(a);
    p.release(b);
    p.release(c);
    println!("room for two; {} open", open());
    let a = p.acquire()?;
    println!("connection {} again", a.id);

    let wg = WaitGroup::new();
    for _ in 0..8 {
        let p = p.clone();
        wg.go(move || {
            let c = p.acquire().unwrap();
            sleep(Duration::from_millis(1)); // a query
            p.release(c);
        });
    }
    wg.wait();
    p.release(a);
    println!("8 queries; {} open", open());

    let a = p.acquire()?;
    p.close();
    p.release(a);
    if let Err(error) = p.acquire() {
        println!("{error} {} open", open());
    }
    Ok(())
}
