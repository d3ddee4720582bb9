//! A progress bar that a goroutine keeps up to date: on a terminal a bar, elsewhere a line each
//! second.

use std::fmt::Write;
use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicU64, Ordering};

use gors::chan::tick;
use gors::prelude::*;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use crate::format::grouped;

/// A bar on standard error.
pub(crate) struct Bar {
    stop: Chan<()>,
    stopped: JoinHandle<()>,
}

impl Bar {
    /// Shows how `counter` goes up to `total`, until [`finish`](Self::finish).
    pub(crate) fn show(what: &'static str, total: u64, counter: &'static AtomicU64) -> Self {
        let stop = make(0);
        let until = stop.clone();
        let stopped = if std::io::stderr().is_terminal() {
            spawn(move || draw(what, total, counter, &until))
        } else {
            spawn(move || tell(what, total, counter, &until))
        };
        Self { stop, stopped }
    }

    /// Shows the last state.
    pub(crate) fn finish(self) {
        self.stop.close();
        self.stopped.join().expect("a bar does not panic");
    }
}

fn draw(what: &'static str, total: u64, counter: &AtomicU64, stop: &Chan<()>) {
    let style = "{msg} {wide_bar:.cyan/blue} {human_pos:>11} of {human_len} {rate:>13}";
    let style = ProgressStyle::with_template(style)
        .expect("the template is one")
        .with_key("rate", |state: &ProgressState, out: &mut dyn Write| {
            // An error of the terminal is not worth more than a missing figure.
            let _ = write!(out, "{}/s", grouped(state.per_sec() as u64));
        });
    let bar = ProgressBar::new(total).with_style(style).with_message(what);
    let frames = tick(Duration::from_millis(50));
    loop {
        bar.set_position(counter.load(Ordering::Relaxed));
        select! {
            recv(frames) -> _ => {}
            recv(stop) -> _ => break,
        }
    }
    bar.set_position(counter.load(Ordering::Relaxed));
    bar.abandon();
}

fn tell(what: &str, total: u64, counter: &AtomicU64, stop: &Chan<()>) {
    let total = grouped(total);
    let lines = tick(Duration::from_secs(1));
    loop {
        select! {
            recv(lines) -> _ => {}
            recv(stop) -> _ => break,
        }
        eprintln!(
            "{what} {} of {total}",
            grouped(counter.load(Ordering::Relaxed))
        );
    }
    eprintln!(
        "{what} {} of {total}",
        grouped(counter.load(Ordering::Relaxed))
    );
}
