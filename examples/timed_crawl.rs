//! Crawls a site that exists only in this program, a few pages at a time, until all pages are
//! known, the time is over, or the user presses Ctrl-C.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use gors::context::{self, Context, ContextError};
use gors::prelude::*;
use gors::signal::{self, Signal};
use gors::sync::Mutex;
use gors::time::{Ticker, after};

const SLOTS: usize = 4; // pages that are fetched at the same time

struct Page {
    delay: Duration,
    links: &'static [&'static str],
}

fn site(url: &str) -> Option<Page> {
    let (millis, links): (_, &[_]) = match url {
        "/" => (5, &["/docs", "/blog", "/about"]),
        "/docs" => (10, &["/", "/docs/go", "/docs/rs"]),
        "/docs/go" => (5, &["/docs"]),
        "/docs/rs" => (5, &["/docs", "/gone"]),
        "/blog" => (15, &["/", "/blog/1", "/blog/2"]),
        "/blog/1" => (5, &["/blog"]),
        "/blog/2" => (5, &["/blog", "/archive"]),
        "/archive" => (5_000, &[]),
        "/about" => (5, &["/"]),
        _ => return None,
    };
    let delay = Duration::from_millis(millis);
    Some(Page { delay, links })
}

#[derive(PartialEq)]
enum FetchError {
    NotFound,
    Context(ContextError),
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("not found"),
            Self::Context(error) => error.fmt(f),
        }
    }
}

impl From<ContextError> for FetchError {
    fn from(error: ContextError) -> Self {
        Self::Context(error)
    }
}

fn fetch(ctx: &Context, url: &str) -> Result<Page, FetchError> {
    let page = site(url).ok_or(FetchError::NotFound)?;
    select! {
        recv(after(page.delay)) -> _ => Ok(page),
        recv(ctx.done()) -> _ => Err(ctx.err().unwrap().into()),
    }
}

struct Visit {
    url: &'static str,
    links: Result<usize, FetchError>,
}

struct Crawler {
    slots: Chan<()>,
    results: Chan<Visit>,
    wg: WaitGroup,
    seen: Mutex<HashSet<&'static str>>,
    fetched: AtomicI64,
}

impl Crawler {
    fn start(self: &Arc<Self>, ctx: &Context, url: &'static str) {
        if self.seen.lock().insert(url) {
            self.wg.add(1);
            go!(self.clone().visit(ctx.clone(), url));
        }
    }

    fn visit(self: Arc<Self>, ctx: Context, url: &'static str) {
        defer!(self.wg.done());
        select! {
            send(self.slots, ()) -> _ => {}
            recv(ctx.done()) -> _ => {
                let links = Err(ctx.err().unwrap().into());
                self.results.send(Visit { url, links });
                return;
            }
        }
        let page = fetch(&ctx, url);
        self.slots.recv();
        self.fetched.fetch_add(1, Ordering::Relaxed);
        let (found, links) = match page {
            Ok(page) => (page.links, Ok(page.links.len())),
            Err(error) => (&[][..], Err(error)),
        };
        self.results.send(Visit { url, links });
        for link in found {
            self.start(&ctx, link);
        }
    }

    fn progress(self: Arc<Self>, done: Chan<()>) {
        let ticker = Ticker::new(Duration::from_millis(100));
        loop {
            select! {
                recv(ticker.c()) -> _ => eprintln!("{} pages", self.fetched.load(Ordering::Relaxed)),
                recv(done) -> _ => return,
            }
        }
    }
}

fn crawl(ctx: &Context, root: &'static str) -> Vec<Visit> {
    let crawler = Arc::new(Crawler {
        slots: make(SLOTS),
        results: make(0),
        wg: WaitGroup::new(),
        seen: Mutex::new(HashSet::new()),
        fetched: AtomicI64::new(0),
    });
    let done = make(0);
    go!(crawler.clone().progress(done.clone()));
    crawler.start(ctx, root);
    let c = crawler.clone();
    go!({
        c.wg.wait();
        c.results.close();
    });
    let mut all: Vec<Visit> = crawler.results.iter().collect();
    done.close();
    all.sort_by_key(|visit| visit.url);
    all
}

#[gors::main]
fn main() {
    let (ctx, stop) = signal::notify_context(&Context::background(), &[Signal::INTERRUPT]);
    defer!(stop.stop());
    let (ctx, cancel) = context::with_timeout(&ctx, Duration::from_millis(500));
    let _cancel = cancel.cancel_on_drop();

    let results = crawl(&ctx, "/");
    let mut failed = 0;
    for Visit { url, links } in &results {
        match links {
            Ok(links) => println!("{url:<10} {links} links"),
            Err(FetchError::Context(ContextError::DeadlineExceeded)) => {
                println!("{url:<10} too slow");
                failed += 1;
            }
            Err(error) => {
                println!("{url:<10} {error}");
                failed += 1;
            }
        }
    }
    println!("{} pages, {failed} failed", results.len());
}
