//! What the user sees: a line that is alive, and the table at the end.

use std::io::IsTerminal as _;
use std::sync::Arc;

use gors::chan::tick;
use gors::prelude::*;
use indicatif::{ProgressBar, ProgressStyle};

use crate::format::{grouped, print_table};
use crate::lanes::Lanes;
use crate::memory;
use crate::options::Options;
use crate::parts::PARTS;
use crate::stats;

/// How much more memory than early on may be resident at the end: bursts come and go.
const SLACK: u64 = 64 << 20;

/// Shows how far it is, and looks at the memory.
pub(crate) struct Report {
    stop: Chan<()>,
    goroutine: JoinHandle<Result<(), String>>,
}

impl Report {
    pub(crate) fn start(lanes: Arc<Lanes>, options: Options) -> Self {
        let stop = make(0);
        let until = stop.clone();
        Self {
            stop,
            goroutine: spawn(move || show(&lanes, options, &until)),
        }
    }

    /// Ends the line.
    ///
    /// # Errors
    ///
    /// If memory has grown since the first fifth of the time.
    pub(crate) fn finish(self) -> Result<(), String> {
        self.stop.close();
        self.goroutine
            .join()
            .expect("showing progress does not panic")
    }
}

fn show(lanes: &Lanes, options: Options, stop: &Chan<()>) -> Result<(), String> {
    let terminal = std::io::stderr().is_terminal();
    let bar = if terminal {
        let style = ProgressStyle::with_template("soak {wide_bar:.cyan/blue} {msg}")
            .expect("the template is one");
        ProgressBar::new(options.time.as_secs()).with_style(style)
    } else {
        ProgressBar::hidden()
    };
    let frames = tick(Duration::from_millis(if terminal { 200 } else { 10_000 }));
    let mut early = None;
    loop {
        select! {
            recv(frames) -> _ => {}
            recv(stop) -> _ => break,
        }
        let elapsed = lanes.elapsed();
        if early.is_none() && elapsed > options.time / 5 {
            early = memory::resident();
        }
        let text = line(lanes, options);
        if terminal {
            bar.set_position(elapsed.as_secs());
            bar.set_message(text);
        } else {
            eprintln!("soak: {text}");
        }
    }
    bar.finish_and_clear();
    match (early, memory::resident()) {
        (Some(early), Some(late)) if late > 2 * early + SLACK => Err(format!(
            "memory has grown from {} to {}",
            memory::in_words(early),
            memory::in_words(late)
        )),
        _ => Ok(()),
    }
}

fn line(lanes: &Lanes, options: Options) -> String {
    let rounds: u64 = lanes.iter().map(|lane| lane.rounds()).sum();
    let stats = gors::runtime::stats();
    format!(
        "{} of {} s, {} rounds, {} goroutines, {} threads, {}, seed {}",
        lanes.elapsed().as_secs(),
        options.time.as_secs(),
        grouped(rounds),
        grouped(stats.goroutines as u64),
        stats.workers,
        memory::resident().map_or_else(String::new, memory::in_words),
        options.seed,
    )
}

/// The table at the end.
pub(crate) fn print(lanes: &Lanes, options: Options, resized: u64) {
    let mut rows = Vec::new();
    let mut total = 0;
    for part in PARTS {
        let of_part = || lanes.iter().filter(|lane| std::ptr::eq(lane.part, part));
        let rounds: u64 = of_part().map(|lane| lane.rounds()).sum();
        let slowest = of_part()
            .map(|lane| lane.slowest())
            .max()
            .unwrap_or_default();
        total += rounds;
        rows.push((
            part.name,
            grouped(rounds),
            format!("slowest {:.1} ms", slowest.as_secs_f64() * 1e3),
        ));
    }
    let peak = memory::resident_peak().map_or_else(String::new, memory::in_words);
    let now = memory::resident().map_or_else(String::new, memory::in_words);
    rows.push((
        "all rounds",
        grouped(total),
        format!("seed {}", options.seed),
    ));
    rows.extend(stats::rows(&gors::runtime::stats()));
    rows.extend([
        ("gomaxprocs", grouped(resized), "times changed".to_owned()),
        ("memory", peak, format!("at its peak, {now} at the end")),
    ]);
    print_table(
        &format!(
            "soak: {:.1} minutes, all right",
            lanes.elapsed().as_secs_f64() / 60.0
        ),
        &rows,
    );
}
