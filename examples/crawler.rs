//! Crawls pages that exist only in this program. Many pages share a host, whose address is looked
//! up once, however many ask at the same time.
//!
//! Go: `examples/go/programs/crawler`.

use std::collections::BTreeMap;
use std::sync::Arc;

use gors::prelude::*;
use gors::sync::atomic::{AtomicU32, Ordering::SeqCst};
use gors::sync::{Map, Mutex, singleflight};
use gors::time::sleep;

type Url = &'static str;

fn pages(url: Url) -> Option<&'static [Url]> {
    Some(match url {
        "golang.org/" => &["golang.org/doc", "golang.org/pkg", "go.dev/blog"],
        "golang.org/doc" => &["golang.org/", "golang.org/ref/spec"],
        "golang.org/pkg" => &["golang.org/", "golang.org/pkg/fmt", "golang.org/pkg/os"],
        "golang.org/pkg/fmt" => &["golang.org/pkg"],
        "golang.org/pkg/os" => &["golang.org/pkg", "go.dev/gone"],
        "golang.org/ref/spec" => &[],
        "go.dev/blog" => &["go.dev/blog/pipelines", "go.dev/blog/context"],
        "go.dev/blog/context" => &["golang.org/", "go.dev/blog"],
        _ => return None,
    })
}

/// Remembers addresses.
#[derive(Default)]
struct Resolver {
    flights: singleflight::Group<&'static str, String>,
    known: Map<&'static str, String>,
    lookups: AtomicU32,
}

impl Resolver {
    fn address(&self, host: &'static str) -> String {
        if let Some(address) = self.known.load(host) {
            return address;
        }
        let (address, _) = self.flights.work(host, || {
            // A flight may have landed since the look above.
            if let Some(address) = self.known.load(host) {
                return address;
            }
            self.lookups.fetch_add(1, SeqCst);
            sleep(Duration::from_millis(5));
            let address = format!("10.0.0.{}", host.len());
            self.known.store(host, address.clone());
            address
        });
        address
    }
}

#[derive(Default)]
struct Crawler {
    resolver: Resolver,
    wg: WaitGroup,
    found: Mutex<BTreeMap<Url, String>>,
}

impl Crawler {
    /// Tells whether url has not been seen before.
    fn first(&self, url: Url) -> bool {
        let mut found = self.found.lock();
        if found.contains_key(url) {
            return false;
        }
        found.insert(url, String::new());
        true
    }

    fn crawl(self: &Arc<Self>, url: Url) {
        if !self.first(url) {
            return;
        }
        let c = self.clone();
        self.wg.go(move || {
            let (host, _) = url.split_once('/').unwrap();
            let address = c.resolver.address(host);
            let links = pages(url);
            for link in links.unwrap_or_default() {
                c.crawl(link);
            }
            let line = match links {
                Some(links) => format!("{} links, from {address}", links.len()),
                None => format!("not found at {address}"),
            };
            c.found.lock().insert(url, line);
        });
    }
}

#[gors::main]
fn main() {
    let c = Arc::new(Crawler::default());
    c.crawl("golang.org/");
    c.wg.wait();

    let found = c.found.lock();
    for (url, line) in &*found {
        println!("{url:<21} {line}");
    }
    let lookups = c.resolver.lookups.load(SeqCst);
    println!("{} pages, {lookups} lookups", found.len());
}
